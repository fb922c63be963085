"""Routes that only the demo has: time control, paying, the outbox page's data. No secret key reaches a browser."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncEngine

from api.dependencies import MerchantDep, Now, SessionDep, ShopperDep
from api.orders import OrderRead
from api.outbox import OutboxEntryRead
from api.problems import responses
from api.route import TransactionRoute
from api.schemas import Body, Page, Schema
from app.demo.clock import advance
from db.clock import read_clock
from db.session import transaction
from db.tables.carts import PaymentState
from delivery import service as delivery
from policy.errors import NotFound
from recovery import service as recovery


class Advance(Body):
    advance_minutes: int = Field(ge=1, le=43_200, description="At most 30 days at once.")


class ShopTime(Schema):
    now: datetime


class Pay(Body):
    cart_id: UUID


def demo_api(engine: AsyncEngine) -> APIRouter:
    """`POST /demo/clock`, with the secret key."""
    # Not a TransactionRoute's session: the clock moves in many transactions, and workers must see each.
    router = APIRouter(prefix="/demo", tags=["Demo"])
    checked = APIRouter(route_class=TransactionRoute)

    @checked.post("/clock", responses=responses(403, 503))
    async def move_clock(body: Advance, merchant: MerchantDep) -> ShopTime:  # noqa: ARG001
        """Live through some time: answered when what became due by then has been done."""
        return ShopTime(now=await advance(engine, timedelta(minutes=body.advance_minutes)))

    router.include_router(checked)
    return router


def demo_pages(engine: AsyncEngine, company_id: UUID) -> APIRouter:
    """What the demo's own pages ask for, keyless: reachable from this machine only, for this shop only."""
    router = APIRouter(prefix="/demo", include_in_schema=False)
    paying = APIRouter(route_class=TransactionRoute)

    @paying.post("/pay")
    async def pay(body: Pay, shopper: ShopperDep, session: SessionDep, now: Now) -> OrderRead:
        """Stand in for the merchant's server: the payment worked, the order is reported."""
        if body.cart_id != shopper.cart_id:
            raise NotFound("There is no such cart.")
        order = await recovery.convert(
            session,
            shopper.cart_id,
            company_id=shopper.company_id,
            order_id=f"DEMO-{shopper.cart_id.hex[-10:].upper()}",
            payment_state=PaymentState.PAID,
            now=now,
        )
        return OrderRead.of(order)

    router.include_router(paying)

    @router.post("/clock.json")
    async def move_clock(body: Advance) -> ShopTime:
        return ShopTime(now=await advance(engine, timedelta(minutes=body.advance_minutes)))

    @router.get("/state.json")
    async def state() -> ShopTime:
        async with transaction(engine, company_id=None) as session:
            return ShopTime(now=await read_clock(session))

    @router.get("/outbox.json")
    async def outbox(cart_id: Annotated[UUID | None, Query(alias="cartId")] = None) -> Page[OutboxEntryRead]:
        async with transaction(engine, company_id=company_id) as session:
            page = await delivery.list_outbox(session, company_id=company_id, cart_id=cart_id, limit=100)
        return Page(items=[OutboxEntryRead.of(each) for each in page.items])

    return router
