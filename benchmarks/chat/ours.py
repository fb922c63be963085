"""Our turn, from the utterance to the stored answer: everything but the HTTP edge."""

from collections.abc import Sequence
from uuid import UUID

from langgraph.runtime import Runtime

from app.parts import assemble
from app.settings import Settings
from benchmarks.chat.words import utterance
from db.clock import read_clock
from db.session import transaction
from graphs.checkout_chat import nodes
from graphs.checkout_chat.state import TurnContext, TurnDone, TurnState, TurnUpdate
from graphs.conversations import service as conversations


async def _find_nothing(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:  # noqa: ARG001
    return {}


class Ours:
    """Redaction, detectors, claims, dispatcher, rows; the FAQ search only if asked for."""

    def __init__(self, database_url: str, company_id: str, *, retrieval: bool) -> None:
        if not retrieval:
            nodes.retrieve = _find_nothing
        self.parts = assemble(Settings(), database_url)
        self.company_id = UUID(company_id)

    async def prepare(self, sessions: Sequence[str], turns: int) -> None:
        """Their rows are written by who asks."""

    async def answer(self, session: str, number: int) -> str:
        async with transaction(self.parts.engine, company_id=self.company_id) as rows:
            turn = await conversations.begin_turn(
                rows,
                UUID(session),
                utterance(number),
                company_id=self.company_id,
                request_key=None,
                now=await read_clock(rows),
            )
        events = [event async for event in self.parts.chat.answer(turn)]
        last = events[-1]
        assert isinstance(last, TurnDone)
        return last.answer.response
