"""Make a company: its row, its shop rules, its first keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.keys import issue_key
from db.ids import uuid7
from db.tables.companies import Company, KeyKind, ShippingRate, TaxRate
from policy import money


@dataclass(frozen=True)
class NewShippingRate:
    """`amount` and `free_from` in major units; `country` None is everywhere else."""

    currency: str
    name: str
    amount: Decimal
    free_from: Decimal | None = None
    country: str | None = None


@dataclass(frozen=True)
class NewTaxRate:
    rate: Decimal
    inclusive: bool
    country: str | None = None


@dataclass(frozen=True)
class NewCompany:
    id: UUID
    name: str
    legal_name: str
    postal_address: str
    support_email: str
    currency: str
    timezone: str
    country: str
    locale: str = "en_US"
    shipping_rates: Sequence[NewShippingRate] = ()
    tax_rates: Sequence[NewTaxRate] = ()


@dataclass(frozen=True)
class Keys:
    """In clear, this once."""

    publishable: str
    secret: str


async def create_company(session: AsyncSession, new: NewCompany, *, now: datetime) -> Company:
    """Add a company with its shipping and tax rules. The transaction is already the company's own."""
    money.exponent(new.currency)
    company = Company(
        id=new.id,
        name=new.name,
        legal_name=new.legal_name,
        postal_address=new.postal_address,
        support_email=new.support_email,
        currency=new.currency,
        timezone=new.timezone,
        country=new.country,
        locale=new.locale,
        chat_config={},
        created_at=now,
    )
    session.add(company)
    await session.flush()
    for rate in new.shipping_rates:
        free_from = None if rate.free_from is None else money.to_minor(rate.free_from, rate.currency)
        session.add(
            ShippingRate(
                company_id=new.id,
                id=uuid7(),
                currency=rate.currency,
                country=rate.country,
                name=rate.name,
                amount_minor=money.to_minor(rate.amount, rate.currency),
                free_from_minor=free_from,
            )
        )
    for tax in new.tax_rates:
        session.add(TaxRate(company_id=new.id, id=uuid7(), country=tax.country, rate=tax.rate, inclusive=tax.inclusive))
    await session.flush()
    return company


async def issue_keys(session: AsyncSession, *, company_id: UUID) -> Keys:
    return Keys(
        publishable=await issue_key(session, KeyKind.PUBLISHABLE, company_id=company_id),
        secret=await issue_key(session, KeyKind.SECRET, company_id=company_id),
    )
