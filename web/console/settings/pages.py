"""The settings pages: read a config and its version, enter, save; who comes second is told and loses nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nicegui import ui
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from agents.checkout_chat.config import CheckoutChatConfig
from agents.checkout_chat.configuration import change_chat, chat_in_force
from db.clock import read_clock
from policy.access.rules import Right
from policy.access.schemas import Visitor
from recovery.config import FlowConfig
from recovery.configuration import ChangedMeanwhile, change_flow, flow_in_force
from web.console.desk import SignedOut, Visit
from web.console.frame import guarded
from web.console.settings.difference import Flat, Path, merge
from web.console.settings.form import Config, Form, value_at, with_values
from web.console.settings.kept import KeptEntries
from web.console.settings.problems import problems_of
from web.console.settings.sections import CALLS, CHAT, FLOW, Section
from web.console.settings.wording import CHAT_PATHS, Words, title_of, told
from web.console.sign_in import way_in
from web.console.tags import button, heading, tag


@dataclass(frozen=True)
class Loaded:
    config: Config
    version: int


class Kept(Protocol):
    """Where a config is kept: how it is read and how it is changed."""

    @property
    def model(self) -> type[BaseModel]: ...
    async def load(self, session: AsyncSession, visitor: Visitor) -> Loaded: ...
    async def save(self, session: AsyncSession, visitor: Visitor, config: Config, *, version: int) -> Loaded: ...


class KeptFlow:
    model: type[BaseModel] = FlowConfig

    async def load(self, session: AsyncSession, visitor: Visitor) -> Loaded:
        found = await flow_in_force(session, company_id=visitor.company_id)
        return Loaded(_json(found.config), found.version)

    async def save(self, session: AsyncSession, visitor: Visitor, config: Config, *, version: int) -> Loaded:
        saved = await change_flow(
            session,
            FlowConfig.model_validate(config),
            company_id=visitor.company_id,
            by=visitor.actor,
            now=await read_clock(session),
            expected_version=version,
        )
        return Loaded(_json(saved.config), saved.version)


class KeptChat:
    model: type[BaseModel] = CheckoutChatConfig

    async def load(self, session: AsyncSession, visitor: Visitor) -> Loaded:
        found = await chat_in_force(session, company_id=visitor.company_id)
        return Loaded(_json(found.config), found.version)

    async def save(self, session: AsyncSession, visitor: Visitor, config: Config, *, version: int) -> Loaded:
        saved = await change_chat(
            session,
            CheckoutChatConfig.model_validate(config),
            company_id=visitor.company_id,
            by=visitor.actor,
            expected_version=version,
        )
        return Loaded(_json(saved.config), saved.version)


def _json(config: BaseModel) -> Config:
    return config.model_dump(mode="json", by_alias=True)


async def flow(visit: Visit, request: Request) -> None:
    lead = "What may be given, and when a shopper is contacted."
    await _page(visit, KeptFlow(), FLOW, "Offers and stages", lead, path=request.url.path)


async def calls(visit: Visit, request: Request) -> None:
    lead = "Who is called, and what the agent says."
    await _page(visit, KeptFlow(), CALLS, "Phone calls", lead, path=request.url.path)


async def chat(visit: Visit, request: Request) -> None:
    lead = "The assistant that answers in your checkout."
    await _page(visit, KeptChat(), CHAT, "Checkout chat", lead, path=request.url.path, wording=CHAT_PATHS)


async def _page(
    visit: Visit,
    kept: Kept,
    sections: Sequence[Section],
    title: str,
    lead: str,
    *,
    path: str,
    wording: Mapping[Path, Words] | None = None,
) -> None:
    async with visit.begin() as (session, visitor):
        loaded = await kept.load(session, visitor)
    heading(title, lead)
    editor = Editor(visit, kept, sections, loaded, path=path, wording=wording)
    ui.context.client.on_connect(editor.restore)


class Editor:
    """One form in one browser. `base` is what was loaded; entries are compared with it."""

    def __init__(
        self,
        visit: Visit,
        kept: Kept,
        sections: Sequence[Section],
        base: Loaded,
        *,
        path: str,
        wording: Mapping[Path, Words] | None,
    ) -> None:
        self.visit, self.kept, self.base, self.path = visit, kept, base, path
        self.unsaved = KeptEntries(visit, path)
        self.ready = self.restored = False
        enabled = visit.may(Right.CHANGE_SETTINGS)
        if not enabled:
            tag("p", "Your role reads these settings. An operator or an admin can change them.", look="note")
        self.notice = tag("div")
        self.form = Form(
            kept.model,
            sections,
            currency=visit.company.currency,
            enabled=enabled,
            changed=self._count,
            wording=wording,
        )
        self.form.load(base.config)
        self.ready = True
        if enabled:
            self._bar()

    def _bar(self) -> None:
        with tag("div", look="save-bar", data_unsaved="no", role="region", aria_label="Save") as self.bar:
            self.said = tag("p", self._version(), look="quiet", role="status")
            tag("span", look="space")
            button("Discard", self._discard, look="press quiet")
            button("Save changes", guarded(self._save), look="press")

    def _version(self) -> str:
        return f"Version {self.base.version}, no unsaved changes" if self.base.version else "The defaults are in force"

    def _changed(self) -> Flat:
        """What was entered and differs from what was loaded."""
        return {
            path: value
            for path, value in self.form.entered().items()
            if not _same(value, value_at(self.base.config, path))
        }

    def _count(self) -> None:
        if not self.ready:
            return
        count = len(self._changed())
        self.bar.props["data-unsaved"] = "yes" if count else "no"
        self.said.text = f"{count} unsaved {'change' if count == 1 else 'changes'}" if count else self._version()

    async def restore(self) -> None:
        """Show what was entered when the session ended; once, since a browser connects again."""
        if self.restored or not self.visit.may(Right.CHANGE_SETTINGS):
            return
        self.restored = True
        if entries := await self.unsaved.get(list(self.form.settings)):
            self._show(self.base, entries)
            with self.notice, tag("div", look="note", role="note"):
                tag("p", "You were signed out before these entries were saved. They are back in the form.")

    def _discard(self) -> None:
        self.unsaved.drop()
        self.notice.clear()
        self.form.say({})
        self._show(self.base)

    def _show(self, loaded: Loaded, entries: Flat | None = None) -> None:
        self.base, self.ready = loaded, False
        self.form.load(loaded.config)
        self.form.show(entries or {})
        self.ready = True
        self._count()

    async def _save(self) -> None:
        self.notice.clear()
        entries = self._changed()
        config = with_values(self.base.config, entries)
        try:
            self.kept.model.model_validate(config)
        except ValidationError as error:
            self._say(problems_of(error, self.form.controls))
            return
        self.form.say({})
        try:
            async with self.visit.begin() as (session, visitor):
                saved = await self.kept.save(session, visitor, config, version=self.base.version)
        except ChangedMeanwhile:
            await self._second(entries)
            return
        except SignedOut:
            self._keep(entries)
            return
        self.unsaved.drop()
        self._show(saved)
        ui.notify(f"Saved as version {saved.version}. It holds from the next conversation on.", type="positive")

    def _say(self, problems: Mapping[Path, str]) -> None:
        """Sentences beside their settings, and above the form those that are about several."""
        self.form.say(problems)
        count = len(problems)
        with self.notice, tag("div", look="note bad", role="alert"):
            tag("strong", f"Not saved: {count} {'entry needs' if count == 1 else 'entries need'} a change.")
            with tag("ul"):
                for path, sentence in problems.items():
                    place = title_of(path) if path in self.form.controls else ""
                    tag("li", f"{place}: {sentence}" if place else sentence)

    def _keep(self, entries: Flat) -> None:
        """The session is over: whoever signs in again in this tab finds the entries in the form."""
        self.unsaved.put(entries)
        # The way to the sign-in page loses nothing, unless more is entered.
        self.bar.props["data-unsaved"] = "no"
        with self.notice, tag("div", look="note warn", role="alert"):
            tag("strong", "Not saved: your session has ended.")
            tag("p", "Sign in again, and your entries will be in the form as you left them.")
            tag("a", "Sign in again", look="press", href=way_in(self.path))

    async def _second(self, entries: Flat) -> None:
        """Somebody saved in between: show what they changed, keep what was entered, and offer to go on from theirs."""
        async with self.visit.begin() as (session, visitor):
            theirs = await self.kept.load(session, visitor)
        paths = list(self.form.settings)
        base, new = (_settings(each.config, paths) for each in (self.base, theirs))
        merged = merge(base, base | entries, new)
        with self.notice, tag("div", look="note warn", role="alert"):
            tag("strong", "Not saved yet: somebody else changed these settings since you opened them.")
            tag("p", "Your entries are still in the form. Since then, this was changed:")
            with tag("ul"):
                for path in paths:
                    if base[path] != new[path]:
                        both = f", and you entered {told(entries[path])}" if path in merged.clashes else ""
                        tag("li", f"{title_of(path)}: {told(base[path])} → {told(new[path])}{both}")
            button("Put my entries on top of theirs", lambda: self._rebase(theirs, entries), look="press")

    def _rebase(self, theirs: Loaded, entries: Flat) -> None:
        self.notice.clear()
        self._show(theirs, entries)


def _settings(config: Config, paths: list[Path]) -> Flat:
    return {path: value_at(config, path) for path in paths}


def _same(one: object, other: object) -> bool:
    """Whether two values are one setting: the order in a set of products is none."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(each, str) for each in one + other):
        return one == other or (sorted(one) == sorted(other) and len(set(one)) == len(one))
    return one == other
