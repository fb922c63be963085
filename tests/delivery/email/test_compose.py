import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from delivery.email.compose import UnsendableEmail, compose, mailbox, to_wire
from delivery.email.schemas import EmailItem
from delivery.transport import Outgoing
from tests.delivery.email.letters import MESSAGE_ID, PUBLIC_URL, SENDER, SURVEY, letter, outgoing

DATE = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


class Elements(HTMLParser):
    """Tags, their attributes and the text of a page, as a mail reader would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str | None]:
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]


def html_of(**changed: Any) -> Elements:
    return Elements(compose(letter(**changed), message_id=MESSAGE_ID, public_url=PUBLIC_URL).html)


def wire(sent: Outgoing) -> EmailMessage:
    raw = to_wire(sent, date=DATE).as_bytes()
    return email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.SMTP)


def test_the_text_part_says_all_that_the_html_says() -> None:
    composed = compose(
        letter(offer_text="10% off until 24 November, 18:00 (CET).", **SURVEY),
        message_id=MESSAGE_ID,
        public_url=PUBLIC_URL,
    )
    assert composed.text == (
        "Your cart is right where you left it\n\n"
        "Hi Ana, we saved your cart.\n\n"
        "Carry on with one tap.\n\n"
        "  2 × Guji Natural, 250 g: €29.80\n"
        "  1 × V60 dripper: €24.50\n"
        "  Total: €54.30\n\n"
        "10% off until 24 November, 18:00 (CET).\n\n"
        "Return to my cart:\nhttps://shop.example/r/token?a=1&b=2\n\n"
        "What is holding you back?\n"
        "- Too expensive:\n  https://shop.example/s/1\n"
        "- Just looking:\n  https://shop.example/s/2\n\n"
        "--\n"
        "You asked Meridian Coffee to email you about your cart.\n"
        f"Unsubscribe: https://shop.example/u/{'t' * 300}\n"
        "Questions: help@meridian.example\n"
        "Meridian Coffee Roasters GmbH, Speicherstraße 12, 20457 Hamburg, Germany\n"
    )
    said = " ".join(Elements(composed.html).text.split())
    for line in re.findall(r"^[^\n:]{12,}$", composed.text, re.MULTILINE):
        assert line.strip("- ") in said


def test_without_items_survey_or_offer_nothing_of_them_is_left() -> None:
    composed = compose(letter(items=(), totals=()), message_id=MESSAGE_ID, public_url=PUBLIC_URL)
    assert "Quantity" not in composed.html
    assert "€" not in composed.html
    assert 'class="survey"' not in composed.html
    assert 'class="offer"' not in composed.html
    assert "\n\n\n" not in composed.text
    assert "{%" not in composed.html
    assert "{{" not in composed.html


def test_links_are_the_ones_given() -> None:
    links = html_of(**SURVEY).values("a", "href")
    assert links == [
        "https://shop.example/r/token?a=1&b=2",
        "https://shop.example/s/1",
        "https://shop.example/s/2",
        f"https://shop.example/u/{'t' * 300}",
        "mailto:help@meridian.example",
    ]


def test_nothing_is_fetched_but_own_images() -> None:
    composed = compose(
        letter(
            items=(
                EmailItem(name="A", quantity=1, price_text="€1", image_url=f"{PUBLIC_URL}/a.png"),
                EmailItem(name="B", quantity=1, price_text="€1", image_url="https://tracker.example/b.png"),
                EmailItem(name="C", quantity=1, price_text="€1", image_url=f"{PUBLIC_URL}.evil.example/c.png"),
            )
        ),
        message_id=MESSAGE_ID,
        public_url=PUBLIC_URL,
    )
    page = Elements(composed.html)
    assert page.values("img", "src") == [f"{PUBLIC_URL}/a.png"]
    assert not {"script", "link", "iframe", "base"} & {tag for tag, _ in page.tags}
    assert "@import" not in composed.html
    assert "url(" not in composed.html
    assert "fonts." not in composed.html


HOSTILE = """"><script>alert(1)</script><a href='javascript:x'>{{ 7*7 }}{% raw %}</mj-text><mj-raw>&lt;b&gt;"""


def test_what_a_product_or_a_model_says_stays_text() -> None:
    page = html_of(
        subject=HOSTILE,
        preheader=HOSTILE,
        headline=HOSTILE,
        paragraphs=(HOSTILE,),
        cta_text=HOSTILE,
        offer_text=HOSTILE,
        items=(EmailItem(name=HOSTILE, quantity=1, price_text=HOSTILE),),
        why_you_get_this=HOSTILE,
        survey_question=HOSTILE,
        survey_options=SURVEY["survey_options"],
    )
    harmless = html_of(offer_text="x", **SURVEY)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert page.text.count(HOSTILE) == 10


@given(
    st.text(min_size=1, max_size=80).filter(
        lambda text: text.strip() == text and text.isprintable() and "\xa0" not in text
    )
)
def test_any_printable_text_arrives_unchanged(said: str) -> None:
    composed = compose(letter(headline=said), message_id=MESSAGE_ID, public_url=PUBLIC_URL)
    assert composed.text.startswith(said + "\n")
    assert said in Elements(composed.html).text


@pytest.mark.parametrize("field", ["subject", "preheader", "headline", "cta_text", "why_you_get_this"])
@pytest.mark.parametrize("ending", ["\r\nBcc: eve@example.org", "\nx", "\rx", "\x0bx", "\u2028x", "\x00", "\ud800"])
def test_a_second_line_is_refused(field: str, ending: str) -> None:
    with pytest.raises(ValidationError):
        letter(**{field: "Hello" + ending})


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//shop.example/x",
        "/r/x",
        "https://",
        "https://shop.example/a b",
        "https://shop.example/a\r\nX: y",
        "https://shop.example/>",
        'https://shop.example/"x',
        "https://shöp.example/",
        "https://shop.example/" + "a" * 900,
    ],
)
@pytest.mark.parametrize("field", ["cta_url", "unsubscribe_url"])
def test_only_absolute_web_addresses_are_links(field: str, url: str) -> None:
    with pytest.raises(ValidationError):
        letter(**{field: url})


def test_a_survey_has_a_question_and_options() -> None:
    with pytest.raises(ValidationError, match="a survey needs a question"):
        letter(survey_options=SURVEY["survey_options"])
    with pytest.raises(ValidationError, match="a survey needs a question"):
        letter(survey_question="Why?")


def test_headers_on_the_wire() -> None:
    message = wire(
        outgoing(to="Ana.B+shop@exämple.org", subject="Grüße aus dem Café: Ihr Warenkorb wartet auf Sie, ☕")
    )
    headers = {name: str(value) for name, value in message.items() if name != "Content-Type"}
    assert headers == {
        "To": "Ana.B+shop@xn--exmple-cua.org",
        "Date": "Sun, 22 Nov 2026 09:30:00 +0000",
        "Subject": "Grüße aus dem Café: Ihr Warenkorb wartet auf Sie, ☕",
        "From": "Meridian Coffee Roasters GmbH <hello@mail.meridian.example>",
        "Reply-To": "help@meridian.example",
        "Message-ID": f"<{MESSAGE_ID}@mail.meridian.example>",
        "List-Unsubscribe": f"<https://shop.example/u/{'t' * 300}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
    }
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_a_long_unsubscribe_address_is_one_plain_line() -> None:
    raw = to_wire(outgoing(), date=DATE).as_bytes()
    line = next(line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe:"))
    assert line == b"List-Unsubscribe: <https://shop.example/u/" + b"t" * 300 + b">"


def test_the_wire_form_is_seven_bit_and_short_lined() -> None:
    raw = to_wire(outgoing(paragraphs=("ß" * 1500,)), date=DATE).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_name_with_specials_stays_one_address() -> None:
    sender = SENDER.model_copy(update={"legal_name": 'Café "Nord" <eve@evil.example>, Inc.'})
    addresses = wire(outgoing(sender=sender))["From"].addresses
    assert [(a.display_name, a.addr_spec) for a in addresses] == [
        ('Café "Nord" <eve@evil.example>, Inc.', "hello@mail.meridian.example")
    ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "@example.org",
        "ana@",
        "ana@b@example.org",
        "ana b@example.org",
        '"ana b"@example.org',
        "ana@example.org, eve@example.org",
        "ana@example.org> , eve@example.org",
        "ana@example.org\r\nBcc: eve@example.org",
        "Ana <ana@example.org>",
        "änä@example.org",
        "ana@[127.0.0.1]",
        "a" * 65 + "@example.org",
    ],
)
def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(UnsendableEmail):
        mailbox(address)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_mailbox_is_never_more_than_one_address(local: str, domain: str) -> None:
    try:
        parsed = mailbox(f"{local}@{domain}")
    except UnsendableEmail:
        return
    assert re.fullmatch(r"[!-~]+@[!-~]+", parsed.addr_spec)
    assert parsed.addr_spec.count("@") == 1
    assert not set(parsed.addr_spec) & set('<>,;:"\\()[]')


def test_a_stored_header_that_breaks_its_line_is_refused() -> None:
    sent = outgoing()
    forged = Outgoing(MESSAGE_ID, sent.to_address, "Hi\r\nBcc: eve@example.org", "t", "<p>t</p>", sent.headers)
    with pytest.raises(UnsendableEmail):
        to_wire(forged, date=DATE)


def test_dark_and_light_are_both_declared() -> None:
    composed = compose(letter(), message_id=MESSAGE_ID, public_url=PUBLIC_URL)
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in Elements(composed.html).tags
    assert "@media (prefers-color-scheme: dark)" in composed.html
    assert len(composed.html.encode()) < 90_000  # Gmail cuts a mail off at 102 kB
