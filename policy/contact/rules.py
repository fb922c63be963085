"""The contact gate: may this person be contacted on this channel now, later, or not at all (rules 1)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState, SuppressionScope
from db.tables.policy import Channel
from db.tables.voice import EndReason
from policy.contact.schemas import EmailBasis, Limit, PolicyPack
from policy.contact.windows import EVERY_DAY, ContactWindow, Span, earliest_allowed, outside


class Purpose(StrEnum):
    """Why somebody is contacted.

    MARKETING is what the shop starts. TRANSACTIONAL is a message that the shopper asked for just now, such as the
    link to the cart. CALLBACK is a call that the shopper asked for.
    """

    MARKETING = "MARKETING"
    TRANSACTIONAL = "TRANSACTIONAL"
    CALLBACK = "CALLBACK"


class Reason(StrEnum):
    """Why a contact is put off or refused."""

    NO_ADDRESS = "NO_ADDRESS"
    SUPPRESSED = "SUPPRESSED"
    NO_CONSENT = "NO_CONSENT"
    CONSENT_PENDING = "CONSENT_PENDING"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    CONSENT_TOO_WEAK = "CONSENT_TOO_WEAK"
    NO_PEWC = "NO_PEWC"
    REGION_CLOSED = "REGION_CLOSED"
    NOT_INTERESTED = "NOT_INTERESTED"
    WRONG_NUMBER = "WRONG_NUMBER"
    ORDERED = "ORDERED"
    ZONE_UNKNOWN = "ZONE_UNKNOWN"
    TOO_MANY_MESSAGES = "TOO_MANY_MESSAGES"
    TOO_MANY_UNANSWERED = "TOO_MANY_UNANSWERED"
    SMS_USED = "SMS_USED"
    SMS_TOO_LATE = "SMS_TOO_LATE"
    CALL_USED = "CALL_USED"
    FREQUENCY = "FREQUENCY"
    QUIET_HOURS = "QUIET_HOURS"
    NO_COMMON_HOURS = "NO_COMMON_HOURS"


@dataclass(frozen=True, slots=True)
class Consent:
    """The latest record of one channel (rules C-01)."""

    state: ConsentState
    method: ConsentMethod


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom it is about. `zones` are all that are known of the person; `shop_zone` stands in where none is.

    `closed_to_ai_calls`: the number lies where an AI may call only who asked for it.
    """

    has_address: bool
    zones: tuple[ZoneInfo, ...]
    shop_zone: ZoneInfo
    country: str | None = None
    closed_to_ai_calls: bool = False


# How a call ends in which the customer said no (rules C-23), whatever the spec counts it as.
SAID_NO = frozenset({EndReason.DECLINED, EndReason.OPT_OUT})


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call to this person or to the number that they have now, by whichever of the two it is known."""

    end_reason: EndReason
    same_person: bool
    same_number: bool


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What has happened so far; the message under decision is not among it.

    `sent` are the latest sends to this person on this channel, whichever cart they were about. The counts are of
    this abandonment: `messages` over all channels, `engaged` says that one was opened or clicked. `ended_calls` are
    all there ever were.
    """

    consents: Mapping[ConsentChannel, Consent] = field(default_factory=dict)
    suppressed: frozenset[SuppressionScope] = frozenset()
    sent: tuple[datetime, ...] = ()
    messages: int = 0
    emails: int = 0
    sms: int = 0
    calls: int = 0
    engaged: bool = False
    ended_calls: tuple[EndedCall, ...] = ()
    abandoned_at: datetime | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Allow:
    """Go ahead now."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not before `until`."""

    until: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Not at all, for every one of these reasons."""

    reasons: tuple[Reason, ...]


Decision = Allow | Defer | Block


def decide(
    contact: Contact, channel: Channel, purpose: Purpose, now: datetime, facts: ContactFacts, pack: PolicyPack
) -> Decision:
    """Whether, and from when, this contact is right. Asked when it is planned and again when it is sent."""
    blocked = (*_standing(contact, channel, purpose, facts, pack), *_used_up(channel, purpose, facts, pack))
    if blocked:
        return Block(blocked)
    limits = pack.limits.get(channel, ()) if purpose is Purpose.MARKETING else ()
    at = earliest_contact(now, facts.sent, limits, windows_of(contact, channel, purpose, pack))
    if at is None:
        return Block((Reason.NO_COMMON_HOURS,))
    if channel is Channel.SMS and purpose is Purpose.MARKETING and _too_late(at, facts, pack):
        return Block((Reason.SMS_TOO_LATE,))
    if at <= now:
        return Allow()
    floor = frequency_floor(now, facts.sent, limits)
    reasons = [Reason.FREQUENCY] if floor > now else []
    if at > floor:
        reasons.append(Reason.QUIET_HOURS)
    return Defer(at, tuple(reasons))


def earliest_contact(
    now: datetime, sent: Sequence[datetime], limits: Sequence[Limit], windows: Sequence[ContactWindow]
) -> datetime | None:
    """Return the first instant from `now` that respects every limit and every local window; None if none does."""
    return earliest_allowed(frequency_floor(now, sent, limits), windows)


def frequency_floor(now: datetime, sent: Sequence[datetime], limits: Sequence[Limit]) -> datetime:
    """The first instant from `now` at which one message more stays within each limit."""
    newest_first = sorted(sent, reverse=True)
    free_again = (
        newest_first[limit.count - 1] + timedelta(minutes=limit.within_minutes)
        for limit in limits
        if len(newest_first) >= limit.count
    )
    return max([now, *free_again])


def windows_of(contact: Contact, channel: Channel, purpose: Purpose, pack: PolicyPack) -> tuple[ContactWindow, ...]:
    """The hours that count, in every zone known of the person: the pack's own and the merchant's blackout.

    What shows in the shop itself has none. The blackout spares only an email or push that somebody is waiting for.
    """
    if channel is Channel.IN_APP:
        return ()
    kinds: list[tuple[tuple[Span, ...], frozenset[date]]] = []
    if legal := pack.windows.get(channel):
        closed_on = pack.holidays_of(contact.country) if channel is Channel.VOICE else frozenset()
        kinds.append((tuple(hours.span() for hours in legal), closed_on))
    if pack.call_hours is not None and channel is Channel.VOICE:
        kinds.append(((Span(EVERY_DAY, pack.call_hours.start * 60, pack.call_hours.end * 60),), frozenset()))
    if pack.blackout_hours is not None and (legal or purpose is Purpose.MARKETING):
        kinds.append((outside(pack.blackout_hours.start, pack.blackout_hours.end), frozenset()))
    zones = contact.zones or (contact.shop_zone,)
    return tuple(ContactWindow(zone, spans, closed_on) for spans, closed_on in kinds for zone in zones)


def consent_channel(channel: Channel) -> ConsentChannel | None:
    """The consent that a channel needs; consent to one never covers another (rules C-02)."""
    match channel:
        case Channel.EMAIL:
            return ConsentChannel.EMAIL
        case Channel.SMS:
            return ConsentChannel.SMS
        case Channel.PUSH:
            return ConsentChannel.PUSH
        case Channel.VOICE:
            return ConsentChannel.AI_VOICE
        case Channel.IN_APP:
            return None
        case _:
            assert_never(channel)


def is_suppressed(channel: Channel, scopes: Collection[SuppressionScope]) -> bool:
    """Whether a suppression of these scopes reaches the channel. What stops all, stops what shows in the shop."""
    return SuppressionScope.ALL in scopes or any(scope.value == channel.value for scope in scopes)


def said_no(calls: Iterable[EndedCall]) -> bool:
    """Whether this person, or whoever has the number, told a call no: neither is called again (rules C-16)."""
    return any(call.end_reason in SAID_NO for call in calls)


def is_wrong_number(calls: Iterable[EndedCall]) -> bool:
    """Whether somebody else was found at the number that this person has now.

    Another number is another chance to reach them, and others may well be reached at this one.
    """
    return any(call.end_reason is EndReason.WRONG_PERSON and call.same_person and call.same_number for call in calls)


def _standing(
    contact: Contact, channel: Channel, purpose: Purpose, facts: ContactFacts, pack: PolicyPack
) -> Iterator[Reason]:
    """What no waiting mends: nobody to reach, no permission, nothing left to save."""
    if not contact.has_address and channel is not Channel.IN_APP:
        yield Reason.NO_ADDRESS
    if is_suppressed(channel, facts.suppressed):
        yield Reason.SUPPRESSED
    if purpose is not Purpose.CALLBACK:
        yield from _consent(contact, channel, facts, pack)
        if channel is Channel.VOICE and contact.closed_to_ai_calls:
            yield Reason.REGION_CLOSED
        if channel is Channel.VOICE and said_no(facts.ended_calls):
            yield Reason.NOT_INTERESTED
        if channel is Channel.VOICE and is_wrong_number(facts.ended_calls):
            yield Reason.WRONG_NUMBER
    if purpose is Purpose.MARKETING and facts.ordered:
        yield Reason.ORDERED
    if not contact.zones and channel in (Channel.SMS, Channel.VOICE):
        yield Reason.ZONE_UNKNOWN


def _consent(contact: Contact, channel: Channel, facts: ContactFacts, pack: PolicyPack) -> Iterator[Reason]:
    needed = consent_channel(channel)
    if needed is None:
        return
    consent = facts.consents.get(needed)
    if consent is None:
        yield Reason.NO_PEWC if channel is Channel.VOICE else Reason.NO_CONSENT
        return
    match consent.state:
        case ConsentState.PENDING:
            yield Reason.CONSENT_PENDING
        case ConsentState.REVOKED:
            yield Reason.CONSENT_REVOKED
        case ConsentState.CONFIRMED:
            basis = pack.email_basis.of(contact.country)
            if channel is Channel.VOICE and consent.method is not ConsentMethod.WRITTEN:
                yield Reason.NO_PEWC
            if (
                channel is Channel.EMAIL
                and basis is EmailBasis.DOUBLE_OPT_IN
                and consent.method is not ConsentMethod.DOUBLE_OPT_IN
            ):
                yield Reason.CONSENT_TOO_WEAK
        case _:
            assert_never(consent.state)


def _used_up(channel: Channel, purpose: Purpose, facts: ContactFacts, pack: PolicyPack) -> Iterator[Reason]:
    """What this abandonment has already cost the person."""
    most = pack.per_abandonment
    if channel is Channel.SMS and facts.sms >= most.sms:
        yield Reason.SMS_USED
    if purpose is not Purpose.MARKETING:
        return
    if facts.messages >= most.messages:
        yield Reason.TOO_MANY_MESSAGES
    if channel is Channel.EMAIL and not facts.engaged and facts.emails >= most.unanswered_emails:
        yield Reason.TOO_MANY_UNANSWERED
    if channel is Channel.VOICE and facts.calls >= most.calls:
        yield Reason.CALL_USED


def _too_late(at: datetime, facts: ContactFacts, pack: PolicyPack) -> bool:
    """A cart SMS belongs to an abandonment and its first hours (rules C-05)."""
    if facts.abandoned_at is None:
        return True
    return at > facts.abandoned_at + timedelta(hours=pack.sms_within_hours)
