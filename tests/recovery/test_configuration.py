"""The flow config and its versions: who may change it, upon what, and what the trail keeps."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from agents.checkout_chat.config import AiCapabilities, CheckoutChatConfig
from agents.checkout_chat.configuration import change_chat, chat_in_force
from db.session import transaction
from db.tables.access import AuditAction, AuditEntry
from db.tables.companies import Role
from db.tables.recovery import FlowConfigVersion
from policy.access.schemas import Actor
from policy.errors import Forbidden
from policy.offers.schemas import OfferPolicy, Percentages
from recovery.config import FlowConfig
from recovery.configuration import ChangedMeanwhile, Flow, change_flow, flow_in_force
from tests.factories import NOW, make_company
from tests.policy.races import race

OPERATOR = Actor("olive@shop.example", Role.OPERATOR)
VIEWER = Actor("vera@shop.example", Role.VIEWER)


@pytest.fixture
async def company_id(engine: AsyncEngine) -> UUID:
    return (await make_company(engine)).id


def with_chat_cap(percent: int) -> FlowConfig:
    caps = Percentages(
        chat=Decimal(percent), branching=Decimal(15), nuclear=Decimal(30), voice=Decimal(30), exit_intent=Decimal(10)
    )
    return FlowConfig(offers=OfferPolicy(caps=caps))


def with_discount(percent: int) -> CheckoutChatConfig:
    return CheckoutChatConfig(ai_capabilities=AiCapabilities(max_discount_percent=Decimal(percent)))


async def trail(engine: AsyncEngine, company_id: UUID) -> list[AuditEntry]:
    async with transaction(engine, company_id=company_id) as session:
        return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


async def versions(engine: AsyncEngine, company_id: UUID) -> list[int]:
    async with transaction(engine, company_id=company_id) as session:
        return list(await session.scalars(select(FlowConfigVersion.version).order_by(FlowConfigVersion.version)))


async def test_a_change_of_the_flow_is_a_version_and_an_entry(engine: AsyncEngine, company_id: UUID) -> None:
    async with transaction(engine, company_id=company_id) as session:
        flow = await change_flow(
            session, with_chat_cap(7), company_id=company_id, by=OPERATOR, now=NOW, expected_version=0
        )
        assert (flow.version, flow.config.offers.caps.chat) == (1, Decimal(7))
        # The same again is no change.
        again = await change_flow(session, with_chat_cap(7), company_id=company_id, by=OPERATOR, now=NOW)
        assert again == flow
    (entry,) = await trail(engine, company_id)
    assert (entry.actor, entry.action) == (OPERATOR.name, AuditAction.FLOW_CHANGED)
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["version"], entry.after["version"]) == (0, 1)
    before, after = entry.before["config"], entry.after["config"]
    assert (before["offers"]["caps"]["chat"], after["offers"]["caps"]["chat"]) == (10.0, 7.0)
    after["offers"]["caps"]["chat"] = 10.0
    assert before == after, "nothing else changed"


async def test_a_viewer_changes_nothing(engine: AsyncEngine, company_id: UUID) -> None:
    async with transaction(engine, company_id=company_id) as session:
        with pytest.raises(Forbidden):
            await change_flow(session, with_chat_cap(7), company_id=company_id, by=VIEWER, now=NOW)
        with pytest.raises(Forbidden):
            await change_chat(session, with_discount(3), company_id=company_id, by=VIEWER, expected_version=0)
    assert await versions(engine, company_id) == []
    assert await trail(engine, company_id) == []
    async with transaction(engine, company_id=company_id) as session:
        assert (await chat_in_force(session, company_id=company_id)).config == CheckoutChatConfig()


async def test_a_change_made_upon_an_old_version_is_refused(engine: AsyncEngine, company_id: UUID) -> None:
    async with transaction(engine, company_id=company_id) as session:
        await change_flow(session, with_chat_cap(7), company_id=company_id, by=OPERATOR, now=NOW, expected_version=0)
        await change_chat(session, with_discount(7), company_id=company_id, by=OPERATOR, expected_version=0)
    async with transaction(engine, company_id=company_id) as session:
        with pytest.raises(ChangedMeanwhile):
            await change_flow(
                session, with_chat_cap(5), company_id=company_id, by=OPERATOR, now=NOW, expected_version=0
            )
        with pytest.raises(ChangedMeanwhile):
            await change_chat(session, with_discount(5), company_id=company_id, by=OPERATOR, expected_version=0)
    async with transaction(engine, company_id=company_id) as session:
        assert (await flow_in_force(session, company_id=company_id)).config == with_chat_cap(7)
        chat = await chat_in_force(session, company_id=company_id)
    assert (chat.version, chat.config) == (1, with_discount(7))
    assert [entry.action for entry in await trail(engine, company_id)] == [
        AuditAction.FLOW_CHANGED,
        AuditAction.CHAT_CHANGED,
    ]


async def test_race_to_change_the_flow_makes_one_version(engine: AsyncEngine, company_id: UUID) -> None:
    async def change(session: AsyncSession) -> Flow | None:
        try:
            return await change_flow(session, with_chat_cap(7), company_id=company_id, by=OPERATOR, now=NOW)
        except ChangedMeanwhile:
            return None

    first, second = await race(engine, change, change, company_id=company_id)
    assert (first, second) == (Flow(with_chat_cap(7), 1), None)
    assert await versions(engine, company_id) == [1]
    assert len(await trail(engine, company_id)) == 1


async def test_race_to_change_the_chat_keeps_the_first(engine: AsyncEngine, company_id: UUID) -> None:
    def change(percent: int) -> Callable[[AsyncSession], Awaitable[int | None]]:
        async def work(session: AsyncSession) -> int | None:
            try:
                changed = await change_chat(
                    session, with_discount(percent), company_id=company_id, by=OPERATOR, expected_version=0
                )
            except ChangedMeanwhile:
                return None
            return changed.version

        return work

    assert await race(engine, change(7), change(5), company_id=company_id) == (1, None)
    async with transaction(engine, company_id=company_id) as session:
        assert (await chat_in_force(session, company_id=company_id)).config == with_discount(7)
    assert len(await trail(engine, company_id)) == 1


async def test_the_order_of_a_set_is_no_change(engine: AsyncEngine, company_id: UUID) -> None:
    config = FlowConfig(offers=OfferPolicy(excluded_skus=frozenset(f"sku-{n}" for n in range(40))))
    async with transaction(engine, company_id=company_id) as session:
        await change_flow(session, config, company_id=company_id, by=OPERATOR, now=NOW)
    (entry,) = await trail(engine, company_id)
    assert entry.after is not None
    kept = entry.after["config"]["offers"]["excludedSkus"]
    assert json.dumps(kept) == json.dumps(sorted(kept))
