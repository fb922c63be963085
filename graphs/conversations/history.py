"""The transcript as a model reads it: pure."""

from collections.abc import Sequence
from dataclasses import replace

from db.tables.conversations import ChatMessage, MessageRole
from graphs.model import ModelMessage, TextPart


def as_messages(rows: Sequence[ChatMessage]) -> tuple[ModelMessage, ...]:
    """The transcript as a model reads it: sentences of one answer together, the disclosure left out."""
    messages: list[ModelMessage] = []
    for row in rows:
        if row.role is MessageRole.SYSTEM:
            continue
        role = "user" if row.role is MessageRole.USER else "assistant"
        if messages and messages[-1].role == role:
            messages[-1] = replace(messages[-1], parts=(*messages[-1].parts, TextPart(row.content)))
        elif messages or role == "user":
            messages.append(ModelMessage("user" if role == "user" else "assistant", (TextPart(row.content),)))
    return tuple(messages)
