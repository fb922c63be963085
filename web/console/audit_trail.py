"""The audit trail: who did what and when. What was changed of the settings stands under Versions in full."""

from uuid import UUID

from starlette.requests import Request

from db.tables.access import AuditAction
from policy.access import audit
from policy.access.rules import Right
from policy.access.schemas import AuditLine
from web.console.desk import HOME, Visit
from web.console.settings.difference import changes
from web.console.tags import empty, heading, older, tag
from web.console.wording import ACTIONS

HERE = f"{HOME}/audit"


async def build(visit: Visit, request: Request) -> None:
    after = _uuid(request.query_params.get("after", ""))
    async with visit.begin() as (session, visitor):
        page = await audit.read(session, visitor.actor, company_id=visitor.company_id, after=after)
    everything = visit.may(Right.MANAGE_KEYS)
    heading(
        "Audit trail",
        "Who did what, and when. Entries cannot be changed or deleted."
        + ("" if everything else " Keys, users and sign-ins are shown to admins."),
    )
    if not page.lines:
        empty("Nothing happened yet", "Every change of a setting leaves an entry here.")
        return
    with tag("div", look="scroll", tabindex="0", role="region", aria_label="Entries"), tag("table", look="trail"):
        with tag("thead"), tag("tr"):
            for column in ("When", "Who", "What", "Details"):
                tag("th", column, scope="col")
        with tag("tbody"):
            for line in page.lines:
                with tag("tr"):
                    tag("td", visit.time(line.at), look="when")
                    tag("td", line.actor)
                    tag("td", ACTIONS[line.action])
                    with tag("td"):
                        _details(line)
    older(None if page.next_cursor is None else f"{HERE}?after={page.next_cursor}", None if after is None else HERE)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _details(line: AuditLine) -> None:
    before, after = line.before or {}, line.after or {}
    match line.action:
        case AuditAction.FLOW_CHANGED | AuditAction.CHAT_CHANGED:
            count = len(changes(before.get("config", {}), after.get("config", {})))
            tag(
                "a",
                f"{count} {'setting' if count == 1 else 'settings'}, now version {after.get('version', '')}",
                href=f"{HOME}/settings/history#entry-{line.id}",
            )
        case AuditAction.KEY_CREATED | AuditAction.KEY_REVOKED:
            tag("code", f"{(after or before).get('prefix', '')}…")
        case AuditAction.ORIGINS_CHANGED:
            tag("span", ", ".join(map(str, after.get("origins", []))) or "none")
        case AuditAction.USER_ADDED:
            tag("span", f"{after.get('email', '')}, {str(after.get('role', '')).lower()}")
        case AuditAction.PASSWORD_SET:
            tag("span", str(after.get("email", "")))
        case AuditAction.SIGNED_IN | AuditAction.SIGNED_OUT:
            pass
