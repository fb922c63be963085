"""Who a cart belongs to, and what that person agreed to (decision 29)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.customers import ConsentChannel, ConsentMethod, ConsentRecord
from policy.tokens import Signer
from storefront.customers import rules
from storefront.customers.repository import CustomerRepository
from storefront.customers.schemas import CustomerDetails, Evidence


async def identify(
    session: AsyncSession,
    details: CustomerDetails,
    *,
    company_id: UUID,
    evidence: Evidence,
    signer: Signer,
    now: datetime,
) -> UUID:
    """The customer with this address, made if nobody has it, and the consents that were ticked.

    Anybody can type an address: who has it already is neither changed nor told apart from somebody new.
    An address alone is no consent (rules C-03).

    Raises:
        InvalidCustomer: an address, country or zone that does not exist, or an SMS consent with no phone.
        ConsentNotTakenHere: a consent that needs more than a box.
    """
    details = _normalised(details)
    customers = CustomerRepository(session)
    customer_id = await customers.add_unless_known(
        details, company_id=company_id, person_key=signer.keyed_hash(details.email), now=now
    )
    if customer_id is None:
        customer_id = await customers.id_of(details.email, company_id=company_id)
        assert customer_id is not None  # the conflict that kept the insert from happening
    for channel in dict.fromkeys(details.consents):
        await _record(
            session,
            channel,
            customer_id=customer_id,
            details=details,
            company_id=company_id,
            evidence=evidence,
            signer=signer,
            now=now,
        )
    await session.flush()
    return customer_id


async def is_reachable(session: AsyncSession, customer_id: UUID, *, company_id: UUID) -> bool:
    """Whether this person has an address of any kind."""
    return await CustomerRepository(session).is_reachable(customer_id, company_id=company_id)


def _normalised(details: CustomerDetails) -> CustomerDetails:
    return replace(
        details,
        email=rules.normalise_email(details.email),
        phone=None if details.phone is None else rules.normalise_phone(details.phone),
        country=None if details.country is None else rules.check_country(details.country),
        timezone=None if details.timezone is None else rules.check_timezone(details.timezone),
    )


async def _record(
    session: AsyncSession,
    channel: ConsentChannel,
    *,
    customer_id: UUID,
    details: CustomerDetails,
    company_id: UUID,
    evidence: Evidence,
    signer: Signer,
    now: datetime,
) -> None:
    customers = CustomerRepository(session)
    wording = rules.wording(channel, seller=(seller := await customers.seller(company_id=company_id)))
    address = details.email if channel is ConsentChannel.EMAIL else details.phone
    if address is None:
        raise rules.InvalidCustomer("An SMS consent needs the phone number that it is for.")
    if await customers.is_suppressed(signer.keyed_hash(address), rules.SUPPRESSED_BY[channel], company_id=company_id):
        return
    latest = await customers.latest_consent(customer_id, channel, address, company_id=company_id)
    if not rules.is_news(latest, rules.WORTH[channel]):
        return
    customers.record_consent(
        ConsentRecord(
            company_id=company_id,
            customer_id=customer_id,
            channel=channel,
            address=address,
            state=rules.WORTH[channel],
            method=ConsentMethod.WIDGET,
            seller=seller,
            wording_version=wording.version,
            wording_hash=wording.hash,
            ip=evidence.ip,
            user_agent=evidence.user_agent,
            locale=details.locale,
            recorded_at=now,
        )
    )
