"""Every setting, read once from the environment (prefix MOMENTUM_). Vendors' addresses are settings too."""

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from voice.account import TwilioAccount


class WrongSetting(ValueError):
    """What is set cannot be worked with; says what to set instead, and never repeats what is secret."""


class Settings(BaseSettings):
    """Without `database_url` the embedded PostgreSQL in `data_dir` is used."""

    model_config = SettingsConfigDict(env_prefix="MOMENTUM_", env_file=None)

    data_dir: Path = Path(".momentum")
    database_url: str | None = None
    database_owner_url: str | None = None
    public_url: str = "http://127.0.0.1:8000"
    signing_key: SecretStr | None = None

    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_from: str | None = None
    twilio_base_url: str | None = None

    smtp_url: SecretStr | None = None
    email_from: str = "hello@localhost"

    anthropic_api_key: SecretStr | None = Field(None, validation_alias=AliasChoices("ANTHROPIC_API_KEY"))
    anthropic_base_url: str | None = Field(None, validation_alias=AliasChoices("ANTHROPIC_BASE_URL"))
    chat_model: str = "claude-sonnet-5-5"
    planner_model: str = "claude-haiku-5-5"
    voice_model: str = "claude-haiku-5-5"

    # Without a key, calls are heard and spoken by the models of the extra `local`.
    deepgram_api_key: SecretStr | None = None
    deepgram_base_url: str = "wss://api.deepgram.com"
    voice_turn_stop: Literal["smart-turn", "timeout"] = "smart-turn"
    voice_call_limit_s: float = Field(300, ge=30, le=600)

    worker_concurrency: int = Field(4, ge=1, le=64)
    lost_after_s: int = Field(300, ge=5, le=86_400)
    log_level: str = "INFO"


def twilio_account(settings: Settings) -> TwilioAccount | None:
    """The account that calls are placed with; None where there is none, and then nobody is called.

    Raises:
        WrongSetting: it is set in part.
    """
    token = settings.twilio_auth_token
    given = {
        "MOMENTUM_TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "MOMENTUM_TWILIO_AUTH_TOKEN": None if token is None else token.get_secret_value(),
        "MOMENTUM_TWILIO_FROM": settings.twilio_from,
    }
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        raise WrongSetting(f"To place calls, also set {' and '.join(missing)}.")
    sid, secret, sender = (value or "" for value in given.values())
    return TwilioAccount(sid, secret, sender, settings.twilio_base_url, settings.public_url.rstrip("/"))


def signing_key(settings: Settings) -> str:
    """The installation's key: the setting, or one made once into the data folder beside the embedded database.

    With a database of one's own it must be set: processes on several machines have to share it.

    Raises:
        WrongSetting: it is not.
    """
    if settings.signing_key is not None:
        return settings.signing_key.get_secret_value()
    if settings.database_url is not None:
        raise WrongSetting("Set MOMENTUM_SIGNING_KEY (at least 32 characters, the same for every process).")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / "signing.key"
    if not path.exists():
        fresh = settings.data_dir / f"signing.key.{secrets.token_hex(4)}"
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        # A link appears whole or not at all, and the first of two processes wins.
        with suppress(FileExistsError):
            path.hardlink_to(fresh)
        fresh.unlink()
    return path.read_text()
