"""A change of the origins that browsers may call from stands in the audit trail."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTIONS = (
    "'SIGNED_IN', 'SIGNED_OUT', 'USER_ADDED', 'PASSWORD_SET', 'KEY_CREATED', 'KEY_REVOKED', 'ORIGINS_CHANGED', "
    "'FLOW_CHANGED', 'CHAT_CHANGED'"
)


def upgrade() -> None:
    op.drop_constraint(op.f("ck_audit_entries_action"), "audit_entries", type_="check")
    op.create_check_constraint(op.f("ck_audit_entries_action"), "audit_entries", f"action IN ({ACTIONS})")
