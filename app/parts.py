"""Puts the parts together: what each process is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from agents import detectors
from agents.checkout_chat.agent import CheckoutChat
from agents.models.breaker import CircuitBreaker
from agents.models.fallback import FallbackModel
from agents.models.offline import OfflineModel
from agents.models.offline_intents import IntentClassifier
from agents.models.prices import cost_micro_usd
from agents.recovery_planner.agent import RecoveryPlanner
from agents.toolbox import VOICE_CALL
from agents.voice_call.agent import VoiceAgent
from agents.voice_call.turn import VoiceParts
from app.settings import Settings, WrongSetting, signing_key, twilio_account
from db.clock import real_now
from db.session import open_engine
from db.tables.policy import Channel
from delivery.channels import Transports, transports
from delivery.transport import Transport
from graphs.model import Model, Purpose, Usage
from knowledge.embedding import get_embedder
from policy.tokens import Signer
from recovery.emails import Mailing
from recovery.links import Links
from voice.account import TwilioAccount
from voice.eligibility.service import Policy
from voice.telephony import Telephony


@dataclass(frozen=True)
class Parts:
    engine: AsyncEngine
    signer: Signer
    mailing: Mailing
    transports: Mapping[Channel, Transport]
    chat: CheckoutChat
    planner: RecoveryPlanner
    voice: VoiceAgent
    public_url: str
    # None: no carrier is set up, and nobody is called.
    carrier: TwilioAccount | None = None
    telephony: Telephony | None = None

    @property
    def calling(self) -> Policy:
        return Policy(self.signer, has_carrier=self.telephony is not None)

    async def aclose(self) -> None:
        await self.engine.dispose()


def assemble(settings: Settings, database_url: str) -> Parts:
    """Everything that a process needs, from its settings alone."""
    engine = open_engine(database_url)
    signer = Signer(signing_key(settings))
    public_url = settings.public_url.rstrip("/")
    mailing = Mailing(Links(signer, public_url), settings.email_from)
    classifier = IntentClassifier(get_embedder())
    offline = OfflineModel(classifier)
    primary = _primary(settings, offline)
    carrier = twilio_account(settings)
    return Parts(
        engine=engine,
        signer=signer,
        mailing=mailing,
        transports=_transports(settings),
        chat=CheckoutChat(engine=engine, model=primary or offline, detectors=detectors, mailing=mailing, price=_price),
        planner=RecoveryPlanner(engine, primary, mailing, price=_price),
        voice=VoiceAgent(VoiceParts(engine, primary, classifier, VOICE_CALL, mailing, _price)),
        public_url=public_url,
        carrier=carrier,
        telephony=_telephony(carrier),
    )


def _transports(settings: Settings) -> Transports:
    try:
        return transports(smtp_url=None if settings.smtp_url is None else settings.smtp_url.get_secret_value())
    except ValueError as error:
        raise WrongSetting(f"MOMENTUM_SMTP_URL: {error}.") from error


def _primary(settings: Settings, offline: OfflineModel) -> Model | None:
    """Claude behind a breaker, with the offline responder to finish what it cannot; None without a key."""
    if settings.anthropic_api_key is None:
        return None
    # The SDK takes seconds to import: who has no key does not wait for it.
    from agents.models.anthropic import AnthropicModel, connect

    client = connect(api_key=settings.anthropic_api_key.get_secret_value(), base_url=settings.anthropic_base_url)
    models: dict[Purpose, str] = {
        "chat": settings.chat_model,
        "plan": settings.planner_model,
        "voice": settings.voice_model,
    }
    return FallbackModel(AnthropicModel(client, models=models), offline, breaker=CircuitBreaker())


def _telephony(carrier: TwilioAccount | None) -> Telephony | None:
    if carrier is None:
        return None
    # Takes seconds to import, as the model's SDK does.
    from voice.twilio import TwilioTelephony

    return TwilioTelephony(carrier)


def _price(model: str, usage: Usage) -> int:
    """Millionths of a US dollar; a model without a price, such as the offline one, costs nothing."""
    return cost_micro_usd(model, usage, on=real_now().date()) or 0
