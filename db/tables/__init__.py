"""Every table, so that the metadata is whole wherever one of them is imported."""

from db.tables import (
    access,
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
    "access",
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
