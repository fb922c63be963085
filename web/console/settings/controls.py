"""A control for each kind of setting: it shows a value, reads what was entered and says what is wrong with it."""

import re
from collections.abc import Callable
from typing import Protocol

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from pydantic import JsonValue

from web.console.settings.difference import Path
from web.console.settings.fields import Kind, Setting
from web.console.settings.wording import MONEY, Words, option, told
from web.console.tags import button, tag

Changed = Callable[[], None]


class Control(Protocol):
    """`show` puts a value in, `read` takes out what is entered now, as JSON."""

    def show(self, value: JsonValue) -> None: ...
    def read(self) -> JsonValue: ...
    def focus(self) -> None: ...


class Switch:
    def __init__(self, words: Words, *, changed: Changed, enabled: bool) -> None:
        self.box = ui.switch(words.label, on_change=lambda _: changed())
        self.box.set_enabled(enabled)

    def show(self, value: JsonValue) -> None:
        self.box.value = bool(value)

    def read(self) -> JsonValue:
        return bool(self.box.value)

    def focus(self) -> None:
        self.box.run_method("$el.focus")


class Number:
    """A whole or decimal number; empty is None."""

    def __init__(self, setting: Setting, words: Words, currency: str, *, changed: Changed, enabled: bool) -> None:
        step = 1 if setting.kind is Kind.WHOLE else 0.01
        unit = currency if words.unit == MONEY else words.unit
        # Without its bounds: NiceGUI would change what was entered, where the model says what is wrong with it.
        self.box = ui.number(step=step, suffix=unit or None, on_change=lambda _: changed()).props(
            "outlined dense hide-bottom-space inputmode=decimal"
        )
        self.box.set_enabled(enabled)
        name(self.box.props, words)

    def show(self, value: JsonValue) -> None:
        self.box.value = float(value) if isinstance(value, int | float) else None

    def read(self) -> JsonValue:
        value = self.box.value
        return int(value) if value is not None and float(value).is_integer() else value

    def focus(self) -> None:
        self.box.run_method("focus")


class Text:
    """One text, or with `lines` a list with one line for each. An optional text that is empty is None, or empty."""

    def __init__(
        self, words: Words, *, changed: Changed, enabled: bool, empty: JsonValue = "", lines: bool = False
    ) -> None:
        self.empty, self.lines = empty, lines
        self.box = ui.textarea(on_change=lambda _: changed()).props("outlined dense autogrow hide-bottom-space")
        self.box.set_enabled(enabled)
        name(self.box.props, words)

    def show(self, value: JsonValue) -> None:
        self.box.value = "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")

    def read(self) -> JsonValue:
        text = str(self.box.value or "")
        if self.lines:
            return [line.strip() for line in text.splitlines() if line.strip()]
        return text.strip() or self.empty

    def focus(self) -> None:
        self.box.run_method("focus")


class Choice:
    """One of several; None is offered where nothing need be chosen."""

    def __init__(self, setting: Setting, words: Words, *, changed: Changed, enabled: bool) -> None:
        choices = {each: option(each) for each in setting.choices}
        none = {"": "None"} if setting.optional else {}
        self.box = ui.select(none | choices, on_change=lambda _: changed()).props("outlined dense hide-bottom-space")
        self.box.set_enabled(enabled)
        name(self.box.props, words)

    def show(self, value: JsonValue) -> None:
        self.box.value = value or ""

    def read(self) -> JsonValue:
        return self.box.value or None

    def focus(self) -> None:
        self.box.run_method("focus")


class Choices:
    """Some of a few, in the order of the model."""

    def __init__(self, setting: Setting, words: Words, *, changed: Changed, enabled: bool) -> None:
        self.boxes = {}
        with tag("div", look="boxes", role="group", aria_label=words.label):
            for each in setting.choices:
                self.boxes[each] = ui.checkbox(option(each), on_change=lambda _: changed())
                self.boxes[each].set_enabled(enabled)

    def show(self, value: JsonValue) -> None:
        chosen = value if isinstance(value, list) else []
        for each, box in self.boxes.items():
            box.value = each in chosen

    def read(self) -> JsonValue:
        return [each for each, box in self.boxes.items() if box.value]

    def focus(self) -> None:
        next(iter(self.boxes.values())).run_method("$el.focus")


class Budget:
    """The amount in the shop's currency; those in other currencies stay as they are. Empty is no limit."""

    def __init__(self, words: Words, currency: str, *, changed: Changed, enabled: bool) -> None:
        self.currency, self.others = currency, dict[str, JsonValue]()
        self.box = ui.number(step=0.01, suffix=currency, placeholder="No limit", on_change=lambda _: changed())
        self.box.props("outlined dense hide-bottom-space inputmode=decimal")
        self.box.set_enabled(enabled)
        name(self.box.props, words)

    def show(self, value: JsonValue) -> None:
        amounts = value if isinstance(value, dict) else {}
        self.others = {currency: amount for currency, amount in amounts.items() if currency != self.currency}
        amount = amounts.get(self.currency)
        self.box.value = float(amount) if isinstance(amount, int | float) else None

    def read(self) -> JsonValue:
        own: dict[str, JsonValue] = {} if self.box.value is None else {self.currency: float(self.box.value)}
        return self.others | own or None

    def focus(self) -> None:
        self.box.run_method("focus")


class Amounts(Text):
    """`EUR 120`, one currency a line."""

    def show(self, value: JsonValue) -> None:
        amounts = value if isinstance(value, dict) else {}
        super().show([f"{currency} {told(amount)}" for currency, amount in amounts.items()])

    def read(self) -> JsonValue:
        """A line that is something else stands as a currency without an amount: the model refuses it."""
        lines = super().read()
        assert isinstance(lines, list)
        amounts: dict[str, JsonValue] = {}
        for line in map(str, lines):
            found = re.fullmatch(r"([A-Za-z]{3})\s+([0-9]+(?:\.[0-9]+)?)", line)
            amounts |= {line: None} if found is None else {found[1].upper(): float(found[2])}
        return amounts


class Items:
    """A list of objects: a card for each, with its own controls."""

    def __init__(self, setting: Setting, words: Words, *, currency: str, changed: Changed, enabled: bool) -> None:
        self.setting, self.words, self.currency = setting, words, currency
        self.changed, self.enabled = changed, enabled
        self.items: list[dict[Path, Control]] = []
        self.list = tag("ol", look="items")
        if enabled:
            button(f"Add to {words.label.lower()}", self._add, look="press quiet small")

    def show(self, value: JsonValue) -> None:
        self.list.clear()
        self.items = []
        with self.list:
            for each in value if isinstance(value, list) else []:
                self._card(each if isinstance(each, dict) else {})

    def read(self) -> JsonValue:
        return [{path[-1]: control.read() for path, control in item.items()} for item in self.items]

    def focus(self) -> None:
        if self.items:
            next(iter(self.items[0].values())).focus()

    def _add(self) -> None:
        with self.list:
            self._card({})
        next(iter(self.items[-1].values())).focus()
        self.changed()

    def _card(self, value: dict[str, JsonValue]) -> None:
        item: dict[Path, Control] = {}
        with tag("li", look="item-card") as card:
            for setting in self.setting.inner:
                words = Words(option(setting.path[-1]))
                with tag("div", look="field"):
                    label(words)
                    item[setting.path] = control_for(
                        setting, words, currency=self.currency, changed=self.changed, enabled=self.enabled
                    )
                item[setting.path].show(value.get(setting.path[-1]))
            if self.enabled:
                button("Remove", lambda: self._remove(card, item), look="press quiet small")
        self.items.append(item)

    def _remove(self, card: TextElement, item: dict[Path, Control]) -> None:
        self.items.remove(item)
        card.delete()
        self.changed()


def name(props: dict[str, object], words: Words) -> None:
    """What a screen reader calls the control."""
    props["aria-label"] = words.label


def label(words: Words) -> None:
    tag("span", words.label, look="field-label", aria_hidden="true")


def control_for(setting: Setting, words: Words, *, currency: str, changed: Changed, enabled: bool) -> Control:
    match setting.kind:
        case Kind.SWITCH:
            return Switch(words, changed=changed, enabled=enabled)
        case Kind.WHOLE | Kind.DECIMAL:
            return Number(setting, words, currency, changed=changed, enabled=enabled)
        case Kind.TEXT:
            return Text(words, changed=changed, enabled=enabled, empty=setting.empty)
        case Kind.LINES:
            return Text(words, changed=changed, enabled=enabled, lines=True)
        case Kind.CHOICE:
            return Choice(setting, words, changed=changed, enabled=enabled)
        case Kind.CHOICES:
            return Choices(setting, words, changed=changed, enabled=enabled)
        case Kind.AMOUNTS:
            return Amounts(words, changed=changed, enabled=enabled, lines=True)
        case Kind.BUDGET:
            return Budget(words, currency, changed=changed, enabled=enabled)
        case Kind.ITEMS:
            return Items(setting, words, currency=currency, changed=changed, enabled=enabled)
