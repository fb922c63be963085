from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.tokens import BadToken, Signer, Token, TokenKind

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SIGNER = Signer("k" * 32)
TOKEN = Token(TokenKind.RECOVERY, UUID(int=1), (UUID(int=2), UUID(int=3)), NOW + timedelta(days=7))


def test_a_token_comes_back_as_it_was_signed() -> None:
    survey = Token(TokenKind.SURVEY, UUID(int=1), (UUID(int=2),), NOW + timedelta(days=7), "SHIPPING_COST")
    assert SIGNER.read(SIGNER.sign(TOKEN), kind=TokenKind.RECOVERY, now=NOW) == TOKEN
    assert SIGNER.read(SIGNER.sign(survey), kind=TokenKind.SURVEY, now=NOW) == survey


def test_it_ends_at_its_expiry() -> None:
    text = SIGNER.sign(TOKEN)
    assert SIGNER.read(text, kind=TokenKind.RECOVERY, now=TOKEN.expires_at - timedelta(seconds=1)) == TOKEN
    with pytest.raises(BadToken):
        SIGNER.read(text, kind=TokenKind.RECOVERY, now=TOKEN.expires_at)


def test_it_is_good_for_its_own_kind_and_key_alone() -> None:
    with pytest.raises(BadToken):
        SIGNER.read(SIGNER.sign(TOKEN), kind=TokenKind.CART, now=NOW)
    with pytest.raises(BadToken):
        Signer("x" * 32).read(SIGNER.sign(TOKEN), kind=TokenKind.RECOVERY, now=NOW)


@given(data=st.data())
def test_no_other_text_is_the_token(data: st.DataObject) -> None:
    text = SIGNER.sign(TOKEN)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))
    changed = data.draw(
        st.sampled_from(
            [text[:place] + other + text[place + 1 :], text[:place], text + "=", text + "A", "\u200b" + text]
        )
    )
    with pytest.raises(BadToken):
        SIGNER.read(changed, kind=TokenKind.RECOVERY, now=NOW)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        Signer("short")
