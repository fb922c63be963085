"""The links of our messages: GET shows and changes nothing, POST does it (rules C-29, H-48)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from starlette.responses import JSONResponse, Response

from db.clock import read_clock
from db.session import enter, transaction
from db.tables.carts import CartStatus
from db.tables.companies import Company
from db.tables.customers import SuppressionScope
from db.tables.recovery import CartAbandonmentReason
from policy.errors import AppError, Conflict
from policy.money import format_money
from policy.tokens import Signer, Token, TokenKind, cart_token
from recovery import responses
from recovery import service as recovery
from recovery.emails import ANSWERS
from storefront.carts import service as carts
from storefront.carts.schemas import CartView
from web.recovery.pages import (
    Choice,
    ItemView,
    RestoredCart,
    expired_page,
    restore_page,
    restored_page,
    survey_done_page,
    survey_page,
    unsubscribe_page,
)

NAMELESS = "This shop"


class LinkOver(Conflict):
    """A link that was good once: the cart has been ordered."""

    status = 410
    code = "link_over"
    title = "This link no longer works"

    def __init__(self) -> None:
        super().__init__("The cart has been ordered, or the link has expired.")


@dataclass(frozen=True)
class Visit:
    """A link that was opened: who signed it, whose it is, and the shop's time."""

    session: AsyncSession
    token: Token
    company: Company
    now: datetime


def recovery_router(engine: AsyncEngine, signer: Signer, *, shop_url: str = "/shop") -> APIRouter:
    """`/r/…` restores a cart, `/s/…` answers the survey, `/u/…` unsubscribes. The token is the whole authority."""
    router = APIRouter(include_in_schema=False)

    @asynccontextmanager
    async def visit(text: str, kind: TokenKind) -> AsyncIterator[Visit]:
        async with transaction(engine, company_id=None) as session:
            now = await read_clock(session)
            token = signer.read(text, kind=kind, now=now)
            await enter(session, token.company_id)
            yield Visit(session, token, await recovery.the_company(session, company_id=token.company_id), now)

    @router.get("/r/{token}")
    async def show(token: str) -> Response:
        try:
            async with visit(token, TokenKind.RECOVERY) as v:
                cart = await _open_cart(v)
                return restore_page(
                    company_name=v.company.name,
                    action=f"/r/{token}",
                    items=_items(cart, v.company.locale),
                    total_text=format_money(cart.grand_total_minor, cart.currency, v.company.locale),
                )
        except AppError:
            return expired_page(company_name=NAMELESS, shop_url=shop_url)

    @router.post("/r/{token}")
    async def restore(token: str, request: Request) -> Response:
        try:
            async with visit(token, TokenKind.RECOVERY) as v:
                await _open_cart(v)
                cart_id, message_id = v.token.subjects
                cart = await recovery.restore(v.session, cart_id, message_id, company_id=v.company.id, now=v.now)
                bearer = cart_token(signer, company_id=v.company.id, cart_id=cart_id)
        except AppError as error:
            return _refuse(request, error, shop_url)
        if _wants_json(request):
            return JSONResponse({"cartId": str(cart_id), "cartToken": bearer}, headers={"cache-control": "no-store"})
        return restored_page(
            company_name=v.company.name,
            cart=RestoredCart(str(cart_id), bearer, _items(cart, v.company.locale), _missing(cart)),
            shop_url=shop_url,
            checkout_url=f"{shop_url}/checkout",
        )

    @router.get("/s/{token}")
    async def ask(token: str) -> Response:
        try:
            async with visit(token, TokenKind.SURVEY) as v:
                return survey_page(
                    company_name=v.company.name,
                    action=f"/s/{token}",
                    choices=[Choice(answer, label) for answer, label in ANSWERS.items()],
                    chosen=v.token.word,
                )
        except AppError:
            return expired_page(company_name=NAMELESS, shop_url=shop_url)

    @router.post("/s/{token}")
    async def answer(
        token: str,
        request: Request,
        reason: Annotated[CartAbandonmentReason | None, Form()] = None,
        text: Annotated[str | None, Form(max_length=1000)] = None,
    ) -> Response:
        try:
            async with visit(token, TokenKind.SURVEY) as v:
                attempt_id, message_id = v.token.subjects
                given = reason or CartAbandonmentReason(v.token.word)
                await responses.answer_survey(
                    v.session,
                    attempt_id,
                    message_id,
                    given,
                    company_id=v.company.id,
                    now=v.now,
                    text=None if text is None else text.replace("\0", ""),
                )
        except AppError as error:
            return _refuse(request, error, shop_url)
        if _wants_json(request):
            return JSONResponse({"reason": given})
        return survey_done_page(company_name=v.company.name, answer=ANSWERS[given])

    @router.get("/u/{token}")
    async def confirm(token: str) -> Response:
        try:
            async with visit(token, TokenKind.UNSUBSCRIBE) as v:
                return unsubscribe_page(company_name=v.company.name, action=f"/u/{token}", done=False)
        except AppError:
            return expired_page(company_name=NAMELESS, shop_url=shop_url)

    @router.post("/u/{token}")
    async def unsubscribe(token: str, request: Request) -> Response:
        try:
            async with visit(token, TokenKind.UNSUBSCRIBE) as v:
                customer_id, _ = v.token.subjects
                await recovery.opt_out(
                    v.session,
                    customer_id,
                    company_id=v.company.id,
                    scope=SuppressionScope.ALL,
                    source="UNSUBSCRIBE_LINK",
                    signer=signer,
                    now=v.now,
                )
        except AppError as error:
            return _refuse(request, error, shop_url)
        return unsubscribe_page(company_name=v.company.name, action=f"/u/{token}", done=True)

    return router


async def _open_cart(v: Visit) -> CartView:
    """The cart of a recovery link, valid until it is ordered (decision 8)."""
    cart = await carts.read(v.session, v.token.subjects[0], company_id=v.company.id, now=v.now)
    if cart.status is CartStatus.CONVERTED:
        raise LinkOver
    return cart


def _items(cart: CartView, locale: str) -> Sequence[ItemView]:
    return [
        ItemView(
            line.name,
            line.quantity,
            format_money(line.unit_price_minor * line.quantity, cart.currency, locale),
            line.image_url,
        )
        for line in cart.lines
    ]


def _missing(cart: CartView) -> Sequence[str]:
    return [
        f"{line.name} is back in your cart, but none of it is held for you now."
        for line in cart.lines
        if line.hold_expires_at is None
    ]


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _refuse(request: Request, error: AppError, shop_url: str) -> Response:
    if _wants_json(request):
        raise error
    return expired_page(company_name=NAMELESS, shop_url=shop_url)
