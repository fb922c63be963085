"""A batch is claimed before anything is joined to it.

As a subquery it could be run again for each row of the join, where the planner took it for small: each run skipped what
the one before had locked and claimed more, so that a batch was larger than asked for and no longer the oldest.
"""

from alembic import op

from db.security import definer

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BATCH = "at timestamptz, most integer"
STEPS = "company_id uuid, id uuid, step bigint"


def release(table: str, due: str, returned: str) -> str:
    return f"""
        WITH due AS MATERIALIZED (
            SELECT company_id, id FROM {table} WHERE {due} <= at AND released_at IS NULL
            ORDER BY {due} LIMIT most FOR UPDATE SKIP LOCKED
        )
        UPDATE {table} t SET released_at = clock_timestamp() FROM due
        WHERE t.company_id = due.company_id AND t.id = due.id
        RETURNING t.company_id, t.id, {returned}
    """


def upgrade() -> None:
    for name, row, body in (
        ("release_attempts", STEPS, release("save_attempts", "due_at", "t.step")),
        ("release_messages", f"{STEPS}, channel text", release("messages", "due_at", "t.tries, t.channel")),
        ("release_carts", STEPS, release("carts", "idle_due_at", "t.abandonment")),
    ):
        op.get_bind().exec_driver_sql(f"DROP FUNCTION {name}(timestamptz, integer)")
        for statement in definer(name, BATCH, f"TABLE ({row})", body):
            op.get_bind().exec_driver_sql(statement)
