"""Entries, whether handed in or recorded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from backend.domain.journal import next_head, read_entry, split_entries
from backend.domain.layout import Kind
from backend.store.reading.names import NameReading
from backend.store.recorded_entries import EntryPlace, EntryReader
from backend.store.slots import pruned_to
from backend.store.tables import (
    AcceptedSegment,
    Block,
    CustodyStep,
    LedgerSegment,
    table_of,
)
from backend.usecases.views import EntryView

_SEGMENTS = table_of(LedgerSegment)
_ACCEPTED = table_of(AcceptedSegment)
_BLOCKS = table_of(Block)
_STEPS = table_of(CustodyStep)


class EntryReading(NameReading):
    """Reads single entries."""

    def head_number(self) -> int:
        """Return the number of the newest block in the books."""
        if self._head is None:
            self._head = self._connection.execute(select(func.max(_BLOCKS.c.number))).scalar_one() or 0
        return self._head

    def final_to(self) -> int:
        """Return the number of the newest block that can no longer change, as the watcher found it."""
        if self._final_to is None:
            self._final_to = pruned_to(self._connection)
        return self._final_to

    def find_entry(self, device: str, seq: int) -> EntryView | None:
        """Return an entry that was handed in or recorded."""
        row = self._segment_with(device, seq)
        if row is not None:
            return self._recorded_entry(row, seq - row.first_seq)
        row = self._connection.execute(
            select(_ACCEPTED).where(
                _ACCEPTED.c.device == device, _ACCEPTED.c.first_seq <= seq, _ACCEPTED.c.last_seq >= seq
            )
        ).one_or_none()
        return None if row is None else self._queued_entry(row, seq - row.first_seq)

    def _queued_entry(self, row: Row[Any], position: int) -> EntryView:
        entry = read_entry(split_entries(row.words)[position])
        return EntryView(
            device=row.device,
            seq=row.first_seq + position,
            kind=entry.kind,
            kind_name=Kind(entry.kind).name.lower() if entry.is_well_formed else "unknown",
            fields=entry.fields,
            organisation=self.organisation(row.device[:6]),
            occurred_at=entry.fields["occurred_at"],
            segment_first_seq=row.first_seq,
            segment_last_seq=row.last_seq,
            state=row.state,
            received_at=row.received_at,
            recorded_at=None,
            outcome=None,
            flaw=0,
            tx_hash=None,
            block_number=None,
            block_hash=None,
            blocks_to_final=None,
        )

    def _recorded_entry(self, row: Row[Any], position: int) -> EntryView:
        step = self._connection.execute(
            select(_STEPS.c.outcome, _STEPS.c.flaw).where(
                _STEPS.c.device == row.device, _STEPS.c.seq == row.first_seq + position
            )
        ).one_or_none()
        answer = None if step is None else (step.outcome, step.flaw)
        return self._entries().views([EntryPlace(row.id, position, answer=answer)])[0]

    def _segment_with(self, device: str, seq: int) -> Row[Any] | None:
        """Return the recorded segment that holds an entry: the last to begin at or before it."""
        row = self._connection.execute(
            select(_SEGMENTS)
            .where(_SEGMENTS.c.device == device, _SEGMENTS.c.first_seq <= seq)
            .order_by(_SEGMENTS.c.first_seq.desc())
            .limit(1)
        ).one_or_none()
        return row if row is not None and row.last_seq >= seq else None

    def head_after(self, device: str, seq: int) -> bytes:
        """Return the journal's head after an entry that was recorded."""
        row = self._segment_with(device, seq)
        assert row is not None, "only of entries that were recorded"
        head: bytes = row.prev_head
        for entry in split_entries(row.words)[: seq - row.first_seq + 1]:
            head = next_head(head, entry)
        return head

    def _entries(self) -> EntryReader:
        return EntryReader(
            self._connection,
            organisation=self.organisation,
            final_to=self.final_to(),
        )
