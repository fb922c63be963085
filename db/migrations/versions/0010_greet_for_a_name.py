"""Who answers is known by their name alone, so a greeting asks for it: stored ones that do not go back to the template's.

The same rule as recovery.voice_script's, at its first version.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

GREETING = "voice,script,opening,greeting"


def upgrade() -> None:
    op.execute(
        f"""
        UPDATE flow_config_versions SET config = config #- '{{{GREETING}}}'
        WHERE config #>> '{{{GREETING}}}' !~* '\\m(name\\M|who( is|''s|’s| am i| do i)\\M)'
        """
    )
