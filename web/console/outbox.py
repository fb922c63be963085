"""The outbox: what was sent, each message as its receiver sees it, in a frame that can run and load nothing."""

from uuid import UUID

from starlette.requests import Request

from delivery import service
from delivery.schemas import OutboxEntry
from web.console.desk import HOME, Visit
from web.console.tags import empty, heading, older, pair, tag
from web.console.wording import MESSAGE_CHANNELS, words

HERE = f"{HOME}/outbox"
A_PAGE = 20


async def build(visit: Visit, request: Request) -> None:
    cursor, opened = _uuid(request, "after"), _uuid(request, "message")
    async with visit.begin() as (session, visitor):
        page = await service.list_outbox(
            session, company_id=visitor.company_id, cart_id=None, cursor=cursor, limit=A_PAGE
        )
    heading("Outbox", "Every message that left, as its receiver sees it.")
    if not page.items:
        empty("Nothing was sent yet", "Messages appear here when an abandoned cart reaches its first stage.")
        return
    chosen = next((entry for entry in page.items if entry.id == opened), None)
    with tag("div", look=f"split {'one-open' if chosen else ''}"):
        with tag("div"):
            with tag("ul", look="rows", aria_label="Messages"):
                for entry in page.items:
                    _row(entry, visit, cursor, is_open=entry is (chosen or page.items[0]))
            older(
                None if page.next_cursor is None else f"{HERE}?after={page.next_cursor}",
                None if cursor is None else HERE,
            )
        _message(chosen or page.items[0], visit)


def _uuid(request: Request, name: str) -> UUID | None:
    try:
        return UUID(request.query_params.get(name, ""))
    except ValueError:
        return None


def _row(entry: OutboxEntry, visit: Visit, cursor: UUID | None, *, is_open: bool) -> None:
    address = f"{HERE}?message={entry.id}" + ("" if cursor is None else f"&after={cursor}")
    current = {"aria_current": "true"} if is_open else {}
    with tag("li"), tag("a", look="line", href=address, **current), tag("span", look="line-main"):
        tag("strong", entry.subject, look="clip")
        stage = "" if entry.stage is None else f"{words(entry.stage)} · "
        tag("span", f"{stage}{MESSAGE_CHANNELS[entry.channel]} to {entry.to}", look="quiet clip")
        tag("time", visit.time(entry.sent_at), look="quiet", datetime=entry.sent_at.isoformat())


def _message(entry: OutboxEntry, visit: Visit) -> None:
    with tag("section", look="card letter", aria_label="Message"):
        tag("a", "All messages", look="back only-narrow", href=HERE)
        tag("h2", entry.subject)
        with tag("dl"):
            pair("To", entry.to)
            pair("Sent", visit.time(entry.sent_at))
            pair("Channel", MESSAGE_CHANNELS[entry.channel])
            pair("Stage", "Asked for in a conversation" if entry.stage is None else words(entry.stage))
        if entry.html:
            frame = tag("iframe", title="The message as its receiver sees it", sandbox="", referrerpolicy="no-referrer")
            frame.props["srcdoc"] = entry.html
        with tag("details", **({} if entry.html else {"open": ""})):
            tag("summary", "Plain text")
            tag("pre", entry.text, tabindex="0")
        if entry.headers:
            with tag("details"):
                tag("summary", "Headers")
                with tag("dl", look="flat"):
                    for name, value in entry.headers.items():
                        pair(name, value)
