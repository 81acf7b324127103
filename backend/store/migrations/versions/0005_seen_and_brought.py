"""keep how far a registrar has brought a journal beside how far it counts."""

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rewrite(lambda value: [*value, 0])


def downgrade() -> None:
    _rewrite(lambda value: value[:1])


def _rewrite(change) -> None:
    """Nothing was ever brought by the rules before, but in a ledger that these books can no longer follow."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT key, block_number, value FROM slot WHERE name = 'seen'")).all()
    for row in rows:
        if row.value is None:
            continue
        connection.execute(
            sa.text("UPDATE slot SET value = :value WHERE name = 'seen' AND key = :key AND block_number = :block"),
            {"value": orjson.dumps(change(orjson.loads(row.value))), "key": row.key, "block": row.block_number},
        )
