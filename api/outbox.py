"""The outbox: what was sent, as its receivers got it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.dependencies import MerchantDep, SessionDep
from api.problems import responses
from api.route import TransactionRoute
from api.schemas import Cursor, Limit, Page, Schema, decode_cursor, encode_cursor, example
from db.tables.policy import Channel
from delivery import service
from delivery.schemas import OutboxEntry

router = APIRouter(prefix="/outbox", tags=["Outbox"], route_class=TransactionRoute)


class OutboxEntryRead(Schema):
    """A sent message; planned ones are not in the outbox."""

    model_config = example(
        {
            "id": "01980f2e-8c5a-7c3e-9a54-0d5f8a3b1c22",
            "channel": "EMAIL",
            "to": "ada@example.com",
            "subject": "Your cart at Wrenfold Coffee",
            "text": "Hello Ada, …",
            "html": "<!doctype html>…",
            "headers": {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
            "recoveryUrl": "https://shop.example/r/…",
            "stage": "PATTERN_INTERRUPT",
            "sentAt": "2026-11-22T13:30:00Z",
        }
    )

    id: UUID
    channel: Channel
    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    recovery_url: str
    stage: str | None
    sent_at: datetime

    @classmethod
    def of(cls, entry: OutboxEntry) -> "OutboxEntryRead":
        return cls(
            id=entry.id,
            channel=entry.channel,
            to=entry.to,
            subject=entry.subject,
            text=entry.text,
            html=entry.html,
            headers=entry.headers,
            recovery_url=entry.recovery_url,
            stage=entry.stage,
            sent_at=entry.sent_at,
        )


@router.get("", responses=responses(403))
async def list_outbox(
    merchant: MerchantDep,
    session: SessionDep,
    cart_id: Annotated[UUID | None, Query(alias="cartId")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[OutboxEntryRead]:
    """Sent messages, newest first; of one cart with `cartId`."""
    page = await service.list_outbox(
        session, company_id=merchant.company_id, cart_id=cart_id, cursor=decode_cursor(cursor), limit=limit
    )
    return Page(
        items=[OutboxEntryRead.of(each) for each in page.items],
        next_cursor=None if page.next_cursor is None else encode_cursor(page.next_cursor),
    )
