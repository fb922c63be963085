"""A config as a form: what is entered, what differs from what was loaded, and what is wrong with it."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from nicegui.elements.mixins.text_element import TextElement
from pydantic import BaseModel, JsonValue

from web.console.settings.controls import Control, control_for, label
from web.console.settings.difference import Flat, Path
from web.console.settings.fields import Kind, Setting, settings_of
from web.console.settings.sections import Section, divided
from web.console.settings.wording import Words, words_of
from web.console.tags import tag

Config: TypeAlias = dict[str, JsonValue]


def value_at(config: Mapping[str, JsonValue], path: Path) -> JsonValue:
    part: JsonValue = dict(config)
    for name in path:
        assert isinstance(part, dict)
        part = part.get(name)
    return part


def with_values(config: Config, values: Flat) -> Config:
    """The config with these settings replaced; what no form shows stays as it is."""
    changed = copy.deepcopy(config)
    for path, value in values.items():
        part = changed
        for name in path[:-1]:
            inner = part[name]
            assert isinstance(inner, dict)
            part = inner
        part[path[-1]] = value
    return changed


class Form:
    """The settings of `sections`, one control each. `changed` is told at every entry."""

    def __init__(
        self,
        model: type[BaseModel],
        sections: Iterable[Section],
        *,
        currency: str,
        enabled: bool,
        changed: Callable[[], None],
        wording: Mapping[Path, Words] | None = None,
    ) -> None:
        self.currency, self.enabled, self.changed, self.wording = currency, enabled, changed, wording
        self.settings = {setting.path: setting for setting in settings_of(model)}
        self.controls: dict[Path, Control] = {}
        self._errors: dict[Path, TextElement] = {}
        for section, paths in divided(list(self.settings), list(sections)):
            self._section(section, paths)

    def load(self, config: Config) -> None:
        """Show a config, in part."""
        for path, control in self.controls.items():
            control.show(value_at(config, path))

    def show(self, values: Flat) -> None:
        for path, value in values.items():
            if path in self.controls:
                self.controls[path].show(value)

    def entered(self) -> Flat:
        return {path: control.read() for path, control in self.controls.items()}

    def say(self, problems: Mapping[Path, str]) -> None:
        """Put each sentence beside its setting, and the focus on the first; those of before go."""
        for path, line in self._errors.items():
            line.text = problems.get(path, "")
        for path, control in self.controls.items():
            if path in problems:
                control.focus()
                return

    def _section(self, section: Section, paths: list[Path]) -> None:
        with tag("section", look="card settings"):
            tag("h2", section.title)
            if section.lead:
                tag("p", section.lead, look="quiet")
            with tag("div", look="fields"):
                for path in paths:
                    self._field(self.settings[path])

    def _field(self, setting: Setting) -> None:
        words = words_of(setting.path, own=self.wording)
        wide = setting.kind in (Kind.TEXT, Kind.LINES, Kind.AMOUNTS, Kind.ITEMS)
        with tag("div", look=f"field {'wide' if wide else ''}", data_setting=".".join(setting.path)):
            if setting.kind is not Kind.SWITCH:
                label(words)
            self.controls[setting.path] = control_for(
                setting, words, currency=self.currency, changed=self.changed, enabled=self.enabled
            )
            if words.hint:
                tag("p", words.hint, look="hint")
            self._errors[setting.path] = tag("p", look="field-error", role="alert")
