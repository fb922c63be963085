"""Queries over people, what they agreed to, and who must not be contacted."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.statements import Reading
from db.tables.customers import (
    ConsentChannel,
    ConsentRecord,
    ConsentState,
    Customer,
    Suppression,
    SuppressionScope,
)
from storefront.customers.schemas import CustomerDetails

_CUSTOMER = Reading(
    select(Customer).where(Customer.company_id == bindparam("company"), Customer.id == bindparam("customer"))
)


class CustomerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, customer_id: UUID, *, company_id: UUID) -> Customer | None:
        return await _CUSTOMER.first(self.session, company=company_id, customer=customer_id)

    async def id_of(self, email: str, *, company_id: UUID) -> UUID | None:
        return await self.session.scalar(
            select(Customer.id).where(Customer.company_id == company_id, Customer.email == email)
        )

    async def add_unless_known(
        self, details: CustomerDetails, *, company_id: UUID, person_key: str, now: datetime
    ) -> UUID | None:
        """The new row's id; None when the address is known already, also to somebody who was faster."""
        return await self.session.scalar(
            insert(Customer)
            .values(
                company_id=company_id,
                id=uuid7(),
                email=details.email,
                phone=details.phone,
                first_name=details.first_name,
                last_name=details.last_name,
                country=details.country,
                timezone=details.timezone,
                locale=details.locale,
                person_key=person_key,
                created_at=now,
            )
            .on_conflict_do_nothing(index_elements=["company_id", "email"])
            .returning(Customer.id)
        )

    async def is_reachable(self, customer_id: UUID, *, company_id: UUID) -> bool:
        """Whether there is an address left: an erased person has none."""
        found = await self.session.scalar(
            select(Customer.id).where(
                Customer.company_id == company_id,
                Customer.id == customer_id,
                or_(Customer.email.is_not(None), Customer.phone.is_not(None)),
            )
        )
        return found is not None

    async def latest_consent(
        self, customer_id: UUID, channel: ConsentChannel, address: str, *, company_id: UUID
    ) -> ConsentState | None:
        return await self.session.scalar(
            select(ConsentRecord.state)
            .where(
                ConsentRecord.company_id == company_id,
                ConsentRecord.customer_id == customer_id,
                ConsentRecord.channel == channel,
                ConsentRecord.address == address,
            )
            .order_by(ConsentRecord.recorded_at.desc(), ConsentRecord.id.desc())
            .limit(1)
        )

    async def is_suppressed(
        self, address_hashes: Collection[str], scopes: Collection[SuppressionScope], *, company_id: UUID
    ) -> bool:
        found = await self.session.scalar(
            select(Suppression.id)
            .where(
                Suppression.company_id == company_id,
                Suppression.address_hash.in_(address_hashes),
                Suppression.scope.in_(scopes),
            )
            .limit(1)
        )
        return found is not None
