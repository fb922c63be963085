"""The chat's config as a merchant reads and changes it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agents.checkout_chat.config import CheckoutChatConfig
from policy.access.schemas import Actor
from recovery import service as recovery
from recovery.configuration import change_chat_config


@dataclass(frozen=True)
class ChatSettings:
    config: CheckoutChatConfig
    version: int


async def chat_in_force(session: AsyncSession, *, company_id: UUID) -> ChatSettings:
    company = await recovery.the_company(session, company_id=company_id)
    return ChatSettings(CheckoutChatConfig.model_validate(company.chat_config), company.chat_config_version)


async def change_chat(
    session: AsyncSession, config: CheckoutChatConfig, *, company_id: UUID, by: Actor, expected_version: int
) -> ChatSettings:
    """Put a config in force for every turn that has not begun.

    Raises:
        Forbidden: a viewer may not.
        ChangedMeanwhile: somebody else changed it since `expected_version`.
    """
    current = await chat_in_force(session, company_id=company_id)
    version = await change_chat_config(
        session,
        current.config.model_dump(mode="json", by_alias=True),
        config.model_dump(mode="json", by_alias=True),
        company_id=company_id,
        by=by,
        expected_version=expected_version,
    )
    return ChatSettings(config, version)
