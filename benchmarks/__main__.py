"""`python -m benchmarks [name…] [--full]`: the measured claims, each beside its reference."""

import argparse
import sys
import time
from importlib import import_module

from benchmarks.report import console, show, show_machine

TITLES = {
    "due": "Due stages",
    "chat": "A chat turn",
    "load": "Fifty shoppers at once",
    "search": "FAQ search",
    "http": "Hot GETs and cart operations",
    "phone": "Whole calls with local speech",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*TITLES, []], help="which; all if left out")
    parser.add_argument("--full", action="store_true", help="the big sizes: minutes instead of seconds")
    asked = parser.parse_args()
    show_machine()
    missed = []
    for name in asked.name or TITLES:
        begun = time.monotonic()
        figures = import_module(f"benchmarks.{name}").run(full=asked.full)
        show(f"{TITLES[name]} ({time.monotonic() - begun:.0f} s)", figures)
        missed += [f"{TITLES[name]}: {each.what or each.goal}, {each.goal}" for each in figures if each.met is False]
    show_machine()
    for each in missed:
        console.print(f"not held: {each}", markup=False, highlight=False)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
