"""Signed tokens: what a bearer may do, to what, and until when. HMAC-SHA256 over the text itself.

A token is `kind.company.subject.expiry.signature`, compared as text: any other spelling of the same bytes is
another token and is refused. It names its company, so that the row behind it can be read under that
company's wall.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from db.clock import real_now
from policy.errors import AppError


class TokenKind(StrEnum):
    """One letter each: a token of one kind is never good for another."""

    CART = "c"
    RECOVERY = "r"
    SURVEY = "s"
    UNSUBSCRIBE = "u"
    # The media stream of one call; also kept as a hash on the call, because it opens once.
    STREAM = "v"


# Refreshed by the widget while the page is open (rules H-47).
CART_TOKEN_LIFE = timedelta(minutes=30)


class BadToken(AppError):
    """Not ours, changed on the way, for something else, or past its time: the caller is not told which."""

    status = 401
    code = "bad_token"
    title = "This link or token is not valid"

    def __init__(self) -> None:
        super().__init__("It may be incomplete or out of date. Ask for a new one.")


@dataclass(frozen=True)
class Token:
    kind: TokenKind
    company_id: UUID
    # What it is about: a cart, or cart and message. Never empty.
    subjects: tuple[UUID, ...]
    expires_at: datetime
    # A word that the signer chose, such as the survey answer behind a one-tap link.
    word: str = ""


class Signer:
    """Signs and reads tokens with the installation's key (MOMENTUM_SIGNING_KEY, at least 32 bytes)."""

    def __init__(self, key: str) -> None:
        if len(key) < 32:
            raise ValueError("MOMENTUM_SIGNING_KEY needs at least 32 characters")
        self._key = key.encode()

    def sign(self, token: Token) -> str:
        body = ".".join(
            (
                token.kind,
                token.company_id.hex,
                "-".join(subject.hex for subject in token.subjects),
                str(int(token.expires_at.timestamp())),
                token.word,
            )
        )
        return f"{body}.{self._signature(body)}"

    def read(self, text: str, *, kind: TokenKind, now: datetime) -> Token:
        """The token, or `BadToken`. `now` is the shop's time for links, real time for cart tokens."""
        body, _, signature = text.rpartition(".")
        if not text.isascii() or not hmac.compare_digest(signature, self._signature(body)):
            raise BadToken
        # Signed by us, so its shape is known; only kind and time are left to check.
        signed_kind, company, subjects, expiry, word = body.split(".")
        expires_at = datetime.fromtimestamp(int(expiry), UTC)
        if signed_kind != kind or now >= expires_at:
            raise BadToken
        return Token(kind, UUID(company), tuple(UUID(subject) for subject in subjects.split("-")), expires_at, word)

    def keyed_hash(self, text: str) -> str:
        """A stable pseudonym of `text` (an address, say) that nobody without the key can make or test."""
        return hmac.new(self._key, b"hash:" + text.encode(), hashlib.sha256).hexdigest()

    def _signature(self, body: str) -> str:
        digest = hmac.new(self._key, b"token:" + body.encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def cart_token(signer: Signer, *, company_id: UUID, cart_id: UUID) -> str:
    """A bearer token for one cart, good for half an hour of real time."""
    return signer.sign(Token(TokenKind.CART, company_id, (cart_id,), real_now() + CART_TOKEN_LIFE))
