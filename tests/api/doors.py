"""A small shop behind the real edge: carts and products, with two companies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from api import carts, products
from api.application import create_application
from api.edge import Edge, Rates
from api.keys import issue_key
from db.session import transaction
from db.tables.companies import KeyKind
from tests import factories as make
from tests.factories import SIGNER

OWN = "https://carts.example"
CART: dict[str, object] = {"currency": "USD", "items": []}


@dataclass(frozen=True)
class Company:
    id: UUID
    pk: str
    sk: str


async def open_company(engine: AsyncEngine, name: str = "Wren Coffee") -> Company:
    company = await make.make_company(engine, name=name)
    async with transaction(engine, company_id=company.id) as session:
        await make.make_product(session, "BLEND", company_id=company.id)
        return Company(
            company.id,
            pk=await issue_key(session, KeyKind.PUBLISHABLE, company_id=company.id),
            sk=await issue_key(session, KeyKind.SECRET, company_id=company.id),
        )


def application(
    engine: AsyncEngine, *, rates: Rates | None = None, public_url: str = "https://carts.example"
) -> FastAPI:
    return create_application(Edge(engine, SIGNER, public_url, rates or Rates()), [carts.router, products.router])


@asynccontextmanager
async def calling(app: FastAPI, *, peer: str = "203.0.113.7") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"{OWN}/api/momentum") as client:
        yield client


def bearer(credential: str, **headers: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}", **headers}
