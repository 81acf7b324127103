"""What was handed in: segments, the devices they come from, their evidence, and enrolment codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from backend.domain.journal import Segment, read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.types import bin_text, device_text, organisation_of, organisation_text
from backend.store.tables import AcceptedSegment, BinLabel, Evidence, table_of
from backend.store.tables import KnownDevice as KnownDeviceRow
from backend.usecases.ports import Accepted, KnownBin, KnownDevice

_SEGMENTS = table_of(AcceptedSegment)
_DEVICES = table_of(KnownDeviceRow)
_BINS = table_of(BinLabel)
_EVIDENCE = table_of(Evidence)


def upsert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; where the primary key is there already, the new values stand."""
    if not rows:
        return
    make = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    statement = make(table)
    keys = [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    statement = (
        statement.on_conflict_do_update(index_elements=keys, set_=rest)
        if rest
        else statement.on_conflict_do_nothing(index_elements=keys)
    )
    connection.execute(statement, list(rows))


class IntakeStore:
    """The intake within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold_journal(self, device: int) -> None:
        """Let nobody else write to this journal until the transaction ends; SQLite has one writer anyway."""
        if self._connection.dialect.name != "sqlite":
            signed = device - (1 << 64) if device >> 63 else device
            self._connection.execute(select(func.pg_advisory_xact_lock(literal(signed, BigInteger))))

    def find_device(self, device: int) -> KnownDevice | None:
        """Return a device whose enrolment has been seen."""
        row = self._connection.execute(
            select(_DEVICES).where(_DEVICES.c.device == device_text(device))
        ).one_or_none()
        if row is None:
            return None
        return KnownDevice(
            device,
            int(row.key_hash, 16),
            row.role,
            row.not_after,
            row.is_revoked,
            None if row.registrar is None else int(row.registrar, 16),
            row.enrolled_seq,
        )

    def find_end(self, device: int) -> tuple[int, bytes] | None:
        """Return (last seq, head) of what is kept of a journal."""
        row = self._connection.execute(
            select(_SEGMENTS.c.last_seq, _SEGMENTS.c.head)
            .where(_SEGMENTS.c.device == device_text(device))
            .order_by(_SEGMENTS.c.first_seq.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else (row.last_seq, row.head)

    def find_covering(self, device: int, from_seq: int, to_seq: int) -> Sequence[Accepted]:
        """Return the kept segments that hold any of these entries, oldest first."""
        rows = self._connection.execute(
            select(_SEGMENTS)
            .where(
                _SEGMENTS.c.device == device_text(device),
                _SEGMENTS.c.first_seq <= to_seq,
                _SEGMENTS.c.last_seq >= from_seq,
            )
            .order_by(_SEGMENTS.c.first_seq)
        )
        return [_accepted(row) for row in rows]

    def find_current_lot_stream(self, device: int) -> int | None:
        """Return the stream of the journal's newest load, looking back over its kept segments."""
        rows = self._connection.execute(
            select(_SEGMENTS.c.words)
            .where(_SEGMENTS.c.device == device_text(device))
            .order_by(_SEGMENTS.c.first_seq.desc())
        )
        for row in rows:
            for words in reversed(split_entries(row.words)):
                if words[0] == Kind.LOAD:
                    return read_entry(words).fields.get("stream")
        return None

    def keep(self, accepted: Accepted) -> None:
        """Keep a segment and queue it for the chain."""
        self.keep_all([accepted])

    def keep_all(self, segments: Sequence[Accepted]) -> None:
        """Keep segments in this order and queue them for the chain."""
        if segments:
            self._connection.execute(insert(_SEGMENTS), [_row(accepted) for accepted in segments])

    def keep_evidence(self, device: int, seq: int, salt: bytes, document: str) -> None:
        """Keep the document behind an entry's digest."""
        upsert(
            self._connection,
            _EVIDENCE,
            [{"device": device_text(device), "seq": seq, "salt": salt, "document": document}],
        )

    def know_device(self, device: KnownDevice) -> None:
        """Remember a device that a registrar enrolled, or that the city named as a root registrar."""
        row = {
            "device": device_text(device.device),
            "organisation": organisation_text(organisation_of(device.device)),
            "key_hash": f"{device.key_hash:040x}",
            "role": int(device.role),
            "not_after": device.not_after,
            "is_revoked": device.is_revoked,
            "registrar": None if device.registrar is None else device_text(device.registrar),
            "enrolled_seq": device.enrolled_seq,
        }
        upsert(self._connection, _DEVICES, [row])

    def forget_trust(self, device: int) -> None:
        """Remember that a device was revoked."""
        self._connection.execute(
            update(_DEVICES).where(_DEVICES.c.device == device_text(device)).values(is_revoked=True)
        )

    def find_bins(self, numbers: Iterable[int]) -> dict[int, KnownBin]:
        """Return the bins of these numbers that exist."""
        texts = sorted({bin_text(number) for number in numbers})
        found: dict[int, KnownBin] = {}
        for start in range(0, len(texts), 500):
            rows = self._connection.execute(select(_BINS).where(_BINS.c.number.in_(texts[start : start + 500])))
            for row in rows:
                number = int(row.number, 16)
                found[number] = KnownBin(number, row.stream, int(row.site, 16), row.placed_from)
        return found


def _row(accepted: Accepted) -> dict[str, Any]:
    segment = accepted.segment
    return {
        "receipt_id": accepted.receipt_id,
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "last_seq": accepted.last_seq,
        "words": segment.words,
        "prev_head": accepted.prev_head,
        "head": accepted.head,
        **{name: getattr(segment, name).to_bytes(32, "big") for name in "xyrs"},
        "received_at": accepted.received_at,
        "state": "queued",
        "attempts": 0,
    }


def _accepted(row: Row[Any]) -> Accepted:
    x, y, r, s = (int.from_bytes(value, "big") for value in (row.x, row.y, row.r, row.s))
    segment = Segment(int(row.device, 16), row.first_seq, row.words, x, y, r, s)
    return Accepted(row.receipt_id, segment, row.last_seq, row.prev_head, row.head, row.received_at)
