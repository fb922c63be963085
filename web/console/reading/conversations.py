"""The list of conversations, narrowed by the query of its address."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from db.tables.conversations import ConversationChannel
from graphs.conversations.reading import service
from graphs.conversations.reading.schemas import ConversationLine, ConversationOutcome, Wanted
from web.console.desk import HOME, Visit
from web.console.tags import chip, empty, heading, older, tag
from web.console.wording import CHANNELS, OUTCOMES, TONES

HERE = f"{HOME}/conversations"


class Asked(BaseModel):
    """What the address asks for; dates are days of the shop."""

    model_config = ConfigDict(extra="ignore")

    channel: ConversationChannel | None = None
    outcome: ConversationOutcome | None = None
    since: date | None = None
    until: date | None = None
    after: UUID | None = None

    def wanted(self, zone: ZoneInfo) -> Wanted:
        since = None if self.since is None else datetime.combine(self.since, time(), zone)
        until = None if self.until is None else datetime.combine(self.until + timedelta(days=1), time(), zone)
        return Wanted(self.channel, self.outcome, since, until)

    def address(self, **changes: object) -> str:
        asked = self.model_copy(update=changes).model_dump(mode="json", exclude_none=True)
        return f"{HERE}?{urlencode(asked)}" if asked else HERE

    @property
    def narrows(self) -> bool:
        return any((self.channel, self.outcome, self.since, self.until))


def asked_of(request: Request) -> Asked:
    """What cannot be read is left out: an old bookmark still shows a list."""
    given = {name: value for name, value in request.query_params.items() if value}
    try:
        return Asked.model_validate(given)
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors()}
        return Asked.model_validate({name: value for name, value in given.items() if name not in wrong})


async def build(visit: Visit, request: Request) -> None:
    asked = asked_of(request)
    async with visit.begin() as (session, visitor):
        page = await service.find_conversations(
            session, asked.wanted(ZoneInfo(visit.company.timezone)), company_id=visitor.company_id, after=asked.after
        )
    heading("Conversations", "What was said to shoppers, what the agents did, and what came of it.")
    _filters(asked)
    if page.lines:
        with tag("ul", look="rows", aria_label="Conversations"):
            for line in page.lines:
                _row(line, visit)
    elif asked.narrows:
        empty("Nothing matches", "Widen the days, or clear the filters.")
    else:
        empty("No conversations yet", "They appear here as soon as a shopper opens the chat in your checkout.")
    older(
        None if page.next_cursor is None else asked.address(after=page.next_cursor),
        None if asked.after is None else asked.address(after=None),
    )


def _filters(asked: Asked) -> None:
    """A plain form: it works from the keyboard, and the address can be kept."""
    with tag("form", look="filters", method="get", action=HERE, role="search", aria_label="Filter conversations"):
        _choice("channel", "Channel", "All channels", CHANNELS, asked.channel)
        _choice("outcome", "Outcome", "All outcomes", OUTCOMES, asked.outcome)
        for name, label, value in (("since", "From", asked.since), ("until", "To", asked.until)):
            with tag("label"):
                tag("span", label)
                tag("input", type="date", name=name, value="" if value is None else value.isoformat())
        tag("button", "Filter", type="submit", look="press")
        if asked.narrows:
            tag("a", "Clear", href=HERE, look="press quiet")


def _choice(name: str, label: str, everything: str, choices: Mapping[Any, str], chosen: StrEnum | None) -> None:
    with tag("label"):
        tag("span", label)
        with tag("select", name=name):
            tag("option", everything, value="")
            for value, wording in choices.items():
                tag("option", wording, value=value, **({"selected": ""} if value == chosen else {}))


def _row(line: ConversationLine, visit: Visit) -> None:
    who = line.first_name or line.email or "Unknown shopper"
    with tag("li"), tag("a", look="line", href=f"{HERE}/{line.id}"):
        with tag("span", look="line-main"):
            tag("strong", line.opening or who, look="clip")
            tag("span", f"{CHANNELS[line.channel]} · {who}" if line.opening else CHANNELS[line.channel], look="quiet")
        chip(OUTCOMES[line.outcome], TONES.get(line.outcome, ""))
        tag("time", visit.time(line.started_at), look="quiet when", datetime=line.started_at.isoformat())
