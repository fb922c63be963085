"""`python -m tests.chaos.run --seed S --minutes M`: real processes, killed every few seconds for a compressed month.

It ends with the table of what held. `--plan` prints what a seed does and plays nothing.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console

from tests.chaos.checks import check_all
from tests.chaos.drive import Played, play
from tests.chaos.invariants import Invariant, Tally
from tests.chaos.mutants import MUTANTS
from tests.chaos.plan import EVERY_KIND, Plan, make_plan

SHOWN = 8
# Some have ordered before their cart counts as abandoned: of 600 people, 500 running attempts.
PEOPLE, FLOWS_A_PERSON = 600, 5 / 6
# A kill that finds nothing to kill does not count.
KILLS_OF_PLANNED = 0.5
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
    parser.add_argument("--people", type=int, default=PEOPLE)
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
    missing = shortfalls(played, tally, plan)
    for line in missing:
        console.print(f"too little to tell: {line}", style="red", markup=False)
    return 1 if tally.violations or played.unsettled or missing else 0


def shortfalls(played: Played, tally: Tally, plan: Plan) -> list[str]:
    """Why nothing follows from what held: what was never checked, never broken, or too small."""
    flows, kills = len(played.evidence.rows["save_attempts"]), sum(played.fleet.kills.values())
    least_flows = int(len(plan.people) * FLOWS_A_PERSON)
    least_kills = int(sum(tick.kill is not None for tick in plan.ticks) * KILLS_OF_PLANNED)
    found = [f"never checked: {each.value}" for each in Invariant if not tally.checked[each]]
    found += [f"never fired: {kind.stage} {kind.what}" for kind in sorted(EVERY_KIND - played.relay.fired.keys())]
    if flows < least_flows:
        found.append(f"{flows} flows, not {least_flows}")
    if kills < least_kills:
        found.append(f"{kills} kills, not {least_kills}")
    return found


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
    kept = Counter(each.act.lower() for each in played.crowd.acknowledged)
    console.print(f"answered with success: {', '.join(f'{number} × {act}' for act, number in sorted(kept.items()))}")
    fired = ", ".join(f"{number} × {kind.stage} {kind.what}" for kind, number in sorted(played.relay.fired.items()))
    console.print(f"the relay's faults that fired: {fired or 'none'}")
    if played.unsettled:
        console.print(f"never came to rest: {played.unsettled}", style="red")
    for violation in tally.violations[:SHOWN]:
        console.print(f"{violation.invariant.name}: {violation.detail}", style="red", markup=False)


if __name__ == "__main__":
    sys.exit(main())
