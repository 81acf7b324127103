"""What was handed in: segments, the devices they come from, their evidence, and enrolment codes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Connection, Row, Text, any_, bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from backend.domain.custody_state import Gap
from backend.domain.journal import Segment, split_entries
from backend.domain.types import bin_text, device_text, organisation_of, organisation_text
from backend.store.bulk import insert_rows
from backend.store.lot_streams import LotStreams, last_load
from backend.store.tables import AcceptedSegment, BinLabel, Evidence, Slot, table_of
from backend.store.tables import KnownDevice as KnownDeviceRow
from backend.usecases.ports import Accepted, KnownDevice, KnownJournal

_SEGMENTS = table_of(AcceptedSegment)
_DEVICES = table_of(KnownDeviceRow)
_BINS = table_of(BinLabel)
_EVIDENCE = table_of(Evidence)
_SLOTS = table_of(Slot)

_JOURNALS_HELD_ONE_BY_ONE = 200
_SEGMENTS_LOOKED_AT_ONCE = 16
_LOT_STREAMS = LotStreams(heads_max=20_000)

# Every upload asks these two, so they are put together once: that takes longer than the answer.
_NEWEST = _SEGMENTS.alias("newest")
# For each device one step into an index, however long its journal is.
_JOURNALS_OF = (
    select(_DEVICES, _SEGMENTS.c.last_seq, _SEGMENTS.c.head)
    .select_from(_DEVICES)
    .outerjoin(
        _SEGMENTS,
        (_SEGMENTS.c.device == _DEVICES.c.device)
        & (
            _SEGMENTS.c.first_seq
            == select(func.max(_NEWEST.c.first_seq)).where(_NEWEST.c.device == _DEVICES.c.device).scalar_subquery()
        ),
    )
    .where(_DEVICES.c.device.in_(bindparam("devices", expanding=True)))
)
_NAMED = func.json_each(bindparam("bins")).table_valued("value")
# A list is one value: a statement with thousands of names in it is written anew each time.
_STREAMS_SQLITE = select(_BINS.c.number, _BINS.c.stream).join_from(_NAMED, _BINS, _BINS.c.number == _NAMED.c.value)
_STREAMS_POSTGRESQL = select(_BINS.c.number, _BINS.c.stream).where(
    _BINS.c.number == any_(bindparam("bins", type_=ARRAY(Text)))
)


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
        self._lock(device)

    def _lock(self, device: int) -> None:
        if self._connection.dialect.name != "sqlite":
            signed = device - (1 << 64) if device >> 63 else device
            self._connection.execute(select(func.pg_advisory_xact_lock(literal(signed, BigInteger))))

    def hold_journals(self, devices: Collection[int]) -> None:
        """Let nobody else write to these journals until the transaction ends.

        PostgreSQL keeps each advisory lock in memory of fixed size, so for many journals it holds them all.
        """
        if len(devices) <= _JOURNALS_HELD_ONE_BY_ONE:
            for device in sorted(devices):
                self._lock(device)
        elif self._connection.dialect.name != "sqlite":
            self._connection.exec_driver_sql("LOCK TABLE accepted_segment IN SHARE ROW EXCLUSIVE MODE")

    def find_device(self, device: int) -> KnownDevice | None:
        """Return a device whose enrolment has been seen."""
        row = self._connection.execute(
            select(_DEVICES).where(_DEVICES.c.device == device_text(device))
        ).one_or_none()
        return None if row is None else _known_device(row)

    def find_journals(self, devices: Collection[int]) -> Mapping[int, KnownJournal]:
        """Return the journals of those of these devices whose enrolment has been seen."""
        found: dict[int, KnownJournal] = {}
        for some in _parts([device_text(device) for device in devices]):
            for row in self._connection.execute(_JOURNALS_OF, {"devices": some}):
                device = _known_device(row)
                end = None if row.last_seq is None else (row.last_seq, row.head)
                found[device.device] = KnownJournal(device, end)
        return found

    def find_end(self, device: int) -> tuple[int, bytes] | None:
        """Return (last seq, head) of what is kept of a journal."""
        row = self._connection.execute(
            select(_SEGMENTS.c.last_seq, _SEGMENTS.c.head)
            .where(_SEGMENTS.c.device == device_text(device))
            .order_by(_SEGMENTS.c.first_seq.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else (row.last_seq, row.head)

    def find_ends(self, devices: Iterable[int]) -> dict[int, tuple[int, bytes]]:
        """Return (last seq, head) of what is kept, for those of these journals of which anything is."""
        newest = _SEGMENTS.alias("newest")
        ends: dict[int, tuple[int, bytes]] = {}
        for some in _parts([device_text(device) for device in devices]):
            last = (
                select(newest.c.device, func.max(newest.c.first_seq).label("first_seq"))
                .where(newest.c.device.in_(some))
                .group_by(newest.c.device)
                .subquery()
            )
            rows = self._connection.execute(
                select(_SEGMENTS.c.device, _SEGMENTS.c.last_seq, _SEGMENTS.c.head).join(
                    last, (last.c.device == _SEGMENTS.c.device) & (last.c.first_seq == _SEGMENTS.c.first_seq)
                )
            )
            ends.update((int(row.device, 16), (row.last_seq, row.head)) for row in rows)
        return ends

    def find_open_gap(self, device: int, now: int) -> Gap | None:
        """Return the gap in a journal that was announced on the ledger and may be passed by now."""
        gap = read_gap(self._connection, device)
        return gap if gap is not None and gap.opens_at <= now else None

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

    def find_lot_stream(self, device: int, *, before_seq: int, head: bytes) -> int | None:
        """Return the stream of the lot open before this entry; `head` is the journal's head there."""
        if head not in _LOT_STREAMS:
            _LOT_STREAMS.put(head, self._look_back(device, before_seq) if before_seq > 1 else None)
        return _LOT_STREAMS.get(head)

    def remember_lot(self, accepted: Accepted) -> None:
        """Remember which lot is open after a segment, if that was known before it."""
        stream = last_load(accepted.segment.words)
        if stream is not None:
            _LOT_STREAMS.put(accepted.head, stream)
        elif accepted.prev_head in _LOT_STREAMS:
            _LOT_STREAMS.put(accepted.head, _LOT_STREAMS.get(accepted.prev_head))

    def _look_back(self, device: int, before_seq: int) -> int | None:
        """Return the stream of the last load before this entry, a few segments at a time."""
        while before_seq > 1:
            rows = self._connection.execute(
                select(_SEGMENTS.c.first_seq, _SEGMENTS.c.words)
                .where(_SEGMENTS.c.device == device_text(device), _SEGMENTS.c.first_seq < before_seq)
                .order_by(_SEGMENTS.c.first_seq.desc())
                .limit(_SEGMENTS_LOOKED_AT_ONCE)
            ).all()
            for row in rows:
                entries = split_entries(row.words)[: before_seq - row.first_seq]
                stream = last_load(b"".join(entries))
                if stream is not None:
                    return stream
                before_seq = row.first_seq
            if len(rows) < _SEGMENTS_LOOKED_AT_ONCE:
                break
        return None

    def keep(self, accepted: Accepted) -> None:
        """Keep a segment and queue it for the chain."""
        self.keep_all([accepted])
        self.remember_lot(accepted)

    def keep_all(self, segments: Sequence[Accepted]) -> None:
        """Keep segments in this order and queue them for the chain."""
        if segments:
            self._connection.execute(insert(_SEGMENTS), [_row(accepted) for accepted in segments])

    def keep_recorded(self, segments: Sequence[Accepted]) -> None:
        """Keep segments that the ledger has recorded already, whoever relayed them."""
        rows = [{**_row(accepted), "state": "recorded"} for accepted in segments]
        if rows:
            columns = list(rows[0])
            insert_rows(self._connection, _SEGMENTS, [tuple(row.values()) for row in rows], columns=columns)

    def mark_recorded(self, last_seqs: Mapping[int, int]) -> None:
        """Note that the ledger holds these journals up to these seqs."""
        waiting = [
            int(device, 16)
            for some in _parts([device_text(device) for device in last_seqs])
            for device in self._connection.execute(
                select(_SEGMENTS.c.device)
                .where(_SEGMENTS.c.state != "recorded", _SEGMENTS.c.device.in_(some))
                .distinct()
            ).scalars()
        ]
        for device in waiting:
            self._connection.execute(
                update(_SEGMENTS)
                .where(
                    _SEGMENTS.c.device == device_text(device),
                    _SEGMENTS.c.last_seq <= last_seqs[device],
                    _SEGMENTS.c.state != "recorded",
                )
                .values(state="recorded")
            )

    def keep_evidence(self, device: int, seq: int, salt: bytes, document: str) -> None:
        """Keep the document behind an entry's digest."""
        upsert(
            self._connection,
            _EVIDENCE,
            [{"device": device_text(device), "seq": seq, "salt": salt, "document": document}],
        )

    def know_device(self, device: KnownDevice) -> None:
        """Remember a device that a registrar enrolled, or that the city named as a root registrar."""
        self.know_devices([device])

    def know_devices(self, devices: Iterable[KnownDevice]) -> None:
        """Remember many devices at once; each is named once."""
        upsert(self._connection, _DEVICES, [_device_row(device) for device in devices])

    def forget_trust(self, device: int) -> None:
        """Remember that a device was revoked."""
        self._connection.execute(
            update(_DEVICES).where(_DEVICES.c.device == device_text(device)).values(is_revoked=True)
        )

    def end_device(self, device: int, not_after: int) -> None:
        """Remember until when a device counts that another has replaced."""
        self._connection.execute(
            update(_DEVICES).where(_DEVICES.c.device == device_text(device)).values(not_after=not_after)
        )

    def find_streams(self, bins: Collection[int]) -> dict[int, int]:
        """Return the stream of each of these bins that exists."""
        texts = sorted(map(bin_text, bins))
        if self._connection.dialect.name == "sqlite":
            rows = self._connection.execute(_STREAMS_SQLITE, {"bins": orjson.dumps(texts).decode()}).all()
        else:
            rows = self._connection.execute(_STREAMS_POSTGRESQL, {"bins": texts}).all()
        return {int(text, 16): stream for text, stream in rows}


def read_gap(connection: Connection, device: int) -> Gap | None:
    """Return the gap that the books know to be announced in a journal."""
    raw = connection.execute(
        select(_SLOTS.c.value)
        .where(_SLOTS.c.name == "gap", _SLOTS.c.key == f"{device:x}")
        .order_by(_SLOTS.c.block_number.desc())
        .limit(1)
    ).scalar_one_or_none()
    if raw is None:
        return None
    to_seq, opens_at, head = orjson.loads(raw)
    return Gap(int(to_seq, 16), int(opens_at, 16), bytes.fromhex(head))


def _parts(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut a long list into parts that a statement can name."""
    return (texts[start : start + 500] for start in range(0, len(texts), 500))


def _known_device(row: Row[Any]) -> KnownDevice:
    return KnownDevice(
        int(row.device, 16),
        int(row.key_hash, 16),
        row.role,
        row.not_after,
        row.is_revoked,
        None if row.registrar is None else int(row.registrar, 16),
        row.enrolled_seq,
        None if row.origin is None else int(row.origin, 16),
    )


def _device_row(device: KnownDevice) -> dict[str, Any]:
    return {
        "device": device_text(device.device),
        "organisation": organisation_text(organisation_of(device.device)),
        "key_hash": f"{device.key_hash:040x}",
        "role": int(device.role),
        "not_after": device.not_after,
        "is_revoked": device.is_revoked,
        "registrar": None if device.registrar is None else device_text(device.registrar),
        "enrolled_seq": device.enrolled_seq,
        "origin": None if device.origin is None else f"{device.origin:016x}",
    }


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
        "assertion": segment.assertion,
        "received_at": accepted.received_at,
        "state": "queued",
        "attempts": 0,
    }


def _accepted(row: Row[Any]) -> Accepted:
    x, y, r, s = (int.from_bytes(value, "big") for value in (row.x, row.y, row.r, row.s))
    segment = Segment(int(row.device, 16), row.first_seq, row.words, x, y, r, s, row.assertion)
    return Accepted(row.receipt_id, segment, row.last_seq, row.prev_head, row.head, row.received_at)
