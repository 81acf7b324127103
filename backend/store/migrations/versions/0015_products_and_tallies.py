"""keep what parks make and end, and count lifts by day, street and crew."""

import sqlalchemy as sa
from alembic import op

from backend.store.products import fill

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_amount",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("lot", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("product", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fate", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "seq", "place"),
    )
    op.create_index("ix_product_amount_figure", "product_amount", ["site", "day", "product"])
    op.create_index("ix_product_amount_source", "product_amount", ["source"])
    op.create_index("ix_product_amount_block_number", "product_amount", ["block_number"])
    counts = (
        "lifts",
        "grams",
        "clean",
        "some_mixing",
        "badly_mixed",
        "wrong",
        "declined",
        "timely",
        "delay_seconds",
    )
    op.create_table(
        "lift_tally",
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.PrimaryKeyConstraint("period", "site", "organisation", "stream"),
    )
    op.create_index("ix_lift_tally_site", "lift_tally", ["site", "period"])
    op.create_table(
        "heard_tally",
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("period", "kind", "owner"),
    )
    op.create_table(
        "tally_pass",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(), nullable=False),
        sa.Column("placed_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    is_decline = sa.text("kind = 20")
    op.create_index(
        "ix_custody_step_decline",
        "custody_step",
        ["segment_id"],
        sqlite_where=is_decline,
        postgresql_where=is_decline,
    )
    is_given = sa.text("status = 2")
    op.create_index("ix_lot_offered", "lot", ["lot"], sqlite_where=is_given, postgresql_where=is_given)
    fill(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_lot_offered", "lot")
    op.drop_index("ix_custody_step_decline", "custody_step")
    for table in ("tally_pass", "heard_tally", "lift_tally", "product_amount"):
        op.drop_table(table)
