"""Keys are an admin's; the trail shows each reader what they may know of."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api.keys import issue_key
from db.ids import uuid7
from db.tables.access import AuditAction, AuditEntry
from db.tables.companies import ApiKey, KeyKind, Role
from policy.access import audit, keys
from policy.errors import Forbidden, NotFound
from tests.policy.access.desks import Desk, actor, make_desk
from tests.policy.races import race

ADMIN = actor(Role.ADMIN)


async def create(desk: Desk, kind: KeyKind = KeyKind.SECRET) -> str:
    return await desk.run(lambda s: keys.create_key(s, kind, company_id=desk.company_id, by=ADMIN, issue=issue_key))


async def test_an_admin_makes_lists_and_revokes_keys(desk: Desk) -> None:
    clear = await create(desk)
    (line,) = await desk.run(lambda s: keys.list_keys(s, company_id=desk.company_id, by=ADMIN))
    assert (line.kind, line.prefix, line.scopes, line.revoked_at) == (KeyKind.SECRET, clear[:11], ["*"], None)
    revoked = await desk.run(lambda s: keys.revoke_key(s, line.id, company_id=desk.company_id, by=ADMIN))
    assert revoked.revoked_at is not None
    entries = (await desk.run(lambda s: s.scalars(select(AuditEntry).order_by(AuditEntry.id)))).all()
    told = {"kind": "SECRET", "prefix": clear[:11]}
    assert [(e.action, e.before, e.after) for e in entries] == [
        (AuditAction.KEY_CREATED, None, told),
        (AuditAction.KEY_REVOKED, told, None),
    ]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_nobody_else_sees_makes_or_revokes_one(desk: Desk, role: Role) -> None:
    await create(desk)
    by = actor(role)
    (line,) = await desk.run(lambda s: keys.list_keys(s, company_id=desk.company_id, by=ADMIN))
    for work in (
        lambda s: keys.list_keys(s, company_id=desk.company_id, by=by),
        lambda s: keys.create_key(s, KeyKind.SECRET, company_id=desk.company_id, by=by, issue=issue_key),
        lambda s: keys.revoke_key(s, line.id, company_id=desk.company_id, by=by),
    ):
        with pytest.raises(Forbidden):
            await desk.run(work)
    assert await desk.run(lambda s: s.scalar(select(func.count()).select_from(ApiKey))) == 1
    assert await desk.run(lambda s: s.scalar(select(ApiKey.revoked_at))) is None
    assert len(await desk.trail()) == 1


async def test_another_companys_key_is_not_there(desk: Desk, engine: AsyncEngine) -> None:
    await create(desk)
    (line,) = await desk.run(lambda s: keys.list_keys(s, company_id=desk.company_id, by=ADMIN))
    other = await make_desk(engine, "Another shop")
    with pytest.raises(NotFound):
        await other.run(lambda s: keys.revoke_key(s, line.id, company_id=other.company_id, by=ADMIN))
    assert await desk.run(lambda s: s.scalar(select(ApiKey.revoked_at))) is None


async def test_race_to_revoke_one_key_is_written_once(desk: Desk, engine: AsyncEngine) -> None:
    await create(desk)
    (line,) = await desk.run(lambda s: keys.list_keys(s, company_id=desk.company_id, by=ADMIN))

    async def revoke(session: AsyncSession) -> bool:
        try:
            await keys.revoke_key(session, line.id, company_id=desk.company_id, by=ADMIN)
        except NotFound:
            return False
        return True

    assert await race(engine, revoke, revoke, company_id=desk.company_id) == (True, False)
    assert [action for _, action in await desk.trail()] == ["KEY_CREATED", "KEY_REVOKED"]


async def test_the_trail_tells_keys_to_admins_alone(desk: Desk) -> None:
    await create(desk)
    await desk.run(
        lambda s: audit.record(
            s,
            actor(Role.OPERATOR),
            AuditAction.FLOW_CHANGED,
            company_id=desk.company_id,
            before={"a": 1},
            after={"a": 2},
        )
    )
    for role, seen in (
        (Role.ADMIN, [AuditAction.FLOW_CHANGED, AuditAction.KEY_CREATED]),
        (Role.OPERATOR, [AuditAction.FLOW_CHANGED]),
        (Role.VIEWER, [AuditAction.FLOW_CHANGED]),
    ):
        by = actor(role)
        page = await desk.run(lambda s, by=by: audit.read(s, by, company_id=desk.company_id))  # type: ignore[misc]
        assert [line.action for line in page.lines] == seen


async def test_the_trail_is_paged_newest_first(desk: Desk) -> None:
    for n in range(5):
        await desk.run(
            lambda s, n=n: audit.record(  # type: ignore[misc]
                s, ADMIN, AuditAction.CHAT_CHANGED, company_id=desk.company_id, after={"n": n}
            )
        )
    seen: list[object] = []
    cursor = None
    for size in (2, 2, 1):
        page = await desk.run(
            lambda s, cursor=cursor: audit.read(s, ADMIN, company_id=desk.company_id, after=cursor, limit=2)  # type: ignore[misc]
        )
        assert len(page.lines) == size
        seen += [line.after["n"] for line in page.lines if line.after]
        cursor = page.next_cursor
    assert (seen, cursor) == ([4, 3, 2, 1, 0], None)


@pytest.mark.parametrize("rewrite", ["UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries"])
async def test_the_trail_is_never_rewritten(desk: Desk, rewrite: str) -> None:
    await create(desk)
    with pytest.raises(ProgrammingError, match="permission denied"):
        await desk.run(lambda s: s.execute(text(rewrite)))
    assert [action for _, action in await desk.trail()] == ["KEY_CREATED"]


async def test_a_change_that_is_undone_leaves_no_entry(desk: Desk) -> None:
    async def fail(session: AsyncSession) -> None:
        await audit.record(session, ADMIN, AuditAction.KEY_REVOKED, company_id=desk.company_id)
        raise LookupError(uuid7())

    with pytest.raises(LookupError):
        await desk.run(fail)
    assert await desk.trail() == []
