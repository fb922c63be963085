"""What a shop tells us of a shopper, and where it was said."""

from dataclasses import dataclass
from uuid import UUID

from db.tables.customers import ConsentChannel


@dataclass(frozen=True, slots=True)
class CustomerDetails:
    """As typed; `service.identify` normalises it. `consents` are boxes that the shopper ticked, one a channel."""

    email: str
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    timezone: str | None = None
    locale: str | None = None
    consents: tuple[ConsentChannel, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a consent was given (rules C-01). Kept with it and nowhere else."""

    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A person as the rooms above need one. Never shown to whoever typed the address."""

    id: UUID
    email: str | None
    phone: str | None
    first_name: str | None
    country: str | None
    timezone: str | None
    locale: str | None
