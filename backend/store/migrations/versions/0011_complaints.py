"""keep complaints: their statements, photos, and what the hotline knows."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "complaint",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code_digest", sa.String(), nullable=False),
        sa.Column("bin", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("hotline_order", sa.String(), nullable=True),
        sa.Column("hotline_attempts", sa.Integer(), nullable=False),
        sa.Column("hotline_retry_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_digest"),
        sa.UniqueConstraint("hotline_order"),
    )
    op.create_index("ix_complaint_bin", "complaint", ["bin", "reported_at"])
    op.create_index("ix_complaint_stage", "complaint", ["closed_at", "due_at"])
    op.create_table(
        "complaint_statement",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("text_salt", sa.LargeBinary(), nullable=True),
        sa.Column("anchor_device", sa.String(), nullable=True),
        sa.Column("anchor_seq", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["complaint.id"]),
        sa.PrimaryKeyConstraint("case_id", "number"),
    )
    op.create_table(
        "complaint_photo",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["complaint.id"]),
        sa.PrimaryKeyConstraint("case_id", "number"),
    )


def downgrade() -> None:
    op.drop_table("complaint_photo")
    op.drop_table("complaint_statement")
    op.drop_index("ix_complaint_stage", "complaint")
    op.drop_index("ix_complaint_bin", "complaint")
    op.drop_table("complaint")
