"""`python -m benchmarks [name…] [--full]`: the measured claims, each beside its reference."""

import argparse
import time
from importlib import import_module

from benchmarks.report import show, show_machine

TITLES = {
    "due": "Due stages",
    "chat": "A chat turn",
    "load": "Fifty shoppers at once",
    "search": "FAQ search",
    "http": "Hot GETs and cart operations",
    "phone": "Whole calls with local speech",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*TITLES, []], help="which; all if left out")
    parser.add_argument("--full", action="store_true", help="the big sizes: minutes instead of seconds")
    asked = parser.parse_args()
    show_machine()
    for name in asked.name or TITLES:
        begun = time.monotonic()
        figures = import_module(f"benchmarks.{name}").run(full=asked.full)
        show(f"{TITLES[name]} ({time.monotonic() - begun:.0f} s)", figures)
    show_machine()


if __name__ == "__main__":
    main()
