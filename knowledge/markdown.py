"""Reads an FAQ written in Markdown: `#` is a category, `##` or `###` a question, what follows is its answer.

A `##` without text of its own above a `###` is a category too. A comment in a section may set more of the
entry: `<!-- effective: 2026-01-01..2026-12-31 key: shipping-cost locale: en_US -->`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.formats import RawRow

_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_MARK = re.compile(r"\b(effective|key|locale):\s*(\S+)")
_QUESTION_LEVELS = (2, 3)
_NO_QUESTION = "This text stands under no question; write the question as a ## heading above it."


@dataclass(slots=True)
class _Section:
    line: int
    level: int
    heading: str
    marks: dict[str, str]
    blocks: list[str] = field(default_factory=list)


def markdown_rows(text: str) -> Iterator[RawRow]:
    """One row a question, numbered by the line of its heading."""
    category, subcategory = "", ""
    sections = _sections(text)
    for index, section in enumerate(sections):
        following = sections[index + 1].level if index + 1 < len(sections) else 0
        holds_text = bool(section.blocks)
        if section.level not in _QUESTION_LEVELS:
            category, subcategory = section.heading, ""
            if holds_text and following not in _QUESTION_LEVELS:
                yield RawRow(section.line, {}, _NO_QUESTION)
        elif section.level == 2 and not holds_text and following == 3:
            subcategory = section.heading
        else:
            if section.level == 2:
                subcategory = ""
            yield RawRow(section.line, _fields(section, subcategory or category))


def _fields(section: _Section, category: str) -> dict[str, str]:
    starts, _, ends = section.marks.get("effective", "").partition("..")
    return {
        "key": section.marks.get("key", ""),
        "question": section.heading,
        "answer": "\n\n".join(section.blocks),
        "category": category,
        "locale": section.marks.get("locale", ""),
        "effective_from": starts,
        "effective_to": ends,
    }


def _sections(text: str) -> list[_Section]:
    """The document cut at its headings of level 1 to 3; what precedes the first one has level 0."""
    sections = [_Section(line=1, level=0, heading="", marks={})]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    position = 0
    while position < len(tokens):
        end = _block_end(tokens, position)
        first = tokens[position]
        if first.type == "heading_open" and int(first.tag[1]) <= max(_QUESTION_LEVELS):
            inline = tokens[position + 1]
            line = first.map[0] + 1 if first.map else 1
            heading = " ".join(_inline_text(inline).split())
            sections.append(_Section(line, int(first.tag[1]), heading, _marks(inline.content)))
        elif first.type == "html_block":
            sections[-1].marks.update(_marks(first.content))
            _add_block(sections[-1], _without_tags(first.content))
        else:
            _add_block(sections[-1], _block_text(tokens[position:end]))
        position = end
    return sections


def _add_block(section: _Section, text: str) -> None:
    if text.strip():
        section.blocks.append(text.strip("\n"))


def _block_end(tokens: list[Token], start: int) -> int:
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position + 1
    return len(tokens)


def _block_text(tokens: list[Token]) -> str:
    """Plain text of a block: list items keep their dash or number, table cells are parted by bars."""
    lines: list[str] = []
    numbers: list[int | None] = []
    indent, cells = "", -1
    for token in tokens:
        if token.type == "ordered_list_open":
            numbers.append(int(token.attrs.get("start", 1)))
        elif token.type == "bullet_list_open":
            numbers.append(None)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            numbers.pop()
        elif token.type == "list_item_open":
            indent, numbers[-1] = _bullet(numbers)
        elif token.type == "list_item_close":
            indent = ""
        elif token.type == "tr_open":
            lines.append("")
            cells = 0
        elif token.type == "tr_close":
            cells = -1
        elif token.type == "inline" and cells >= 0:
            lines[-1] += (" | " if cells else "") + _inline_text(token)
            cells += 1
        elif token.type == "inline":
            lines.append(indent + _inline_text(token))
            indent = " " * len(indent)
        elif token.type in ("fence", "code_block"):
            lines.append(token.content.rstrip("\n"))
    return "\n".join(lines)


def _bullet(numbers: list[int | None]) -> tuple[str, int | None]:
    indent = "  " * (len(numbers) - 1)
    number = numbers[-1]
    return (f"{indent}- ", None) if number is None else (f"{indent}{number}. ", number + 1)


def _inline_text(inline: Token) -> str:
    """What a reader sees; a link's address follows its text in brackets."""
    text = ""
    address = ""
    label_at = 0
    for child in inline.children or []:
        if child.type in ("text", "code_inline", "image"):
            text += child.content
        elif child.type == "softbreak":
            text += " "
        elif child.type == "hardbreak":
            text += "\n"
        elif child.type == "link_open":
            address, label_at = str(child.attrs.get("href", "")), len(text)
        elif child.type == "link_close" and address.removeprefix("mailto:") != text[label_at:]:
            text += f" ({address})"
    return text


def _marks(html: str) -> dict[str, str]:
    return {name: value for comment in _COMMENT.findall(html) for name, value in _MARK.findall(comment)}


def _without_tags(html: str) -> str:
    return re.sub(r"<[^>]*>", "", _COMMENT.sub("", html)).strip()
