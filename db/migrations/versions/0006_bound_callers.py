"""Where browsers may call from, and how often callers have called."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from db.security import definer, wall

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Asked before a browser sends its key: does any shop live there?
ORIGIN_KNOWN = "SELECT EXISTS (SELECT FROM companies WHERE allowed_origins @> ARRAY[origin]::varchar[])"


def upgrade() -> None:
    op.add_column(
        "companies",
        sa.Column("allowed_origins", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False),
    )
    op.create_index("ix_companies_allowed_origins", "companies", ["allowed_origins"], postgresql_using="gin")
    op.create_table(
        "rate_windows",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_rate_windows_company_id")),
        sa.PrimaryKeyConstraint("company_id", "name", name=op.f("pk_rate_windows")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_rate_windows_begins_at", "rate_windows", ["company_id", "begins_at"])
    for statement in (*wall("rate_windows"), *definer("origin_known", "origin text", "boolean", ORIGIN_KNOWN)):
        op.get_bind().exec_driver_sql(statement)
