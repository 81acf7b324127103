"""keep what every entry moves at its site, and the sums of each day."""

import sqlalchemy as sa
from alembic import op

from backend.store.mass_moves import fill

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opened_site",
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("site_kind", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "seq"),
    )
    op.create_table(
        "mass_move",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("lot", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("recorded_day", sa.Integer(), nullable=False),
        sa.Column("flow", sa.Integer(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Integer(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("given_basis", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "mass_day",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("flow", sa.Integer(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "organisation", "site", "stream", "flow", "is_late"),
    )
    op.create_table(
        "mass_stretch",
        sa.Column("stretch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stretch", "organisation", "site", "stream"),
    )
    for table, name, columns in (
        ("opened_site", "ix_opened_site_site", ["site"]),
        ("opened_site", "ix_opened_site_block_number", ["block_number"]),
        ("mass_move", "ix_mass_move_block_number", ["block_number"]),
        ("mass_move", "ix_mass_move_figure", ["day", "flow", "organisation", "site", "stream"]),
        ("mass_move", "ix_mass_move_lot", ["lot"]),
    ):
        op.create_index(name, table, columns, unique=False)
    fill(op.get_bind())


def downgrade() -> None:
    for table in ("mass_stretch", "mass_day", "mass_move", "opened_site"):
        op.drop_table(table)
