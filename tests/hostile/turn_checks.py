"""Turns: answered, ended, audited, gapless; nothing broken on our side."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from tests.hostile.arguments import Trick
from tests.hostile.driver import DialogueSeen, TurnSeen
from tests.hostile.records import Row, Wave
from tests.hostile.tally import Invariant, Tally


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
        for trick, number in seen.script.tried.items():
            tally.tried[trick] += number
    by_cart = Counter((each.seat.cart_id, each.episode.number) for each in wave.seen)
    tally.tried[Trick.INTERLEAVED] += sum(dialogues > 1 for dialogues in by_cart.values())


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
