"""keep which finding another follows from, and the grams that a finding doubts."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("radar_finding") as table:
        table.add_column(sa.Column("follows_from", sa.String(), nullable=True))
        table.add_column(sa.Column("doubted_grams", sa.String(), nullable=False, server_default="{}"))
    op.create_index("ix_radar_finding_follows_from", "radar_finding", ["follows_from"])
    # Findings of before do not know their causes: all is looked at again.
    op.execute("DELETE FROM radar_finding")
    op.execute("DELETE FROM radar_pass")


def downgrade() -> None:
    op.drop_index("ix_radar_finding_follows_from", "radar_finding")
    with op.batch_alter_table("radar_finding") as table:
        table.drop_column("doubted_grams")
        table.drop_column("follows_from")
