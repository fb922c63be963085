"""The account that calls are placed with, and the addresses that the carrier is given.

Apart from `voice/twilio.py`, because settings name it and Twilio's client takes seconds to import.
"""

from dataclasses import dataclass, field
from uuid import UUID

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # ships no py.typed


@dataclass(frozen=True)
class TwilioAccount:
    """Where calls are placed, as whom, and where Twilio finds us (`public_url`, no slash at the end)."""

    account_sid: str
    auth_token: str = field(repr=False)
    from_number: str
    base_url: str | None
    public_url: str

    def webhook(self, company_id: UUID, call_id: UUID, name: str) -> str:
        """An address that Twilio asks; what it sends there is signed over this very text."""
        return f"{self.public_url}/api/momentum/voice/twilio/{company_id}/{call_id}/{name}"

    @property
    def stream_url(self) -> str:
        """Where Twilio opens the media stream of an answered call (voice/stream.py)."""
        scheme, _, rest = self.public_url.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/api/momentum/voice/stream"

    def signed(self, url: str, form: dict[str, str], signature: str) -> bool:
        """Whether X-Twilio-Signature is Twilio's for this request (a WebSocket's form is empty)."""
        return bool(RequestValidator(self.auth_token).validate(url, form, signature))
