"""The save flow (spec 11, "Cart Save Flow"), for the merchant's server."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue, model_validator

from api.dependencies import MerchantDep, Now, Repeatable, SessionDep
from api.problems import responses
from api.route import TransactionRoute
from api.schemas import Body, Cursor, Limit, Page, Schema, decode_cursor, encode_cursor, example
from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveOutcome,
    CartSaveStage,
    CartSaveStatus,
    PausedReason,
    SaveAttempt,
)
from policy import money
from recovery import attempts, service
from recovery import responses as flow_responses
from recovery.config import FlowConfig
from recovery.configuration import change_flow, flow_in_force
from recovery.history import AttemptHistory, histories

router = APIRouter(prefix="/cart-save", tags=["Cart save flow"], route_class=TransactionRoute)


_ATTEMPT: dict[str, JsonValue] = {
    "id": "01980f2e-8c5a-7c3e-9a54-0d5f8a3b1c22",
    "cartId": "01980f2e-8c59-7a1b-8d11-5c0a7e9f2b10",
    "customerId": "01980f2e-8c58-7f00-8d11-5c0a7e9f2b11",
    "currentStage": "DIAGNOSIS_SURVEY",
    "stageHistory": [
        {
            "stage": "PATTERN_INTERRUPT",
            "previousStage": None,
            "kind": "RAN",
            "reason": "REMINDER",
            "enteredAt": "2026-11-22T13:30:00Z",
        }
    ],
    "interventions": [
        {
            "id": "01980f2e-8c5b-7c3e-9a54-0d5f8a3b1c23",
            "stage": "PATTERN_INTERRUPT",
            "channels": ["EMAIL"],
            "subject": "Your cart at Wrenfold Coffee",
            "remedy": "REMINDER",
            "author": "TEMPLATE",
            "triggersUsed": [],
            "status": "SENT",
            "scheduledAt": "2026-11-22T13:30:00Z",
        }
    ],
    "diagnosisReason": None,
    "diagnosisAnswers": [],
    "customerRiskScore": 0.0,
    "cartValue": 55.97,
    "currency": "USD",
    "status": "IN_PROGRESS",
    "outcome": None,
    "pausedReason": None,
    "pausedUntil": None,
    "dueAt": "2026-11-22T15:30:00Z",
    "abandonedAt": "2026-11-22T12:30:00Z",
    "startedAt": "2026-11-22T12:30:01Z",
    "completedAt": None,
}


class InitiateSave(Body):
    model_config = example({"cartId": "01980f2e-8c59-7a1b-8d11-5c0a7e9f2b10", "reason": "SHIPPING_COST"})

    cart_id: UUID
    reason: CartAbandonmentReason | None = None


class CartSaveResponse(Body):
    """What the shopper did (decision 6)."""

    type: Literal["ANSWERED", "CLICKED", "DECLINED"]
    reason: CartAbandonmentReason | None = None
    text: str | None = Field(None, max_length=1000)

    @model_validator(mode="after")
    def an_answer_has_a_reason(self) -> "CartSaveResponse":
        if self.type == "ANSWERED" and self.reason is None:
            raise ValueError("ANSWERED needs a reason")
        return self


class ProgressSave(Body):
    model_config = example({"response": {"type": "ANSWERED", "reason": "TOO_EXPENSIVE"}})

    response: CartSaveResponse | None = None


class CompleteSave(Body):
    model_config = example({"outcome": "CANCELLED"})

    outcome: CartSaveOutcome


class StageHistoryRead(Schema):
    stage: CartSaveStage
    previous_stage: CartSaveStage | None
    kind: str
    reason: str | None
    entered_at: datetime


class InterventionRead(Schema):
    id: UUID
    stage: CartSaveStage
    channels: list[str]
    subject: str
    remedy: str
    author: str
    triggers_used: list[str]
    status: str
    scheduled_at: datetime


class CartSaveAttemptRead(Schema):
    """Spec 10's CartSaveAttempt. `dueAt` is when the current stage runs, null when nothing waits."""

    model_config = example(_ATTEMPT)

    id: UUID
    cart_id: UUID
    customer_id: UUID | None
    current_stage: CartSaveStage
    stage_history: list[StageHistoryRead]
    interventions: list[InterventionRead]
    diagnosis_reason: CartAbandonmentReason | None
    diagnosis_answers: list[dict[str, str]]
    customer_risk_score: float
    cart_value: float
    currency: str
    status: CartSaveStatus
    outcome: CartSaveOutcome | None
    paused_reason: PausedReason | None
    paused_until: datetime | None
    due_at: datetime | None
    abandoned_at: datetime
    started_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, attempt: SaveAttempt, history: AttemptHistory) -> "CartSaveAttemptRead":
        return cls(
            id=attempt.id,
            cart_id=attempt.cart_id,
            customer_id=attempt.customer_id,
            current_stage=attempt.current_stage,
            stage_history=[
                StageHistoryRead(
                    stage=event.stage,
                    previous_stage=event.previous_stage,
                    kind=event.kind,
                    reason=event.reason,
                    entered_at=event.occurred_at,
                )
                for event in history.events
            ],
            interventions=[
                InterventionRead(
                    id=each.id,
                    stage=each.stage,
                    channels=each.channels,
                    subject=each.content["subject"],
                    remedy=each.content["remedy"],
                    author=each.author,
                    triggers_used=each.triggers_used,
                    status=each.status,
                    scheduled_at=each.scheduled_at,
                )
                for each in history.interventions
            ],
            diagnosis_reason=attempt.diagnosis_reason,
            diagnosis_answers=attempt.diagnosis_answers.get("answers", []),
            customer_risk_score=attempt.customer_risk_score,
            cart_value=money.json_number(attempt.cart_value_minor, attempt.currency),
            currency=attempt.currency,
            status=attempt.status,
            outcome=attempt.outcome,
            paused_reason=attempt.paused_reason,
            paused_until=attempt.paused_until,
            due_at=attempt.due_at,
            abandoned_at=attempt.abandoned_at,
            started_at=attempt.started_at,
            completed_at=attempt.completed_at,
        )


async def _read(session: SessionDep, attempt: SaveAttempt) -> CartSaveAttemptRead:
    await session.flush()
    found = await histories(session, [attempt.id], company_id=attempt.company_id)
    return CartSaveAttemptRead.of(attempt, found[attempt.id])


@router.get("", responses=responses(403))
async def list_attempts(
    merchant: MerchantDep,
    session: SessionDep,
    cart_id: Annotated[UUID | None, Query(alias="cartId")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CartSaveAttemptRead]:
    """Attempts, newest first; of one cart with `cartId`."""
    found = await attempts.list_attempts(
        session, company_id=merchant.company_id, cart_id=cart_id, after=decode_cursor(cursor), limit=limit + 1
    )
    page = found[:limit]
    past = await histories(session, [each.id for each in page], company_id=merchant.company_id)
    return Page(
        items=[CartSaveAttemptRead.of(each, past[each.id]) for each in page],
        next_cursor=encode_cursor(page[-1].id) if len(found) > limit else None,
    )


@router.get("/config", responses=responses(403))
async def read_config(merchant: MerchantDep, session: SessionDep) -> FlowConfig:
    """The flow config in force."""
    return (await flow_in_force(session, company_id=merchant.company_id)).config


@router.put("/config", responses=responses(403, 409))
async def put_config(
    body: FlowConfig,
    merchant: MerchantDep,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> FlowConfig:
    """Put a config in force. It holds for every offer and stage from now on; what was said before is kept."""
    flow = await change_flow(session, body, company_id=merchant.company_id, by=merchant.actor, now=now)
    return flow.config


@router.post("/initiate", responses=responses(403, 404, 409))
async def initiate(
    body: InitiateSave,
    merchant: MerchantDep,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> CartSaveAttemptRead:
    """Open the save flow of an abandoned cart, or return the one that runs. 409: the cart is not abandoned."""
    attempt = await service.start_attempt(
        session, body.cart_id, company_id=merchant.company_id, reason=body.reason, now=now
    )
    return await _read(session, attempt)


@router.get("/{attempt_id}", responses=responses(403, 404))
async def read_attempt(attempt_id: UUID, merchant: MerchantDep, session: SessionDep) -> CartSaveAttemptRead:
    """One attempt with everything that it has done."""
    attempt = await attempts.get_attempt(session, attempt_id, company_id=merchant.company_id)
    return await _read(session, attempt)


@router.post("/{attempt_id}/progress", responses=responses(403, 404, 409))
async def progress(
    attempt_id: UUID,
    body: ProgressSave,
    merchant: MerchantDep,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> CartSaveAttemptRead:
    """Move the flow on: an answer brings the branch forward, DECLINED ends the flow, CLICKED is kept; with no
    response the stage that waits is passed over."""
    given, company_id = body.response, merchant.company_id
    if given is None:
        attempt = await flow_responses.progress(session, attempt_id, company_id=company_id, now=now)
    elif given.type == "ANSWERED":
        assert given.reason is not None  # validated above
        attempt = await flow_responses.answer(
            session, attempt_id, given.reason, company_id=company_id, text=given.text, now=now
        )
    elif given.type == "DECLINED":
        attempt = await flow_responses.decline(session, attempt_id, company_id=company_id, now=now)
    else:
        attempt = await flow_responses.click(session, attempt_id, company_id=company_id, now=now)
    return await _read(session, attempt)


@router.post("/{attempt_id}/complete", responses=responses(403, 404, 409))
async def complete(
    attempt_id: UUID,
    body: CompleteSave,
    merchant: MerchantDep,
    session: SessionDep,
    now: Now,
    idempotency_key: Repeatable = None,  # noqa: ARG001
) -> CartSaveAttemptRead:
    """End or pause a flow. A recovery is not declared: it follows from its order (409)."""
    attempt = await service.complete(session, attempt_id, body.outcome, company_id=merchant.company_id, now=now)
    return await _read(session, attempt)
