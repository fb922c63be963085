"""Settings, API keys: for admins. The service refuses others; the page says so."""

from nicegui import ui
from starlette.requests import Request

from db.tables.companies import KeyKind
from policy.access import keys
from policy.access.rules import Right
from policy.access.schemas import KeyLine
from web.console.desk import Visit
from web.console.frame import Press, guarded
from web.console.tags import button, chip, empty, heading, tag
from web.console.wording import KEYS

WHAT_FOR = {
    KeyKind.SECRET: "For your servers alone: it may do everything.",
    KeyKind.PUBLISHABLE: "For the widget on your pages: it reads products and opens carts.",
}


async def build(visit: Visit, _: Request) -> None:
    async with visit.begin() as (session, visitor):
        found = await keys.list_keys(session, company_id=visitor.company_id, by=visitor.actor)
    assert visit.may(Right.MANAGE_KEYS)
    heading("API keys", "Your servers and your pages use them. A key is shown whole once, when it is created.")
    with tag("div", look="actions"):
        for kind in KeyKind:
            button(f"Create a {KEYS[kind].lower()}", _creating(visit, kind), look="press quiet")
    if not found:
        empty("No keys yet", "Create a publishable key for the widget and a secret key for your server.")
        return
    with tag("ul", look="rows", aria_label="Keys"):
        for key in found:
            _row(key, visit)


def _row(key: KeyLine, visit: Visit) -> None:
    with tag("li"), tag("div", look="line"):
        with tag("span", look="line-main"):
            tag("code", f"{key.prefix}…")
            scopes = "everything" if key.scopes == ["*"] else ", ".join(key.scopes)
            tag("span", f"{KEYS[key.kind]}, created {visit.day(key.created_at)}. May: {scopes}", look="quiet")
        if key.revoked_at is not None:
            chip(f"Revoked {visit.day(key.revoked_at)}", "bad")
        else:
            chip("In use", "good")
            button("Revoke", _revoking(visit, key), look="press danger", aria_label=f"Revoke {key.prefix}")


def _creating(visit: Visit, kind: KeyKind) -> Press:
    async def create() -> None:
        async with visit.begin() as (session, visitor):
            key = await keys.create_key(
                session, kind, company_id=visitor.company_id, by=visitor.actor, issue=visit.desk.issue_key
            )
        with ui.dialog().props("persistent aria-labelledby=new-key") as dialog, ui.card().classes("dialog"):
            tag("h2", f"Your new {KEYS[kind].lower()}", id="new-key")
            tag("p", f"{WHAT_FOR[kind]} Copy it now: it is not shown again.")
            tag("code", key, look="whole-key", tabindex="0")
            button("I have copied it", ui.navigate.reload, look="press")
        dialog.open()

    return guarded(create)


def _revoking(visit: Visit, key: KeyLine) -> Press:
    async def revoke() -> None:
        async with visit.begin() as (session, visitor):
            await keys.revoke_key(session, key.id, company_id=visitor.company_id, by=visitor.actor)
        ui.navigate.reload()

    async def ask() -> None:
        with ui.dialog().props("aria-labelledby=revoke-key") as dialog, ui.card().classes("dialog"):
            tag("h2", f"Revoke {key.prefix}…?", id="revoke-key")
            tag("p", "Whatever uses it is refused from now on. A revoked key does not come back.")
            with tag("div", look="actions"):
                button("Keep it", dialog.close, look="press quiet")
                button("Revoke it", guarded(revoke), look="press danger")
        dialog.open()

    return ask
