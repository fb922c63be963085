"""Whether who answers says the name of whom we called: pure. We never say it first, so a stranger cannot repeat it.

Speech to text spells a name as it sounds ("Maia"), so names are compared by sound.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import jellyfish
from pydantic import BaseModel, ConfigDict

from agents.detectors import plain_words
from graphs.voice_call.wording import sayable_name

# How alike two spellings are, from 0 to 1 (Jaro-Winkler): one name, and certainly not one name.
_ALIKE, _UNLIKE = 0.93, 0.6
_MOST_WORDS = 3
_VOWELS = re.compile(r"[aeiou]+w?")
# Metaphone takes each of these for its voiceless fellow, Dina for Tina and Vic for Fick.
_VOICED = frozenset("dgvb")


class _Phrases(BaseModel):
    """Alternatives over plain words, around a name.

    `introduces` is followed by a name and hardly anything else; `presents` begins much else ("I'm busy"), so that after
    it only the right name counts. Words of `about_somebody` beside a name speak of somebody ("Maya is out"). Neither
    they nor those of `ordinary` are a name, however they sound ("May I ask?"), but where the customer is called so.
    Where one of `somebody_else` is said, a name in a part of the utterance is not the speaker's. Who says "I am" twice
    may go on with `still_speaking` alone. `of_the_call` is what who was called says behind a bare name. Each of
    `variants` is one name, however unlike its spellings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str
    introduces: str
    presents: str
    after: str
    about_somebody: str
    ordinary: str
    somebody_else: str
    still_speaking: str
    of_the_call: str
    variants: tuple[str, ...]


_PHRASES = _Phrases.model_validate_json(Path(__file__).with_suffix(".json").read_bytes())
_BEFORE = re.compile(rf"(?:(?:{_PHRASES.before}) )+")
_SELF = re.compile(rf"(?:(?P<introduces>{_PHRASES.introduces})|{_PHRASES.presents}) ")
# Who hands the phone over says so, too.
_POINTS = re.compile(r"(?:\w+ )*?(?:thats|that is) ")
_AFTER = re.compile(rf"(?: (?:{_PHRASES.after}))+$")
_SOMEBODY_ELSE = re.compile(rf"\b(?:{_PHRASES.somebody_else})\b")
_STILL_SPEAKING = re.compile(rf"(?:{_PHRASES.still_speaking})\b")
_OF_THE_CALL = re.compile(rf"(?:{_PHRASES.of_the_call})\b")
_VARIANTS = tuple(frozenset(group.split("|")) for group in _PHRASES.variants)
_NO_NAMES = frozenset(f"{_PHRASES.about_somebody}|{_PHRASES.ordinary}".split("|"))


class Named(StrEnum):
    """What name was told."""

    OURS = "OURS"
    ANOTHER = "ANOTHER"


def can_be_told(first_name: str | None) -> bool:
    """Whether there is a name that who answers can be known by."""
    return bool(_parts(first_name))


def told(words: str, first_name: str | None, *, parts: Sequence[str] = ()) -> Named | None:
    """The name in an utterance of plain words: `first_name`, clearly another, or none that is understood.

    `parts` are its words between marks: "it's Maya", "who are you".
    """
    known = _spellings(_parts(first_name))
    named = _told_in(words, known)
    if named is not None or _SOMEBODY_ELSE.search(words):
        return named
    openings = [(part, opening) for part in parts if (opening := _SELF.match(f"{_bare(part)} "))]
    themselves = [part for part, opening in openings if not _STILL_SPEAKING.match(_bare(part)[opening.end() :])]
    if themselves:  # "that's Maya, and I'm Tom" is two people
        return _told_in(themselves[0], known) if len(themselves) == 1 and not _POINTS.match(themselves[0]) else None
    first, *others = parts or [""]
    return _told_in(first, known) if others and all(map(_OF_THE_CALL.match, others)) else None


def _bare(words: str) -> str:
    return _BEFORE.sub("", f"{words} ", count=1).rstrip() if _BEFORE.match(f"{words} ") else words


def _told_in(words: str, known: set[str]) -> Named | None:
    if (denied := re.search(r"\bnot (\w+)", words)) and _any_alike({denied[1]}, known):
        return Named.ANOTHER
    rest = f"{_bare(words)} "
    opening = _SELF.match(rest)
    said = _AFTER.sub("", rest[opening.end() if opening else 0 :].rstrip()).split()
    if not 0 < len(said) <= _MOST_WORDS or not (_NO_NAMES - known).isdisjoint(said) or _is_owner(said, known):
        return None
    if _any_alike(_spellings(said), known):
        return Named.OURS
    unlike = all(jellyfish.jaro_winkler_similarity(said[0], name) < _UNLIKE for name in known)
    return Named.ANOTHER if opening and opening["introduces"] and len(said) == 1 and unlike else None


def _is_owner(said: list[str], known: set[str]) -> bool:
    """ "Maya's boyfriend", who is nobody that we called, whatever comes behind the name."""
    owners = ("".join(said[: place + 1]) for place in range(len(said) - 1))
    return any(
        owner.endswith("s") and owner not in known and _any_alike({owner.removesuffix("s")}, known) for owner in owners
    )


def _parts(first_name: str | None) -> list[str]:
    return plain_words(sayable_name(first_name) or "").split()


def _spellings(parts: list[str]) -> set[str]:
    """Mary Ann is Mary, and Maryann."""
    return {parts[0], "".join(parts[:2])} if parts else set()


def _any_alike(heard: set[str], known: set[str]) -> bool:
    return any(_alike(each, name) for each in heard for name in known)


def _alike(heard: str, name: str) -> bool:
    """One name in two spellings: the same vowels between consonants that sound the same, or nearly the same letters."""
    if any({heard, name} <= group for group in _VARIANTS):
        return True
    heard, name = (each.replace("y", "i") for each in (heard, name))  # one vowel: Maya is Maia
    if _vowels(heard) != _vowels(name) or _VOICED.intersection(heard) != _VOICED.intersection(name):
        return False
    sounds = jellyfish.metaphone(name)
    same_sound = bool(sounds) and jellyfish.metaphone(heard) == sounds
    return same_sound or jellyfish.jaro_winkler_similarity(heard, name) >= _ALIKE


def _vowels(name: str) -> list[str]:
    """Tim is not Tom, Mario not Maria, Jake not Jack."""
    return _VOWELS.findall(name)
