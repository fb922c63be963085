"""Plain text of a product's HTML description."""

import re
from html.parser import HTMLParser

_LINES = frozenset({"li", "tr", "dt", "dd", "figcaption"})
_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "div", "section", "hr"}
)
_UNSEEN = frozenset({"script", "style", "template", "noscript", "iframe", "svg", "head"})

# Breaks that the tags mean, told apart from the white space of the source until the end.
_LINE, _PARAGRAPH, _BREAK = "\ue000", "\ue001", "\ue002"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _UNSEEN:
            self.unseen.append(tag)
        self._part(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.unseen:
            del self.unseen[self.unseen.index(tag) :]
        elif tag != "br":
            self._part(tag)

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.pieces.append(re.sub(f"[{_LINE}{_PARAGRAPH}{_BREAK}]", "", data))

    def _part(self, tag: str) -> None:
        if self.unseen:
            return
        if tag in _PARAGRAPHS:
            self.pieces.append(_PARAGRAPH)
        elif tag in _LINES:
            self.pieces.append(_LINE)
        elif tag == "br":
            self.pieces.append(_BREAK)
        elif tag in ("td", "th"):
            self.pieces.append(" ")


def html_text(html: str) -> str:
    """What a reader sees of it: paragraphs parted by an empty line, items and rows on lines of their own."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = re.sub(r"\s+", " ", "".join(reader.pieces))
    text = re.sub(f"{_BREAK} ?{_BREAK}", _PARAGRAPH, text)
    text = re.sub(f"[ {_LINE}{_BREAK}]*{_PARAGRAPH}[ {_LINE}{_PARAGRAPH}{_BREAK}]*", "\n\n", text)
    return re.sub(f" ?[{_LINE}{_BREAK}][ {_LINE}{_BREAK}]*", "\n", text).strip()
