"""No script says the customer's name before they have told it: stored greetings that do go back to the template's."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPENING = "voice,script,opening"


def upgrade() -> None:
    op.execute(
        f"""
        UPDATE flow_config_versions SET config = config #- '{{{OPENING},greeting}}'
        WHERE config #>> '{{{OPENING},greeting}}' LIKE '%{{{{customerName}}}}%'
        """
    )
    op.execute(
        f"""
        UPDATE flow_config_versions SET config = config #- '{{{OPENING},greetingWithoutName}}'
        WHERE config #> '{{{OPENING}}}' ? 'greetingWithoutName'
        """
    )
