"""The versions of the settings: who put each in force, when, and what it changed."""

from uuid import UUID

from starlette.requests import Request

from db.tables.access import AuditAction
from policy.access import audit
from policy.access.schemas import AuditLine
from web.console.desk import HOME, Visit
from web.console.settings.difference import changes
from web.console.settings.wording import title_of, told
from web.console.tags import chip, empty, heading, older, tag

HERE = f"{HOME}/settings/history"
WHAT = {AuditAction.FLOW_CHANGED: "Recovery flow", AuditAction.CHAT_CHANGED: "Checkout chat"}


async def build(visit: Visit, request: Request) -> None:
    try:
        after = UUID(request.query_params.get("after", ""))
    except ValueError:
        after = None
    async with visit.begin() as (session, visitor):
        page = await audit.read(
            session, visitor.actor, company_id=visitor.company_id, only=audit.SETTINGS, after=after, limit=20
        )
    heading("Versions", "Every change of the settings: who made it, when, and what was before.")
    if not page.lines:
        empty("The defaults are in force", "The first change you save becomes version 1, and stands here.")
    for line in page.lines:
        _entry(line, visit)
    older(None if page.next_cursor is None else f"{HERE}?after={page.next_cursor}", None if after is None else HERE)


def _entry(line: AuditLine, visit: Visit) -> None:
    before, after = line.before or {}, line.after or {}
    with tag("section", look="card version", id=f"entry-{line.id}"):
        with tag("h2"):
            tag("span", f"{WHAT[line.action]}, version {after.get('version', '')}")
        with tag("p", look="under"):
            tag("span", line.actor)
            tag("time", visit.time(line.at), look="quiet", datetime=line.at.isoformat())
            if not before.get("version"):
                chip("From the defaults")
        with tag("table", look="changes"):
            with tag("thead"), tag("tr"):
                for column in ("Setting", "Before", "After"):
                    tag("th", column, scope="col")
            with tag("tbody"):
                for change in changes(before.get("config", {}), after.get("config", {})):
                    with tag("tr"):
                        tag("th", title_of(change.path), scope="row")
                        with tag("td", look="before"):
                            tag("del", told(change.before))
                        with tag("td", look="after"):
                            tag("ins", told(change.after))
