"""A call's locks do not cross: whoever opens its conversation waits for the cart, as whoever ends it does."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from db.session import transaction
from db.tables.voice import EndReason, VoiceCallOutcome, VoiceCallStatus
from graphs.voice_call import calls as conversations
from storefront.carts import service as carts
from tests.factories import NOW
from tests.policy.races import somebody_waits
from tests.recovery.shops import open_shop
from tests.voice.calls import make_call
from voice.calls.service import finish


async def test_a_conversation_is_opened_while_the_call_is_ended(engine: AsyncEngine) -> None:
    shop = await open_shop(engine)
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.ANSWERED)

    async def opens() -> None:
        async with transaction(engine, company_id=shop.id) as session:
            await conversations.conversation_of(
                session, call.id, company_id=shop.id, disclosure="Hello.", policy_version=0, now=NOW
            )

    async with asyncio.timeout(20), transaction(engine, company_id=shop.id) as session:
        await carts.read_locked(session, call.cart_id, company_id=shop.id, now=NOW)
        opening = asyncio.create_task(opens())
        await somebody_waits(engine, opening)
        assert await finish(
            session,
            call.id,
            company_id=shop.id,
            outcome=VoiceCallOutcome.DISCONNECTED,
            end_reason=EndReason.HUNG_UP,
            now=NOW,
        )
    await opening
