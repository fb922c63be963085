"""What the HTTP edge is given by whoever puts the process together."""

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from policy.tokens import Signer


@dataclass(frozen=True)
class Edge:
    engine: AsyncEngine
    signer: Signer
    # Where shoppers reach this process, without a slash at the end: the start of every link we send.
    public_url: str


def edge_of(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge
