"""Who answers is known by their name alone, so a greeting asks for it: stored ones that do not go back to the template's.

The same rule as recovery.voice_script's, at its first version.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

GREETING = "voice,script,opening,greeting"
ASKS_WHO = r"\m((?<!my )name|whom|who( is|[''’]s| am i| i am| i[''’]m| do i| you are| this is))\M"


def upgrade() -> None:
    op.execute(
        f"""
        UPDATE flow_config_versions SET config = config #- '{{{GREETING}}}'
        WHERE config #>> '{{{GREETING}}}' !~* '{ASKS_WHO}'
        """
    )
