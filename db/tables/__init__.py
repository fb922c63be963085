"""Every table, so that the metadata is whole wherever one of them is imported."""

from db.tables import (
    carts,
    catalogue,
    companies,
    conversations,
    customers,
    delivery,
    knowledge,
    platform,
    policy,
    recovery,
    storefront,
    voice,
)

__all__ = [
    "carts",
    "catalogue",
    "companies",
    "conversations",
    "customers",
    "delivery",
    "knowledge",
    "platform",
    "policy",
    "recovery",
    "storefront",
    "voice",
]
