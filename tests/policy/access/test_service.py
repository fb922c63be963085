"""Accounts, sessions and tries against the database."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.session import transaction
from db.tables.access import AuditEntry, ConsoleSession, SignInTries
from db.tables.companies import Role, User
from policy.access import service
from policy.access.passwords import WeakPassword
from policy.access.schemas import COMMAND_LINE, Visitor
from policy.access.service import LockedOut
from policy.errors import Conflict, NotFound
from tests.factories import SIGNER
from tests.policy.access.desks import ADDRESS, PASSWORD, PASSWORDS, Desk, make_desk
from tests.policy.races import race


async def who(engine: AsyncEngine, token: str) -> Visitor | None:
    async with transaction(engine, company_id=None) as session:
        return await service.enter_session(session, token)


async def tries(engine: AsyncEngine, email: str, address: str = ADDRESS) -> bool:
    """Whether one more try is let through."""
    try:
        async with transaction(engine, company_id=None) as session:
            await service.count_try(session, email, address, signer=SIGNER)
    except LockedOut:
        return False
    return True


async def test_a_session_speaks_for_its_user_and_enters_the_company(desk: Desk, engine: AsyncEngine) -> None:
    token = await desk.sign_in(await desk.add_user(Role.OPERATOR))
    async with transaction(engine, company_id=None) as session:
        visitor = await service.enter_session(session, token)
        assert await session.scalar(text("SELECT current_setting('app.company_id')")) == str(desk.company_id)
    assert visitor is not None
    assert (visitor.email, visitor.role, visitor.company_id) == (
        "operator@shop.example",
        Role.OPERATOR,
        desk.company_id,
    )
    assert await who(engine, token + "x") is None
    held = await desk.run(lambda s: s.scalar(select(ConsoleSession.token_hash)))
    assert token not in str(held), "only a hash is kept"


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE console_sessions SET last_seen_at = clock_timestamp() - interval '60 minutes'",
        "UPDATE console_sessions SET expires_at = clock_timestamp()",
        "UPDATE console_sessions SET ended_at = clock_timestamp()",
        "UPDATE users SET disabled_at = clock_timestamp()",
    ],
)
async def test_a_session_that_is_over_speaks_for_nobody(desk: Desk, engine: AsyncEngine, ended: str) -> None:
    token = await desk.sign_in(await desk.add_user())
    await desk.sql("UPDATE console_sessions SET last_seen_at = clock_timestamp() - interval '59 minutes'")
    assert await who(engine, token) is not None
    await desk.sql(ended)
    assert await who(engine, token) is None


async def test_being_seen_keeps_a_session_but_not_beyond_its_life(desk: Desk, engine: AsyncEngine) -> None:
    token = await desk.sign_in(await desk.add_user())
    await desk.sql("UPDATE console_sessions SET last_seen_at = clock_timestamp() - interval '30 minutes'")
    before = await desk.run(lambda s: s.scalar(select(ConsoleSession.expires_at)))
    assert await who(engine, token) is not None
    idle = "SELECT clock_timestamp() - last_seen_at < interval '1 minute' FROM console_sessions"
    assert await desk.run(lambda s: s.scalar(text(idle))) is True
    assert await desk.run(lambda s: s.scalar(select(ConsoleSession.expires_at))) == before


async def test_signing_in_rotates_the_session_of_the_browser(desk: Desk, engine: AsyncEngine) -> None:
    email = await desk.add_user()
    first = await desk.sign_in(email)
    other = await make_desk(engine, "Another shop")
    hashed = await PASSWORDS.hash(PASSWORD)
    await other.run(
        lambda s: service.add_user(
            s, "boss@other.example", hashed, Role.ADMIN, company_id=other.company_id, by=COMMAND_LINE
        )
    )
    second = await other.sign_in("boss@other.example", replaces=first)
    assert first != second
    assert await who(engine, first) is None, "the session that the browser brought is ended, whosever it was"
    there = await who(engine, second)
    assert there is not None
    assert there.company_id == other.company_id
    assert await desk.trail() == [
        ("command line", "USER_ADDED"),
        (email, "SIGNED_IN"),
        (email, "SIGNED_OUT"),
    ]


async def test_signing_out_ends_the_session_everywhere_and_once(desk: Desk, engine: AsyncEngine) -> None:
    email = await desk.add_user()
    token = await desk.sign_in(email)
    for _ in range(2):
        async with transaction(engine, company_id=None) as session:
            await service.sign_out(session, token)
    assert await who(engine, token) is None
    assert (await desk.trail())[-1] == (email, "SIGNED_OUT")
    assert len(await desk.trail()) == 3


async def test_a_new_password_ends_the_sessions_and_stays_within_the_company(desk: Desk, engine: AsyncEngine) -> None:
    email = await desk.add_user()
    token = await desk.sign_in(email)
    other = await make_desk(engine, "Another shop")
    with pytest.raises(NotFound):
        await other.run(lambda s: service.set_password(s, email, "x", company_id=other.company_id, by=COMMAND_LINE))
    assert await who(engine, token) is not None
    hashed = await PASSWORDS.hash("another few words")
    await desk.run(lambda s: service.set_password(s, email, hashed, company_id=desk.company_id, by=COMMAND_LINE))
    assert await who(engine, token) is None
    user = await desk.run(lambda s: s.scalar(select(User)))
    assert user is not None
    assert await PASSWORDS.matches("another few words", user.password_hash)
    assert not await PASSWORDS.matches(PASSWORD, user.password_hash)


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 201])
async def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        await PASSWORDS.hash(password)


async def test_race_for_one_email_makes_one_account(desk: Desk, engine: AsyncEngine) -> None:
    def add(password_hash: str) -> Callable[[AsyncSession], Awaitable[bool]]:
        async def work(session: AsyncSession) -> bool:
            email, company_id = " Boss@Shop.example ", desk.company_id
            try:
                await service.add_user(
                    session, email, password_hash, Role.ADMIN, company_id=company_id, by=COMMAND_LINE
                )
            except Conflict:
                return False
            return True

        return work

    assert await race(engine, add("one"), add("two"), company_id=desk.company_id) == (True, False)
    users = await desk.run(lambda s: s.execute(select(User.email, User.password_hash)))
    assert [tuple(row) for row in users] == [("boss@shop.example", "one")]
    assert await desk.trail() == [("command line", "USER_ADDED")]


async def test_the_sixth_try_within_the_window_is_locked_out(desk: Desk, engine: AsyncEngine) -> None:
    for email in ("admin@shop.example", "nobody@shop.example"):
        assert [await tries(engine, email, f"{email}-{n}") for n in range(7)] == [True] * 5 + [False] * 2
    await desk.sql("UPDATE sign_in_tries SET since = since - interval '15 minutes'")
    assert await tries(engine, " ADMIN@shop.example")
    await desk.sql("UPDATE sign_in_tries SET tries = 5, since = clock_timestamp() - interval '14 minutes'")
    assert not await tries(engine, "admin@shop.example")


async def test_one_address_cannot_try_many_accounts(engine: AsyncEngine) -> None:
    allowed = [await tries(engine, f"{n}@shop.example", f"2001:db8::{n}") for n in range(31)]
    assert allowed == [True] * 30 + [False], "a /64 of IPv6 is one address"
    assert await tries(engine, "99@shop.example", "2001:db8:1::1")


async def test_race_of_tries_lets_no_more_through_than_one_by_one(engine: AsyncEngine) -> None:
    allowed = await asyncio.gather(*(tries(engine, "admin@shop.example") for _ in range(12)))
    assert sum(allowed) == 5
    async with transaction(engine, company_id=None) as session:
        counts = (await session.scalars(select(SignInTries.tries).order_by(SignInTries.tries))).all()
    # Each transaction that was refused took its counts back with it.
    assert list(counts) == [5, 5]


async def test_who_signs_in_has_all_tries_again(desk: Desk, engine: AsyncEngine) -> None:
    email = await desk.add_user()
    assert [await tries(engine, email) for _ in range(5)] == [True] * 5
    await desk.sign_in(email)
    assert [await tries(engine, email) for _ in range(6)] == [True] * 5 + [False]


async def test_an_account_of_no_one_is_looked_up_like_any_other(desk: Desk, engine: AsyncEngine) -> None:
    """As many queries, one verification: nothing to tell them apart by."""
    email = await desk.add_user()
    asked: dict[str, list[str]] = {}
    for name in (email, "nobody@shop.example"):
        async with transaction(engine, company_id=None) as session:
            statements = asked.setdefault(name, [])

            def note(conn: object, cursor: object, statement: str, *rest: object, to: list[str] = statements) -> None:
                to.append(statement)

            event.listen(engine.sync_engine, "before_cursor_execute", note)
            user = await service.find_user(session, name)
            event.remove(engine.sync_engine, "before_cursor_execute", note)
        assert (user is None) == (name != email)
    assert asked[email] == asked["nobody@shop.example"]
    assert not await PASSWORDS.matches(PASSWORD, None)


async def test_race_of_two_signing_out_writes_one_entry(desk: Desk, engine: AsyncEngine) -> None:
    token = await desk.sign_in(await desk.add_user())

    async def out(session: AsyncSession) -> None:
        await service.sign_out(session, token)

    await race(engine, out, out, company_id=desk.company_id)
    ended = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "SIGNED_OUT")
    assert await desk.run(lambda s: s.scalar(ended)) == 1
