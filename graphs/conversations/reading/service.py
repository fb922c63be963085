"""Look for conversations and read one."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from graphs.conversations.reading.repository import ReadingRepository
from graphs.conversations.reading.schemas import ConversationPage, Reading, Wanted
from graphs.conversations.service import NoSuchConversation, read_transcript
from policy.contact import service as contact
from policy.offers import service as offers


async def find_conversations(
    session: AsyncSession, wanted: Wanted, *, company_id: UUID, after: UUID | None = None, limit: int = 25
) -> ConversationPage:
    found = await ReadingRepository(session).page(wanted, company_id=company_id, after=after, limit=limit + 1)
    lines = tuple(found[:limit])
    return ConversationPage(lines, lines[-1].id if len(found) > limit else None)


async def read_conversation(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> Reading:
    """A conversation with all that was said, done, kept back and decided.

    Raises:
        NoSuchConversation: not in this company.
    """
    reading = ReadingRepository(session)
    line = await reading.line(session_id, company_id=company_id)
    if line is None:
        raise NoSuchConversation
    return Reading(
        line=line,
        transcript=await read_transcript(session, session_id, company_id=company_id),
        call=await reading.call(session_id, company_id=company_id),
        grants=tuple(await offers.grants_of(session, line.cart_id, company_id=company_id)),
        decisions=tuple(await contact.decisions_about(session, line.cart_id, company_id=company_id)),
    )
