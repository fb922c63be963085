"""Models that say what a test wrote down, behind the same protocol as the real ones."""

from collections.abc import AsyncGenerator, Sequence

from graphs.model import ModelEvent, ModelRequest, ModelUnavailable

Scripted = ModelEvent | ModelUnavailable


class ScriptedModel:
    """Each call takes the next script: events in order; an exception in it is raised at its place."""

    name = "scripted"

    def __init__(self, *scripts: Sequence[Scripted]) -> None:
        self.scripts = list(scripts)
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        self.requests.append(request)
        for step in self.scripts.pop(0):
            if isinstance(step, ModelUnavailable):
                raise step
            yield step
