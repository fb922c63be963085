"""Passwords: Argon2id with the library's defaults (RFC 9106, low memory)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from policy.errors import AppError

SHORTEST, LONGEST = 12, 200
# Each takes 64 MiB for as long as it runs.
AT_ONCE = 2


class WeakPassword(AppError):
    status = 422
    code = "weak_password"
    title = "This password will not do"

    def __init__(self) -> None:
        super().__init__(f"Use {SHORTEST} to {LONGEST} characters; a few words in a row are fine.")


class Passwords:
    """Hashes and verifies off the event loop, and takes the same time for an account that does not exist."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("nobody has this password")
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """Raises `WeakPassword`."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise WeakPassword
        return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password fits; `password_hash` None is an account that does not exist."""
        async with self._turn:
            fits = await asyncio.to_thread(self._verify, password, password_hash or self._nobody)
        return fits and password_hash is not None

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return len(password) <= LONGEST and self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
