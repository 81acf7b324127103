"""keep what is wrong with an entry, what a passkey signed, and what became of lots."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("accepted_segment", "ledger_segment"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("assertion", sa.LargeBinary(), nullable=False, server_default=""))
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin", sa.String(), nullable=True))
    with op.batch_alter_table("custody_step", schema=None) as batch_op:
        batch_op.add_column(sa.Column("flaw", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("lot", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shut", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("mixture", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "lot_link",
        sa.Column("lot", sa.String(), nullable=False),
        sa.Column("into_lot", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lot", "into_lot", "device", "seq"),
    )
    with op.batch_alter_table("lot_link", schema=None) as batch_op:
        batch_op.create_index("ix_lot_link_into", ["into_lot"], unique=False)
        batch_op.create_index(batch_op.f("ix_lot_link_segment_id"), ["segment_id"], unique=False)


def downgrade() -> None:
    op.drop_table("lot_link")
    with op.batch_alter_table("lot", schema=None) as batch_op:
        batch_op.drop_column("mixture")
        batch_op.drop_column("shut")
    with op.batch_alter_table("custody_step", schema=None) as batch_op:
        batch_op.drop_column("flaw")
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.drop_column("origin")
    for table in ("accepted_segment", "ledger_segment"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("assertion")
