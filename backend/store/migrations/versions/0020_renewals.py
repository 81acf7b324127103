"""keep the requests of phones for their next key."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "renewal_request",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("x", sa.LargeBinary(), nullable=False),
        sa.Column("y", sa.LargeBinary(), nullable=False),
        sa.Column("r", sa.LargeBinary(), nullable=False),
        sa.Column("s", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_index("ix_renewal_request_organisation", "renewal_request", ["organisation"])


def downgrade() -> None:
    op.drop_index("ix_renewal_request_organisation", "renewal_request")
    op.drop_table("renewal_request")
