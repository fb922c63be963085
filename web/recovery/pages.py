"""Pages behind the links of a message. Opening one changes nothing: a link scanner opens every link.

They show items only, never a name or an address (rules H-48).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import HTMLResponse

from web.templates import page


@dataclass(frozen=True, slots=True)
class ItemView:
    """One line. `price_text` is the line's price as its reader sees it, such as `$24.99`."""

    name: str
    quantity: int
    price_text: str
    image_url: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer of the survey: `value` is a reason of the diagnosis, `label` what the shopper reads."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class RestoredCart:
    cart_id: str
    cart_token: str
    items: Sequence[ItemView]
    missing: Sequence[str] = ()
    """A sentence for each line that could not be restored as it was."""


def restore_page(
    *, company_name: str, action: str, items: Sequence[ItemView], total_text: str | None = None
) -> HTMLResponse:
    """What a recovery link shows. `action` is where its one button posts."""
    context = {"company_name": company_name, "action": action, "items": items, "total_text": total_text}
    return page("recovery/restore.html", context)


def restored_page(*, company_name: str, cart: RestoredCart, shop_url: str, checkout_url: str) -> HTMLResponse:
    """Hands the cart and its token to the browser that pressed the button."""
    context = {"company_name": company_name, "cart": cart, "shop_url": shop_url, "checkout_url": checkout_url}
    return page("recovery/restored.html", context)


def survey_page(*, company_name: str, action: str, choices: Sequence[Choice], chosen: str | None) -> HTMLResponse:
    """The one-tap survey: `chosen` is the answer that was tapped in the message, to be sent by the button.

    The form posts `reason` and an optional `text`.
    """
    context = {"company_name": company_name, "action": action, "choices": choices, "chosen": chosen}
    return page("recovery/survey.html", context)


def survey_done_page(*, company_name: str, answer: str, cart_url: str | None = None) -> HTMLResponse:
    context = {"company_name": company_name, "answer": answer, "cart_url": cart_url}
    return page("recovery/survey_done.html", context)


def unsubscribe_page(*, company_name: str, action: str, done: bool) -> HTMLResponse:
    """Asks before, and says so after. Mail clients post the one-click address without seeing this page."""
    context = {"company_name": company_name, "action": action, "done": done}
    return page("recovery/unsubscribe.html", context)


def expired_page(*, company_name: str, shop_url: str | None = None) -> HTMLResponse:
    context = {"company_name": company_name, "shop_url": shop_url}
    return page("recovery/expired.html", context, status_code=410)
