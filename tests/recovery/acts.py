"""What shoppers do with a cart that is being saved."""

from datetime import datetime, timedelta

from db.tables.carts import PaymentState
from db.tables.customers import SuppressionScope
from db.tables.delivery import Message
from recovery import service
from storefront.carts import service as carts
from storefront.carts.schemas import OrderView
from tests.factories import NOW, SIGNER
from tests.recovery.shops import Shop, after


async def convert(shop: Shop, attempt_id: object, order_id: str = "1001", *, at: datetime = NOW) -> OrderView:
    attempt = await shop.attempt(attempt_id)  # type: ignore[arg-type]  # ids come as they are
    async with shop.begin() as session:
        return await service.convert(
            session,
            attempt.cart_id,
            company_id=shop.id,
            order_id=order_id,
            payment_state=PaymentState.PAID,
            now=at,
        )


async def click(shop: Shop, message: Message, *, at: datetime) -> None:
    async with shop.begin() as session:
        await service.restore(session, message.cart_id, message.id, company_id=shop.id, now=at)


async def opt_out(shop: Shop, scope: SuppressionScope = SuppressionScope.ALL) -> None:
    async with shop.begin() as session:
        await service.opt_out(
            session, shop.maya.id, company_id=shop.id, scope=scope, source="TEST", signer=SIGNER, now=after(hours=1)
        )


async def click_and_leave(shop: Shop, cart_id: object, *, at: datetime) -> datetime:
    """Restore the cart and leave it alone until it is abandoned again; when that was."""
    async with shop.begin() as session:
        cart = await carts.restore(session, cart_id, company_id=shop.id, now=at)  # type: ignore[arg-type]  # an id
    assert cart.idle_due_at == at + timedelta(minutes=30)
    async with shop.begin() as session:
        await service.abandon(session, cart.id, company_id=shop.id, now=cart.idle_due_at)
    return cart.idle_due_at
