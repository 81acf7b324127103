"""Digests that devices sealed in `anchor` entries and that the ledger applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.types import Outcome
from backend.store.tables import CustodyStep, LedgerSegment, table_of

_STEPS, _SEGMENTS = table_of(CustodyStep), table_of(LedgerSegment)


@dataclass(frozen=True)
class RecordedAnchor:
    """An applied anchor entry, and the block that holds it."""

    device: str
    seq: int
    schema: int
    subject: int
    digest: bytes
    block_number: int
    block_time: int
    tx_hash: str


def recorded_anchors(
    connection: Connection, *, schema: int, subject: int, first_segment: int = 0
) -> Iterator[RecordedAnchor]:
    """Yield the anchors about a subject, in the ledger's order, beginning with a segment's id."""
    rows = connection.execute(
        select(_STEPS.c.seq, _SEGMENTS)
        .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
        .where(
            _STEPS.c.kind == int(Kind.ANCHOR),
            _STEPS.c.outcome == int(Outcome.APPLIED),
            _STEPS.c.segment_id >= first_segment,
        )
        .order_by(_STEPS.c.segment_id, _STEPS.c.seq)
    )
    for row in rows:
        fields = read_entry(split_entries(row.words)[row.seq - row.first_seq]).fields
        if (fields["schema"], fields["subject"]) == (schema, subject):
            yield RecordedAnchor(
                row.device,
                row.seq,
                schema,
                subject,
                fields["digest"].to_bytes(32, "big"),
                row.block_number,
                row.block_time,
                row.tx_hash,
            )
