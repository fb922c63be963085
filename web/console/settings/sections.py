"""How the settings pages are divided. A setting belongs to the section with its path, or the nearest path above it."""

from collections.abc import Sequence
from dataclasses import dataclass

from web.console.settings.difference import Path


@dataclass(frozen=True)
class Section:
    title: str
    lead: str
    paths: tuple[Path, ...]

    def nearness(self, path: Path) -> int:
        """How much of the path the section names; 0 when the setting is not in it."""
        return max((len(above) for above in self.paths if path[: len(above)] == above), default=0)


_STAGE_LEADS: Sequence[tuple[str, str, str]] = (
    ("browseReminder", "1. Browse reminder", "A reminder in the shop, while the shopper may still be there."),
    ("patternInterrupt", "2. Pattern interrupt", "The first message: the cart, and the way back to it."),
    ("diagnosisSurvey", "3. Diagnosis survey", "One question: what stood in the way?"),
    ("branchingIntervention", "4. Branching intervention", "An answer to the reason that was given."),
    ("nuclearOffer", "5. Nuclear offer", "The best offer, by message or by phone."),
    ("lossVisualization", "6. Loss visualization", "What is in the cart, once more."),
    ("winbackSequence", "7. Winback sequence", "A few emails over the weeks that follow."),
)

FLOW = (
    Section(
        "Discount caps",
        "No discount is ever larger than its cap, whatever an agent says. The lowest cap that applies counts.",
        (("offers", "caps"),),
    ),
    Section(
        "Published discounts",
        "What is offered under the caps. Above a cap, the cap is given.",
        (("offers", "published"),),
    ),
    Section("Limits of all offers", "", (("offers",),)),
    Section("Contact", "", (("enabled",), ("maxAttemptsPerCart",), ("blackoutHours",))),
    *(Section(title, lead, (("stages", name),)) for name, title, lead in _STAGE_LEADS),
    Section(
        "Triggers in the shop", "A trigger that is on still shows only what is true at that moment.", (("triggers",),)
    ),
)
_SENTENCES = "Words in {{brackets}} are filled in. A sentence with a number or a promise needs one of them."
CALLS = (
    Section("Who is called, and when", "The law's own limits always hold; these can only be stricter.", (("voice",),)),
    Section(
        "Script: opening",
        f"After the fixed disclosure, which is always said in full. {_SENTENCES}",
        (("voice", "script", "opening"),),
    ),
    Section("Script: diagnosis", "", (("voice", "script", "diagnosis"),)),
    Section("Script: objections", "", (("voice", "script", "objectionHandling"),)),
    Section("Script: closing", "", (("voice", "script", "closing"),)),
    Section("Voice", "", (("voice", "script"),)),
)
CHAT = (
    Section("The chat", "", (("enabled",), ("position",), ("quickQuestions",))),
    Section("What it may do", "", (("aiCapabilities",),)),
    Section("A person instead", "Who asks for a person always gets one.", (("escalateToHuman",),)),
)


def divided(paths: Sequence[Path], sections: Sequence[Section]) -> list[tuple[Section, list[Path]]]:
    """Each section with its own settings, in the order of the sections; what no section holds is left out."""
    homes: dict[Section, list[Path]] = {section: [] for section in sections}
    for path in paths:
        home = max(sections, key=lambda section: section.nearness(path))
        if home.nearness(path):
            homes[home].append(path)
    return [(section, found) for section, found in homes.items() if found]
