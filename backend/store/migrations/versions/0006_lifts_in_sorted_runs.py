"""keep where a bin's lifts are in sorted runs, a few rows for thousands of lifts."""

import sqlalchemy as sa
from alembic import op

from backend.store.lift_runs import reshape

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LIFT, _WORD = 1, 32


def upgrade() -> None:
    op.create_table(
        "lift_run",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_bin", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", "first_bin"),
    )
    with op.batch_alter_table("ledger_segment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lifts_to", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("ledger_segment", schema=None) as batch_op:
        batch_op.alter_column("lifts_to", server_default=None)
    with op.batch_alter_table("lot_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lot_run_segment_id"), ["segment_id"], unique=False)
    with op.batch_alter_table("accepted_segment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_accepted_segment_arrival", ["device", "first_seq", "last_seq", "received_at"], unique=False
        )
    op.drop_table("lift")
    if op.get_bind().dialect.name == "postgresql":
        # Digests and random numbers do not compress; trying, or looking for the commonest, costs for nothing.
        for table, column in (("ledger_segment", "words"), ("accepted_segment", "words"), ("lift_run", "packed")):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
    _fill()


def _fill() -> None:
    connection, lifts_to, newest = op.get_bind(), 0, 0
    for segment_id, words in _segments(connection):
        lifts_to, newest = lifts_to + len(_lifts_in(words)), segment_id
        connection.execute(
            sa.text("UPDATE ledger_segment SET lifts_to = :lifts_to WHERE id = :id"),
            {"lifts_to": lifts_to, "id": segment_id},
        )
    reshape(connection, before=1, after=newest + 1, fresh=_segments(connection))


def downgrade() -> None:
    op.create_table(
        "lift",
        sa.Column("bin", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("segment_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bin", "segment_id", "position"),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    for segment_id, words in _segments(connection):
        for position, number in _lifts_in(words):
            connection.execute(
                sa.text("INSERT INTO lift (bin, segment_id, position) VALUES (:bin, :segment_id, :position)"),
                {"bin": number, "segment_id": segment_id, "position": position},
            )
    with op.batch_alter_table("accepted_segment", schema=None) as batch_op:
        batch_op.drop_index("ix_accepted_segment_arrival")
    with op.batch_alter_table("lot_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lot_run_segment_id"))
    with op.batch_alter_table("ledger_segment", schema=None) as batch_op:
        batch_op.drop_column("lifts_to")
    op.drop_table("lift_run")


def _segments(connection: sa.Connection) -> list[tuple[int, bytes]]:
    rows = connection.execute(sa.text("SELECT id, words FROM ledger_segment ORDER BY id"))
    return [(row.id, bytes(row.words)) for row in rows]


def _lifts_in(words: bytes) -> list[tuple[int, int]]:
    """Return (position, bin) of each lift."""
    lifts, offset, position = [], 0, 0
    while offset < len(words):
        if words[offset] == _LIFT:
            lifts.append((position, int.from_bytes(words[offset + 1 : offset + 6], "big")))
            offset += _WORD
        else:
            offset += _WORD * words[offset + 1]
        position += 1
    return lifts
