"""Keep what a shopper was shown or told (spec 3)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from storefront.triggers.repository import TriggerRepository


async def log_use(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    session_id: UUID,
    trigger: str,
    placement: str,
    handle: str,
    now: datetime,
) -> bool:
    """Record that a conversation used a claim; False when it has been recorded already."""
    triggers = TriggerRepository(session)
    await triggers.lock_cart(cart_id, company_id=company_id)
    if await triggers.is_logged(cart_id, session_id, handle, company_id=company_id):
        return False
    await triggers.add(
        cart_id,
        company_id=company_id,
        session_id=session_id,
        trigger=trigger,
        placement=placement,
        handle=handle,
        now=now,
    )
    return True
