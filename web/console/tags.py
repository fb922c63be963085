"""The few shapes that pages are made of, over NiceGUI's elements. Text is text: nothing here is read as HTML."""

from collections.abc import Callable

from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement


def tag(kind: str, text: str = "", *, look: str = "", **attributes: str) -> TextElement:
    """An element with our own classes (`look`) and attributes; `aria_label` becomes aria-label."""
    made = TextElement(tag=kind, text=text)
    if look:
        made.classes(look)
    for attribute, value in attributes.items():
        made.props[attribute.rstrip("_").replace("_", "-")] = value
    return made


def button(text: str, press: Callable[[], object], *, look: str = "press", **attributes: str) -> Element:
    """A native button."""
    return tag("button", text, look=look, type="button", **attributes).on("click", lambda _: press())


def chip(text: str, tone: str = "") -> None:
    tag("span", text, look=f"chip {tone}")


def pair(term: str, value: str) -> None:
    """A row of a <dl>."""
    tag("dt", term)
    tag("dd", value)


def heading(title: str, lead: str = "") -> None:
    """The page's own heading, where the skip link leads."""
    tag("h1", title, id="content", tabindex="-1")
    if lead:
        tag("p", lead, look="lead")


def empty(title: str, what_to_do: str) -> None:
    with tag("div", look="empty"):
        tag("h2", title)
        tag("p", what_to_do)


def older(address: str | None, newest: str | None) -> None:
    """To the next page of a list, and back to its start."""
    if address is None and newest is None:
        return
    with tag("nav", look="pages", aria_label="Pages"):
        if newest is not None:
            tag("a", "Newest", look="press quiet", href=newest)
        if address is not None:
            tag("a", "Older", look="press quiet", href=address)
