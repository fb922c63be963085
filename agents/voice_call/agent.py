"""The voice-call agent: takes up calls that were answered."""

from dataclasses import dataclass
from uuid import UUID

from agents.voice_call.line import Line
from agents.voice_call.turn import VoiceParts, wording_of
from db.clock import read_clock
from db.session import transaction
from db.tables.voice import EndReason
from graphs.voice_call import calls
from graphs.voice_call.events import HangUp
from recovery import service as recovery
from recovery.configuration import flow_in_force


@dataclass(frozen=True)
class VoiceAgent:
    """One for a process."""

    parts: VoiceParts

    async def answer(self, call_id: UUID, *, company_id: UUID) -> Line:
        """Take up a call where its rows say that it is: at its beginning, or where another process left it.

        Raises:
            NoSuchCall.
        """
        async with transaction(self.parts.engine, company_id=company_id) as session:
            flow = await flow_in_force(session, company_id=company_id)
            company = await recovery.the_company(session, company_id=company_id)
            found = await calls.conversation_of(
                session,
                call_id,
                company_id=company_id,
                disclosure=wording_of(company, flow).disclosure(),
                policy_version=flow.version,
                now=await read_clock(session),
            )
        return Line(self.parts, call_id, found.id, company_id, flow.config.voice.script.settings)

    async def end_lost(self, call_id: UUID, reason: EndReason, *, company_id: UUID) -> HangUp:
        """End a call whose process died in it as its rows say that it stands; `reason` where they say nothing.

        An opt-out that was heard and that nobody came to keep is kept now.

        Raises:
            NoSuchCall.
        """
        line = await self.answer(call_id, company_id=company_id)
        await line.remember()
        return await line.closed(reason)
