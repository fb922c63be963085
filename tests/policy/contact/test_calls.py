"""The gate for calls: the zones of the number, regions closed to AI calls, who said no, the merchant's hours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.tables.customers import ConsentChannel, Customer
from db.tables.policy import Channel, ContactVerdict
from db.tables.voice import EndReason
from policy.contact.assessment import zones_of
from policy.contact.numbers import zones_of_number
from policy.contact.rules import Allow, Block, Defer, EndedCall, Purpose, Reason
from policy.contact.schemas import CallHours, CallRules, MerchantRules, pack_in_force
from tests.policy.contact.shops import ALLOWED, NOW, Shop, answer
from tests.policy.contact.test_rules import FACTS, NOON, PACK, SOMEBODY, gate

OREGON, NEW_YORK, BERLIN = "+15035550142", "+12125550142", "+493012345678"


def names(zones: object) -> list[str]:
    assert isinstance(zones, frozenset | tuple)
    return sorted(zone.key for zone in zones)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        (OREGON, ["America/Los_Angeles"]),
        (NEW_YORK, ["America/New_York"]),
        (BERLIN, ["Europe/Berlin"]),
        # Split finer than its area code in the source.
        ("+13105550100", ["America/Los_Angeles"]),
        ("+18505550100", ["America/Chicago", "America/New_York"]),
        ("+88213300000", []),
    ],
)
def test_a_number_tells_its_zones(number: str, zones: list[str]) -> None:
    assert names(zones_of_number(number)) == zones


@pytest.mark.parametrize(
    ("own", "number", "channel", "zones"),
    [
        ("America/Los_Angeles", OREGON, Channel.VOICE, ["America/Los_Angeles"]),
        ("America/Los_Angeles", NEW_YORK, Channel.VOICE, ["America/Los_Angeles", "America/New_York"]),
        ("America/Los_Angeles", NEW_YORK, Channel.SMS, ["America/Los_Angeles", "America/New_York"]),
        # An email is read anywhere.
        ("America/Los_Angeles", NEW_YORK, Channel.EMAIL, ["America/Los_Angeles"]),
        (None, BERLIN, Channel.VOICE, ["Europe/Berlin"]),
        (None, None, Channel.VOICE, []),
    ],
)
def test_a_number_from_elsewhere_adds_its_zones(
    own: str | None, number: str | None, channel: Channel, zones: list[str]
) -> None:
    assert names(zones_of(Customer(timezone=own, phone=number), channel)) == zones


def test_the_stricter_of_two_zones_holds() -> None:
    both = replace(SOMEBODY, zones=(ZoneInfo("America/Los_Angeles"), ZoneInfo("America/New_York")))
    nine_in_the_west = datetime(2026, 11, 3, 17, tzinfo=UTC)
    ten_in_the_west = nine_in_the_west + timedelta(hours=1)
    assert gate(Channel.VOICE, contact=both, now=nine_in_the_west) == Defer(ten_in_the_west, (Reason.QUIET_HOURS,))
    assert gate(Channel.VOICE, contact=both, now=ten_in_the_west) == Allow()
    six_in_the_east = datetime(2026, 11, 3, 23, tzinfo=UTC)
    assert isinstance(gate(Channel.VOICE, contact=both, now=six_in_the_east), Defer)


def test_california_is_called_on_request_only() -> None:
    pack = pack_in_force(NOON)
    assert [pack.is_closed_to_ai_calls(number) for number in ("+14155550100", "+13105550100", OREGON)] == [
        True,
        True,
        False,
    ]
    closed = replace(SOMEBODY, closed_to_ai_calls=True)
    assert gate(Channel.VOICE, contact=closed) == Block((Reason.REGION_CLOSED,))
    assert gate(Channel.VOICE, contact=closed, purpose=Purpose.CALLBACK) == Allow()
    assert gate(Channel.SMS, contact=closed) == Allow()


def test_who_said_no_to_a_call_is_not_called() -> None:
    declined = replace(FACTS, ended_calls=(EndedCall(EndReason.DECLINED, same_person=True, same_number=False),))
    assert gate(Channel.VOICE, facts=declined) == Block((Reason.NOT_INTERESTED,))
    assert gate(Channel.VOICE, facts=declined, purpose=Purpose.CALLBACK) == Allow()
    assert gate(Channel.EMAIL, facts=declined) == Allow()


def test_a_number_that_is_somebody_elses_is_not_called_for_this_person() -> None:
    wrong = EndedCall(EndReason.WRONG_PERSON, same_person=True, same_number=True)
    facts = replace(FACTS, ended_calls=(wrong,))
    assert gate(Channel.VOICE, facts=facts) == Block((Reason.WRONG_NUMBER,))
    assert gate(Channel.VOICE, facts=facts, purpose=Purpose.CALLBACK) == Allow()
    assert gate(Channel.EMAIL, facts=facts) == Allow()


end_reasons = st.sampled_from([EndReason.DECLINED, EndReason.WRONG_PERSON]) | st.sampled_from(EndReason)
ended_calls = st.builds(EndedCall, end_reasons, st.booleans(), st.booleans()).filter(
    lambda call: call.same_person or call.same_number
)


@given(calls=st.lists(ended_calls, max_size=4))
def test_who_is_not_called_again_is_who_said_no_and_whose_number_it_is_not(calls: list[EndedCall]) -> None:
    """The oracle strikes out, one by one, the calls after which another may come."""
    harmless = {"COMPLETED", "TRANSFERRED", "NO_ANSWER", "BUSY", "FAILED", "CANCELLED", "MACHINE", "CALL_SCREENING"}
    harmless |= {"HUNG_UP", "SILENCE", "TIME_LIMIT", "PROCESS_LOST"}
    left = [call for call in calls if call.end_reason.value not in harmless]
    left = [call for call in left if (call.end_reason.value, call.same_person) != ("WRONG_PERSON", False)]
    left = [call for call in left if (call.end_reason.value, call.same_number) != ("WRONG_PERSON", False)]
    reasons = []
    if any(call.end_reason.value != "WRONG_PERSON" for call in left):
        reasons.append(Reason.NOT_INTERESTED)
    if any(call.end_reason.value == "WRONG_PERSON" for call in left):
        reasons.append(Reason.WRONG_NUMBER)
    expected = Block(tuple(reasons)) if reasons else Allow()
    assert gate(Channel.VOICE, facts=replace(FACTS, ended_calls=tuple(calls))) == expected


def test_the_merchants_call_hours_only_narrow() -> None:
    afternoon = PACK.tightened(MerchantRules(voice=CallRules(call_hours=CallHours(start=14, end=16))))
    assert gate(Channel.VOICE, pack=afternoon) == Defer(NOON + timedelta(hours=2), (Reason.QUIET_HOURS,))
    assert gate(Channel.VOICE, pack=afternoon, now=NOON + timedelta(hours=2)) == Allow()
    assert isinstance(gate(Channel.VOICE, pack=afternoon, now=NOON + timedelta(hours=4)), Defer)
    assert gate(Channel.SMS, pack=afternoon) == Allow()
    night = NOON + timedelta(hours=10)
    always = PACK.tightened(MerchantRules(voice=CallRules(call_hours=CallHours(start=0, end=24))))
    assert isinstance(gate(Channel.VOICE, pack=always, now=night), Defer)


async def test_the_configured_hours_reach_the_gate(shop: Shop) -> None:
    await shop.consent(ConsentChannel.AI_VOICE)
    assert answer(await shop.decide(Channel.VOICE)) == ALLOWED
    await shop.configure({"voice": {"callHours": {"start": 14, "end": 18}, "maxCallsPerDay": 3}})
    decision = await shop.decide(Channel.VOICE)
    assert (decision.verdict, decision.until) == (ContactVerdict.DEFER, NOW + timedelta(hours=4))
