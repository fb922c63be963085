"""How a message speaks to its reader: by which name, in which locale and in which zone."""

import unicodedata
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import Locale, UnknownLocaleError

from db.tables.companies import Company
from storefront.customers.schemas import CustomerView

# The language in which the messages are written.
LANGUAGE = "en"
LONGEST_NAME = 30


def first_name_of(customer: CustomerView) -> str | None:
    """The first name if it looks like one.

    Anybody can type a name beside somebody else's address: a message must not carry a text of theirs.
    """
    name = " ".join((customer.first_name or "").split())
    is_name = all(char.isalpha() or char in " '’-" or unicodedata.category(char) in {"Mn", "Mc"} for char in name)
    return name if name and is_name and len(name) <= LONGEST_NAME and len(name.split()) <= 3 else None


def locale_of(customer: CustomerView, company: Company) -> str:
    """The shopper's locale if it is one of the language that we write in, else the shop's.

    A locale comes from a browser or an import and may be anything: `en-GB`, `xx`, or nothing at all.
    """
    return _known(customer.locale or "", LANGUAGE) or _known(company.locale, None) or "en_US"


def zone_of(customer: CustomerView, company: Company) -> str:
    """The zone in which times are told to this shopper: theirs where it is known and real, else the shop's."""
    zone = customer.timezone
    return zone if zone is not None and _is_zone(zone) else company.timezone


@cache
def _known(name: str, language: str | None) -> str | None:
    try:
        locale = Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None
    return str(locale) if language in (None, locale.language) else None


@cache
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
