"""Who a cart belongs to, and what that person agreed to (decision 29)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.customers import ConsentChannel, ConsentMethod
from policy.contact import service as contact
from policy.contact.addresses import normalise
from policy.contact.service import ConsentGiven
from policy.tokens import Signer
from storefront.customers import rules
from storefront.customers.repository import CustomerRepository
from storefront.customers.schemas import CustomerDetails, CustomerView, Evidence
from storefront.shops import service as shops


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
        InvalidAddress, InvalidCustomer: an address, country or zone that cannot be, or an SMS consent with no phone.
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


async def get(session: AsyncSession, customer_id: UUID, *, company_id: UUID) -> CustomerView:
    """Who this is. Raises `NoSuchCustomer`."""
    row = await CustomerRepository(session).get(customer_id, company_id=company_id)
    if row is None:
        raise rules.NoSuchCustomer("There is no such customer.")
    return CustomerView(
        id=row.id,
        email=row.email,
        phone=row.phone,
        first_name=row.first_name,
        country=row.country,
        timezone=row.timezone,
        locale=row.locale,
    )


async def is_reachable(session: AsyncSession, customer_id: UUID, *, company_id: UUID) -> bool:
    """Whether this person has an address of any kind."""
    return await CustomerRepository(session).is_reachable(customer_id, company_id=company_id)


def _normalised(details: CustomerDetails) -> CustomerDetails:
    email = normalise(details.email)
    phone = None if details.phone is None else normalise(details.phone)
    if "@" not in email or (phone is not None and "@" in phone):
        raise rules.InvalidCustomer("Give an email address as `email` and a number as `phone`.")
    return replace(
        details,
        email=email,
        phone=phone,
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
    wording = rules.wording(channel, seller=(await shops.home(session, company_id=company_id)).seller)
    address = details.email if channel is ConsentChannel.EMAIL else details.phone
    if address is None:
        raise rules.InvalidCustomer("An SMS consent needs the phone number that it is for.")
    hashes = [signer.keyed_hash(each) for each in (details.email, details.phone) if each is not None]
    if await customers.is_suppressed(hashes, rules.SUPPRESSED_BY[channel], company_id=company_id):
        return
    latest = await customers.latest_consent(customer_id, channel, address, company_id=company_id)
    if not rules.is_news(latest, rules.WORTH[channel]):
        return
    given = ConsentGiven(
        customer_id=customer_id,
        channel=channel,
        address=address,
        state=rules.WORTH[channel],
        method=ConsentMethod.WIDGET,
        wording_version=wording.version,
        wording=wording.text,
        ip=evidence.ip,
        user_agent=evidence.user_agent,
        locale=details.locale,
    )
    await contact.record_consent(session, given, company_id=company_id, now=now)
