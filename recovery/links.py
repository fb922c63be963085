"""The links in what we send: absolute, signed, the token last (decision 8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.tables.recovery import CartAbandonmentReason
from policy.tokens import Signer, Token, TokenKind

RECOVERY_LINK_LIFE = timedelta(days=7)
# An opt-out has to work for at least 30 days after the message (15 USC 7704(a)(3)); ours does for a year.
UNSUBSCRIBE_LINK_LIFE = timedelta(days=365)


@dataclass(frozen=True)
class Links:
    """Makes links below `public_url`, which has no slash at its end."""

    signer: Signer
    public_url: str

    def recovery(self, *, company_id: UUID, cart_id: UUID, message_id: UUID, now: datetime) -> str:
        """GET shows the cart and changes nothing, POST restores its items."""
        token = Token(TokenKind.RECOVERY, company_id, (cart_id, message_id), now + RECOVERY_LINK_LIFE)
        return f"{self.public_url}/r/{self.signer.sign(token)}"

    def survey(
        self, answer: CartAbandonmentReason, *, company_id: UUID, attempt_id: UUID, message_id: UUID, now: datetime
    ) -> str:
        """One tap, one answer of the diagnosis survey; POST confirms it."""
        expires_at = now + RECOVERY_LINK_LIFE
        token = Token(TokenKind.SURVEY, company_id, (attempt_id, message_id), expires_at, answer)
        return f"{self.public_url}/s/{self.signer.sign(token)}"

    def unsubscribe(self, *, company_id: UUID, customer_id: UUID, message_id: UUID, now: datetime) -> str:
        """RFC 8058: POST unsubscribes at once, without a log-in; GET only asks."""
        expires_at = now + UNSUBSCRIBE_LINK_LIFE
        token = Token(TokenKind.UNSUBSCRIBE, company_id, (customer_id, message_id), expires_at)
        return f"{self.public_url}/u/{self.signer.sign(token)}"
