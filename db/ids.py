"""Identifiers: UUIDv7 (RFC 9562), made here so that any PostgreSQL from 15 on will do."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """A new time-ordered identifier; its first 48 bits are the time, so keys append to the index."""
    return _uuid7()
