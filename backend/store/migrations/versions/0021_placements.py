"""keep placements of bins with the entries that attest them.

In books that were folded before, placements are missing until `huanlian reindex --replace`: the order of their
bins is not in them. Phones take those bins as hints until then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "placement",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "seq"),
    )
    op.create_index("ix_placement_site", "placement", ["site"])
    op.create_index("ix_placement_block_number", "placement", ["block_number"])


def downgrade() -> None:
    op.drop_table("placement")
