"""count lifts by quarter of an hour, and find what was heard of by its kind."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quarter_tally",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "site"),
    )
    op.create_index("ix_heard_tally_kind", "heard_tally", ["kind", "period", "owner", "heard"])
    op.create_index("ix_collection_point_place", "collection_point", ["site", "district", "lat", "lng"])
    # Quarters of what was counted already are not known: the next pass counts everything again.
    for table in ("lift_tally", "heard_tally", "tally_pass"):
        op.execute(sa.text(f"DELETE FROM {table}"))


def downgrade() -> None:
    op.drop_index("ix_collection_point_place", "collection_point")
    op.drop_index("ix_heard_tally_kind", "heard_tally")
    op.drop_table("quarter_tally")
