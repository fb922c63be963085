"""What a simulated call came to, as `--json` prints it and as people read it."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from rich.console import Console
from rich.table import Table

from app.simulator.caller import Measured, ScriptedCaller
from app.simulator.repository import GrantGiven, transcript_of
from db.tables.voice import VoiceCall


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Said(_Part):
    speaker: str
    text: str
    at_ms: int


class Percentiles(_Part):
    p50: int | None
    p95: int | None


class Timings(_Part):
    user_stop_to_first_audio_ms: Percentiles


class GrantSaid(_Part):
    kind: str
    value: float | None


class CallReport(_Part):
    """The public fields are what `--json` prints; `measured` is for benchmarks."""

    call_id: str
    outcome: str
    end_reason: str
    audio_path: str | None
    transcript: list[Said]
    timings: Timings
    grants: list[GrantSaid]
    _measured: Measured = Measured()

    @property
    def measured(self) -> Measured:
        return self._measured


def report_of(
    call: VoiceCall, grants: Sequence[GrantGiven], caller: ScriptedCaller | None, audio: Path | None
) -> CallReport:
    assert call.outcome is not None  # it has ended
    assert call.end_reason is not None
    measured = Measured() if caller is None else caller.measured
    report = CallReport(
        call_id=str(call.id),
        outcome=call.outcome.value,
        end_reason=call.end_reason.value,
        audio_path=None if audio is None else str(audio),
        transcript=[Said.model_validate(row) for row in transcript_of(call)],
        timings=Timings(user_stop_to_first_audio_ms=percentiles(measured.answers_ms)),
        grants=[GrantSaid(kind=each.kind, value=each.value) for each in grants],
    )
    report._measured = measured
    return report


def percentiles(values: Sequence[int]) -> Percentiles:
    """Of nothing, nothing."""
    ordered = sorted(values)
    if not ordered:
        return Percentiles(p50=None, p95=None)
    return Percentiles(p50=ordered[len(ordered) // 2], p95=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))])


def show(report: CallReport, console: Console) -> None:
    table = Table("at", "speaker", "text", title=f"Call {report.call_id}", title_justify="left")
    for said in report.transcript:
        table.add_row(f"{said.at_ms / 1000:.1f} s", said.speaker, said.text)
    console.print(table)
    given = ", ".join(f"{each.kind} {each.value or ''}".strip() for each in report.grants) or "nothing"
    timing = report.timings.user_stop_to_first_audio_ms
    console.print(f"Outcome {report.outcome} ({report.end_reason}); granted {given}.")
    if timing.p50 is not None:
        console.print(f"From the customer's last word to our first sound: p50 {timing.p50} ms, p95 {timing.p95} ms.")
    if report.audio_path is not None:
        console.print(f"Audio: {report.audio_path}")
