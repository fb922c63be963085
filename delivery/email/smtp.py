"""Email over SMTP. One connection a message: at the rates of a save flow it costs little, and no
broken connection outlives its message."""

import asyncio
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from db.clock import real_now
from delivery.email.compose import UnsendableEmail, mailbox, to_wire
from delivery.transport import Outcome, Outgoing, Permanent, Sent, Temporary, Unknown

_ENHANCED_STATUS = re.compile(r"^[245]\.(\d{1,3})\.(\d{1,3})\b")
_ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")

Tls = Literal["implicit", "required", "auto", "never"]
_START_TLS: dict[Tls, bool | None] = {"implicit": False, "required": True, "never": False, "auto": None}
_ASKED: dict[str, Tls] = {"required": "required", "auto": "auto", "never": "never"}


@dataclass(frozen=True)
class Limits:
    """Seconds. RFC 5321 4.5.3.2 would wait minutes for each; a worker has other mail to send."""

    command_s: float = 20.0
    total_s: float = 60.0
    goodbye_s: float = 2.0


@dataclass(frozen=True)
class SmtpServer:
    host: str
    port: int
    username: str | None
    password: str | None
    tls: Tls

    @classmethod
    def from_url(cls, url: str) -> "SmtpServer":
        """Read `smtp://user:password@host:port?starttls=required|auto|never` or `smtps://…`.

        STARTTLS is required by default where there is a password to protect, else used if offered.
        Raises ValueError; its text never repeats the address, which holds a password.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("an SMTP address looks like smtp://user:password@host:587")
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        asked = query.pop("starttls", ["required" if parts.username else "auto"])[-1]
        if query or asked not in _ASKED:
            raise ValueError("an SMTP address takes starttls=required, auto or never, and nothing else")
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if implicit else 587),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls="implicit" if implicit else _ASKED[asked],
        )


class SmtpTransport:
    """Hands a message to one relay.

    Nothing here tries again: a refusal is certain, and only when the line dies between the content and
    the answer to it is the outcome Unknown. Message-ID is the same for every try, so that a copy could be told
    from a second message.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        limits: Limits | None = None,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._limits = limits or Limits()
        self._tls_context = tls_context

    async def send(self, outgoing: Outgoing) -> Outcome:
        try:
            # Date is when it really leaves: a receiver's spam filter knows no demo clock.
            content = to_wire(outgoing, date=real_now()).as_bytes()
            sender = mailbox(parseaddr(outgoing.headers["From"])[1])
            recipient = mailbox(outgoing.to_address)
        except UnsendableEmail as error:
            return Permanent(error.detail)
        client = aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username,
            password=self._server.password,
            local_hostname=socket.gethostname(),
            timeout=self._limits.command_s,
            use_tls=self._server.tls == "implicit",
            start_tls=_START_TLS[self._server.tls],
            tls_context=self._tls_context,
        )
        try:
            return await _Handover(client, self._limits).run(sender.addr_spec, recipient.addr_spec, content)
        finally:
            client.close()


class _Handover:
    """One message over one connection, and how far it came: what decides whether a dead line may have
    taken it."""

    def __init__(self, client: aiosmtplib.SMTP, limits: Limits) -> None:
        self.client = client
        self.limits = limits
        self.content_begun = False

    async def run(self, sender: str, recipient: str, content: bytes) -> Outcome:
        try:
            async with asyncio.timeout(self.limits.total_s):
                await self.client.connect()
                await self.client.mail(sender)
                await self.client.rcpt(recipient)
                self.content_begun = True
                answer = await self.client.data(content)
        except (SMTPConnectResponseError, SMTPAuthenticationError, SMTPHeloError) as error:
            # The relay refuses us, not this message.
            return Temporary(_reason(error.code, error.message))
        except SMTPResponseException as error:
            return self._refused(error.code, error.message)
        except (SMTPException, OSError) as error:  # time limits are OSErrors too
            return self._lost(type(error).__name__)
        await self._say_goodbye()
        return Sent(answer.message[:200])

    def _refused(self, code: int, text: str) -> Outcome:
        if 400 <= code < 500:
            return Temporary(_reason(code, text))
        if 500 <= code < 600:
            return Permanent(_reason(code, text), bad_recipient=_is_bad_recipient(code, text))
        return self._lost(f"answer {code}")

    def _lost(self, how: str) -> Outcome:
        """From DATA on, silence may be consent."""
        return Unknown(f"after the content: {how}") if self.content_begun else Temporary(how)

    async def _say_goodbye(self) -> None:
        """The message is taken: a relay that hangs up rudely changes nothing."""
        with suppress(SMTPException, OSError):
            await self.client.quit(timeout=self.limits.goodbye_s)


def _reason(code: int, text: str) -> str:
    """For the merchant's eyes, without the shopper's address, which relays like to repeat."""
    return f"{code} {_ADDRESS.sub('…', ' '.join(text.split()))}"[:200].strip()


def _is_bad_recipient(code: int, text: str) -> bool:
    """Whether there is no such mailbox: RFC 3463 status 5.1.1, 5.1.2, 5.1.6, 5.1.10 or 5.2.1; without
    one, RFC 5321's 550, 551 and 553 at face value. A policy refusal (5.7.1) says nothing of the mailbox."""
    if status := _ENHANCED_STATUS.match(text):
        return status.groups() in {("1", "1"), ("1", "2"), ("1", "6"), ("1", "10"), ("2", "1")}
    return code in {550, 551, 553}
