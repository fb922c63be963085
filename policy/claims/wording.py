"""How a promise is worded: what it claims, words of which one must occur before the pattern is tried, the pattern."""

import re

from policy.claims.claim import Pressure
from policy.claims.facts import PromiseKind

Wording = tuple[PromiseKind | Pressure, frozenset[str], re.Pattern[str]]

TOLD = (
    r"(?:i|we|i've|we've|i'll|we'll|i'm|we're|i have|we have|i will|we will|i am|we are|i just|we just|let me|"
    r"(?:our|the|this|my) (?:shop|store|team|system|manager|boss|owner|company)(?:'s|'ll| will| has| have| is)?)"
)
DONE = (
    r"(?:did |already |just |now |also |gladly |happily |personally |quickly |gone ahead and |going to |happy to |"
    r"able to |agreed to |offered to |arranged to |about to )*"
)


def wording(kind: PromiseKind | Pressure, triggers: str, *alternatives: str) -> Wording:
    """One kind of claim: `alternatives` are patterns over the lower-case sentence."""
    return kind, frozenset(triggers.split()), re.compile(rf"\b(?:{'|'.join(alternatives)})(?!\w)")
