"""Typed content to one email: MJML for those who read HTML, hand-written text for those who do not."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

from jinja2 import Environment, StrictUndefined
from mjml import mjml2html

from delivery.email.schemas import EmailContent, EmailItem
from delivery.transport import Outgoing
from policy.errors import AppError

_TEMPLATES = Path(__file__).parent / "templates"
_MARKUP = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_PLAIN = Environment(
    autoescape=False,  # noqa: S701 plain text: nothing in it is markup
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# MJML is compiled once, with the placeholders in it: an email then costs a quarter, and what a shopper or
# a product is called never meets the MJML parser. No fonts: MJML links those that it knows from Google.
_HTML = _MARKUP.from_string(mjml2html((_TEMPLATES / "recovery.mjml").read_text("utf-8"), fonts={}))
_TEXT = _PLAIN.from_string((_TEMPLATES / "recovery.txt").read_text("utf-8"))
_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,255}")


class UnsendableEmail(AppError):
    status = 409
    code = "unsendable_email"
    title = "This email cannot be addressed"


@dataclass(frozen=True)
class ComposedEmail:
    """What a message row keeps. `headers` are all but To, Subject, Date and the MIME ones."""

    subject: str
    text: str
    html: str
    headers: dict[str, str]


class _MailPolicy(policy.EmailPolicy):
    """SMTP line ends, and machine-read headers on one line: the standard library folds a long
    List-Unsubscribe into encoded words, which no mailbox provider reads as an address."""

    _UNFOLDED = frozenset({"list-unsubscribe", "list-unsubscribe-post"})

    def fold(self, name: str, value: str) -> str:
        if name.lower() in self._UNFOLDED:
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in self._UNFOLDED:
            return self.fold(name, value).encode("ascii")
        return bytes(super().fold_binary(name, value))


_POLICY = _MailPolicy(linesep="\r\n", cte_type="7bit")


def compose(content: EmailContent, *, message_id: UUID, public_url: str) -> ComposedEmail:
    """Render both parts and the headers.

    Only images below `public_url` are shown: one elsewhere would tell a third party that the mail was
    opened. Raises UnsendableEmail for a sender's address that no header can carry.
    """
    shown = content.model_copy(update={"items": tuple(_own_image(i, public_url) for i in content.items)})
    images = any(item.image_url for item in shown.items)
    return ComposedEmail(
        subject=content.subject,
        text=_TEXT.render(content=shown).strip() + "\n",
        html=_HTML.render(content=shown, images=images),
        headers=_headers(content, message_id),
    )


def _own_image(item: EmailItem, public_url: str) -> EmailItem:
    if item.image_url is None or item.image_url.startswith(public_url.rstrip("/") + "/"):
        return item
    return item.model_copy(update={"image_url": None})


def _headers(content: EmailContent, message_id: UUID) -> dict[str, str]:
    """One-click unsubscribe is RFC 8058: the relay's DKIM signature must cover both of its headers.
    Message-ID is the same for every try of one message, so that a receiver can drop a second copy
    (RFC 5322 3.6.4). The last two keep out-of-office replies away."""
    sender = mailbox(content.sender.from_address)
    return {
        "From": str(Address(content.sender.legal_name, sender.username, sender.domain)),
        "Reply-To": str(mailbox(content.sender.support_email)),
        "Message-ID": f"<{message_id}@{sender.domain}>",
        "List-Unsubscribe": f"<{content.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }


def to_wire(outgoing: Outgoing, *, date: datetime) -> EmailMessage:
    """The stored message as MIME. Raises UnsendableEmail for what no header can carry."""
    message = EmailMessage(policy=_POLICY)
    message["To"] = mailbox(outgoing.to_address)
    message["Date"] = date
    try:
        message["Subject"] = outgoing.subject
        for name, value in outgoing.headers.items():
            message[name] = value
    except ValueError as error:
        raise UnsendableEmail("a header would not stay on its line") from error
    message.set_content(outgoing.text, cte="quoted-printable")
    message.add_alternative(outgoing.html, subtype="html", cte="quoted-printable")
    return message


def mailbox(address: str) -> Address:
    """Parse one bare address, an international domain as its ASCII form. A local part beyond ASCII
    would need SMTPUTF8 on every hop and is refused, as are quoted ones."""
    local, at, domain = address.strip().rpartition("@")
    try:
        parsed = Address(addr_spec=f"{local}{at}{domain.encode('idna').decode('ascii')}")
    except (HeaderParseError, ValueError, IndexError) as error:
        raise UnsendableEmail("the address cannot be written into a header") from error
    if not (_LOCAL_PART.fullmatch(parsed.username) and _DOMAIN.fullmatch(parsed.domain)):
        raise UnsendableEmail("the address cannot be written into a header")
    return parsed
