"""The one place that queries messages and their events."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import Job
from db.statements import Reading
from db.tables.delivery import Message, MessageEvent, MessageEventKind, MessageStatus
from db.tables.policy import Channel
from delivery.schemas import OutboxEntry, PlannedMessage, Touch

FirstTime = Literal["delivered_at", "opened_at", "clicked_at", "bounced_at"]

_OF_COMPANY = select(Message).where(Message.company_id == bindparam("company"))
_MESSAGE = Reading(_OF_COMPANY.where(Message.id == bindparam("message")))
_OF_REQUEST = Reading(_OF_COMPANY.where(Message.request_key == bindparam("key")))
_OF_INTERVENTION = Reading(
    _OF_COMPANY.where(Message.intervention_id == bindparam("intervention"), Message.channel == bindparam("channel"))
)


class MessageRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, message_id: UUID, *, company_id: UUID) -> Message | None:
        """As it stands, to be read."""
        return await _MESSAGE.first(self.session, company=company_id, message=message_id)

    async def get_for_update(self, message_id: UUID, *, company_id: UUID) -> Message | None:
        """Lock the message until the transaction ends. Last in the lock order: cart, attempt, grant, message."""
        return await self.session.scalar(
            select(Message)
            .where(Message.company_id == company_id, Message.id == message_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def insert_if_new(self, planned: PlannedMessage, *, company_id: UUID, now: datetime) -> bool:
        """Store the message unless a unique index already holds one in its place."""
        inserted = await self.session.scalar(
            insert(Message)
            .values(**asdict(planned), company_id=company_id, status=MessageStatus.PLANNED, created_at=now)
            .on_conflict_do_nothing()
            .returning(Message.id)
        )
        return inserted is not None

    async def get_by_origin(self, planned: PlannedMessage, *, company_id: UUID) -> Message | None:
        """The message that stands in the same place: same intervention and channel, or same request."""
        if planned.intervention_id is None:
            return await _OF_REQUEST.first(self.session, company=company_id, key=planned.request_key)
        return await _OF_INTERVENTION.first(
            self.session, company=company_id, intervention=planned.intervention_id, channel=planned.channel.value
        )

    async def release_due(self, *, now: datetime, limit: int) -> list[tuple[Channel, Job]]:
        """Release a batch of due messages of every company, once each (a SECURITY DEFINER function
        that returns ids and channels only)."""
        released = func.release_messages(now, limit).table_valued("company_id", "id", "step", "channel")
        rows = await self.session.execute(
            select(released.c.company_id, released.c.id, released.c.step, released.c.channel)
        )
        return [(Channel(row.channel), Job(company_id=row.company_id, id=row.id, step=row.step)) for row in rows]

    async def lock_planned(
        self, *, company_id: UUID, cart_id: UUID | None, customer_id: UUID | None, channel: Channel | None
    ) -> Sequence[Message]:
        """Lock what still waits of a cart or a customer, in the order of ids."""
        query = select(Message).where(Message.company_id == company_id, Message.status == MessageStatus.PLANNED)
        if cart_id is not None:
            query = query.where(Message.cart_id == cart_id)
        if customer_id is not None:
            query = query.where(Message.customer_id == customer_id)
        if channel is not None:
            query = query.where(Message.channel == channel)
        locked = await self.session.scalars(
            query.order_by(Message.id).with_for_update().execution_options(populate_existing=True)
        )
        return locked.all()

    async def list_sent(
        self, *, company_id: UUID, cart_id: UUID | None, cursor: UUID | None, limit: int
    ) -> list[OutboxEntry]:
        """Sent messages, newest first, after the one that `cursor` names."""
        query = select(  # the columns of OutboxEntry, in its order
            Message.id,
            Message.cart_id,
            Message.channel,
            Message.to_address,
            Message.subject,
            Message.text,
            Message.html,
            Message.headers,
            Message.recovery_url,
            Message.stage,
            Message.sent_at,
        ).where(Message.company_id == company_id, Message.status == MessageStatus.SENT)
        if cart_id is not None:
            query = query.where(Message.cart_id == cart_id)
        if cursor is not None:
            after = select(Message.sent_at, Message.id).where(Message.company_id == company_id, Message.id == cursor)
            query = query.where(tuple_(Message.sent_at, Message.id) < after.scalar_subquery())
        rows = await self.session.execute(query.order_by(Message.sent_at.desc(), Message.id.desc()).limit(limit))
        return [OutboxEntry(*row) for row in rows]

    async def last_touch(self, cart_id: UUID, *, company_id: UUID, before: datetime) -> Touch | None:
        """The latest click or reply to any of the cart's messages, up to and including `before`."""
        found = await self.session.execute(
            select(MessageEvent.message_id, MessageEvent.occurred_at)
            .join(
                Message,
                and_(Message.company_id == MessageEvent.company_id, Message.id == MessageEvent.message_id),
            )
            .where(
                Message.company_id == company_id,
                Message.cart_id == cart_id,
                MessageEvent.kind.in_([MessageEventKind.CLICKED, MessageEventKind.REPLIED]),
                MessageEvent.occurred_at <= before,
            )
            .order_by(MessageEvent.occurred_at.desc(), MessageEvent.id.desc())
            .limit(1)
        )
        row = found.one_or_none()
        return None if row is None else Touch(row.message_id, row.occurred_at)

    async def note_first(self, message_id: UUID, column: FirstTime, *, company_id: UUID, at: datetime) -> None:
        """Keep the first time that something happened to the message."""
        await self.session.execute(
            update(Message)
            .where(Message.company_id == company_id, Message.id == message_id)
            .values({column: func.coalesce(getattr(Message, column), at)})
        )

    def add_event(
        self,
        message_id: UUID,
        kind: MessageEventKind,
        *,
        company_id: UUID,
        at: datetime,
        detail: dict[str, str],
    ) -> None:
        self.session.add(
            MessageEvent(company_id=company_id, message_id=message_id, kind=kind, occurred_at=at, detail=detail)
        )
