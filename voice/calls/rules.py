"""What the carrier's words mean for a call, when a call is lost, and which line is free: pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from db.tables.voice import EndReason, VoiceCallOutcome, VoiceCallStatus

# Longer than a phone rings (voice.twilio.RING_S) and than a talking process stays silent about a call.
LOST_AFTER = timedelta(seconds=45)

# Answered by no person (Twilio's AnsweredBy): hang up, say nothing (rules C-13). `unknown` may be a person.
MACHINES = frozenset({"machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"})
# Refused by a service that screens calls (RFC 8197, RFC 8688).
SCREENED = frozenset({607, 608})


@dataclass(frozen=True)
class End:
    outcome: VoiceCallOutcome
    reason: EndReason


# Its reason fell away while it rang: nobody is spoken to.
CALLED_OFF = End(VoiceCallOutcome.NO_ANSWER, EndReason.CANCELLED)
_NEVER_ANSWERED = {
    "busy": EndReason.BUSY,
    "no-answer": EndReason.NO_ANSWER,
    "failed": EndReason.FAILED,
    "canceled": EndReason.CANCELLED,
}


def end_of(status: VoiceCallStatus, said: str, *, answered_by: str | None, sip_code: int | None) -> End | None:
    """What a carrier's status ends a live call with; None while it goes on, or is another's to end.

    A call whose stream is open is ended by the process that holds it, which knows what was agreed.
    """
    if said in _NEVER_ANSWERED:
        screened = sip_code in SCREENED
        return End(VoiceCallOutcome.NO_ANSWER, EndReason.CALL_SCREENING if screened else _NEVER_ANSWERED[said])
    if said != "completed" or status is VoiceCallStatus.TALKING:
        return None
    if answered_by in MACHINES:
        return End(VoiceCallOutcome.VOICEMAIL, EndReason.MACHINE)
    return End(VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP)


def end_of_lost(status: VoiceCallStatus, *, is_over: bool) -> End:
    """What a live call ends with that nothing is heard of any more. `is_over`: its carrier had said so."""
    if is_over:
        return End(VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP)
    reached = status in (VoiceCallStatus.ANSWERED, VoiceCallStatus.TALKING)
    return End(VoiceCallOutcome.DISCONNECTED if reached else VoiceCallOutcome.NO_ANSWER, EndReason.PROCESS_LOST)


def free_line(taken: Collection[int], *, lines: int) -> int | None:
    """The lowest of the company's lines, from 1, that no call holds."""
    return next((line for line in range(1, lines + 1) if line not in taken), None)
