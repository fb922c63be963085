"""How often a caller may do one thing in a minute: a row in Postgres, so that it holds over all processes.

What is counted is what was done: the count is part of the request's transaction, and what fails is not counted.
Messages have a limit of their own (graphs.conversations), counted from their rows.
"""

import ipaddress
from datetime import timedelta
from math import ceil

from fastapi import Request

from api.dependencies import EdgeDep, PrincipalDep, SessionDep
from api.principals import Principal, Shopper
from api.repository import RateRepository
from db.clock import real_now
from policy.errors import TooManyRequests

MINUTE = timedelta(minutes=1)


async def carts_opened(request: Request, session: SessionDep, caller: PrincipalDep, edge: EdgeDep) -> None:
    """A loopback peer is this machine, or a proxy that does not say who calls: a limit would stop everybody."""
    if request.client is not None and not _is_loopback(request.client.host):
        pseudonym = edge.signer.keyed_hash(request.client.host)[:32]
        await _count(session, caller, f"carts:{pseudonym}", edge.rates.carts)


async def sessions_opened(session: SessionDep, caller: PrincipalDep, edge: EdgeDep) -> None:
    await _count(session, caller, f"sessions:{_cart(caller)}", edge.rates.sessions)


async def tokens_renewed(session: SessionDep, caller: PrincipalDep, edge: EdgeDep) -> None:
    await _count(session, caller, f"tokens:{_cart(caller)}", edge.rates.tokens)


async def _count(session: SessionDep, caller: Principal, name: str, most: int) -> None:
    now, rates = real_now(), RateRepository(session)
    window = await rates.use(name, company_id=caller.company_id, now=now, lasts=MINUTE)
    if window.used > most:
        left = (window.begins_at + MINUTE - now).total_seconds()
        raise TooManyRequests("Wait a moment, then try again.", retry_after_s=max(1, ceil(left)))
    if window.used == 1:
        await rates.forget(before=now - MINUTE, company_id=caller.company_id)


def _cart(caller: Principal) -> str:
    return str(caller.cart_id) if isinstance(caller, Shopper) else caller.name


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
