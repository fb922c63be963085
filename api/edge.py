"""What the HTTP edge is given by whoever puts the process together."""

from dataclasses import dataclass, field

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from policy.tokens import Signer

PREFIX = "/api/momentum"


@dataclass(frozen=True)
class Rates:
    """How often something may be done in a minute (docs/decisions/0010-rate-limits.md)."""

    # For one shop and one network address.
    carts: int = 60
    # For one cart.
    sessions: int = 10
    tokens: int = 20


@dataclass(frozen=True)
class Edge:
    engine: AsyncEngine
    signer: Signer
    # Where shoppers reach this process, without a slash at the end: the start of every link we send.
    public_url: str
    rates: Rates = field(default_factory=Rates)


def edge_of(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge
