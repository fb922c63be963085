"""`python -m tests.hostile.mutants`: each invariant is alive, because something turns it red.

A guard is taken away in memory, a short seeded run is played, and the invariant that it stands for must be violated;
others may be only where `also` says that they hang together. A mutant with no `red` lacks one of two walls: the other
must hold.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context

import psycopg
import pytest
from rich.console import Console
from rich.table import Table

from db.embedded import EmbeddedServer, dsn
from tests.hostile import breaks
from tests.hostile.blocks import run_blocks
from tests.hostile.run import fresh_database, migrated_server
from tests.hostile.tally import Invariant, Tally

SEED = 7
BLOCKS = 2


@dataclass(frozen=True)
class Mutant:
    """A guard that is gone. `sql` takes away what stands behind it in the database."""

    gone: str
    patch: Callable[[pytest.MonkeyPatch], None]
    red: Invariant | None
    also: frozenset[Invariant] = frozenset()
    sql: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    violated: dict[Invariant, int]

    @property
    def as_expected(self) -> bool:
        """Its invariant is red and no other that does not hang together with it."""
        wanted = set() if self.mutant.red is None else {self.mutant.red}
        return wanted <= set(self.violated) <= wanted | self.mutant.also


I = Invariant  # noqa: E741  (the table below is one)
MUTANTS: tuple[Mutant, ...] = (
    Mutant("cap check", breaks.cap_check_removed, I.CAP, frozenset({I.BENEFIT}), (breaks.CAP_CHECK_OFF,)),
    Mutant("what was asked is the most", breaks.asked_percent_ignored, I.CAP),
    Mutant(
        "cart, person and budget locks, unique index", breaks.locks_removed, I.ONE_GRANT,
        frozenset({I.COOLDOWN, I.BUDGET}), (breaks.LIVE_INDEX_OFF,),
    ),
    Mutant("margin floor", breaks.margin_unchecked, I.BENEFIT),
    Mutant("cool-down", breaks.cooldown_unchecked, I.COOLDOWN),
    Mutant("budget", breaks.budget_unchecked, I.BUDGET),
    Mutant("extra fields are refused", breaks.extra_fields_accepted, I.WALLS),
    Mutant("company filter (the wall stands)", breaks.company_filter_left_out, None),
    Mutant(
        "company filter and wall", breaks.company_filter_left_out, I.WALLS, sql=breaks.walls_off("chat_sessions")
    ),
    Mutant("company filter of the FAQ (the wall stands)", breaks.faq_of_everybody, None),
    Mutant(
        "company filter and wall of the FAQ", breaks.faq_of_everybody, I.CANARY, frozenset({I.BROKEN, I.GROUNDED}),
        breaks.walls_off("faq_vectors", "faq_chunks", "faq_entries"),
    ),
    Mutant("claims check", breaks.claims_let_through, I.GROUNDED, frozenset({I.CANARY})),
    Mutant("redaction", breaks.redaction_off, I.CARDS),
    Mutant("sentences stored as shown", breaks.stored_otherwise, I.STORED, frozenset({I.GROUNDED})),
    Mutant("lease given back", breaks.lease_never_ended, I.ANSWERED),
    # Two turns at once want one place in the transcript: whose request is the second gets a 500.
    Mutant("lease", breaks.lease_removed, I.BROKEN, frozenset({I.ANSWERED, I.GAPLESS, I.STORED, I.AUDITED, I.HTTP})),
    Mutant("arguments made storable", breaks.arguments_kept_as_they_are, I.BROKEN, frozenset({I.CARDS, I.AUDITED})),
    Mutant("contact gate", breaks.gate_always_open, I.GATE, frozenset({I.OPT_OUT})),
    Mutant("opt-out detector", breaks.opt_outs_unheard, I.OPT_OUT),
    Mutant("positions in a row", breaks.positions_skip, I.GAPLESS),
    Mutant("audit of invalid calls", breaks.invalid_calls_forgotten, I.AUDITED),
    Mutant("answers that can be sent", breaks.answer_unreadable, I.HTTP, frozenset({I.ANSWERED})),
)  # fmt: skip


def play(server: EmbeddedServer, template: str, index: int, blocks: int) -> Tally:
    """Play with a mutant in this process: it is whole again afterwards."""
    mutant = MUTANTS[index]
    with fresh_database(server, template=template) as database, pytest.MonkeyPatch.context() as mp:
        with psycopg.connect(dsn(database.owner_url), autocommit=True) as connection:
            for statement in mutant.sql:
                connection.execute(statement)
        mutant.patch(mp)
        return asyncio.run(run_blocks(database, seed=SEED, blocks=range(blocks)))


def play_all(
    server: EmbeddedServer, template: str, mutants: Sequence[Mutant], *, blocks: int = BLOCKS, workers: int = 2
) -> Iterator[Outcome]:
    """Each mutant in its order, two at a time in processes of their own."""
    with ProcessPoolExecutor(min(workers, len(mutants)), get_context("spawn")) as pool:
        running = [(each, pool.submit(play, server, template, MUTANTS.index(each), blocks)) for each in mutants]
        for mutant, tally in running:
            yield Outcome(mutant, {invariant: len(found) for invariant, found in tally.result().violations.items()})


def rendered(outcomes: Sequence[Outcome]) -> str:
    table = Table("guard taken away", "invariant that must fall", "violations", "others", "")
    for each in outcomes:
        red = each.mutant.red
        others = ", ".join(
            f"{invariant.name} {number}" for invariant, number in each.violated.items() if invariant != red
        )
        fell = "-" if red is None else str(each.violated.get(red, 0))
        wanted = "none: held by the other wall" if red is None else red.name
        table.add_row(each.mutant.gone, wanted, fell, others, "as expected" if each.as_expected else "NOT SO")
    console = Console(width=140, record=True, file=StringIO())
    console.print(table)
    return console.export_text()


def main() -> int:
    parser = argparse.ArgumentParser(description="Break each guard and see its invariant fall.")
    parser.add_argument("--only", help="the mutants whose guard's name holds this")
    parser.add_argument("--blocks", type=int, default=BLOCKS, help="of 40 episodes")
    options = parser.parse_args()
    chosen = [each for each in MUTANTS if options.only is None or options.only in each.gone]
    if not chosen:
        parser.error(f"no guard's name holds that: {', '.join(each.gone for each in MUTANTS)}")
    outcomes: list[Outcome] = []
    with migrated_server() as (server, template):
        for outcome in play_all(server, template, chosen, blocks=options.blocks):
            outcomes.append(outcome)
            broken = {invariant.name: number for invariant, number in outcome.violated.items()}
            sys.stderr.write(f"{outcome.mutant.gone}: {broken}\n")
    sys.stdout.write(rendered(outcomes))
    never = set(Invariant) - {each.mutant.red for each in outcomes if each.as_expected}
    if options.only is None:
        sys.stdout.write(f"invariants that no mutant turned red: {', '.join(each.name for each in never) or 'none'}\n")
    return 0 if all(each.as_expected for each in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
