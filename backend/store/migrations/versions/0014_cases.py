"""keep the cases, and the origin of a passkey that is offered for enrolment."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_file",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.String(), nullable=False),
        sa.Column("parties", sa.String(), nullable=False),
        sa.Column("numbers", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_case_file_root", "case_file", ["root"])
    op.create_index("ix_case_file_subject", "case_file", ["subject"])
    op.create_table(
        "case_span",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("owner_role", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", "number"),
    )
    op.create_index("ix_case_span_waiting", "case_span", ["is_done", "until_at", "due_at"])
    op.create_index("ix_case_span_done", "case_span", ["is_done", "from_at"])
    op.create_table(
        "case_pass",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("findings_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("ix_custody_step_settled", "custody_step", ["settled_block"])
    with op.batch_alter_table("enrolment") as enrolment:
        enrolment.add_column(sa.Column("origin", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("enrolment") as enrolment:
        enrolment.drop_column("origin")
    op.drop_index("ix_custody_step_settled", "custody_step")
    op.drop_table("case_pass")
    op.drop_table("case_span")
    op.drop_table("case_file")
