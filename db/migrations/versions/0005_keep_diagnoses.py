"""What a shopper said before there was a flow is kept for the flow to come."""

import sqlalchemy as sa
from alembic import op

from db.security import append_only, wall
from db.tables.recovery import CartAbandonmentReason

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REASONS = ", ".join(f"'{each.value}'" for each in CartAbandonmentReason)


def upgrade() -> None:
    op.create_table(
        "cart_diagnoses",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"reason IN ({REASONS})", name=op.f("ck_cart_diagnoses_reason")),
        sa.ForeignKeyConstraint(
            ["company_id", "cart_id"],
            ["carts.company_id", "carts.id"],
            name=op.f("fk_cart_diagnoses_company_id_cart_id"),
        ),
        sa.PrimaryKeyConstraint("company_id", "id", name=op.f("pk_cart_diagnoses")),
    )
    op.create_index("ix_cart_diagnoses_cart", "cart_diagnoses", ["company_id", "cart_id", "given_at"])
    for statement in [*wall("cart_diagnoses"), *append_only("cart_diagnoses")]:
        op.execute(statement)
