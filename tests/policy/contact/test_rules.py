"""The gate: each reason by example, the hours against a walk of the clock in quarter hours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState, SuppressionScope
from db.tables.policy import Channel
from policy.contact.rules import (
    Allow,
    Block,
    Consent,
    Contact,
    ContactFacts,
    Defer,
    Purpose,
    Reason,
    consent_channel,
    decide,
    earliest_contact,
)
from policy.contact.schemas import (
    BlackoutHours,
    EmailBases,
    EmailBasis,
    Limit,
    MerchantRules,
    PolicyPack,
    pack_in_force,
)
from policy.contact.windows import EVERY_DAY, ContactWindow, Span, outside

BERLIN, NEW_YORK, LOS_ANGELES = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")
NOON = datetime(2026, 11, 3, 17, tzinfo=UTC)  # a Tuesday, 12:00 in New York, 09:00 in Los Angeles
PACK = pack_in_force(NOON).tightened(MerchantRules())
SOMEBODY = Contact(has_address=True, zones=(NEW_YORK,), shop_zone=BERLIN, country="US")
AGREED = {
    channel: Consent(ConsentState.CONFIRMED, ConsentMethod.WRITTEN)
    for channel in (ConsentChannel.EMAIL, ConsentChannel.SMS, ConsentChannel.PUSH, ConsentChannel.AI_VOICE)
}
FACTS = ContactFacts(consents=AGREED, abandoned_at=NOON - timedelta(hours=1))
REACHING = [Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.VOICE]


def gate(
    channel: Channel = Channel.EMAIL,
    *,
    contact: Contact = SOMEBODY,
    facts: ContactFacts = FACTS,
    purpose: Purpose = Purpose.MARKETING,
    now: datetime = NOON,
    pack: PolicyPack = PACK,
) -> Allow | Defer | Block:
    return decide(contact, channel, purpose, now, facts, pack)


@pytest.mark.parametrize("channel", Channel)
def test_who_agreed_is_contacted_at_noon(channel: Channel) -> None:
    assert gate(channel) == Allow()


@pytest.mark.parametrize("channel", REACHING)
@pytest.mark.parametrize("consent", ConsentChannel)
def test_consent_covers_its_own_channel_only(channel: Channel, consent: ConsentChannel) -> None:
    """Rules C-02, written out as the matrix."""
    needs = {"EMAIL": "EMAIL", "SMS": "SMS", "PUSH": "PUSH", "VOICE": "AI_VOICE"}[channel.value]
    facts = replace(FACTS, consents={consent: Consent(ConsentState.CONFIRMED, ConsentMethod.WRITTEN)})
    missing = Reason.NO_PEWC if channel is Channel.VOICE else Reason.NO_CONSENT
    assert gate(channel, facts=facts) == (Allow() if consent.value == needs else Block((missing,)))


@pytest.mark.parametrize("channel", REACHING)
@pytest.mark.parametrize(
    ("state", "reason"),
    [(ConsentState.PENDING, Reason.CONSENT_PENDING), (ConsentState.REVOKED, Reason.CONSENT_REVOKED)],
)
def test_only_a_confirmed_consent_counts(channel: Channel, state: ConsentState, reason: Reason) -> None:
    needed = consent_channel(channel)
    assert needed is not None
    facts = replace(FACTS, consents={needed: Consent(state, ConsentMethod.WIDGET)})
    assert gate(channel, facts=facts) == Block((reason,))


def test_an_ai_call_needs_it_in_writing() -> None:
    imported = {ConsentChannel.AI_VOICE: Consent(ConsentState.CONFIRMED, ConsentMethod.IMPORT)}
    assert gate(Channel.VOICE, facts=replace(FACTS, consents=imported)) == Block((Reason.NO_PEWC,))


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("scope", SuppressionScope)
def test_suppression_wins(channel: Channel, scope: SuppressionScope, purpose: Purpose) -> None:
    stopped = gate(channel, purpose=purpose, facts=replace(FACTS, suppressed=frozenset({scope})))
    reached = scope.value in ("ALL", channel.value)
    assert stopped == (Block((Reason.SUPPRESSED,)) if reached else Allow())


@pytest.mark.parametrize(
    ("channel", "change", "reason"),
    [
        (Channel.EMAIL, {"messages": 10}, Reason.TOO_MANY_MESSAGES),
        (Channel.PUSH, {"messages": 10}, Reason.TOO_MANY_MESSAGES),
        (Channel.IN_APP, {"messages": 10}, Reason.TOO_MANY_MESSAGES),
        (Channel.EMAIL, {"messages": 6, "emails": 6}, Reason.TOO_MANY_UNANSWERED),
        (Channel.SMS, {"messages": 1, "sms": 1}, Reason.SMS_USED),
        (Channel.SMS, {"abandoned_at": NOON - timedelta(hours=48, seconds=1)}, Reason.SMS_TOO_LATE),
        (Channel.SMS, {"abandoned_at": None}, Reason.SMS_TOO_LATE),
        (Channel.VOICE, {"calls": 1}, Reason.CALL_USED),
        (Channel.EMAIL, {"ordered": True}, Reason.ORDERED),
        (Channel.IN_APP, {"ordered": True}, Reason.ORDERED),
    ],
)
def test_each_limit_of_an_abandonment_blocks(channel: Channel, change: dict[str, object], reason: Reason) -> None:
    facts = replace(FACTS, **change)  # type: ignore[arg-type]  # the table of cases mixes field types
    assert gate(channel, facts=facts) == Block((reason,))


@pytest.mark.parametrize(
    ("channel", "change"),
    [
        (Channel.EMAIL, {"messages": 9}),
        (Channel.EMAIL, {"messages": 5, "emails": 5}),
        (Channel.EMAIL, {"messages": 9, "emails": 9, "engaged": True}),
        (Channel.PUSH, {"messages": 6, "emails": 6}),
        (Channel.SMS, {"abandoned_at": NOON - timedelta(hours=48)}),
    ],
)
def test_just_inside_each_limit_is_allowed(channel: Channel, change: dict[str, object]) -> None:
    facts = replace(FACTS, **change)  # type: ignore[arg-type]  # the table of cases mixes field types
    assert gate(channel, facts=facts) == Allow()


def test_every_reason_is_named() -> None:
    contact = replace(SOMEBODY, has_address=False, zones=())
    facts = ContactFacts(suppressed=frozenset({SuppressionScope.SMS}), sms=1, messages=10)
    assert gate(Channel.SMS, contact=contact, facts=facts) == Block(
        (
            Reason.NO_ADDRESS,
            Reason.SUPPRESSED,
            Reason.NO_CONSENT,
            Reason.ZONE_UNKNOWN,
            Reason.SMS_USED,
            Reason.TOO_MANY_MESSAGES,
        )
    )


def test_what_the_shopper_asked_for_has_no_quiet_hours_by_email() -> None:
    night = datetime(2026, 11, 4, 4, tzinfo=UTC)  # 23:00 in New York
    many = replace(FACTS, messages=10, emails=6, sent=(night,))
    assert gate(now=night, facts=many, purpose=Purpose.TRANSACTIONAL) == Allow()
    assert gate(now=night, facts=ContactFacts(), purpose=Purpose.TRANSACTIONAL) == Block((Reason.NO_CONSENT,))
    later = gate(Channel.SMS, now=night, purpose=Purpose.TRANSACTIONAL)
    assert later == Defer(datetime(2026, 11, 4, 15, tzinfo=UTC), (Reason.QUIET_HOURS,))


def test_a_callback_needs_no_consent_but_keeps_the_hours() -> None:
    asked = ContactFacts(calls=1, sent=(NOON,))
    assert gate(Channel.VOICE, facts=asked, purpose=Purpose.CALLBACK) == Allow()
    evening = NOON.replace(hour=23)
    assert gate(Channel.VOICE, facts=asked, purpose=Purpose.CALLBACK, now=evening) == Defer(
        datetime(2026, 11, 4, 15, tzinfo=UTC), (Reason.QUIET_HOURS,)
    )


def test_blackout_is_in_every_zone_that_is_known() -> None:
    both = replace(SOMEBODY, zones=(NEW_YORK, LOS_ANGELES))
    early = datetime(2026, 11, 3, 14, tzinfo=UTC)  # 09:00 and 06:00
    assert gate(now=early) == Allow()
    assert gate(now=early, contact=both) == Defer(datetime(2026, 11, 3, 16, tzinfo=UTC), (Reason.QUIET_HOURS,))


def test_unknown_zone_means_the_shops_for_email_and_none_for_a_phone() -> None:
    nowhere = replace(SOMEBODY, zones=())
    in_berlin = NOON.replace(hour=22)  # 23:00 there, 17:00 in New York
    assert gate(contact=nowhere, now=in_berlin) == Defer(datetime(2026, 11, 4, 7, tzinfo=UTC), (Reason.QUIET_HOURS,))
    assert gate(Channel.VOICE, contact=nowhere) == Block((Reason.ZONE_UNKNOWN,))


def test_calls_keep_office_hours_weekends_and_holidays() -> None:
    friday = datetime(2026, 7, 2, 22, tzinfo=UTC)  # Thursday 18:00; Friday is the holiday observed
    assert gate(Channel.VOICE, now=friday) == Defer(datetime(2026, 7, 6, 14, tzinfo=UTC), (Reason.QUIET_HOURS,))
    abroad = replace(SOMEBODY, country="GB", zones=(ZoneInfo("Europe/London"),))
    assert gate(Channel.VOICE, now=datetime(2026, 7, 3, 10, tzinfo=UTC), contact=abroad) == Allow()
    unknown = replace(SOMEBODY, country=None)
    assert gate(Channel.VOICE, now=datetime(2026, 7, 3, 16, tzinfo=UTC), contact=unknown) == Defer(
        datetime(2026, 7, 6, 14, tzinfo=UTC), (Reason.QUIET_HOURS,)
    )


def test_hours_that_never_meet_block() -> None:
    far = replace(SOMEBODY, zones=(NEW_YORK, ZoneInfo("Asia/Tokyo")))
    assert gate(Channel.VOICE, contact=far) == Block((Reason.NO_COMMON_HOURS,))


def test_an_sms_that_would_come_too_late_is_blocked() -> None:
    saturday = datetime(2026, 11, 7, 23, tzinfo=UTC)  # 18:00; the next hours are on Monday at 10:00
    assert gate(Channel.SMS, now=saturday, facts=replace(FACTS, abandoned_at=saturday)) == Defer(
        datetime(2026, 11, 9, 15, tzinfo=UTC), (Reason.QUIET_HOURS,)
    )
    older = replace(FACTS, abandoned_at=saturday - timedelta(hours=8, seconds=1))
    assert gate(Channel.SMS, now=saturday, facts=older) == Block((Reason.SMS_TOO_LATE,))
    days_later = replace(FACTS, abandoned_at=NOON - timedelta(days=5))
    assert gate(Channel.SMS, facts=days_later, purpose=Purpose.TRANSACTIONAL) == Allow()


def test_frequency_defers_by_hour_day_and_week() -> None:
    assert gate(facts=replace(FACTS, sent=(NOON - timedelta(minutes=59),))) == Defer(
        NOON + timedelta(minutes=1), (Reason.FREQUENCY,)
    )
    assert gate(facts=replace(FACTS, sent=(NOON - timedelta(minutes=60),))) == Allow()
    day = tuple(NOON - timedelta(hours=hours) for hours in (2, 3, 4, 20))
    assert gate(facts=replace(FACTS, sent=day)) == Defer(NOON + timedelta(hours=4), (Reason.FREQUENCY,))
    night = tuple(NOON - timedelta(hours=hours) for hours in (2, 3, 4, 10))
    until = datetime(2026, 11, 4, 13, tzinfo=UTC)
    assert gate(facts=replace(FACTS, sent=night)) == Defer(until, (Reason.FREQUENCY, Reason.QUIET_HOURS))
    called = replace(FACTS, sent=(NOON - timedelta(days=6, hours=23),))
    assert gate(Channel.VOICE, facts=called) == Defer(NOON + timedelta(hours=1), (Reason.FREQUENCY,))


def test_the_default_flow_of_seven_stages_fits_into_the_limits() -> None:
    """Spec 2's delays: three emails on the first day, then one at 24, 48 and 72 hours."""
    sent: list[datetime] = []
    for minutes in (60, 180, 360, 1440, 2880, 4320):
        at = NOON + timedelta(minutes=minutes)
        assert gate(now=at, facts=replace(FACTS, sent=tuple(sent), messages=len(sent), emails=len(sent))) == Allow()
        sent.append(at)


def test_a_country_may_ask_for_a_double_opt_in() -> None:
    strict = PACK.model_copy(
        update={"email_basis": EmailBases(default=EmailBasis.OPT_IN, countries={"DE": EmailBasis.DOUBLE_OPT_IN})}
    )
    german = replace(SOMEBODY, country="DE")
    assert gate(contact=german, pack=strict) == Block((Reason.CONSENT_TOO_WEAK,))
    assert gate(pack=strict) == Allow()
    doubled = {ConsentChannel.EMAIL: Consent(ConsentState.CONFIRMED, ConsentMethod.DOUBLE_OPT_IN)}
    assert gate(contact=german, pack=strict, facts=replace(FACTS, consents=doubled)) == Allow()


def test_a_merchant_only_tightens() -> None:
    pack = pack_in_force(NOON)
    loose = MerchantRules(blackout_hours=BlackoutHours(start=0, end=0), max_attempts_per_cart=99)
    assert gate(facts=replace(FACTS, messages=10), pack=pack.tightened(loose)) == Block((Reason.TOO_MANY_MESSAGES,))
    midnight = datetime(2026, 11, 4, 5, tzinfo=UTC)
    assert gate(now=midnight, pack=pack.tightened(loose)) == Allow()
    assert isinstance(gate(Channel.VOICE, now=midnight, pack=pack.tightened(loose)), Defer)
    strict = MerchantRules(blackout_hours=BlackoutHours(start=9, end=17), max_attempts_per_cart=2)
    assert gate(facts=replace(FACTS, messages=2), pack=pack.tightened(strict)) == Block((Reason.TOO_MANY_MESSAGES,))
    assert gate(Channel.VOICE, pack=pack.tightened(strict)) == Defer(
        datetime(2026, 11, 3, 22, tzinfo=UTC), (Reason.QUIET_HOURS,)
    )


def test_the_pack_says_where_it_comes_from() -> None:
    pack = pack_in_force(NOON)
    assert pack.version == "2026-01"
    assert pack.source
    assert pack.reviewer
    assert (pack.per_abandonment.messages, pack.per_abandonment.unanswered_emails) == (10, 6)
    assert pack_in_force(datetime(2020, 1, 1, tzinfo=UTC)) == pack


ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Cairo",
        "America/Havana",
        "Pacific/Chatham",
        "Asia/Tokyo",
    )
]
# The days around which clocks change in one of these zones.
CHANGES = [
    datetime(2026, *day, tzinfo=UTC)
    for day in ((3, 7), (3, 28), (4, 3), (4, 23), (9, 26), (10, 3), (10, 24), (10, 29), (10, 31))
]
instants = st.builds(lambda day, hours: day + timedelta(hours=hours), st.sampled_from(CHANGES), st.integers(0, 72))
quarters = st.integers(0, 95)
spans = st.lists(
    st.builds(
        lambda days, one, other: Span(days, min(one, other) * 15, (max(one, other) + 1) * 15),
        st.just(EVERY_DAY) | st.frozensets(st.integers(0, 6), min_size=1),
        quarters,
        quarters,
    ),
    min_size=1,
    max_size=2,
).map(tuple) | st.builds(outside, st.integers(0, 23), st.integers(0, 23))
windows = st.lists(st.builds(ContactWindow, st.sampled_from(ZONES), spans), min_size=1, max_size=3)
limits = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([15, 60, 1440])).map(
        lambda each: Limit(count=each[0], within_minutes=each[1])
    ),
    max_size=2,
)
QUARTER = timedelta(minutes=15)


def open_at(window: ContactWindow, at: datetime) -> bool:
    local = at.astimezone(window.tz)
    minute = local.hour * 60 + local.minute
    return any(local.weekday() in span.days and span.opens <= minute < span.closes for span in window.spans)


@given(now=instants, sent=st.lists(instants, max_size=4), limits=limits, windows=windows)
def test_contact_is_allowed_and_not_needlessly_late(
    now: datetime, sent: list[datetime], limits: list[Limit], windows: list[ContactWindow]
) -> None:
    """The oracle walks in quarter hours, the grid on which every zone, span and change of these cases lies."""
    at = earliest_contact(now, sent, limits, windows)

    def free(moment: datetime) -> bool:
        for limit in limits:
            within = timedelta(minutes=limit.within_minutes)
            if sum(moment < each + within for each in sent) >= limit.count:
                return False
        return all(open_at(window, moment) for window in windows)

    steps = int(timedelta(days=9) / QUARTER)
    first = next((now + step * QUARTER for step in range(steps) if free(now + step * QUARTER)), None)
    if first is None:
        assert at is None or at >= now + timedelta(days=9)
    else:
        assert at == first


def test_a_window_that_opens_in_the_lost_hour_opens_when_the_clocks_change() -> None:
    window = ContactWindow(NEW_YORK, (Span(EVERY_DAY, 150, 240),))
    before = datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert earliest_contact(before, (), (), (window,)) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_a_window_opens_twice_in_the_repeated_hour() -> None:
    window = ContactWindow(BERLIN, (Span(EVERY_DAY, 135, 150),))
    first, second = datetime(2026, 10, 25, 0, 15, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    assert earliest_contact(first - timedelta(hours=1), (), (), (window,)) == first
    assert earliest_contact(first + timedelta(minutes=15), (), (), (window,)) == second
