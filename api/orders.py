"""Orders, as the merchant's server reports them."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import MerchantDep, Now, Repeatable, SessionDep
from api.problems import responses
from api.route import TransactionRoute
from api.schemas import Body, Schema, example
from db.tables.carts import PaymentState
from policy import money
from recovery import service
from storefront.carts.schemas import OrderView

router = APIRouter(prefix="/carts", tags=["Orders"], route_class=TransactionRoute)


class OrderToReport(Body):
    model_config = example({"orderId": "1001", "paymentState": "PAID"})

    order_id: str = Field(min_length=1, max_length=200, examples=["1001"])
    payment_state: PaymentState = PaymentState.PENDING


class OrderRead(Schema):
    model_config = example(
        {
            "id": "01980f2e-8c5a-7c3e-9a54-0d5f8a3b1c22",
            "cartId": "01980f2e-8c59-7a1b-8d11-5c0a7e9f2b10",
            "orderId": "1001",
            "paymentState": "PAID",
            "total": 50.97,
            "currency": "USD",
            "placedAt": "2026-11-22T12:00:00Z",
        }
    )

    id: UUID
    cart_id: UUID
    order_id: str
    payment_state: PaymentState
    total: float
    currency: str
    placed_at: datetime

    @classmethod
    def of(cls, order: OrderView) -> "OrderRead":
        return cls(
            id=order.id,
            cart_id=order.cart_id,
            order_id=order.external_id,
            payment_state=order.payment_state,
            total=money.json_number(order.total_minor, order.currency),
            currency=order.currency,
            placed_at=order.placed_at,
        )


@router.post("/{cart_id}/convert", responses=responses(403, 404, 409))
async def convert(
    cart_id: UUID,
    body: OrderToReport,
    merchant: MerchantDep,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> OrderRead:
    """The cart has become an order, paid or not: its flow stops. Repeatable; a repeat keeps the newer payment state.

    409: the cart has another order already, or the order another cart.
    """
    order = await service.convert(
        session,
        cart_id,
        company_id=merchant.company_id,
        order_id=body.order_id,
        payment_state=body.payment_state,
        now=now,
    )
    return OrderRead.of(order)
