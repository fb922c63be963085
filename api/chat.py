"""The checkout chat (spec 6): sessions, and messages answered as JSON or as a stream of events."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from itertools import groupby
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from sse_starlette import EventSourceResponse, ServerSentEvent

from agents.checkout_chat.agent import CheckoutChat
from api.admission import OpenToPages, admitted
from api.dependencies import Now, Repeatable, SessionDep, ShopperDep
from api.edge import edge_of
from api.principals import Shopper
from api.problems import responses
from api.rates import sessions_opened
from api.route import PageRoute, bearer, usable
from api.schemas import Body, Schema, example
from db.clock import read_clock
from db.tables.conversations import ChatMessage, ChatSession, MessageRole
from graphs.checkout_chat.state import Delta, ToolRan, TurnDone, TurnEvent
from graphs.conversations import service as conversations
from graphs.conversations.schemas import Answer, Repeat, Turn
from policy.errors import Forbidden, NotFound

# A session is one transaction a request; a message is answered over several.
sessions = APIRouter(prefix="/cs/sessions", tags=["Checkout chat"], route_class=PageRoute)
messages = APIRouter(prefix="/cs/sessions", tags=["Checkout chat"], route_class=OpenToPages)


class SessionContext(Body):
    """What the widget knows (spec 6). The cart is the token's; amounts are read from the database."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    cart_id: UUID | None = None
    checkout_step: str | None = Field(None, max_length=40)


class SessionToOpen(Body):
    model_config = example({"channel": "CHECKOUT_CHAT", "context": {"checkoutStep": "payment"}})

    channel: Literal["CHECKOUT_CHAT"] = "CHECKOUT_CHAT"
    context: SessionContext = SessionContext()


class MessageToSend(Body):
    content: str = Field(min_length=1, max_length=2000, pattern=r"\S", examples=["What does shipping cost?"])


class MessageRead(Schema):
    id: UUID
    role: Literal["user", "assistant", "system"]
    content: str
    timestamp: datetime


class SessionRead(Schema):
    """A conversation as its shopper sees it; the first message says that an AI answers (rules C-24)."""

    model_config = example(
        {
            "id": "01980f2e-8c5a-7c3e-9a54-0d5f8a3b1c22",
            "status": "OPEN",
            "messages": [
                {
                    "id": "01980f2e-8c5b-7c3e-9a54-0d5f8a3b1c23",
                    "role": "system",
                    "content": "You are chatting with Wrenfold Coffee's AI assistant.",
                    "timestamp": "2026-11-22T12:00:00Z",
                }
            ],
            "quickQuestions": ["Do you accept PayPal?"],
        }
    )

    id: UUID
    status: str
    messages: list[MessageRead]
    quick_questions: list[str]


class AnswerRead(Answer):
    """Spec 6's answer. `autoAppliedDiscount` is what this message has just put on the cart."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "response": "Shipping within the US costs $5.99 and is free from $50.00.",
                "suggestedActions": [{"type": "escalate", "label": "Talk to a person", "data": {}}],
                "autoAppliedDiscount": None,
                "sources": [
                    {"id": "0197f3a1-0000-7000-8000-000000000001", "title": "What does shipping cost?", "version": 2}
                ],
            }
        },
    )


async def chat_of(request: Request) -> CheckoutChat:
    chat: CheckoutChat = request.app.state.chat
    return chat


ChatDep = Annotated[CheckoutChat, Depends(chat_of)]


@sessions.post(
    "", status_code=201, dependencies=[Depends(sessions_opened)], responses=responses(400, 403, 404, 409, 429)
)
async def open_session(
    body: SessionToOpen,
    shopper: ShopperDep,
    session: SessionDep,
    chat: ChatDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> SessionRead:
    """Begin a conversation about the cart of the token."""
    if body.context.cart_id not in (None, shopper.cart_id):
        raise NotFound("There is no such cart.")
    opened = await chat.open(
        session, shopper.cart_id, company_id=shopper.company_id, checkout_step=body.context.checkout_step, now=now
    )
    return await _read(session, opened, shopper, chat)


@sessions.get("/{session_id}", responses=responses(403, 404))
async def read_session(session_id: UUID, shopper: ShopperDep, session: SessionDep, chat: ChatDep) -> SessionRead:
    """The conversation so far: what a reloaded page shows."""
    found = await _own(session, session_id, shopper)
    return await _read(session, found, shopper, chat)


async def _own(session: SessionDep, session_id: UUID, shopper: Shopper) -> ChatSession:
    found = await conversations.get_conversation(session, session_id, company_id=shopper.company_id)
    if found.cart_id != shopper.cart_id:
        raise conversations.NoSuchConversation
    return found


async def _read(session: SessionDep, found: ChatSession, shopper: Shopper, chat: CheckoutChat) -> SessionRead:
    rows = await conversations.whole_history(session, found.id, company_id=shopper.company_id, limit=200)
    config = await chat.config(session, company_id=shopper.company_id)
    return SessionRead(
        id=found.id,
        status=found.status,
        messages=[_message(list(group)) for _, group in groupby(rows, key=lambda row: (row.turn_id, row.role))],
        quick_questions=list(config.quick_questions),
    )


def _message(rows: list[ChatMessage]) -> MessageRead:
    """The sentences of one answer, or one utterance."""
    first = rows[0]
    content = "".join(row.content for row in rows).strip()
    return MessageRead(id=first.id, role=_role(first.role), content=content, timestamp=first.created_at)


def _role(role: MessageRole) -> Literal["user", "assistant", "system"]:
    match role:
        case MessageRole.USER:
            return "user"
        case MessageRole.ASSISTANT:
            return "assistant"
        case MessageRole.SYSTEM:
            return "system"


@messages.post(
    "/{session_id}/messages",
    response_model=AnswerRead,
    dependencies=[Depends(bearer)],
    responses={
        **responses(400, 403, 404, 409, 429),
        200: {
            "content": {
                "text/event-stream": {
                    "example": 'id: 3\nevent: message.delta\ndata: {"text": "Shipping costs $5.99."}\n\n'
                }
            }
        },
    },
)
async def send_message(
    session_id: UUID,
    body: MessageToSend,
    request: Request,
    chat: ChatDep,
    accept: Annotated[str, Header()] = "application/json",
    idempotency_key: Repeatable = None,
    last_event_id: Annotated[str | None, Header(description="The id of the last `message.delta` that arrived.")] = None,
) -> object:
    """Say something and get the answer: JSON, or with `Accept: text/event-stream` the events `message.delta`,
    `tool` and `message.done` as they happen.

    A stream that broke is taken up by repeating the request with its Idempotency-Key and Last-Event-ID. 409 with
    Retry-After: the answer to the message before is still being written.
    """
    asked = await _begin(
        request, session_id, body.content, None if idempotency_key is None else usable(idempotency_key)
    )
    events = chat.answer(asked, seen=_position(last_event_id))
    if "text/event-stream" in accept.lower():
        return EventSourceResponse(_stream(events), headers={"Cache-Control": "no-store"})
    done = [event async for event in events if isinstance(event, TurnDone)][-1]
    return AnswerRead.model_validate(done.answer.model_dump())


def _position(last_event_id: str | None) -> int:
    """What has been seen of the answer; an id that is none of ours means nothing."""
    own = last_event_id is not None and re.fullmatch(r"[0-9]{1,9}", last_event_id)
    return int(last_event_id) if last_event_id is not None and own else 0


async def _begin(request: Request, session_id: UUID, content: str, key: str | None) -> Turn | Repeat:
    """Who asks, whether it is their conversation, and the utterance stored: one transaction before any model."""
    edge = edge_of(request)
    async with admitted(request, edge=edge) as (session, caller):
        if not isinstance(caller, Shopper):
            raise Forbidden("This needs a cart token.")
        await _own(session, session_id, caller)
        return await conversations.begin_turn(
            session,
            session_id,
            content,
            company_id=caller.company_id,
            request_key=key,
            now=await read_clock(session),
        )


async def _stream(events: AsyncGenerator[TurnEvent]) -> AsyncGenerator[ServerSentEvent]:
    async with aclosing(events):
        async for event in events:
            match event:
                case Delta():
                    yield _event("message.delta", {"text": event.text}, event_id=str(event.position))
                case ToolRan():
                    yield _event("tool", {"name": event.name, "outcome": event.outcome})
                case TurnDone():
                    yield _event("message.done", event.answer.model_dump(mode="json", by_alias=True))


def _event(name: str, data: dict[str, object], *, event_id: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(data=json.dumps(data), event=name, id=event_id)
