"""Whether who answers says the name of whom we called: pure. We never say it first, so a stranger cannot repeat it.

Speech to text spells a name as it sounds ("Maia"), so names are compared by sound.
"""

import re
from enum import StrEnum
from pathlib import Path

import jellyfish
from pydantic import BaseModel, ConfigDict

from agents.detectors import plain_words
from graphs.voice_call.wording import sayable_name

# How alike two spellings are, from 0 to 1 (Jaro-Winkler): one name, and certainly not one name.
_ALIKE, _UNLIKE = 0.93, 0.6
_MOST_WORDS = 3


class _Phrases(BaseModel):
    """Alternatives over plain words, around a name.

    `introduces` is followed by a name and hardly anything else; `presents` begins much else ("I'm busy"), so that after
    it only the right name counts. Words of `about_somebody` beside a name speak of somebody ("Maya is out"). Neither
    they nor those of `ordinary` are a name, however they sound ("May I ask?"), but where the customer is called so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str
    introduces: str
    presents: str
    after: str
    about_somebody: str
    ordinary: str


_PHRASES = _Phrases.model_validate_json(Path(__file__).with_suffix(".json").read_bytes())
_BEFORE = re.compile(rf"(?:(?:{_PHRASES.before}) )+")
_SELF = re.compile(rf"(?:(?P<introduces>{_PHRASES.introduces})|{_PHRASES.presents}) ")
_AFTER = re.compile(rf"(?: (?:{_PHRASES.after}))+$")
_NO_NAMES = frozenset(f"{_PHRASES.about_somebody}|{_PHRASES.ordinary}".split("|"))


class Named(StrEnum):
    """What name was told."""

    OURS = "OURS"
    ANOTHER = "ANOTHER"


def can_be_told(first_name: str | None) -> bool:
    """Whether there is a name that who answers can be known by."""
    return bool(_parts(first_name))


def told(words: str, first_name: str | None) -> Named | None:
    """The name in an utterance of plain words: `first_name`, clearly another, or none that is understood."""
    known = _spellings(_parts(first_name))
    if (denied := re.search(r"\bnot (\w+)", words)) and _any_alike({denied[1]}, known):
        return Named.ANOTHER
    rest = _BEFORE.sub("", f"{words} ", count=1) if _BEFORE.match(f"{words} ") else f"{words} "
    opening = _SELF.match(rest)
    said = _AFTER.sub("", rest[opening.end() if opening else 0 :].rstrip()).split()
    if not 0 < len(said) <= _MOST_WORDS or not (_NO_NAMES - known).isdisjoint(said):
        return None
    if _any_alike(_spellings(said), known):
        return Named.OURS
    unlike = all(jellyfish.jaro_winkler_similarity(said[0], name) < _UNLIKE for name in known)
    return Named.ANOTHER if opening and opening["introduces"] and len(said) == 1 and unlike else None


def _parts(first_name: str | None) -> list[str]:
    return plain_words(sayable_name(first_name) or "").split()


def _spellings(parts: list[str]) -> set[str]:
    """Mary Ann is Mary, and Maryann."""
    return {parts[0], "".join(parts[:2])} if parts else set()


def _any_alike(heard: set[str], known: set[str]) -> bool:
    return any(_alike(each, name) for each in heard for name in known)


def _alike(heard: str, name: str) -> bool:
    sounds = jellyfish.metaphone(name)
    same_sound = bool(sounds) and jellyfish.metaphone(heard) == sounds
    # Y and i are one vowel: Maya is Maia, and not Mary.
    return same_sound or jellyfish.jaro_winkler_similarity(heard.replace("y", "i"), name.replace("y", "i")) >= _ALIKE
