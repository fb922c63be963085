"""What must be noticed in an utterance before any model sees it: pure, and fast enough for every message.

English, Spanish, French, German, Portuguese and Italian; the patterns are data (detectors.json), read over
plain words. No language is guessed: each text is tried in all six. Most texts hold nothing of the kind, and a
linear-time engine (RE2) sees that for all patterns at once in a hundredth of the time; `re`, which knows the
look-arounds of the exceptions, reads the rest.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import re2  # type: ignore[import-untyped]  # has no types
from pydantic import BaseModel, ConfigDict

from db.tables.customers import SuppressionScope

Language: TypeAlias = Literal["en", "es", "fr", "de", "pt", "it"]
MAX_CHARACTERS = 2_000

_CLAUSE = re.compile(r"[.!?,;:\n()…–—]+|\s-+\s")
_JOINED_SUFFIX = re.compile(r"['’`´](?=(?:t|s|re|ve|ll|d|m)\b)")
_NO_WORD = re.compile(r"[^a-z0-9]+")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_SPACED_OUT = re.compile(r"\b(?:[a-z] ){3,}[a-z]\b")
_ANCHOR = re.compile(r"[\^$]")
_SHOUTED_STOP = re.compile(r"\s*STOP\b(?!\s*(?:BY|AND|SHOP|AT|IN)\b)")


class _OptOutPhrases(BaseModel):
    """`things` and the like stand for <things> in the phrases; spans that match `not` are ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    things: str
    reach: str = ""
    reaching: str = ""
    phrases: Sequence[str]
    exceptions: Sequence[str]


class _Patterns(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    polite: str
    commands: str
    strong_commands: str
    stop_words: str
    opt_out: Mapping[Language, _OptOutPhrases]
    channels: Mapping[SuppressionScope, str]
    every_channel: str
    human: Mapping[Language, Sequence[str]]
    human_not: Sequence[str]
    bot: Mapping[Language, Sequence[str]]
    frustration: Sequence[str]
    frustration_not: Sequence[str]


def plain_words(text: str) -> str:
    """Lower case without accents; "don't" is "dont", "s t o p" and "stoppp" are "stop", other marks a space."""
    joined = _JOINED_SUFFIX.sub("", text.lower()).replace("ß", "ss")
    if not joined.isascii():
        joined = "".join(each for each in unicodedata.normalize("NFKD", joined) if not unicodedata.combining(each))
    words = _STRETCHED.sub(r"\1", _NO_WORD.sub(" ", joined)).strip()
    return _SPACED_OUT.sub(lambda spelt: spelt[0].replace(" ", ""), words)


def _either(patterns: Iterable[str]) -> re.Pattern[str]:
    # The edges once for all: inside a word nothing else is tried.
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(patterns)})(?![a-z0-9])")


class _Sieve:
    """Lets through each clause that one of the phrases may match, and few others."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._filter = re2.Filter()
        options = re2.Options()
        options.never_capture, options.log_errors = True, False
        for phrase in phrases:
            # Before and after a phrase may stand an exception, so none is held to the beginning or the end.
            self._filter.Add(rf"\b(?:{_ANCHOR.sub('', phrase)})\b", options)
        self._filter.Compile()

    def lets_through(self, clause: str) -> bool:
        return self._filter.Match(clause) is not None


def _filled(phrase: str, language: _OptOutPhrases) -> str:
    for name in ("things", "reach", "reaching"):
        phrase = phrase.replace(f"<{name}>", getattr(language, name))
    return phrase


_PATTERNS = _Patterns.model_validate_json(Path(__file__).with_suffix(".json").read_bytes())
_OPT_OUT = {
    code: (
        _either(_filled(each, phrases) for each in phrases.phrases),
        _either(_filled(each, phrases) for each in phrases.exceptions),
    )
    for code, phrases in _PATTERNS.opt_out.items()
}
_MAY_OPT_OUT = _Sieve(_filled(each, phrases) for phrases in _PATTERNS.opt_out.values() for each in phrases.phrases)
_POLITE = frozenset(_PATTERNS.polite.split("|"))
_COMMANDS = frozenset(_PATTERNS.commands.split("|"))
_STRONG_COMMANDS = frozenset(_PATTERNS.strong_commands.split("|"))
_STOP_WORDS = frozenset(_PATTERNS.stop_words.split("|"))
_CHANNELS = {scope: _either([pattern]) for scope, pattern in _PATTERNS.channels.items()}
_EVERY_CHANNEL = _either([_PATTERNS.every_channel])
_HUMAN = _either(each for phrases in _PATTERNS.human.values() for each in phrases)
_MAY_WANT_HUMAN = _Sieve(each for phrases in _PATTERNS.human.values() for each in phrases)
_NOT_HUMAN = _either(_PATTERNS.human_not)
_BOT = {code: _either(phrases) for code, phrases in _PATTERNS.bot.items()}
_MAY_ASK_IF_BOT = _Sieve(each for phrases in _PATTERNS.bot.values() for each in phrases)
_FRUSTRATION = _either(_PATTERNS.frustration)
_NOT_FRUSTRATION = _either(_PATTERNS.frustration_not)


def opts_out(text: str) -> SuppressionScope | None:
    """What the shopper no longer wants to get; None if they said no such thing (rules C-06).

    One channel only where the wish itself names one and nothing that was said is wider; otherwise ALL.
    """
    whole, *parts = _clauses(text)
    parts = parts or [whole]
    wishes = [part for part in parts if _asks_to_stop(part)]
    if _SHOUTED_STOP.match(text) and not _asks_not_to_stop(whole):
        wishes.append(parts[0])
    if _without_manners(parts[-1]) in _STRONG_COMMANDS:
        wishes.append(parts[-1])
    if not wishes and (_is_command(whole) or _asks_to_stop(whole)):
        wishes.append(whole)
    return _scope(plain_words(text), wishes) if wishes else None


def asks_to_stop(text: str) -> bool:
    """Whether a text that may yet go on says in so many words what is to stop: "cancel" may become "cancel the mug"."""
    return any(map(_asks_to_stop, _clauses(text)))


def _scope(words: str, wishes: Sequence[str]) -> SuppressionScope:
    named = [scope for scope, channel in _CHANNELS.items() if channel.search(words)]
    # "Call me later.\nSTOP" names calls, and not in what is to stop.
    if len(named) == 1 and not _EVERY_CHANNEL.search(words) and all(map(_CHANNELS[named[0]].search, wishes)):
        return named[0]
    return SuppressionScope.ALL


def wants_human(text: str) -> bool:
    """Whether the shopper asks for a person of the shop."""
    if asks_if_bot(text):
        return False
    return any(
        _HUMAN.search(_NOT_HUMAN.sub(" ", clause).strip())
        for clause in _clauses(text)
        if _MAY_WANT_HUMAN.lets_through(clause)
    )


def frustrated(text: str) -> bool:
    """Whether the shopper is angry or gives up on us, in words or by shouting."""
    words = _NOT_FRUSTRATION.sub(" ", plain_words(text))
    return _FRUSTRATION.search(words) is not None or _shouts(text)


def asks_if_bot(text: str) -> bool:
    """Whether the shopper asks if a person or a machine is speaking (rules C-27)."""
    return language_of_bot_question(text) is not None


def language_of_bot_question(text: str) -> Language | None:
    """In which language the shopper asked that, or None if they did not."""
    for clause in filter(_MAY_ASK_IF_BOT.lets_through, _clauses(text)):
        for code, pattern in _BOT.items():
            if pattern.search(clause):
                return code
    return None


def _clauses(text: str) -> list[str]:
    """The whole first: a wish is often cut by a comma, and a negation must not be."""
    if len(text) > MAX_CHARACTERS:
        # A wish stands at the beginning of a long message, or at its end.
        text = f"{text[: MAX_CHARACTERS // 2]}\n{text[-MAX_CHARACTERS // 2 :]}"
    parts = [words for part in _CLAUSE.split(text) if (words := plain_words(part))]
    return [plain_words(text), *parts] if len(parts) > 1 else parts or [""]


def _asks_to_stop(clause: str) -> bool:
    if not _MAY_OPT_OUT.lets_through(clause):
        return False
    return any(wish.search(exceptions.sub(" ", clause)) for wish, exceptions in _OPT_OUT.values())


def _asks_not_to_stop(words: str) -> bool:
    return any(exceptions.search(words) for _, exceptions in _OPT_OUT.values())


def _is_command(clause: str) -> bool:
    bare = _without_manners(clause)
    words = set(bare.split())
    if clause in _COMMANDS or bare in _COMMANDS or (words and words <= _COMMANDS):
        return True
    return bool({"stop", "quit", "stopp"} & words) and words <= _STOP_WORDS


def _without_manners(clause: str) -> str:
    return " ".join(word for word in clause.split() if word not in _POLITE)


def _shouts(text: str) -> bool:
    """Four words or more in capitals with an exclamation mark, or a row of them."""
    words = re.findall(r"[^\W\d_]{2,}", text)
    capital = [word for word in words if word.isupper()]
    return (len(capital) >= 4 and len(capital) >= 0.8 * len(words) and "!" in text) or "!!!!" in text
