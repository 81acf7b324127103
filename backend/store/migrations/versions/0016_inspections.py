"""keep what is published of random inspections."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inspection_statement",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("inspection", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_inspection_statement_inspection", "inspection_statement", ["inspection"])
    op.create_table(
        "inspection_list",
        sa.Column("inspection", sa.String(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("inspection"),
    )


def downgrade() -> None:
    op.drop_table("inspection_list")
    op.drop_index("ix_inspection_statement_inspection", "inspection_statement")
    op.drop_table("inspection_statement")
