"""The phone: whole calls on this machine, measured where the customer is, with local speech at both ends.

What a vendor's speech would take is not in it; what two speech models on this machine take is.
"""

import asyncio
import logging
import os
import tempfile
from pathlib import Path

from app.settings import Settings
from app.simulator.call import Round, simulate
from app.simulator.report import CallReport
from app.simulator.scenarios import OPT_OUT_BY_KEY, SCENARIOS, ScenarioName
from benchmarks.database import database
from benchmarks.processes import SIGNING_KEY
from benchmarks.report import Figure, percentile

GOAL_OPT_OUT_MS = 1_000
AT_ONCE = 10


def run(*, full: bool) -> list[Figure]:
    logging.disable(logging.WARNING)
    with database("phone") as server:
        settings = Settings.model_validate(
            {
                "data_dir": Path(tempfile.gettempdir()) / f"momentum-benchmark-calls-{os.getuid()}",
                "database_url": server.app_url,
                "signing_key": SIGNING_KEY,
            }
        )
        return asyncio.run(_measure(settings, server.app_url, full=full))


async def _measure(settings: Settings, url: str, *, full: bool) -> list[Figure]:
    accept = Round(SCENARIOS[ScenarioName.ACCEPT])
    alone = await simulate(
        settings,
        url,
        *[accept] * (4 if full else 1),
        Round(SCENARIOS[ScenarioName.BARGE_IN]),
        Round(SCENARIOS[ScenarioName.OPT_OUT]),
        Round(OPT_OUT_BY_KEY),
    )
    figures = [*_answers(alone, "one call"), *_silences(alone), *_opt_outs(alone)]
    if full:
        together = await simulate(settings, url, Round(SCENARIOS[ScenarioName.ACCEPT], AT_ONCE))
        figures += _answers(together, f"{AT_ONCE} calls at once")
        held = sum(report.outcome == "DISCOUNT_ACCEPTED" for report in together)
        figures.append(Figure(f"of {AT_ONCE} calls at once, ended as scripted", held, "calls", goal=str(AT_ONCE)))
    return figures


def _answers(reports: list[CallReport], which: str) -> list[Figure]:
    answers = [ms for report in reports for ms in report.measured.answers_ms]
    what = f"{which}: last word of the customer to our first sound, {len(answers)} turns"
    return [Figure(f"{what}, p{share:.0%}"[:-1], percentile(answers, share), "ms") for share in (0.5, 0.95) if answers]


def _silences(reports: list[CallReport]) -> list[Figure]:
    silences = [ms for report in reports for ms in report.measured.silences_ms]
    return [Figure("barge-in to silence", percentile(silences, 0.95), "ms")] if silences else []


def _opt_outs(reports: list[CallReport]) -> list[Figure]:
    """From the last word or the key until the line is cut, and until a row keeps it."""
    goal = f"≤ {GOAL_OPT_OUT_MS}"
    asked = [each.measured for each in reports if each.measured.opted_out_at is not None]
    return [
        Figure(f"{what} to {until}", ms, "ms", goal=goal, met=ms <= GOAL_OPT_OUT_MS)
        for what, measured in zip(("“please stop calling me”", "key 9"), asked, strict=True)
        for until, ms in (("hang-up", measured.opt_out_ms), ("its row", measured.suppressed_ms))
        if ms is not None
    ]
