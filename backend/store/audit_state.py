"""How far an audit has come, in a SQLite file of its own: an audit that was stopped goes on from there.

The fold's values are kept as the books keep theirs (slots.py), but each only once, as of the last checkpoint; a
checkpoint stands on a final block, so nothing is ever rolled back in here. One transaction lies between two
checkpoints: whatever ends the process, the file is as the last one left it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, Text, delete, insert, select
from sqlalchemy.exc import OperationalError

from backend.domain.journal import Network
from backend.store.session import Database
from backend.store.slots import BookState
from backend.store.tables import Slot, table_of

_TABLES = MetaData()
_CHECKPOINT = Table("checkpoint", _TABLES, Column("content", LargeBinary))
_FAULTS = Table("fault", _TABLES, Column("content", LargeBinary))
_RECORDS = Table("record", _TABLES, Column("device", Text, primary_key=True), Column("digest", LargeBinary))
_BINS = Table("bin", _TABLES, Column("number", Integer, primary_key=True), Column("lifts", Integer))
_SLOTS = table_of(Slot)
_EVERY = 0
"""All values are as of the one checkpoint; the slots' column for the block says nothing here."""


class InUse(Exception):
    """Another audit works with this file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"another audit is using {path}")


@dataclass(frozen=True)
class Checkpoint:
    """The block up to which all is checked, what was counted, and `basis`: of which chain, by which rules."""

    basis: Mapping[str, Any]
    block_number: int
    block_hash: str
    block_time: int
    tally: Mapping[str, Any]


class AuditState:
    """The file, open for one audit; `state` is the fold's, read and changed within the file's transaction."""

    def __init__(self, path: Path, network: Network) -> None:
        self.path, self.network = path, network
        self._database = Database(f"sqlite:///{path}")
        self._connection: Connection | None = None
        self._begin()
        for table in (_CHECKPOINT, _FAULTS, _RECORDS, _BINS, _SLOTS):
            table.create(self._open, checkfirst=True)
        self._commit()
        self._read()

    @property
    def _open(self) -> Connection:
        assert self._connection is not None, "the file is closed"
        return self._connection

    def _begin(self) -> None:
        connection = self._database.engine.connect()
        try:
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            connection.close()
            self._database.close()
            if "locked" in str(error):
                raise InUse(self.path) from error
            raise
        self._connection = connection

    def _commit(self) -> None:
        self._open.exec_driver_sql("COMMIT")
        self._open.exec_driver_sql("BEGIN IMMEDIATE")

    def _read(self) -> None:
        """Take up what the last checkpoint left."""
        self.state = BookState(self.network)
        self.state.attach(self._open)
        row = self._open.execute(select(_CHECKPOINT.c.content)).scalar_one_or_none()
        self.checkpoint = None if row is None else Checkpoint(**orjson.loads(row))
        rows = self._open.execute(select(_RECORDS)).all()
        self.records: dict[int, bytes] = {int(row.device, 16): row.digest for row in rows}
        self._saved_records = dict(self.records)
        self.faults = [
            orjson.loads(content) for content in self._open.execute(select(_FAULTS.c.content)).scalars()
        ]

    def save(self, checkpoint: Checkpoint, *, faults: Sequence[Mapping[str, Any]], bins: Counter[int]) -> None:
        """Write down, durably and all at once, what came since the last checkpoint.

        `faults` and `bins` are those since then only.
        """
        self.state.end_block(_EVERY)
        self.state.replace(self._open)
        self._open.execute(delete(_CHECKPOINT))
        self._open.execute(insert(_CHECKPOINT), [{"content": orjson.dumps(checkpoint.__dict__)}])
        if faults:
            self._open.execute(insert(_FAULTS), [{"content": orjson.dumps(fault)} for fault in faults])
        changed = self.records.items() - self._saved_records.items()
        raw: Any = self._open.connection.dbapi_connection
        raw.executemany(
            "INSERT OR REPLACE INTO record (device, digest) VALUES (?, ?)", [(f"{d:016x}", v) for d, v in changed]
        )
        raw.executemany(
            "INSERT INTO bin (number, lifts) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET lifts = lifts + excluded.lifts",
            sorted(bins.items()),
        )
        self._saved_records.update(changed)
        self._commit()
        self.checkpoint = checkpoint
        self.state.make_room()

    def roll_back(self) -> None:
        """Forget what came after the last checkpoint."""
        self._open.exec_driver_sql("ROLLBACK")
        self._open.exec_driver_sql("BEGIN IMMEDIATE")
        self._read()

    def clear(self) -> None:
        """Forget everything: the audit begins with the first block."""
        for table in (_CHECKPOINT, _FAULTS, _RECORDS, _BINS, _SLOTS):
            self._open.execute(delete(table))
        self._commit()
        self._read()

    def bins(self, since: Counter[int]) -> Iterator[tuple[int, int]]:
        """Yield each bin and its lifts in order, with those that came since the last checkpoint."""
        fresh = sorted(since.items(), reverse=True)
        for row in self._open.execute(select(_BINS).order_by(_BINS.c.number)):
            while fresh and fresh[-1][0] < row.number:
                yield fresh.pop()
            more = fresh.pop()[1] if fresh and fresh[-1][0] == row.number else 0
            yield row.number, row.lifts + more
        yield from reversed(fresh)

    def close(self) -> None:
        """Let go of the file; what came after the last checkpoint is not in it."""
        if self._connection is not None:
            self.state.attach(None)
            self._connection.exec_driver_sql("ROLLBACK")
            self._connection.close()
            self._connection = None
        self._database.close()

    def remove(self) -> None:
        """Close and delete the file."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
