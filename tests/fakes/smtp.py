"""A mail server that speaks SMTP on loopback and misbehaves as told."""

import asyncio
import email
import email.policy
import ssl
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from enum import StrEnum, auto
from typing import NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Stage(StrEnum):
    GREETING = auto()
    EHLO = auto()
    MAIL = auto()
    RCPT = auto()
    # Before the content is asked for (354), and after its last line came in.
    DATA = auto()
    CONTENT = auto()
    QUIT = auto()


@dataclass(frozen=True)
class Reply:
    """Answer with this line instead."""

    line: str


@dataclass(frozen=True)
class Slow:
    """Answer as usual, this many seconds later."""

    seconds: float


class Fault(StrEnum):
    HANG = auto()
    DROP = auto()
    # At CONTENT only: keep the message, then hang up before saying so.
    KEEP_AND_DROP = auto()


Trouble = Reply | Slow | Fault


class Kind(NamedTuple):
    """A sort of trouble: at which stage, and `HANG`, `DROP`, `KEEP_AND_DROP`, `SLOW`, `4xx` or `5xx`."""

    stage: Stage
    what: str


def kind_of(stage: Stage, trouble: Trouble) -> Kind | None:
    """None where nothing is wrong: an answer that is late by nothing."""
    match trouble:
        case Reply(line):
            return Kind(stage, f"{line[0]}xx")
        case Slow(seconds):
            return Kind(stage, "SLOW") if seconds else None
        case Fault():
            return Kind(stage, trouble.name)


@dataclass(frozen=True)
class ReceivedMail:
    sender: str
    recipients: list[str]
    content: bytes
    # When its last line came in.
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.content, _class=EmailMessage, policy=email.policy.SMTP)


@dataclass
class FakeSmtp:
    """What came in, and what to do wrong next: one fault of a stage's queue for each time it is reached."""

    port: int = 0
    mails: list[ReceivedMail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    password: bytes = b"right"
    connections: int = 0
    # Set once somebody is kept waiting by Fault.HANG.
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    faults: defaultdict[Stage, deque[Trouble]] = field(default_factory=lambda: defaultdict(deque))
    # What did go wrong, not what was to.
    fired: Counter[Kind] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def script(self, stage: Stage, *faults: Trouble) -> None:
        self.faults[stage].extend(faults)

    def next_fault(self, stage: Stage) -> Trouble | None:
        queue = self.faults[stage]
        trouble = queue.popleft() if queue else None
        if trouble is not None and (kind := kind_of(stage, trouble)) is not None:
            self.fired[kind] += 1
        return trouble

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = ReceivedMail(envelope.mail_from or "", list(envelope.rcpt_tos), content)
        match self.next_fault(Stage.CONTENT):
            case Reply(line):
                return line
            case Slow(seconds):
                await asyncio.sleep(seconds)
            case Fault.KEEP_AND_DROP:
                self.mails.append(mail)
                await _hang_up(server)
            case Fault.DROP:
                await _hang_up(server)
            case Fault.HANG:
                self.hanging.set()
                await asyncio.Event().wait()
        self.mails.append(mail)
        return f"250 2.0.0 queued as {len(self.mails)}"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == self.password, handled=False)


async def _hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
    await asyncio.Event().wait()  # until losing the connection cancels this


class _Server(SMTP):
    def __init__(self, fake: FakeSmtp, tls_context: ssl.SSLContext | None) -> None:
        super().__init__(
            fake,
            hostname="fake.test",
            loop=asyncio.get_running_loop(),
            tls_context=tls_context,
            auth_require_tls=False,
            authenticator=fake.authenticate,
        )
        self.fake = fake
        fake.connections += 1

    @property
    def handler(self) -> "asyncio.Task[None] | None":
        return self._handler_coroutine

    async def _misbehaves(self, stage: Stage) -> bool:
        self.fake.commands.append(stage.upper())
        match self.fake.next_fault(stage):
            case Reply(line):
                await self.push(line)
                return True
            case Slow(seconds):
                await asyncio.sleep(seconds)
            case Fault.DROP | Fault.KEEP_AND_DROP:
                await _hang_up(self)
            case Fault.HANG:
                self.fake.hanging.set()
                await asyncio.Event().wait()
        return False

    async def _handle_client(self) -> None:
        if await self._misbehaves(Stage.GREETING):
            assert self.transport is not None
            self.transport.close()
        else:
            await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self._misbehaves(Stage.EHLO):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not await self._misbehaves(Stage.MAIL):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if not await self._misbehaves(Stage.RCPT):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:
        if not await self._misbehaves(Stage.DATA):
            await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        if not await self._misbehaves(Stage.QUIT):
            await super().smtp_QUIT(arg)


@asynccontextmanager
async def serving(
    *, implicit_tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> AsyncIterator[FakeSmtp]:
    """A fake on a free port of the loopback, in this event loop; gone with everything it held at the end."""
    fake = FakeSmtp()
    servers: list[_Server] = []

    def accept() -> _Server:
        servers.append(_Server(fake, starttls))
        return servers[-1]

    listener = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0, ssl=implicit_tls)
    fake.port = listener.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        listener.close()
        handlers = [server.handler for server in servers if server.handler is not None]
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        for server in servers:
            if isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
        await listener.wait_closed()
