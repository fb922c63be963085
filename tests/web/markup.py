"""Reads a page's markup for what the content policy forbids and for what the page refers to."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Markup(HTMLParser):
    html: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open_script = False
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        self.inline += [f"{tag} {name}" for name in values if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)

    def addresses(self) -> list[str]:
        return [
            value
            for _, values in self.elements
            for name, value in values.items()
            if name in {"src", "href", "action", "checkout"}
        ]

    def values(self, tag: str, attribute: str) -> list[str]:
        return [values[attribute] for name, values in self.elements if name == tag and attribute in values]
