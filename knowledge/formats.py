"""Reads an FAQ file's bytes into rows of named text fields; what the fields must hold is checked in parsing.py."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from policy.errors import AppError

MAX_FILE_BYTES = 20 * 1024 * 1024

FIELDS = ("key", "question", "answer", "category", "locale", "effective_from", "effective_to")
_OTHER_NAMES = {
    "id": "key",
    "slug": "key",
    "handle": "key",
    "q": "question",
    "title": "question",
    "a": "answer",
    "response": "answer",
    "text": "answer",
    "body": "answer",
    "content": "answer",
    "section": "category",
    "topic": "category",
    "group": "category",
    "language": "locale",
    "lang": "locale",
    "valid_from": "effective_from",
    "start_date": "effective_from",
    "starts": "effective_from",
    "from": "effective_from",
    "valid_to": "effective_to",
    "valid_until": "effective_to",
    "end_date": "effective_to",
    "ends": "effective_to",
    "until": "effective_to",
    "to": "effective_to",
}
_LIST_NAMES = ("entries", "faq", "faqs", "items")


class FileUnreadable(AppError):
    """The file as a whole cannot be read; nothing of it was imported."""

    status = 400
    code = "file_unreadable"
    title = "The file cannot be read"


@dataclass(frozen=True, slots=True)
class RawRow:
    """One entry as the file has it. `row` is what a person looks for: the spreadsheet's row, the position in a
    JSON list from 1, or the line of a Markdown heading."""

    row: int
    fields: Mapping[str, str]
    problem: str | None = None


def decode(content: bytes) -> str:
    """Text of a file in UTF-8, UTF-16 with its mark, or Windows-1252; line ends become \\n."""
    if len(content) > MAX_FILE_BYTES:
        raise FileUnreadable(
            f"The file has {len(content) // 2**20} MB; split it into files of {MAX_FILE_BYTES // 2**20} MB."
        )
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise FileUnreadable("The file is not text; export it as CSV, JSON or Markdown in UTF-8.")
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise FileUnreadable("The file's encoding is not known; save it as UTF-8.")


def csv_rows(text: str) -> Iterator[RawRow]:
    """Rows of a CSV file with a header, separated by comma, semicolon or tab."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise FileUnreadable("The file is empty.")
        names = [_field_name(cell) for cell in header]
        _check_header(names, header)
        for row, cells in enumerate(reader, start=2):
            if any(cell.strip() for cell in cells):
                yield _csv_row(row, names, cells)
    except csv.Error as error:
        raise FileUnreadable(
            f"Line {reader.line_num}: {error}. Look for a quotation mark that is not closed or not doubled."
        ) from error


def json_rows(text: str) -> Iterator[RawRow]:
    """Rows of a JSON list of objects, or of an object that holds one under "entries"."""
    try:
        content: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise FileUnreadable(f"Line {error.lineno}, column {error.colno}: {error.msg}.") from error
    except RecursionError as error:
        raise FileUnreadable("The JSON is nested too deeply; a list of objects is expected.") from error
    if isinstance(content, dict):
        content = next((content[name] for name in _LIST_NAMES if name in content), content)
    if not isinstance(content, list):
        raise FileUnreadable('Expected a JSON list of objects, or {"entries": [...]}.')
    for row, item in enumerate(content, start=1):
        yield _json_row(row, item)


def _csv_row(row: int, names: list[str | None], cells: list[str]) -> RawRow:
    if any(cell.strip() for cell in cells[len(names) :]):
        return RawRow(row, {}, "It has more cells than the header; put quotation marks around its texts.")
    return RawRow(row, _first_of_each(zip(names, cells, strict=False)))


def _json_row(row: int, item: object) -> RawRow:
    if not isinstance(item, dict):
        return RawRow(row, {}, "It is not an object with a question and an answer.")
    pairs: list[tuple[str | None, str]] = []
    for name, value in item.items():
        field = _field_name(str(name))
        if field is None or value is None:
            continue
        if isinstance(value, bool | dict | list):
            return RawRow(row, {}, f'"{name}" must be text.')
        pairs.append((field, str(value)))
    return RawRow(row, _first_of_each(pairs))


def _first_of_each(pairs: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    """Fields by name; of two columns that mean the same, the first one that is filled."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name is not None and not fields.get(name, "").strip():
            fields[name] = value
    return fields


def _field_name(written: str) -> str | None:
    name = "_".join(written.strip().lower().replace("-", " ").replace("_", " ").split())
    return name if name in FIELDS else _OTHER_NAMES.get(name)


def _check_header(names: list[str | None], header: list[str]) -> None:
    missing = [name for name in ("question", "answer") if name not in names]
    if missing:
        found = ", ".join(cell.strip() for cell in header if cell.strip()) or "nothing"
        raise FileUnreadable(
            f"The first row must name the columns; {' and '.join(missing)} not found in: {found[:200]}."
        )


def _delimiter(text: str) -> str:
    first_line = text.lstrip("\n").partition("\n")[0]
    return max(",;\t", key=first_line.count)
