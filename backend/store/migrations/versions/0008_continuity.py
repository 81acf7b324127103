"""keep when the server lived, the chain was silent and segments waited too long; find anchors at once."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


_IS_ANCHOR = sa.text("kind = 17")


def upgrade() -> None:
    op.create_table(
        "continuity_span",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("segments_max", sa.Integer(), nullable=False),
        sa.Column("age_max_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_continuity_span_kind", "continuity_span", ["kind", "to_at"])
    op.create_index("ix_accepted_segment_received", "accepted_segment", ["received_at"])
    op.create_index(
        "ix_custody_step_anchor",
        "custody_step",
        ["segment_id"],
        sqlite_where=_IS_ANCHOR,
        postgresql_where=_IS_ANCHOR,
    )


def downgrade() -> None:
    op.drop_index("ix_custody_step_anchor", table_name="custody_step")
    op.drop_index("ix_accepted_segment_received", table_name="accepted_segment")
    op.drop_index("ix_continuity_span_kind", table_name="continuity_span")
    op.drop_table("continuity_span")
