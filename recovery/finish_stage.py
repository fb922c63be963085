"""The second of a stage's two transactions: check again, keep the offer, check each sentence, store the messages."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.clock import real_now
from db.ids import uuid7
from db.jobs import Job, enqueue
from db.tables.carts import CartStatus
from db.tables.companies import Company
from db.tables.policy import Channel
from db.tables.recovery import CartSaveStage, Intervention, InterventionStatus, SaveAttempt, StageEventKind
from delivery import service as delivery
from delivery.schemas import PlannedMessage
from knowledge.service import Hit
from policy.claims.facts import Fact, NameFact, PassageFact
from policy.claims.rules import check
from policy.claims.sentences import split
from policy.offers import service as offers
from policy.offers.wording import PERSONAL_PRICE, offer_sentence
from recovery.attempts import lock_due, schedule_next, wait_until_idle
from recovery.begin_stage import StagePlan
from recovery.content import Content, ContentFacts, bare, template
from recovery.emails import WHY, Letter, Mailing, compose_email
from recovery.remedies import MONEY, InterventionType
from recovery.repository import AttemptRepository, CompanyRepository, InterventionRepository
from storefront.carts import service as carts
from storefront.carts.facts import facts_of
from storefront.carts.schemas import CartView

TEMPLATE = "TEMPLATE"


@dataclass(frozen=True)
class Written:
    """What the planner chose and wrote. `author` is a model's name or TEMPLATE.

    `facts` are what the planner's tools returned besides the cart's own.
    """

    remedy: InterventionType
    content: Content
    author: str
    passages: tuple[Hit, ...] = ()
    triggers: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()


async def finish_stage(
    session: AsyncSession, plan: StagePlan, written: Written, *, mailing: Mailing, now: datetime
) -> Intervention | None:
    """Store one intervention with a message a channel, each with its send job, and let the next stage wait.

    None: while the planner wrote, the world changed, and nothing is sent.
    """
    company_id = plan.company_id
    attempt = await lock_due(session, plan.attempt_id, company_id=company_id, step=plan.step, now=now)
    if attempt is None:
        return None
    cart = await carts.read(session, attempt.cart_id, company_id=company_id, now=now)
    if cart.status is not CartStatus.ABANDONED:
        await _drop_proposal(session, plan, company_id=company_id, now=now)
        if cart.status is CartStatus.ACTIVE:
            await wait_until_idle(session, attempt, cart, company_id=company_id, now=now)
        return None
    written = await _settle_offer(session, plan, written, now=now)
    cart = await carts.read(session, attempt.cart_id, company_id=company_id, now=now)
    grounded = grounded_in(plan, written, cart, now=now)
    company = await CompanyRepository(session).get(company_id=company_id)
    intervention = _intervention(attempt, plan, grounded, cart, now=now)
    InterventionRepository(session).add(intervention)
    await session.flush()
    await _plan_messages(session, plan, grounded, cart, company, intervention, mailing=mailing, now=now)
    await AttemptRepository(session).add_event(
        attempt, StageEventKind.RAN, company_id=company_id, now=now, reason=grounded.remedy
    )
    await schedule_next(session, attempt, plan.flow, company_id=company_id, now=now)
    return intervention


async def _settle_offer(session: AsyncSession, plan: StagePlan, written: Written, *, now: datetime) -> Written:
    """Give what the chosen remedy gives, if the ledger still allows it. Only what is on the menu can be chosen."""
    if written.remedy not in plan.remedies:
        written = template_of(plan, plan.remedies[0], plan.cart, written.passages)
    if plan.proposal is None or written.remedy not in MONEY:
        await _drop_proposal(session, plan, company_id=plan.company_id, now=now)
        return written
    kept = await offers.commit(session, plan.proposal.grant_id, company_id=plan.company_id, now=now)
    if isinstance(kept, offers.Refused):
        return template_of(plan, InterventionType.REMINDER, plan.cart, written.passages)
    return written


async def _drop_proposal(session: AsyncSession, plan: StagePlan, *, company_id: UUID, now: datetime) -> None:
    if plan.proposal is not None and (plan.cart.offer is None or plan.cart.offer.grant_id != plan.proposal.grant_id):
        await offers.revoke(session, plan.proposal.grant_id, company_id=company_id, now=now)


def template_of(plan: StagePlan, remedy: InterventionType, cart: CartView, passages: tuple[Hit, ...] = ()) -> Written:
    """The message of this stage by template: what is sent without a model, or when a model's words do not hold."""
    if remedy is InterventionType.PRODUCT_FAQ and not passages and InterventionType.LIVE_CHAT in plan.remedies:
        remedy = InterventionType.LIVE_CHAT
    facts = ContentFacts(
        shop=plan.shop,
        first_name=plan.first_name,
        stage=plan.stage,
        sequence=plan.sequence,
        is_last=plan.is_last,
        remedy=remedy,
        cart=cart,
        locale=plan.locale,
        passages=passages,
    )
    return Written(remedy, template(facts), TEMPLATE, passages)


def facts_for(
    plan: StagePlan, cart: CartView, passages: tuple[Hit, ...], more: tuple[Fact, ...] = ()
) -> tuple[Fact, ...]:
    """What a message of this stage may say."""
    names: list[Fact] = [NameFact("shop", plan.shop)]
    if plan.first_name is not None:
        names.append(NameFact("customer", plan.first_name))
    found = [PassageFact(f"faq:{hit.entry_id}@{hit.version}", f"{hit.title}\n{hit.answer}") for hit in passages]
    return (*facts_of(cart, tz=plan.tz), *names, *found, *more)


def grounded_in(plan: StagePlan, written: Written, cart: CartView, *, now: datetime) -> Written:
    """What was written if each of its sentences holds for the cart as it is now.

    Else the template, with the FAQ's answer and without it; else the message that claims nothing.
    """
    candidates = (
        written,
        template_of(plan, written.remedy, cart, written.passages),
        template_of(plan, written.remedy, cart),
    )
    for candidate in candidates:
        facts = facts_for(plan, cart, candidate.passages, candidate.facts)
        if all(holds(text, facts, now=now) for text in candidate.content.texts()):
            return candidate
    return Written(written.remedy, bare(), TEMPLATE)


def holds(text: str, facts: tuple[Fact, ...], *, now: datetime) -> bool:
    """Whether each sentence of a text is bound to facts."""
    return all(check(sentence, facts, now=now).passed for sentence in split(text))


def _intervention(
    attempt: SaveAttempt, plan: StagePlan, written: Written, cart: CartView, *, now: datetime
) -> Intervention:
    content = written.content.model_dump(mode="json")
    content["remedy"] = written.remedy
    content["sources"] = [{"id": str(hit.entry_id), "version": hit.version} for hit in written.passages]
    return Intervention(
        company_id=plan.company_id,
        id=uuid7(),
        attempt_id=attempt.id,
        cart_id=attempt.cart_id,
        stage=plan.stage,
        step=plan.step,
        channels=[channel.value for channel in plan.channels],
        content=content,
        author=written.author,
        triggers_used=list(written.triggers),
        grant_id=None if cart.offer is None else cart.offer.grant_id,
        status=InterventionStatus.SCHEDULED,
        scheduled_at=now,
    )


async def _plan_messages(
    session: AsyncSession,
    plan: StagePlan,
    written: Written,
    cart: CartView,
    company: Company,
    intervention: Intervention,
    *,
    mailing: Mailing,
    now: datetime,
) -> None:
    offer_text = await _offer_text(session, plan, now=now)
    letter = Letter(
        company=company,
        customer_id=plan.customer.id,
        cart=cart,
        locale=plan.locale,
        content=written.content,
        why=WHY,
        offer_text=offer_text,
        survey_of=plan.attempt_id if plan.stage is CartSaveStage.DIAGNOSIS_SURVEY else None,
    )
    for channel in plan.channels:
        if channel is Channel.VOICE:
            await _plan_call(session, plan, cart, intervention, now=now)
            continue
        message_id = uuid7()
        email = compose_email(letter, mailing=mailing, message_id=message_id, now=now)
        planned = PlannedMessage(
            id=message_id,
            intervention_id=intervention.id,
            attempt_id=plan.attempt_id,
            cart_id=cart.id,
            customer_id=plan.customer.id,
            abandonment=cart.abandonment,
            channel=channel,
            stage=plan.stage,
            to_address=plan.customer.email or "",
            subject=email.subject,
            text=email.text,
            html=email.html,
            headers=email.headers,
            recovery_url=email.recovery_url,
            due_at=now,
            released_at=real_now(),
        )
        message = await delivery.plan_message(session, planned, company_id=plan.company_id, now=now)
        await enqueue(session, delivery.SEND_JOB, [Job(company_id=plan.company_id, id=message.id, step=message.tries)])


async def _plan_call(
    session: AsyncSession, plan: StagePlan, cart: CartView, intervention: Intervention, *, now: datetime
) -> None:
    """A call waits as a message does: by its `due_at`, cancelled by an order or an opt-out, asked about again."""
    assert plan.call_at is not None  # set with the channel
    planned = PlannedMessage(
        id=uuid7(),
        intervention_id=intervention.id,
        attempt_id=plan.attempt_id,
        cart_id=cart.id,
        customer_id=plan.customer.id,
        abandonment=cart.abandonment,
        channel=Channel.VOICE,
        stage=plan.stage,
        to_address=plan.customer.phone or "",
        subject="Phone call",
        text="",
        html="",
        headers={},
        recovery_url="",
        due_at=plan.call_at,
    )
    await delivery.plan_message(session, planned, company_id=plan.company_id, now=now)


async def _offer_text(session: AsyncSession, plan: StagePlan, *, now: datetime) -> str | None:
    """The sentence of the offer that stands, from its row."""
    grant = await offers.live_grant(session, plan.cart.id, company_id=plan.company_id, now=now)
    if grant is None:
        return None
    sentence = offer_sentence(grant.kind, grant.percent, grant.expires_at, tz=plan.tz, locale=plan.locale)
    return f"{sentence} {PERSONAL_PRICE}" if grant.personalised else sentence
