"""What one email says, before it has a shape. Sentences arrive here already bound to facts (policy/claims)."""

import unicodedata
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator


def _one_line(text: str) -> str:
    """Refuse what could end a header line or hide text: control, line and surrogate characters."""
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
        raise ValueError("must be one line of text without control characters")
    return text


def _joined_lines(text: str) -> str:
    """A postal address is often typed on several lines; a footer shows it on one."""
    return ", ".join(line.strip().rstrip(",") for line in text.splitlines() if line.strip())


def _absolute_url(url: str) -> str:
    """An absolute http(s) address in ASCII that fits a header line (RFC 5322 2.1.1: 998 characters)."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii():
        raise ValueError("must be an absolute http or https address")
    if len(url) > 900 or any(char in '<>"\\' or char.isspace() or not char.isprintable() for char in url):
        raise ValueError("contains characters that an address cannot have, or is too long")
    return url


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_one_line),
]
Paragraph = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_one_line)
]
PostalAddress = Annotated[
    str,
    AfterValidator(_joined_lines),
    StringConstraints(min_length=1, max_length=300),
    AfterValidator(_one_line),
]
Url = Annotated[str, AfterValidator(_absolute_url)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sender(_Part):
    """Who writes: a legal name and a physical address are required of marketing mail (15 USC 7704(a)(5))."""

    legal_name: Line
    postal_address: PostalAddress
    from_address: Line
    support_email: Line


class EmailItem(_Part):
    """A line of the cart; the price is already formatted for the shopper."""

    name: Line
    quantity: int = Field(ge=1)
    price_text: Line
    image_url: Url | None = None


class EmailTotal(_Part):
    label: Line
    amount_text: Line


class SurveyOption(_Part):
    """One tap, one answer: the link carries it."""

    label: Line
    url: Url


class EmailContent(_Part):
    subject: Line
    preheader: Line
    headline: Line
    paragraphs: tuple[Paragraph, ...]
    items: tuple[EmailItem, ...] = ()
    totals: tuple[EmailTotal, ...] = ()
    cta_text: Line
    cta_url: Url
    survey_question: Line | None = None
    survey_options: tuple[SurveyOption, ...] = ()
    offer_text: Paragraph | None = None
    sender: Sender
    unsubscribe_url: Url
    why_you_get_this: Line
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"

    @model_validator(mode="after")
    def _survey_has_a_question(self) -> "EmailContent":
        if bool(self.survey_options) != (self.survey_question is not None):
            raise ValueError("a survey needs a question and at least one option")
        return self
