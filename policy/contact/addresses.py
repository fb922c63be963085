"""The one spelling of an address, under which consent and suppression know it."""

import re

from email_validator import EmailNotValidError, validate_email

from policy.errors import AppError


class InvalidAddress(AppError):
    status = 422
    code = "invalid_address"
    title = "Not an address that a message can reach"


def normalise(address: str) -> str:
    """An email address in lower case, or a phone number in E.164: a plus and up to 15 digits.

    Raises:
        InvalidAddress: it is neither.
    """
    text = address.strip()
    if "@" in text:
        try:
            # Domains in .test are reserved for trying things out, which shops do.
            return validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
        except EmailNotValidError:
            raise InvalidAddress("Give an email address such as name@example.com.") from None
    number = re.sub(r"[\s().\-]", "", text)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise InvalidAddress("Give a phone number with its country, such as +15035550142.")
    return number
