"""From an FAQ file to checked entries: what is wrong with a row is said, and the other rows still count."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath

from knowledge.formats import FileUnreadable, RawRow, csv_rows, decode, json_rows
from knowledge.markdown import markdown_rows

MAX_QUESTION_CHARS = 300
MAX_ANSWER_CHARS = 20_000
MAX_LABEL_CHARS = 100
SENSIBLE_YEARS = range(1970, 2200)

_READERS: dict[str, Callable[[str], Iterable[RawRow]]] = {
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".json": json_rows,
    ".md": markdown_rows,
    ".markdown": markdown_rows,
}
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}))?")
_KEY = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """A question with its answer. The days are the shop's and both are included; None is open."""

    key: str
    question: str
    answer: str
    category: str
    locale: str | None
    effective_from: date | None
    effective_to: date | None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was refused and what to do; `row` as in `RawRow`."""

    row: int
    say: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    entries: list[ParsedEntry]
    problems: list[Problem]


class _RowRefused(Exception):
    pass


def parse_file(name: str, content: bytes) -> ParsedFile:
    """Read a CSV, JSON or Markdown file, told apart by its ending. Raises FileUnreadable for the file as a whole."""
    reader = _READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        raise FileUnreadable(f"Files of these kinds can be imported: {', '.join(_READERS)}.")
    parsed = ParsedFile([], [])
    rows_by_key: dict[tuple[str, str | None], int] = {}
    for raw in reader(decode(content)):
        try:
            entry = _entry(raw)
            first = rows_by_key.setdefault((entry.key, entry.locale), raw.row)
            if first != raw.row:
                raise _RowRefused(
                    f'The key "{entry.key}" is that of row {first} too; '
                    "remove one of them or give each a key of its own."
                )
        except _RowRefused as refused:
            parsed.problems.append(Problem(raw.row, str(refused)))
        else:
            parsed.entries.append(entry)
    if not parsed.entries and not parsed.problems:
        raise FileUnreadable("The file has no entries.")
    return parsed


def derived_key(question: str) -> str:
    """A key for a question that came without one: reworded, it is another entry."""
    folded = unicodedata.normalize("NFKD", question).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", folded))[:80].strip("-")


def _entry(raw: RawRow) -> ParsedEntry:
    if raw.problem is not None:
        raise _RowRefused(raw.problem)
    question = " ".join(_text(raw, "question", MAX_QUESTION_CHARS).split())
    answer = re.sub(r"\n{3,}", "\n\n", _text(raw, "answer", MAX_ANSWER_CHARS))
    if not question:
        raise _RowRefused("The question is empty; fill it or remove the row.")
    if not answer:
        raise _RowRefused("The answer is empty; fill it or remove the row.")
    starts, ends = _day(raw, "effective_from"), _day(raw, "effective_to")
    if starts and ends and ends < starts:
        raise _RowRefused(f"It ends ({ends}) before it starts ({starts}); swap the dates.")
    return ParsedEntry(
        key=_key(raw, question),
        question=question,
        answer=answer,
        category=" ".join(_text(raw, "category", MAX_LABEL_CHARS).split()),
        locale=_locale(raw),
        effective_from=starts,
        effective_to=ends,
    )


def _text(raw: RawRow, field: str, limit: int) -> str:
    text = unicodedata.normalize("NFC", raw.fields.get(field, "").replace("\ufeff", "")).strip()
    if len(text) > limit:
        raise _RowRefused(f"The {field} has {len(text)} characters; {limit} are allowed, so shorten it.")
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
        raise _RowRefused(f"The {field} holds characters that are not text; remove them.")
    return text


def _key(raw: RawRow, question: str) -> str:
    written = _text(raw, "key", MAX_LABEL_CHARS).lower()
    if written and not _KEY.fullmatch(written):
        raise _RowRefused(f'The key "{written}" may hold letters, digits and single hyphens, dots or underscores.')
    key = written or derived_key(question)
    if not key:
        raise _RowRefused("Give it a key: none can be made from this question's letters.")
    return key


def _locale(raw: RawRow) -> str | None:
    written = _text(raw, "locale", MAX_LABEL_CHARS)
    if not written:
        return None
    match = _LOCALE.fullmatch(written)
    if match is None:
        raise _RowRefused(f'The locale "{written}" is not known; write it as en or en_US.')
    language, country = match.groups()
    return f"{language.lower()}_{country.upper()}" if country else language.lower()


def _day(raw: RawRow, field: str) -> date | None:
    written = _text(raw, field, MAX_LABEL_CHARS)
    if not written:
        return None
    try:
        day = date.fromisoformat(written)
    except ValueError as error:
        raise _RowRefused(f'The date "{written}" is not known; write it as 2026-01-31.') from error
    if day.year not in SENSIBLE_YEARS:
        raise _RowRefused(f'The date "{written}" is out of range; leave it empty if there is no limit.')
    return day
