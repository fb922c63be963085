"""Whole calls by text, with no model: the script alone, through the same tools and rows."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from db.session import transaction
from db.tables.carts import Cart
from db.tables.conversations import (
    ChatSession,
    ConversationStatus,
    Handoff,
    HandoffStatus,
    MessageRole,
    ToolCall,
    ToolOutcome,
)
from db.tables.customers import Customer, Suppression, SuppressionScope
from db.tables.delivery import Message
from db.tables.policy import Channel, Grant, GrantSource, GrantStatus
from db.tables.recovery import CartAbandonmentReason, SaveAttempt
from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome
from graphs.voice_call.events import HangUp
from policy.access.schemas import COMMAND_LINE
from policy.contact.service import is_suppressed
from policy.redaction.rules import CARD_MARK
from recovery.config import FlowConfig
from recovery.configuration import change_flow
from tests.agents.voice_call.talk import Phone, joined, ring
from tests.factories import NOW, SIGNER, make_customer
from tests.recovery.shops import Shop
from tests.voice.calls import PHONE

DISCLOSURE = (
    "Hello. This is an automated AI voice calling for Wren Coffee LLC. To get no more calls, press 9 or say stop, "
    "at any time. This is about your recent visit to our online shop. This call is processed by software and stored as "
    "text."
)
GREETING = "To be sure that I speak with the right person, may I have your first name?"
MOMENT = "Do you have a quick moment?"
REASON = "I see that you had Signature Blend in your cart. Was there anything that made you hesitate?"
OFFER = "Would you like to order with it, and get the link to your cart by email?"
LINK = "Would you like me to send you an email with a link, so that you can come back to it?"
SENT, MORE = "I have sent the link to your cart to your email address.", "Is there anything else I can help with?"
DECLINED, GOODBYE = (
    "No problem, Maya. Thank you for your time. Have a great day!",
    "Thank you for your time, Maya. Goodbye!",
)
CAPS = {"chat": 10, "branching": 15, "nuclear": 30, "voice": 30, "exitIntent": 10}
SORRY = "I'm sorry to have disturbed you. Goodbye."


async def untouched(phone: Phone) -> None:
    """Nothing was read for, given to or sent to anybody."""
    assert await phone.tools() == []
    assert await phone.rows(Grant) == []
    assert [each for each in await phone.rows(Message) if each.channel is Channel.EMAIL] == []
    assert not any("cart" in text.lower() or "Blend" in text for text in phone.said)


async def test_an_offer_that_is_accepted(shop: Shop) -> None:
    phone = await ring(shop)
    assert await phone.opening() == [DISCLOSURE, GREETING]
    assert await phone.say("This is Maya.") == [
        "Thank you. I'm calling about the cart that you left in our shop.",
        MOMENT,
    ]
    assert await phone.say("Sure.") == [REASON]
    understood, offer, question = await phone.say("It was a bit too expensive for me.")
    assert (understood, question) == ("I understand. Price is important.", OFFER)
    assert offer.startswith("20 percent off is applied to your cart until ")
    assert await phone.say("Yes please.") == ["Wonderful.", SENT, MORE]
    assert await phone.say("No, that's all. Bye!") == [GOODBYE]

    assert phone.ended == HangUp(VoiceCallOutcome.DISCOUNT_ACCEPTED, EndReason.COMPLETED)
    assert await phone.tools() == ["record_diagnosis", "apply_discount", "send_resume_link"]
    [grant] = await phone.rows(Grant)
    assert (grant.source, grant.percent, grant.status) == (GrantSource.VOICE, Decimal(20), GrantStatus.COMMITTED)
    assert [call.grant_id for call in await phone.rows(VoiceCall)] == [grant.id]
    [attempt] = await phone.rows(SaveAttempt)
    assert attempt.diagnosis_reason is CartAbandonmentReason.TOO_EXPENSIVE
    assert [each.to_address for each in await phone.rows(Message) if each.channel is Channel.EMAIL] == [shop.maya.email]
    heard = [(row.role, row.content.strip()) for row in await phone.utterances()]
    assert heard[0] == (MessageRole.SYSTEM, DISCLOSURE)
    assert [text for role, text in heard if role is not MessageRole.USER] == phone.said


async def test_an_offer_that_is_declined_is_not_followed_by_another(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.say("It's the price, honestly.")
    assert await phone.say("No, thank you.") == [DECLINED]
    assert phone.ended == HangUp(VoiceCallOutcome.DECLINED, EndReason.DECLINED)
    assert [call.grant_id for call in await phone.rows(VoiceCall)] == [None]
    assert await phone.tools() == ["record_diagnosis", "apply_discount"]


@pytest.mark.parametrize("words", ["I'm not interested.", "How did you get my number?", "No, I don't want it."])
async def test_not_interested_ends_the_call_with_no_counter_offer(shop: Shop, words: str) -> None:
    phone = await ring(shop)
    await phone.identified()
    assert await phone.say(words) == [DECLINED]
    assert phone.ended == HangUp(VoiceCallOutcome.DECLINED, EndReason.DECLINED)
    assert await phone.tools() == []
    assert await phone.rows(Grant) == []


@pytest.mark.parametrize(
    "words", ["Stop calling me!", "No me llamen más, por favor.", "Rufen Sie mich nicht mehr an.", "Ne m'appelez plus."]
)
@pytest.mark.parametrize("before", [(), ("Maya.",), ("Maya.", "Too expensive.")])
async def test_an_opt_out_cuts_the_line_in_any_state(shop: Shop, words: str, before: Sequence[str]) -> None:
    phone = await ring(shop)
    await phone.opening()
    for each in before:
        await phone.say(each)
    assert phone.line.opts_out(words, partial=True)
    assert await phone.say(words) == []
    assert phone.ended == HangUp(VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, at_once=True)
    assert {each.scope for each in await phone.rows(Suppression)} <= {SuppressionScope.VOICE, SuppressionScope.ALL}
    assert len(await phone.rows(Suppression)) >= 1


@pytest.mark.parametrize("words", ["Cancel", "Stop", "Quit", "Please cancel"])
async def test_a_word_that_may_yet_go_on_is_waited_for(shop: Shop, words: str) -> None:
    """ "Cancel the mug, please" begins like an opt-out."""
    phone = await ring(shop)
    assert phone.line.opts_out(words, partial=False)
    assert not phone.line.opts_out(words, partial=True)


async def test_a_key_opts_out_before_a_word_was_said(shop: Shop) -> None:
    phone = await ring(shop)
    assert await phone.press("9") == []
    assert phone.ended == HangUp(VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, at_once=True)
    assert {each.scope for each in await phone.rows(Suppression)} == {SuppressionScope.ALL}
    assert await phone.tools() == ["set_opt_out"]


async def test_who_was_called_is_stopped_and_not_who_has_the_cart_now(shop: Shop) -> None:
    phone = await ring(shop)
    async with shop.begin() as session:
        other = await make_customer(session, "other@example.com", company_id=shop.id, phone="+15035550199")
        (await session.get_one(Cart, (shop.id, phone.call.cart_id))).customer_id = other.id
    await phone.opening()
    assert await phone.say("Please stop calling me.") == []
    hashes = {each.address_hash for each in await phone.rows(Suppression)}
    assert SIGNER.keyed_hash(shop.maya.email or "") in hashes
    assert hashes.isdisjoint({SIGNER.keyed_hash("other@example.com"), SIGNER.keyed_hash("+15035550199")})


@pytest.mark.parametrize("how", ["words", "key"])
async def test_the_number_that_was_dialled_is_stopped_though_it_is_not_theirs_any_more(shop: Shop, how: str) -> None:
    phone = await ring(shop)
    now = "+15035550199"
    async with shop.begin() as session:
        (await session.get_one(Customer, (shop.id, shop.maya.id))).phone = now
        at_the_number = await make_customer(session, "other@example.com", company_id=shop.id, phone=PHONE)
    await phone.opening()
    await (phone.press("9") if how == "key" else phone.say("Please stop calling me."))
    hashes = {each.address_hash for each in await phone.rows(Suppression)}
    assert hashes == {SIGNER.keyed_hash(each) for each in (shop.maya.email or "", PHONE, now)}
    async with shop.begin() as session:
        assert await is_suppressed(session, at_the_number.id, Channel.VOICE, company_id=shop.id, signer=SIGNER)


async def test_an_objection_is_kept_however_long_it_is(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    for each in ("Maya.", "Sure.", "It's too expensive. " + "I looked at it for a while and thought about it. " * 12):
        await phone.say(each)
    calls = {each.name: each for each in await phone.rows(ToolCall)}
    assert calls["record_diagnosis"].outcome is ToolOutcome.OK


async def test_other_keys_mean_nothing(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    assert await phone.press("1") == []
    assert phone.ended is None
    await untouched(phone)


@pytest.mark.parametrize("words", ["No.", "You have the wrong number.", "This is her husband.", "She's not here."])
async def test_the_wrong_person_hears_nothing_of_a_cart(shop: Shop, words: str) -> None:
    phone = await ring(shop)
    await phone.opening()
    assert await phone.say(words) == [SORRY]
    assert phone.ended == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.WRONG_PERSON)
    await untouched(phone)


async def test_a_screening_machine_is_told_who_calls_and_what_for_once(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    said = await phone.say("If you record your name and reason for calling, I'll see if this person is available.")
    business = "This is an automated AI voice calling for Wren Coffee LLC."
    assert said == [f"{business} This is about your recent visit to our online shop. Goodbye."]
    assert phone.ended == HangUp(VoiceCallOutcome.NO_ANSWER, EndReason.CALL_SCREENING)
    await untouched(phone)


@pytest.mark.parametrize("words", ["What is this about?", "It was too expensive.", "What do you sell?"])
async def test_before_identity_is_confirmed_every_question_gets_the_neutral_purpose(shop: Shop, words: str) -> None:
    phone = await ring(shop)
    await phone.opening()
    for _ in range(3):
        await phone.say(words)
    assert phone.said[-1] == SORRY
    assert phone.ended == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.WRONG_PERSON)
    await untouched(phone)


@pytest.mark.parametrize("words", ["Yes.", "Yes, speaking.", "Sure, that's me.", "I can get Maya for you."])
async def test_who_only_says_yes_learns_neither_the_name_nor_what_it_is_about(shop: Shop, words: str) -> None:
    phone = await ring(shop)
    await phone.opening()
    for _ in range(3):
        await phone.say(words)
    assert phone.ended == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.WRONG_PERSON)
    assert "Maya" not in joined(phone.said)
    await untouched(phone)


async def test_a_stranger_who_wants_a_person_does_not_hear_the_name_either(shop: Shop) -> None:
    closing = {"escalate": "Thank you for your patience, {{customerName}}. Goodbye!"}
    async with transaction(shop.engine, company_id=shop.id) as session:
        config = FlowConfig.model_validate({"voice": {"script": {"closing": closing}}})
        await change_flow(session, config, company_id=shop.id, by=COMMAND_LINE, now=NOW)
    phone = await ring(shop)
    await phone.opening()
    said = await phone.say("Can I talk to a real person, please?")
    assert said[-1] == "Thank you for your patience. Goodbye!"


async def test_silence_is_asked_about_once(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    assert await phone.quiet() == ["Are you still there?", GREETING]
    assert await phone.quiet() == []
    assert phone.ended == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.SILENCE)
    await untouched(phone)


async def test_an_answer_ends_the_silence(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    await phone.quiet()
    assert await phone.say("This is Maya.") != []
    assert await phone.quiet() == ["Are you still there?", MOMENT]
    assert phone.ended is None


async def test_a_wish_for_a_person_is_passed_on_and_no_transfer_is_promised(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    assert await phone.say("Can I talk to a real person, please?") == [
        "I have asked a person from the shop to look at this call.",
        "Thank you for your patience. Goodbye!",
    ]
    assert phone.ended == HangUp(VoiceCallOutcome.ESCALATED, EndReason.COMPLETED)
    [handoff] = await phone.rows(Handoff)
    assert (handoff.status, handoff.cart_id) == (HandoffStatus.REQUESTED, phone.call.cart_id)


async def test_a_call_back_is_a_wish_that_a_person_sees(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.say("Can you call me back tomorrow?")
    assert phone.ended == HangUp(VoiceCallOutcome.CALLBACK_REQUESTED, EndReason.COMPLETED)
    assert [each.reason for each in await phone.rows(Handoff)] == ["wants to be called back by a person"]


async def test_who_asks_is_told_that_it_is_a_machine_and_then_asked_again(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    assert await phone.say("Are you a robot?") == ["I'm an automated assistant, not a human.", GREETING]
    assert await phone.say("Yes, this is Maya.") != []
    assert await phone.say("¿Eres un robot?") == ["Soy un asistente automático, no una persona.", MOMENT]


async def test_a_card_number_is_nowhere_kept(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    assert await phone.say("My card is four one one one 1111 1111 1111") == [
        "I can't take card numbers on the phone. Please use the checkout of the shop for that.",
        MOMENT,
    ]
    kept = [row.content for row in await phone.utterances() if row.role is MessageRole.USER]
    assert CARD_MARK in kept[-1]
    assert not any("1111" in text for text in kept)


async def test_who_is_just_looking_is_offered_the_link_and_no_money(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    assert await phone.say("I was just looking.") == ["That's fine, take your time.", LINK]
    assert await phone.say("Okay.") == [SENT, MORE]
    assert await phone.say("No.") == [GOODBYE]
    assert phone.ended == HangUp(VoiceCallOutcome.DECLINED, EndReason.COMPLETED)
    assert await phone.rows(Grant) == []


async def test_shipping_gets_what_the_ledger_has_for_it(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    _, offer, question = await phone.say("The shipping is too much.")
    assert (offer.startswith("Shipping on this order is free until "), question) == (True, OFFER)


async def test_a_refused_offer_promises_nothing(shop: Shop) -> None:
    await shop.configure({"offers": {"caps": {**CAPS, "voice": 0}}})
    phone = await ring(shop)
    await phone.identified()
    assert await phone.say("Too expensive.") == [
        "I understand. Price is important.",
        "I can't change the price of this order.",
        LINK,
    ]
    assert await phone.rows(Grant) == []


async def test_a_lowered_cap_holds_in_the_next_call(shop: Shop) -> None:
    await shop.configure(
        {"offers": {"caps": {"chat": 10, "branching": 15, "nuclear": 30, "voice": 5, "exitIntent": 10}}}
    )
    phone = await ring(shop)
    await phone.identified()
    _, offer, _ = await phone.say("Too expensive.")
    assert offer.startswith("5 percent off is applied to your cart until ")
    assert [each.percent for each in await phone.rows(Grant)] == [Decimal(5)]


async def test_questions_that_are_not_answered_end_the_call(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    for _ in range(3):
        await phone.say("Banana.")
    assert phone.said[-1] == GOODBYE
    assert phone.ended == HangUp(VoiceCallOutcome.DECLINED, EndReason.COMPLETED)


async def test_the_line_that_is_gone_ends_the_conversation(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    assert await phone.line.closed(EndReason.HUNG_UP) == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP)
    assert [each.status for each in await phone.rows(ChatSession)] == [ConversationStatus.CLOSED]


async def test_who_accepted_and_hung_up_has_accepted(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.identified()
    await phone.say("Too expensive.")
    await phone.say("Yes.")
    ended = await phone.line.closed(EndReason.HUNG_UP)
    assert ended == HangUp(VoiceCallOutcome.DISCOUNT_ACCEPTED, EndReason.HUNG_UP)


async def test_what_comes_after_the_end_hangs_up_again_and_says_nothing(shop: Shop) -> None:
    phone = await ring(shop)
    await phone.opening()
    await phone.say("Wrong number.")
    ended, phone.ended = phone.ended, None
    assert await phone.say("Wait, I am Maya!") == []
    assert phone.ended == ended
    assert [each.converted_at for each in await phone.rows(Cart)] == [None]


@pytest.mark.parametrize("text", ["Are you a robot?", "My card is 4111 1111 1111 1111."])
async def test_who_never_says_who_they_are_is_let_go(shop: Shop, text: str) -> None:
    """Nor does a machine that repeats itself hold a line."""
    phone = await ring(shop)
    await phone.opening()
    for _ in range(3):
        assert phone.ended is None
        await phone.say(text)
    assert phone.ended == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.WRONG_PERSON)
