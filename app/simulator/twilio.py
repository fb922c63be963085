"""A fake Twilio: the REST API for calls, and what Twilio asks back, signed, over real sockets.

It speaks as Twilio does (form bodies, Basic auth, JSON whose numbers are strings, RFC 2822 dates), so that the
production dialler and webhooks run against it unchanged. What the called phone does is a `Phone`.

https://www.twilio.com/docs/voice/api/call-resource, https://www.twilio.com/docs/usage/security
"""

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from types import TracebackType
from typing import Self
from xml.etree import ElementTree

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no py.typed

from db.base import type_json
from db.clock import real_now

API_VERSION = "2010-04-01"
ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


class Phone(StrEnum):
    """What happens when the number is called."""

    PERSON = "human"
    MACHINE = "machine_start"
    FAX = "fax"
    UNDECIDED = "unknown"
    BUSY = "busy"
    RINGS_OUT = "no-answer"
    FAILS = "failed"
    # Refused by a service that screens calls (SIP 608, RFC 8688).
    SCREENED = "screened"
    # Rings until somebody tells it otherwise.
    RINGS = "rings"


@dataclass
class FakeCall:
    """A call as Twilio keeps it. `form` is what the client asked for, each name with its last value."""

    sid: str
    form: Mapping[str, str]
    events: tuple[str, ...]
    phone: Phone
    created_at: datetime
    status: str = "queued"
    sequence: int = 0
    answered: bool = False
    duration_s: int = 0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Asked:
    """A request that reached the REST API."""

    method: str
    path: str
    form: Mapping[str, str]


@dataclass(frozen=True)
class Stream:
    """What `<Connect><Stream>` told Twilio to open, and the signature of the request that opens it."""

    url: str
    parameters: Mapping[str, str]
    signature: str


OnStream = Callable[[FakeCall, Stream], Awaitable[None]]


async def _nobody_streams(_: FakeCall, __: Stream) -> None:
    """The line stays silent and the called person hangs up."""


class FakeTwilio:
    """`async with FakeTwilio(...) as twilio:` serves on `twilio.base_url`.

    `phones` says what each number does, PERSON where it says nothing. `on_stream` carries the media of an answered
    call and returns when the call is over. `asked` keeps each REST request, `answers` each TwiML document.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        phones: Mapping[str, Phone] | None = None,
        on_stream: OnStream = _nobody_streams,
    ) -> None:
        self.account_sid, self.auth_token = account_sid, auth_token
        self.phones = dict(phones or {})
        self.on_stream = on_stream
        self.asked: list[Asked] = []
        self.answers: list[str] = []
        # Status of each answer that a webhook gave, in order.
        self.webhook_statuses: list[int] = []
        self.calls: dict[str, FakeCall] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._runner = web.AppRunner(self._application(), access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for call in self.calls.values():
            call.stopped.set()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._http.close()
        await self._runner.cleanup()

    async def settled(self) -> None:
        """Return when every call that was placed has run its course."""
        while self._running:
            await asyncio.gather(*self._running)

    def _application(self) -> web.Application:
        app = web.Application()
        calls = f"/{API_VERSION}/Accounts/{{account}}/Calls"
        app.router.add_post(f"{calls}.json", self._create)
        app.router.add_get(f"{calls}/{{sid}}.json", self._fetch)
        app.router.add_post(f"{calls}/{{sid}}.json", self._update)
        return app

    # What the client asks.

    async def _create(self, request: web.Request) -> web.Response:
        if (refused := await self._admit(request)) is not None:
            return refused
        posted = await request.post()
        form = {name: str(value) for name, value in posted.items()}
        if not form.get("To", "").startswith("+"):
            return _problem(400, 21211, "Invalid 'To' Phone Number")
        if "Url" not in form and "Twiml" not in form:
            return _problem(400, 21205, "Url parameter is required")
        call = FakeCall(
            sid=f"CA{secrets.token_hex(16)}",
            form=form,
            events=tuple(str(event) for event in posted.getall("StatusCallbackEvent", ["completed"])),
            phone=self.phones.get(form["To"], Phone.PERSON),
            created_at=real_now(),
        )
        self.calls[call.sid] = call
        task = asyncio.create_task(self._run(call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return web.json_response(self._resource(call), status=201)

    async def _fetch(self, request: web.Request) -> web.Response:
        if (refused := await self._admit(request)) is not None:
            return refused
        call = self.calls.get(request.match_info["sid"])
        return web.json_response(self._resource(call)) if call else _problem(404, 20404, "was not found")

    async def _update(self, request: web.Request) -> web.Response:
        if (refused := await self._admit(request)) is not None:
            return refused
        call = self.calls.get(request.match_info["sid"])
        if call is None:
            return _problem(404, 20404, "was not found")
        if call.status in ENDED:
            return _problem(400, 21220, "Call is not in-progress. Cannot redirect.")
        call.stopped.set()
        return web.json_response(self._resource(call))

    async def _admit(self, request: web.Request) -> web.Response | None:
        """Keep the request; answer it here when its credentials are not ours."""
        posted = await request.post()
        self.asked.append(Asked(request.method, request.path, {name: str(value) for name, value in posted.items()}))
        expected = base64.b64encode(f"{self.account_sid}:{self.auth_token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return _problem(401, 20003, "Authenticate")
        if request.match_info["account"] != self.account_sid:
            return _problem(404, 20404, "was not found")
        return None

    def _resource(self, call: FakeCall) -> type_json:
        """Numbers are strings, and null until they are known."""
        ended = call.status in ENDED
        created = format_datetime(call.created_at)
        return {
            "sid": call.sid,
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "to": call.form["To"],
            "from": call.form.get("From"),
            "direction": "outbound-api",
            "status": call.status,
            "answered_by": call.phone.value if call.answered and "MachineDetection" in call.form else None,
            "duration": str(call.duration_s) if ended else None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "date_created": created,
            "date_updated": created,
            "start_time": created if call.answered else None,
            "end_time": created if ended else None,
            "parent_call_sid": None,
            "phone_number_sid": f"PN{'0' * 32}",
            "trunk_sid": "",
            "caller_name": "",
            "forwarded_from": None,
            "group_sid": None,
            "annotation": None,
            "uri": f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{call.sid}.json",
            "subresource_uris": {},
        }

    # What Twilio does with the call, and asks back.

    async def _run(self, call: FakeCall) -> None:
        await self._move(call, "initiated", event="initiated")
        await self._move(call, "ringing", event="ringing")
        match call.phone:
            case Phone.BUSY | Phone.RINGS_OUT | Phone.FAILS:
                await self._end(call, call.phone.value)
            case Phone.SCREENED:
                await self._end(call, "failed", SipResponseCode="608")
            case Phone.RINGS:
                await call.stopped.wait()
                await self._end(call, "canceled")
            case _:
                await self._answered(call)

    async def _answered(self, call: FakeCall) -> None:
        call.answered = True
        began = real_now()
        await self._move(call, "in-progress", event="answered")
        detected = {"AnsweredBy": call.phone.value} if call.form.get("MachineDetection") else {}
        status, twiml = await self._ask(call, call.form["Url"], detected)
        if status == 200:
            self.answers.append(twiml)
            stream = self._stream_of(twiml)
            if stream is not None:
                await self._carry(call, stream)
        call.duration_s = max(1, int((real_now() - began).total_seconds()))
        await self._end(call, "completed", CallDuration=str(call.duration_s), Duration="1", **detected)

    async def _carry(self, call: FakeCall, stream: Stream) -> None:
        """Carry the media until the stream ends or the REST API ends the call."""
        carrying = asyncio.ensure_future(self.on_stream(call, stream))
        stopping = asyncio.create_task(call.stopped.wait())
        await asyncio.wait({carrying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        carrying.cancel()
        await asyncio.gather(carrying, stopping, return_exceptions=True)

    async def _end(self, call: FakeCall, status: str, **more: str) -> None:
        await self._move(call, status, event="completed", **more)

    async def _move(self, call: FakeCall, status: str, *, event: str, **more: str) -> None:
        call.status = status
        if event in call.events and "StatusCallback" in call.form:
            told = {
                "CallbackSource": "call-progress-events",
                "SequenceNumber": str(call.sequence),
                "Timestamp": format_datetime(real_now()),
                **more,
            }
            call.sequence += 1
            await self._ask(call, call.form["StatusCallback"], told)

    async def _ask(self, call: FakeCall, url: str, more: Mapping[str, str]) -> tuple[int, str]:
        return await self.post(url, self.parameters(call) | dict(more))

    def parameters(self, call: FakeCall) -> dict[str, str]:
        """What every webhook of a call is told; what is not known of the number is empty, not absent."""
        to, sender = call.form["To"], call.form.get("From", "")
        return {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": call.sid,
            "CallStatus": call.status,
            "Direction": "outbound-api",
            "Called": to,
            "To": to,
            "ToCity": "",
            "ToState": "",
            "ToZip": "",
            "ToCountry": "US",
            "Caller": sender,
            "From": sender,
            "FromCountry": "US",
        }

    async def post(self, url: str, form: Mapping[str, str], *, signature: str | None = None) -> tuple[int, str]:
        """A webhook, signed with the account's token (or as a test wants it); the status and body of its answer."""
        headers = {"X-Twilio-Signature": signature or self._sign(url, form), "User-Agent": "TwilioProxy/1.1"}
        async with self._http.post(url, data=form, headers=headers) as answer:
            self.webhook_statuses.append(answer.status)
            return answer.status, await answer.text()

    def _sign(self, url: str, form: Mapping[str, str]) -> str:
        signature: str = RequestValidator(self.auth_token).compute_signature(url, dict(form))
        return signature

    def _stream_of(self, twiml: str) -> Stream | None:
        """The stream that a document opens; None when it hangs up."""
        found = ElementTree.fromstring(twiml).find("./Connect/Stream")  # noqa: S314  # our own server's document
        if found is None:
            return None
        url = found.attrib["url"]
        parameters = {each.attrib["name"]: each.attrib["value"] for each in found.findall("Parameter")}
        return Stream(url, parameters, signature=self._sign(url, {}))


def _problem(status: int, code: int, message: str) -> web.Response:
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return web.json_response(body, status=status)
