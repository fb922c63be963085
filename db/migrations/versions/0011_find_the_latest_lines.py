"""The latest order lines of a variant are the end of an index: what goes with a cart does not read all that was sold."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_order_lines_variant", "order_lines"


def upgrade() -> None:
    op.drop_index(NAME, TABLE)
    op.create_index(NAME, TABLE, ["company_id", "variant_id", "id"])
