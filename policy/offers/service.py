"""The offer ledger: propose, commit, keep, redeem (rules 2.2). Locks in order: cart, grants, person, budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.carts import Cart
from db.tables.policy import Grant, GrantSource, GrantStatus
from db.tables.recovery import CartAbandonmentReason, CartSaveStage
from policy.errors import Conflict, NotFound
from policy.offers import rules
from policy.offers.assessment import Assessment, assess
from policy.offers.facts import Intent
from policy.offers.repository import OfferRepository
from policy.offers.rules import DeniedCode

UNDIAGNOSED = "UNDIAGNOSED"


class NoSuchCart(NotFound):
    code = "no_such_cart"
    title = "No such cart"


class NoSuchGrant(NotFound):
    code = "no_such_grant"
    title = "No such offer"


class PromiseStands(Conflict):
    code = "promise_stands"
    title = "An offer that was made is kept until it expires"


@dataclass(frozen=True, slots=True)
class OfferGranted:
    """The grant that stands now. `is_new` is false for one that stood already, or for a repeated call."""

    grant: Grant
    is_new: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing is granted. `say` is a sentence for the shopper that promises nothing."""

    code: DeniedCode
    say: str


async def live_grant(session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime) -> Grant | None:
    """The grant that lowers the cart's price now."""
    return await OfferRepository(session).live(cart_id, company_id=company_id, now=now)


async def grants_of(session: AsyncSession, cart_id: UUID, *, company_id: UUID) -> list[Grant]:
    """Every grant of the cart, taken or not."""
    return await OfferRepository(session).grants(cart_id, company_id=company_id)


async def propose(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    reason: CartAbandonmentReason | None,
    source: GrantSource,
    now: datetime,
    idempotency_key: str,
    stage: CartSaveStage | None = None,
    asked_percent: Decimal | None = None,
) -> OfferGranted | Refused:
    """Write down what may be offered, without giving it yet: `commit` asks again.

    Returns the live grant where nothing better may be given. `idempotency_key` is unique within the cart.
    """
    intent = Intent(source, reason, stage, asked_percent)
    return await _offer(session, cart_id, intent, company_id=company_id, key=idempotency_key, commit=False, now=now)


async def grant(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    reason: CartAbandonmentReason | None,
    source: GrantSource,
    now: datetime,
    idempotency_key: str,
    stage: CartSaveStage | None = None,
    asked_percent: Decimal | None = None,
) -> OfferGranted | Refused:
    """Propose and commit at once: what a conversation does, where the shopper hears of it right away."""
    intent = Intent(source, reason, stage, asked_percent)
    return await _offer(session, cart_id, intent, company_id=company_id, key=idempotency_key, commit=True, now=now)


async def commit(session: AsyncSession, grant_id: UUID, *, company_id: UUID, now: datetime) -> OfferGranted | Refused:
    """Give what was proposed, exactly as proposed, if every rule still allows it; otherwise revoke the proposal.

    Repeated on a grant that is committed it changes nothing.
    """
    offers = OfferRepository(session)
    found = await offers.grant(grant_id, company_id=company_id)
    if found is None:
        raise NoSuchGrant("There is no such offer.")
    cart, given = await _locked(session, found.cart_id, company_id=company_id, now=now)
    proposed = next(each for each in given if each.id == grant_id)
    if proposed.status in (GrantStatus.COMMITTED, GrantStatus.REDEEMED):
        return OfferGranted(proposed, is_new=False)
    if proposed.status is not GrantStatus.PROPOSED:
        return _refused(DeniedCode.ALREADY_OFFERED)
    return await _commit(session, cart, given, proposed, now=now)


async def revoke(session: AsyncSession, grant_id: UUID, *, company_id: UUID, now: datetime) -> None:
    """Drop a proposal that was not taken.

    Raises:
        PromiseStands: it was committed; what has been said is honoured until its expiry.
    """
    offers = OfferRepository(session)
    found = await offers.grant(grant_id, company_id=company_id)
    if found is None:
        raise NoSuchGrant("There is no such offer.")
    _, given = await _locked(session, found.cart_id, company_id=company_id, now=now)
    proposed = next(each for each in given if each.id == grant_id)
    if proposed.status in (GrantStatus.COMMITTED, GrantStatus.REDEEMED):
        raise PromiseStands("Only a proposal can be taken back.")
    if proposed.status is GrantStatus.PROPOSED:
        _end(proposed, GrantStatus.REVOKED, now=now)
        await offers.flush()


async def redeem(session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime) -> Grant | None:
    """The cart was ordered: its live grant is used up, its open proposals are dropped. Returns what was used."""
    _, given = await _locked(session, cart_id, company_id=company_id, now=now)
    used = None
    for each in given:
        if each.status is GrantStatus.COMMITTED:
            _end(each, GrantStatus.REDEEMED, now=now)
            used = each
        elif each.status is GrantStatus.PROPOSED:
            _end(each, GrantStatus.REVOKED, now=now)
    await OfferRepository(session).flush()
    return used


async def _locked(session: AsyncSession, cart_id: UUID, *, company_id: UUID, now: datetime) -> tuple[Cart, list[Grant]]:
    """The cart and its grants under lock, with what has run out marked as expired."""
    offers = OfferRepository(session)
    cart = await offers.lock_cart(cart_id, company_id=company_id)
    if cart is None:
        raise NoSuchCart("There is no such cart.")
    given = await offers.lock_grants(cart_id, company_id=company_id)
    for each in given:
        if each.status in (GrantStatus.COMMITTED, GrantStatus.PROPOSED) and each.expires_at <= now:
            _end(each, GrantStatus.EXPIRED, now=now)
    await offers.flush()
    return cart, given


async def _offer(
    session: AsyncSession,
    cart_id: UUID,
    intent: Intent,
    *,
    company_id: UUID,
    key: str,
    commit: bool,
    now: datetime,
) -> OfferGranted | Refused:
    offers = OfferRepository(session)
    cart, given = await _locked(session, cart_id, company_id=company_id, now=now)
    key = f"{cart_id}:{key}"
    before = next((each for each in given if each.idempotency_key == key), None)
    if before is not None:
        return await _repeat(session, cart, given, before, commit=commit, now=now)
    found = await assess(session, cart, given, intent, now=now, locking=commit)
    match found.decision:
        case rules.Denied():
            return _refused(found.decision.code)
        case rules.Keep():
            return OfferGranted(next(each for each in given if each.id == found.decision.existing.id), is_new=False)
    written = _row(cart, intent, found, found.decision, key=key, now=now)
    if commit:
        await _replace(session, given, now=now)
        written.status, written.committed_at = GrantStatus.COMMITTED, now
    offers.add(written)
    await offers.flush()
    return OfferGranted(written, is_new=True)


async def _repeat(
    session: AsyncSession, cart: Cart, given: Sequence[Grant], before: Grant, *, commit: bool, now: datetime
) -> OfferGranted | Refused:
    """The answer to a call whose key has been seen: what came of it, or what stands in its place now."""
    if before.status is GrantStatus.PROPOSED and commit:
        return await _commit(session, cart, given, before, now=now)
    if before.status in (GrantStatus.PROPOSED, GrantStatus.COMMITTED, GrantStatus.REDEEMED):
        return OfferGranted(before, is_new=False)
    live = next((each for each in given if each.status is GrantStatus.COMMITTED), None)
    return _refused(DeniedCode.ALREADY_OFFERED) if live is None else OfferGranted(live, is_new=False)


async def _commit(
    session: AsyncSession, cart: Cart, given: Sequence[Grant], proposed: Grant, *, now: datetime
) -> OfferGranted | Refused:
    reason = None if proposed.reason == UNDIAGNOSED else CartAbandonmentReason(proposed.reason)
    stage = None if proposed.stage is None else CartSaveStage(proposed.stage)
    # Asking for what was proposed: a cap or a price that fell since then gives less, which is not what was written.
    intent = Intent(proposed.source, reason, stage, proposed.percent)
    found = await assess(session, cart, given, intent, now=now, locking=True)
    decision = found.decision
    if not isinstance(decision, rules.Proposed) or decision.percent != proposed.percent:
        _end(proposed, GrantStatus.REVOKED, now=now)
        await OfferRepository(session).flush()
        return _refused(DeniedCode.CAP if isinstance(decision, rules.Proposed) else decision.code)
    # What it replaces was said to last this long.
    standing = [each.expires_at for each in given if each.status is GrantStatus.COMMITTED]
    await _replace(session, given, now=now)
    proposed.status, proposed.committed_at = GrantStatus.COMMITTED, now
    proposed.expires_at = max([proposed.expires_at, *standing])
    proposed.benefit_minor, proposed.cap_percent = decision.benefit_minor, decision.cap_percent
    proposed.policy_version, proposed.personalised = found.policy.version, decision.personalised
    proposed.person_key = found.person_key
    await OfferRepository(session).flush()
    return OfferGranted(proposed, is_new=True)


def _row(cart: Cart, intent: Intent, found: Assessment, offer: rules.Proposed, *, key: str, now: datetime) -> Grant:
    return Grant(
        company_id=cart.company_id,
        id=uuid7(),
        cart_id=cart.id,
        person_key=found.person_key,
        kind=offer.kind,
        percent=offer.percent,
        benefit_minor=offer.benefit_minor,
        currency=cart.currency,
        source=intent.source,
        stage=intent.stage,
        reason=intent.reason or UNDIAGNOSED,
        policy_version=found.policy.version,
        cap_percent=offer.cap_percent,
        status=GrantStatus.PROPOSED,
        personalised=offer.personalised,
        idempotency_key=key,
        created_at=now,
        committed_at=None,
        ended_at=None,
        expires_at=offer.expires_at,
    )


async def _replace(session: AsyncSession, given: Sequence[Grant], *, now: datetime) -> None:
    """Make room: the index allows one committed grant a cart, and the better one is about to be it."""
    for each in given:
        if each.status is GrantStatus.COMMITTED:
            _end(each, GrantStatus.REVOKED, now=now)
    await OfferRepository(session).flush()


def _end(grant: Grant, status: GrantStatus, *, now: datetime) -> None:
    grant.status, grant.ended_at = status, now


def _refused(code: DeniedCode) -> Refused:
    return Refused(code, rules.Denied(code).say)
