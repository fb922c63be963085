"""`python -m tests.chaos.run --seed S --minutes M`: real processes, killed every few seconds for a compressed month.

It ends with the table of what held. `--plan` prints what a seed does and plays nothing.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.chaos.checks import check_all
from tests.chaos.drive import Played, play
from tests.chaos.invariants import Tally
from tests.chaos.mutants import MUTANTS
from tests.chaos.plan import Plan, make_plan

SHOWN = 8
# The rest of the time is for starting, opening the carts and coming to rest.
UNDER_FIRE = 0.5
TICK_S = 3.0
# What a tick takes when its work takes longer than that.
USUAL_TICK_S = 5.0


def plan_for(seed: int, *, minutes: float, people: int) -> Plan:
    return make_plan(seed, people=people, ticks=max(int(minutes * 60 * UNDER_FIRE / USUAL_TICK_S), 5))


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill everything, every few seconds, and count what held.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--plan", action="store_true", help="print what the seed does, and play nothing")
    parser.add_argument(
        "--mutant", choices=sorted(MUTANTS), help="break the product in this way first: it has to be found"
    )
    options = parser.parse_args()
    plan = plan_for(options.seed, minutes=options.minutes, people=options.people)
    console = Console(width=120)
    if options.plan:
        show_plan(plan, console)
        return 0
    data_dir = Path(tempfile.gettempdir()) / f"momentum-chaos-{options.seed}"
    played = asyncio.run(play(plan, data_dir, tick_s=TICK_S, mutant=options.mutant))
    tally = check_all(played.evidence)
    report(played, tally, plan, console)
    if options.mutant is not None:
        wanted = MUTANTS[options.mutant].turns_red
        found = wanted & tally.broken
        console.print(f"{options.mutant}: {', '.join(sorted(each.name for each in found)) or 'NOT FOUND'}")
        return 0 if found else 1
    return 1 if tally.violations or played.unsettled else 0


def show_plan(plan: Plan, console: Console) -> None:
    for number, tick in enumerate(plan.ticks):
        kill = (
            "" if tick.kill is None else f"kill {tick.kill.target} {tick.kill.number} after {tick.kill.after_s:.1f} s"
        )
        done = ", ".join(f"{deed.act} {deed.person} ×{deed.copies}" for deed in tick.deeds)
        console.print(f"{number:3} +{tick.jump}  {kill}  {done}", markup=False, highlight=False)


def report(played: Played, tally: Tally, plan: Plan, console: Console) -> None:
    rows, fleet = played.evidence.rows, played.fleet
    console.print(tally.table())
    kills = ", ".join(f"{number} × {target.lower()}" for target, number in sorted(fleet.kills.items()))
    console.print(f"seed {plan.seed}: {played.shop_days:.0f} days of the shop in {played.seconds:.0f} s", end=" ")
    console.print("(" + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in played.parts.items()) + ")")
    console.print(f"killed {sum(fleet.kills.values())} ({kills}), started again {fleet.restarts} processes")
    statuses: dict[str, int] = {}
    for row in rows["messages"]:
        statuses[row["status"]] = statuses.get(row["status"], 0) + 1
    console.print(
        f"{len(rows['carts'])} carts, {len(rows['save_attempts'])} flows, {len(rows['orders'])} orders, "
        f"{len(rows['grants'])} grants, {len(rows['suppressions'])} suppressions; "
        f"messages: {', '.join(f'{number} {status}' for status, number in sorted(statuses.items()))}; "
        f"{len(played.evidence.copies)} mails arrived"
    )
    answers = ", ".join(f"{number} × {status}" for status, number in sorted(played.crowd.statuses.items()))
    console.print(f"requests: {answers}; {played.crowd.server_errors} × 5xx on the way")
    if played.unsettled:
        console.print(f"never came to rest: {played.unsettled}", style="red")
    for violation in tally.violations[:SHOWN]:
        console.print(f"{violation.invariant.name}: {violation.detail}", style="red", markup=False)


if __name__ == "__main__":
    sys.exit(main())
