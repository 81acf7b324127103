"""keep which entry another is about, and when a step settled."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LIFT, _WORD = 1, 32
_NAMES_AT = {13: 10, 14: 10, 16: 9}
"""Where amend, dispute and acknowledge name (device 64, seq 40), by kind, in bytes."""


def upgrade() -> None:
    with op.batch_alter_table("custody_step", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settled_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("about_device", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("about_seq", sa.BigInteger(), nullable=True))
        batch_op.create_index("ix_custody_step_about", ["about_device", "about_seq"], unique=False)
    op.execute(
        "UPDATE custody_step SET settled_at = (SELECT max(block_time) FROM ledger_segment "
        "WHERE ledger_segment.block_number = custody_step.settled_block) WHERE settled_block IS NOT NULL"
    )
    _note_what_is_recorded_already()


def _note_what_is_recorded_already() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT s.device, s.seq, s.kind, l.first_seq, l.words FROM custody_step s "
            "JOIN ledger_segment l ON l.id = s.segment_id WHERE s.kind IN (13, 14, 16)"
        )
    ).all()
    for row in rows:
        entry = _entry_at(bytes(row.words), row.seq - row.first_seq)
        at = _NAMES_AT[row.kind]
        connection.execute(
            sa.text(
                "UPDATE custody_step SET about_device = :about, about_seq = :about_seq "
                "WHERE device = :device AND seq = :seq"
            ),
            {
                "about": entry[at : at + 8].hex(),
                "about_seq": int.from_bytes(entry[at + 8 : at + 13], "big"),
                "device": row.device,
                "seq": row.seq,
            },
        )


def _entry_at(words: bytes, position: int) -> bytes:
    offset = 0
    while True:
        length = _WORD * (1 if words[offset] == _LIFT else words[offset + 1])
        if position == 0:
            return words[offset : offset + length]
        offset, position = offset + length, position - 1


def downgrade() -> None:
    with op.batch_alter_table("custody_step", schema=None) as batch_op:
        batch_op.drop_index("ix_custody_step_about")
        batch_op.drop_column("about_seq")
        batch_op.drop_column("about_device")
        batch_op.drop_column("settled_at")
