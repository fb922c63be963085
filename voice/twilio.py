"""Calls over Twilio's REST API, with Twilio's own client: base URL a setting, off the event loop, within a deadline.

https://www.twilio.com/docs/voice/api/call-resource
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]  # ships no py.typed
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from urllib3.exceptions import MaxRetryError, NewConnectionError

from voice.account import TwilioAccount
from voice.telephony import Dial, DialUnknown, NotDialled

API = "https://api.twilio.com"
# One HTTP request, and all of what the SDK does around it.
REQUEST_TIMEOUT_S = 10.0
DEADLINE_S = 15.0
# At least 15 seconds or four rings (47 CFR 64.1200(a)(6)).
RING_S = 25
LONGEST_CALL_S = 600
# How long the carrier listens for a machine before it asks what to do; at most so long is somebody kept waiting.
DETECTION_S = 5
EVENTS = ["initiated", "ringing", "answered", "completed"]


class _At(TwilioHttpClient):  # type: ignore[misc, no-any-unimported]  # the SDK is untyped
    """Twilio's HTTP client, pointed at another server, and silent: its log lines carry phone numbers."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=REQUEST_TIMEOUT_S)
        self.base = urlsplit(base_url)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        there = urlsplit(url)._replace(scheme=self.base.scheme, netloc=self.base.netloc)
        return super().request(method, urlunsplit(there), *args, **kwargs)

    def log_request(self, kwargs: object) -> None:
        """Nothing: see the class."""

    def log_response(self, status_code: int, response: object) -> None:
        """Nothing: see the class."""


class TwilioTelephony:
    def __init__(self, account: TwilioAccount) -> None:
        self.account = account
        client = Client(account.account_sid, account.auth_token, http_client=_At(account.base_url or API))
        self._calls = client.calls

    async def dial(self, dial: Dial) -> str:
        """See `Telephony`. A request is made once: Twilio has no idempotency key for calls."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await asyncio.to_thread(self._create, dial)
        except TimeoutError as late:
            raise DialUnknown("DEADLINE") from late

    async def hang_up(self, provider_id: str) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.to_thread(self._complete, provider_id)
        except TimeoutError:
            return  # its own time limit ends the call

    def _create(self, dial: Dial) -> str:
        account = self.account
        try:
            call = self._calls.create(
                to=dial.to_number,
                from_=account.from_number,
                url=account.webhook(dial.company_id, dial.call_id, "answer"),
                status_callback=account.webhook(dial.company_id, dial.call_id, "status"),
                status_callback_event=EVENTS,
                timeout=RING_S,
                time_limit=LONGEST_CALL_S,
                # Asked before anything is said: nothing may be left on a machine (rules C-13).
                machine_detection="Enable",
                machine_detection_timeout=DETECTION_S,
            )
        except TwilioRestException as refused:
            reason = f"TWILIO_{refused.code or refused.status}"
            if refused.status >= 500:
                raise DialUnknown(reason) from refused
            raise NotDialled(reason) from refused
        except requests.RequestException as broken:
            if _never_connected(broken):
                raise NotDialled("UNREACHABLE") from broken
            raise DialUnknown("LINE_LOST") from broken
        return str(call.sid)

    def _complete(self, provider_id: str) -> None:
        try:
            self._calls(provider_id).update(status="completed")
        except (TwilioRestException, requests.RequestException):
            return  # over already, or its own time limit ends it


def _never_connected(error: requests.RequestException) -> bool:
    """Whether the request certainly did not leave: no connection was made."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
