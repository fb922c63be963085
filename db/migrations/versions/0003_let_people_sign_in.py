"""Sessions of the console, tries at signing in, the audit trail, and versions of the chat's config."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from db.security import APP_ROLE, append_only, definer, wall

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIND_SESSION = "SELECT company_id, id FROM console_sessions WHERE token_hash = hash"

ACTIONS = "'SIGNED_IN', 'SIGNED_OUT', 'USER_ADDED', 'PASSWORD_SET', 'KEY_CREATED', 'KEY_REVOKED', 'FLOW_CHANGED', 'CHAT_CHANGED'"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "console_sessions",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "user_id"], ["users.company_id", "users.id"], name=op.f("fk_console_sessions_company_id")
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_console_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_console_sessions_token_hash")),
    )
    op.create_table(
        "sign_in_tries",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_tries")),
    )
    json = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
    op.create_table(
        "audit_entries",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("before", json, nullable=True),
        sa.Column("after", json, nullable=True),
        sa.CheckConstraint(f"action IN ({ACTIONS})", name=op.f("ck_audit_entries_action")),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_audit_entries_company_id")),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_audit_entries")),
    )
    op.add_column("companies", sa.Column("chat_config_version", sa.BigInteger(), server_default="0", nullable=False))
    for statement in (
        *wall("console_sessions"),
        *wall("audit_entries"),
        *append_only("audit_entries"),
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_tries TO {APP_ROLE}",
        *definer("find_console_session", "hash text", "TABLE (company_id uuid, id uuid)", FIND_SESSION),
    ):
        op.get_bind().exec_driver_sql(statement)
