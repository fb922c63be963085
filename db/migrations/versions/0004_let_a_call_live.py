"""What a call needs while it lives, what it may never do twice, and the functions that find lost ones."""

import sqlalchemy as sa
from alembic import op

from db.security import definer

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "cart_voice_calls"
STATUSES = "'CLAIMED', 'DIALLED', 'ANSWERED', 'TALKING', 'ENDED'"
END_REASONS = (
    "'COMPLETED', 'DECLINED', 'OPT_OUT', 'WRONG_PERSON', 'TRANSFERRED', 'NO_ANSWER', 'BUSY', 'FAILED', 'CANCELLED', "
    "'MACHINE', 'CALL_SCREENING', 'HUNG_UP', 'SILENCE', 'TIME_LIMIT', 'PROCESS_LOST'"
)

# No call could be made before this migration: the table is empty, so columns may be NOT NULL at once.
COLUMNS = [
    sa.Column("customer_id", sa.Uuid(), nullable=False),
    sa.Column("message_id", sa.Uuid(), nullable=False),
    sa.Column("abandonment", sa.BigInteger(), nullable=False),
    sa.Column("number_hash", sa.String(), nullable=False),
    sa.Column("status", sa.String(), nullable=False),
    sa.Column("slot", sa.BigInteger(), nullable=True),
    sa.Column("dialled_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("answered_by", sa.String(), nullable=True),
    sa.Column("stream_token_hash", sa.String(), nullable=True),
    sa.Column("stream_token_used_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
]

CHECKS = {
    "status": f"status IN ({STATUSES})",
    "end_reason": f"end_reason IN ({END_REASONS})",
    "outcome_when_ended": "(status = 'ENDED') = (outcome IS NOT NULL)",
    "reason_when_ended": "(status = 'ENDED') = (end_reason IS NOT NULL)",
    "slot_while_live": "(status = 'ENDED') = (slot IS NULL)",
}

UNIQUE = {
    "number_day": ["number_hash", "called_on"],
    "abandonment": ["cart_id", "abandonment"],
    "message": ["message_id"],
    "provider": ["provider_id"],
    "slot": ["slot"],
}

# A due message is an email to be sent or a call to be placed: its channel says which job it becomes.
RELEASE_MESSAGES = """
    UPDATE messages t SET released_at = clock_timestamp()
    FROM (SELECT company_id, id FROM messages WHERE due_at <= at AND released_at IS NULL
          ORDER BY due_at LIMIT most FOR UPDATE SKIP LOCKED) due
    WHERE t.company_id = due.company_id AND t.id = due.id
    RETURNING t.company_id, t.id, t.tries, t.channel
"""

# Not marked as released: closing a lost call is idempotent, and its index holds live calls alone.
LOST_CALLS = """
    SELECT company_id, id FROM cart_voice_calls
    WHERE status <> 'ENDED' AND heartbeat_at < clock_timestamp() - older_than
    ORDER BY heartbeat_at LIMIT most
"""


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column(TABLE, column)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, condition)
    for table, column in (("customers", "customer_id"), ("messages", "message_id")):
        op.create_foreign_key(
            op.f(f"fk_{TABLE}_company_id_{column}"), TABLE, table, ["company_id", column], ["company_id", "id"]
        )
    for name, columns in UNIQUE.items():
        op.create_index(f"uq_{TABLE}_{name}", TABLE, ["company_id", *columns], unique=True)
    live = sa.text("status <> 'ENDED'")
    op.create_index(f"uq_{TABLE}_live_cart", TABLE, ["company_id", "cart_id"], unique=True, postgresql_where=live)
    op.create_index(f"ix_{TABLE}_live", TABLE, ["heartbeat_at"], postgresql_where=live)
    op.create_index(f"ix_{TABLE}_initiated", TABLE, ["company_id", "initiated_at"])
    batch = "at timestamptz, most integer"
    steps = "TABLE (company_id uuid, id uuid, step bigint, channel text)"
    for statement in [
        "DROP FUNCTION release_messages(timestamptz, integer)",
        *definer("release_messages", batch, steps, RELEASE_MESSAGES),
        *definer("lost_calls", "older_than interval, most integer", "TABLE (company_id uuid, id uuid)", LOST_CALLS),
    ]:
        op.get_bind().exec_driver_sql(statement)
