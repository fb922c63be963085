"""`python -m tests.evals.report`: how well the detectors and checks do on the labelled sets, beside their floors."""

import argparse
import sys
from collections.abc import Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table

from tests.evals.measures import Rate, every_rate


def rendered(rates: Sequence[Rate]) -> str:
    """The table: counts, rates, floors."""
    table = Table("detection on labelled sets", "right", "of", "rate", "floor")
    for rate in rates:
        kept = f"{rate.floor:.1%}" if rate.holds else f"{rate.floor:.1%} FAILED"
        table.add_row(rate.of, str(rate.right), str(rate.total), f"{rate.share:.1%}", kept)
    console = Console(width=100, record=True, file=StringIO())
    console.print(table)
    return console.export_text()


def main() -> int:
    parser = argparse.ArgumentParser(description="Detection quality on the labelled sets.")
    parser.add_argument("--wrong", action="store_true", help="show each case that went wrong")
    options = parser.parse_args()
    rates = list(every_rate())
    sys.stdout.write(rendered(rates))
    if options.wrong:
        sys.stdout.writelines(f"{rate.of}: {each}\n" for rate in rates for each in rate.wrong)
    return 0 if all(rate.holds for rate in rates) else 1


if __name__ == "__main__":
    sys.exit(main())
