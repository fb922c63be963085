"""Turns: answered, ended, audited, gapless; opt-outs kept; nothing broken on our side."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tests.hostile.driver import DialogueSeen, TurnSeen
from tests.hostile.records import Row, Wave
from tests.hostile.tally import Invariant, Tally
from tests.hostile.world import SIGNER


def check_turns(wave: Wave, tally: Tally) -> None:
    for seen in wave.seen:
        episode = seen.episode.number
        for turn in seen.turns:
            tally.count("turns")
            tally.seconds.append(turn.seconds)
            if turn.status is not None:
                tally.check(Invariant.HTTP, turn.status < 500, episode, f"{turn.status} to {turn.utterance.text!r}")
            _check_answer(wave, seen, turn, tally)
        tally.check(Invariant.ANSWERED, seen.session_id not in wave.leases, episode, "a lease is left")
        _check_positions(wave, seen, tally)
        tally.count("model requests", seen.script.requests)
    _check_opt_outs(wave, tally)


def _check_answer(wave: Wave, seen: DialogueSeen, turn: TurnSeen, tally: Tally) -> None:
    episode, turn_id = seen.episode.number, wave.turn_id(seen, turn)
    if turn_id is None:
        # Refused is an answer too, as long as it says so; a shopper who was refused lost nothing.
        tally.check(Invariant.ANSWERED, turn.refused is not None, episode, turn.crash or "no turn and no refusal")
        tally.count("refused messages")
        return
    row = wave.turns[turn_id]
    answered = turn.left or (turn.response or "").strip() != ""
    detail = f"{row['status']} {turn.crash} after {turn.seconds:.1f} s to {turn.utterance.text[:80]!r}"
    tally.check(Invariant.ANSWERED, answered and row["status"] in ("DONE", "BROKEN"), episode, detail)
    # A crash of the model may end a turn; one that nobody planned is ours.
    planned = turn.boomed or seen.script.booms > 0
    tally.check(Invariant.BROKEN, turn.crash is None and (row["status"] == "DONE" or planned), episode, detail)
    tally.count(f"turns {row['status'].lower()}")
    _check_calls(wave.calls.get(turn_id, []), turn_id, seen, turn, tally)


def _check_calls(calls: Sequence[Row], turn_id: UUID, seen: DialogueSeen, turn: TurnSeen, tally: Tally) -> None:
    for call in calls:
        tally.count(f"calls {call['outcome'].lower()}")
    keys = sorted(call["call_key"] for call in calls)
    expected = sorted(f"{turn_id}:{ordinal}" for ordinal in range(len(calls)))
    holds = keys == expected and all(call["session_id"] == seen.session_id for call in calls)
    # A JSON answer does not tell the tools, and who left did not see them all.
    whole = not turn.left and turn.crash is None and (turn.status is None or turn.tools)
    if whole:
        names = [call["name"] for call in sorted(calls, key=lambda call: int(call["call_key"].rpartition(":")[2]))]
        holds = holds and len(names) == len(turn.tools)
    tally.check(Invariant.AUDITED, holds, seen.episode.number, f"ran {turn.tools}, kept {keys}")


def _check_positions(wave: Wave, seen: DialogueSeen, tally: Tally) -> None:
    said = [row["position"] for row in wave.messages[seen.session_id]]
    turns = [row["position"] for row in wave.turns.values() if row["session_id"] == seen.session_id]
    holds = said == list(range(1, len(said) + 1)) and turns == list(range(1, len(turns) + 1))
    tally.check(Invariant.GAPLESS, holds, seen.episode.number, f"transcript {said}, turns {turns}")


def _check_opt_outs(wave: Wave, tally: Tally) -> None:
    ended: dict[UUID, datetime] = {}
    for seen in wave.seen:
        person = seen.seat.person
        for turn in seen.turns:
            turn_id = wave.turn_id(seen, turn)
            if not turn.utterance.opts_out or turn_id is None or person is None:
                continue
            finished: datetime = wave.turns[turn_id]["finished_at"]
            ended[person.id] = min(finished, ended.get(person.id, finished))
            kept = SIGNER.keyed_hash(person.email) in wave.suppressed
            detail = f"nothing kept of {turn.utterance.text[-80:]!r}, taken over: {seen.dialogue.taken_over}"
            tally.check(Invariant.OPT_OUT, kept, seen.episode.number, detail)
    _check_silence(wave, ended, tally)


def _check_silence(wave: Wave, ended: dict[UUID, datetime], tally: Tally) -> None:
    """No message is planned by a turn that began after the opt-out was answered."""
    turn_of = {
        change.tx: UUID(change.new["turn_id"])
        for change in wave.changes
        if change.table == "tool_calls" and change.new is not None and change.new["turn_id"]
    }
    episodes = {each.seat.cart_id: each.episode.number for each in wave.seen}
    for change in wave.changes:
        if change.table != "messages" or change.op != "INSERT" or change.new is None or change.tx not in turn_of:
            continue
        tally.count("messages planned")
        stopped = ended.get(UUID(change.new["customer_id"]))
        began = wave.turns[turn_of[change.tx]]["started_at"]
        detail = f"planned by a turn of {began}, stopped at {stopped}"
        episode = episodes.get(UUID(change.new["cart_id"]), -1)
        tally.check(Invariant.OPT_OUT, stopped is None or began <= stopped, episode, detail)
