"""How the console names what the database names in capitals."""

import re
from collections.abc import Mapping

from db.tables.access import AuditAction
from db.tables.companies import KeyKind
from db.tables.conversations import ConversationChannel, ToolOutcome
from db.tables.policy import Channel
from db.tables.recovery import CartSaveStage
from graphs.conversations.reading.schemas import ConversationOutcome

CHANNELS: Mapping[ConversationChannel, str] = {
    ConversationChannel.CHECKOUT_CHAT: "Checkout chat",
    ConversationChannel.VOICE: "Phone call",
    ConversationChannel.PLANNER: "Recovery plan",
}
OUTCOMES: Mapping[ConversationOutcome, str] = {
    ConversationOutcome.BOUGHT: "Bought",
    ConversationOutcome.HANDED_OVER: "Handed to a person",
    ConversationOutcome.DISCOUNT_GIVEN: "Discount given",
    ConversationOutcome.CALLBACK: "Callback asked for",
    ConversationOutcome.DECLINED: "Declined",
    ConversationOutcome.NOT_REACHED: "Not reached",
    ConversationOutcome.BROKEN_OFF: "Broken off",
    ConversationOutcome.OPEN: "No outcome yet",
}
TONES: Mapping[str, str] = {
    ConversationOutcome.BOUGHT: "good",
    ConversationOutcome.DISCOUNT_GIVEN: "warm",
    ConversationOutcome.HANDED_OVER: "warm",
    ConversationOutcome.DECLINED: "bad",
    ConversationOutcome.BROKEN_OFF: "bad",
    ToolOutcome.OK: "good",
    ToolOutcome.REFUSED: "warm",
    ToolOutcome.INVALID: "bad",
    ToolOutcome.FAILED: "bad",
    "ALLOW": "good",
    "DEFER": "warm",
    "BLOCK": "bad",
    "COMMITTED": "good",
    "REDEEMED": "good",
}
MESSAGE_CHANNELS: Mapping[Channel, str] = {
    Channel.EMAIL: "Email",
    Channel.SMS: "SMS",
    Channel.PUSH: "Push",
    Channel.IN_APP: "In the shop",
    Channel.VOICE: "Phone",
}
STAGES: Mapping[CartSaveStage, str] = {
    CartSaveStage.BROWSE_REMINDER: "Browse reminder",
    CartSaveStage.PATTERN_INTERRUPT: "Pattern interrupt",
    CartSaveStage.DIAGNOSIS_SURVEY: "Diagnosis survey",
    CartSaveStage.BRANCHING_INTERVENTION: "Branching intervention",
    CartSaveStage.NUCLEAR_OFFER: "Nuclear offer",
    CartSaveStage.LOSS_VISUALIZATION: "Loss visualization",
    CartSaveStage.WINBACK_SEQUENCE: "Winback sequence",
}
ACTIONS: Mapping[AuditAction, str] = {
    AuditAction.SIGNED_IN: "Signed in",
    AuditAction.SIGNED_OUT: "Signed out",
    AuditAction.USER_ADDED: "Added a user",
    AuditAction.PASSWORD_SET: "Set a password",
    AuditAction.KEY_CREATED: "Created an API key",
    AuditAction.KEY_REVOKED: "Revoked an API key",
    AuditAction.ORIGINS_CHANGED: "Changed the allowed origins",
    AuditAction.FLOW_CHANGED: "Changed the recovery flow",
    AuditAction.CHAT_CHANGED: "Changed the checkout chat",
}
KEYS: Mapping[KeyKind, str] = {
    KeyKind.SECRET: "Secret key",
    KeyKind.PUBLISHABLE: "Publishable key",
}
# Stages of a turn in the order in which they happen; `Ms` at the end of a name says no more.
TIMINGS: Mapping[str, str] = {
    "speechEndToTranscript": "Speech to text",
    "read": "Reading cart and policy",
    "retrieve": "Searching the help pages",
    "firstEvent": "First word of the model",
    "firstToken": "First word of the model",
    "model": "Model",
    "tools": "Tools",
    "sentencePassed": "First sentence passed",
    "firstAudio": "First audio",
    "total": "In all",
}


def words(name: str) -> str:
    """`NO_PEWC` as No pewc, `minCartValue` as Min cart value: for names that have no wording of their own."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:].lower()


def dollars(micro_usd: int) -> str:
    """What a model cost: millionths of a US dollar, told to a hundredth of a cent."""
    return f"${micro_usd / 1_000_000:.4f}" if micro_usd else "$0"
