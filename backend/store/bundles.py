"""What the books and the intake hold of an entry, for its evidence bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain.bundle import Certificate
from backend.domain.seal import key_hash
from backend.store.intake import IntakeStore
from backend.store.tables import LedgerSegment, table_of
from backend.usecases.prove_entry import Evidence, RecordPlace, certificate_from, key_of

_SEGMENTS = table_of(LedgerSegment)


class NotRecordedYet(Exception):
    """The entry was handed in, but the ledger does not hold it yet."""


def find_evidence(connection: Connection, *, device: str, seq: int) -> Evidence | None:
    """Return what is held of an entry, or None where there is no such entry.

    Raises:
        NotRecordedYet: it waits for the chain.
    """
    row = connection.execute(
        select(_SEGMENTS).where(
            _SEGMENTS.c.device == device, _SEGMENTS.c.first_seq <= seq, _SEGMENTS.c.last_seq >= seq
        )
    ).one_or_none()
    if row is None:
        if IntakeStore(connection).find_covering(int(device, 16), seq, seq):
            raise NotRecordedYet(f"Entry {seq} of device {device} waits for the chain.")
        return None
    return _evidence(connection, row, seq)


def find_segments(connection: Connection, runs: Iterable[tuple[str, int, int]]) -> list[Evidence]:
    """Return what is held of each recorded segment with any of these (device, from seq, to seq)."""
    found: dict[int, Evidence] = {}
    for device, from_seq, to_seq in runs:
        rows = connection.execute(
            select(_SEGMENTS)
            .where(_SEGMENTS.c.device == device, _SEGMENTS.c.first_seq <= to_seq, _SEGMENTS.c.last_seq >= from_seq)
            .order_by(_SEGMENTS.c.first_seq)
        )
        for row in rows:
            if row.id not in found:
                found[row.id] = _evidence(connection, row, row.first_seq)
    return list(found.values())


def find_segments_of_day(
    connection: Connection, *, from_time: int, to_time: int, has: Callable[[bytes], bool]
) -> list[Evidence]:
    """Return what is held of the segments in blocks of this time whose words `has` wants."""
    rows = connection.execute(
        select(_SEGMENTS)
        .where(_SEGMENTS.c.block_time >= from_time, _SEGMENTS.c.block_time < to_time)
        .order_by(_SEGMENTS.c.id)
    )
    return [_evidence(connection, row, row.first_seq) for row in rows.all() if has(row.words)]


def _evidence(connection: Connection, row: Row[Any], seq: int) -> Evidence:
    certificates = tuple(_certificates(connection, int(row.device, 16)))
    if certificates:
        root, root_key = certificates[-1].segment.device, key_of(certificates[-1])
    else:
        x, y = (int.from_bytes(row.seal[at : at + 32], "big") for at in (0, 32))
        root, root_key = int(row.device, 16), key_hash(x, y)
    return Evidence(
        int(row.device, 16),
        seq,
        row.first_seq,
        row.words,
        row.prev_head,
        RecordPlace(row.block_hash, row.log_index),
        certificates,
        root,
        root_key,
        row.outcomes,
    )


def _certificates(connection: Connection, device: int) -> list[Certificate]:
    """Return the certificates from a device up to its organisation's root registrar."""
    intake = IntakeStore(connection)
    found: list[Certificate] = []
    known = intake.find_device(device)
    while known is not None and known.registrar is not None and known.enrolled_seq is not None:
        covering = intake.find_covering(known.registrar, known.enrolled_seq, known.enrolled_seq)
        if not covering:
            break
        whole = Certificate(covering[0].segment, covering[0].prev_head)
        found.append(certificate_from(whole, known.enrolled_seq))
        known = intake.find_device(known.registrar)
    return found
