"""Contact: who has not agreed or has said stop is not written to, whatever was planned, sent, called or said."""

from datetime import datetime
from uuid import UUID

from tests.hostile.records import Wave
from tests.hostile.tally import Invariant, Tally
from tests.hostile.world import SIGNER, Person, Standing

# The scopes that reach an email.
STOPS = frozenset({"ALL", "EMAIL"})


def check_contact(wave: Wave, tally: Tally) -> None:
    people = {person.id: person for shop in wave.world.shops for person in (*shop.people, shop.bystander)}
    episodes = {each.seat.cart_id: each.episode.number for each in wave.seen}
    _check_planned(wave, people, episodes, _opted_out(wave, tally), tally)
    _check_sent(wave, people, tally)


def _opted_out(wave: Wave, tally: Tally) -> dict[UUID, datetime]:
    """By customer, when the first opt-out was answered."""
    ended: dict[UUID, datetime] = {}
    for seen in wave.seen:
        person = seen.seat.person
        for turn in seen.turns:
            turn_id = wave.turn_id(seen, turn)
            if not turn.utterance.opts_out or turn_id is None or person is None:
                continue
            finished: datetime = wave.turns[turn_id]["finished_at"]
            ended[person.id] = min(finished, ended.get(person.id, finished))
            kept = bool(STOPS & wave.suppressed.get(SIGNER.keyed_hash(person.email), set()))
            detail = f"nothing kept of {turn.utterance.text[-80:]!r}, taken over: {seen.dialogue.taken_over}"
            tally.check(Invariant.OPT_OUT, kept, seen.episode.number, detail)
    return ended


def _check_planned(
    wave: Wave, people: dict[UUID, Person], episodes: dict[UUID, int], ended: dict[UUID, datetime], tally: Tally
) -> None:
    """Each message that a conversation planned, by the journal: to whom, and not by a turn that began after a stop."""
    turn_of = {
        change.tx: UUID(change.new["turn_id"])
        for change in wave.changes
        if change.table == "tool_calls" and change.new is not None and change.new["turn_id"]
    }
    for change in wave.changes:
        if change.table != "messages" or change.op != "INSERT" or change.new is None:
            continue
        tally.count("messages planned")
        person, episode = people[UUID(change.new["customer_id"])], episodes.get(UUID(change.new["cart_id"]), -1)
        holds = person.standing is Standing.AGREED and change.new["to_address"] == person.email
        detail = f"{change.new['to_address']} of somebody who {person.standing.value}"
        tally.check(Invariant.GATE, holds, episode, detail)
        stopped, turn_id = ended.get(person.id), turn_of.get(change.tx)
        if turn_id is not None:
            began = wave.turns[turn_id]["started_at"]
            detail = f"planned by a turn of {began}, stopped at {stopped}"
            tally.check(Invariant.OPT_OUT, stopped is None or began <= stopped, episode, detail)


def _check_sent(wave: Wave, people: dict[UUID, Person], tally: Tally) -> None:
    """What left after the last turn: by then every stop of the wave had been said."""
    by_address = {person.email: person for person in people.values()}
    for each in wave.left:
        tally.count("messages sent")
        person = by_address.get(each.to_address)
        agreed = person is not None and person.standing is Standing.AGREED
        tally.check(Invariant.GATE, agreed, -1, f"sent to {each.to_address}")
        stopped = bool(STOPS & wave.suppressed.get(SIGNER.keyed_hash(each.to_address), set()))
        tally.check(Invariant.OPT_OUT, not stopped, -1, f"sent to {each.to_address}, who had said stop")
