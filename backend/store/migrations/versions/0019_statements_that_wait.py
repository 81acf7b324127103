"""find the statements of complaints that no anchor holds yet without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    waits = sa.text("anchor_seq IS NULL")
    op.create_index(
        "ix_complaint_statement_unanchored",
        "complaint_statement",
        ["case_id", "number"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def downgrade() -> None:
    op.drop_index("ix_complaint_statement_unanchored", "complaint_statement")
