"""keep what looks wrong, and how far was looked."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "radar_finding",
        sa.Column("finding_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("confidence_permille", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(), nullable=True),
        sa.Column("subjects", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("numbers", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("sought_in", sa.String(), nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id"),
    )
    op.create_index("ix_radar_finding_newest", "radar_finding", ["at", "finding_id"])
    op.create_index("ix_radar_finding_period", "radar_finding", ["sought_in", "period"])
    op.create_index("ix_radar_finding_kind", "radar_finding", ["kind"])
    op.create_index("ix_radar_finding_site", "radar_finding", ["site"])
    op.create_table(
        "radar_pass",
        sa.Column("sought_in", sa.String(), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sought_in"),
    )


def downgrade() -> None:
    op.drop_table("radar_pass")
    op.drop_table("radar_finding")
