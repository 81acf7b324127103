"""The recorded entries that a lot's judgement needs, from the books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from backend.domain.days import DAY_SECONDS
from backend.domain.disputes import Regulators
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.types import Outcome, device_text, flaw_of, is_code, lot_text, opener_of
from backend.store.lift_runs import find_lifts
from backend.store.reading import Reader
from backend.store.slots import regulators_kept
from backend.store.tables import (
    CustodyStep,
    KnownDevice,
    LedgerSegment,
    LotLink,
    LotRow,
    LotRun,
    PlacedBin,
    table_of,
)
from backend.usecases.judge_lot import LotRecords

_SEGMENTS, _STEPS, _LINKS = table_of(LedgerSegment), table_of(CustodyStep), table_of(LotLink)
_LOTS, _RUNS = table_of(LotRow), table_of(LotRun)
_PLACED, _DEVICES = table_of(PlacedBin), table_of(KnownDevice)

_PART = 400
"""So many values at once: databases limit how many a statement may carry."""
_NAMED = 100
_ENTRIES_A_SEGMENT = 256
_BASIS_BYTE = 7
"""Of a lift: its basis is this byte's high half."""


class JudgingReader:
    """Reads lots' records within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def records_of(self, lot: int, *, at: int) -> LotRecords | None:
        """Return what the ledger had recorded of a lot by an instant; None where there is no such lot."""
        row = self._connection.execute(select(_LOTS.c.lot).where(_LOTS.c.lot == lot_text(lot))).one_or_none()
        return None if row is None else _Gathering(self._connection, lot, at).records()


class _Gathering:
    """One lot's entries on their way out of the books."""

    def __init__(self, connection: Connection, lot: int, at: int) -> None:
        self._connection, self.lot, self.at = connection, lot, at
        self._name = lot_text(lot)
        self._segments: dict[int, tuple[Row[Any], list[bytes]]] = {}
        self._found: dict[EntryId, RecordedEntry] = {}

    def records(self) -> LotRecords:
        lots = [self._name, *Reader(self._connection).sources_of(self._name)]
        runs = self._rows(_RUNS, lambda part: _RUNS.c.lot.in_(part), lots)
        self._load(run.segment_id for run in runs)
        self._add_steps_of(lots)
        declines = self._add_declines()
        self._add_what_was_said([run for run in runs if run.lot == self._name])
        for decline in declines:
            self._add_lifts_after(decline)
        found = tuple(self._found.values())
        return LotRecords(
            lot=self.lot,
            entries=found,
            lift_bases=self._bases(runs),
            last_seqs=self._last_seqs(found),
            roles=self._roles(found),
            regulators=Regulators.of(regulators_kept(self._connection)),
            custodian_of=self._custodians({entry.fields["bin"] for entry in found if "bin" in entry.fields}),
        )

    # --- steps ---------------------------------------------------------------------------------------

    def _add_steps_of(self, lots: Sequence[str]) -> None:
        """Add the steps on these lots, those that made them, and the tickets that takes cite."""
        rows = self._rows(_STEPS, lambda part: or_(_STEPS.c.lot.in_(part), _STEPS.c.into_lot.in_(part)), lots)
        links = self._rows(_LINKS, lambda part: _LINKS.c.into_lot.in_(part), lots)
        made = {(link.device, link.seq) for link in links} - {(row.device, row.seq) for row in rows}
        steps = self._add([*rows, *self._steps_named(made)])
        takes = [step.fields for step in steps if step.entry.kind == Kind.TAKE and step.entry.is_well_formed]
        self._add(self._steps_named({(device_text(take["weigher"]), take["weigh_seq"]) for take in takes}))

    def _steps_named(self, named: Iterable[tuple[str, int]]) -> list[Row[Any]]:
        wanted = sorted(named)
        rows: list[Row[Any]] = []
        for start in range(0, len(wanted), _NAMED):
            these = [and_(_STEPS.c.device == d, _STEPS.c.seq == s) for d, s in wanted[start : start + _NAMED]]
            rows += self._connection.execute(select(_STEPS).where(or_(*these))).all()
        return rows

    def _add_declines(self) -> list[RecordedEntry]:
        """Add the refusals to collect in the opener's journal while its lifts went into this lot."""
        opener = device_text(opener_of(self.lot))
        rows = self._connection.execute(
            select(_STEPS)
            .where(
                _STEPS.c.device == opener,
                _STEPS.c.kind.in_((int(Kind.LOAD), int(Kind.DECLINE))),
                _STEPS.c.outcome == int(Outcome.APPLIED),
            )
            .order_by(_STEPS.c.seq)
        )
        declined, desk = [], ""
        for row in rows:
            if row.kind == Kind.LOAD:
                desk = row.lot
            elif desk == self._name:
                declined.append(row)
        return self._add(declined)

    # --- what was said of them -----------------------------------------------------------------------

    def _add_what_was_said(self, runs: Sequence[Row[Any]]) -> None:
        """Add entries about the lot's own entries and lifts, those lifts, and the answers to what was said."""
        own = [found for found in self._found.values() if found.fields.get("lot", self.lot) == self.lot]
        said = self._about(entry.entry_id for entry in own)
        for start in range(0, len(runs), _NAMED):
            in_runs = or_(*map(self._is_in_run, runs[start : start + _NAMED]))
            said += self._connection.execute(select(_STEPS).where(in_runs)).all()
        named = {EntryId(int(row.about_device, 16), row.about_seq) for row in said}
        for run in runs:
            self._add_lifts_of_run(run, named)
        answers = self._about(EntryId(int(row.device, 16), row.seq) for row in said)
        self._add([*said, *answers])

    def _about(self, named: Iterable[EntryId]) -> list[Row[Any]]:
        wanted = sorted(set(named))
        rows: list[Row[Any]] = []
        for start in range(0, len(wanted), _NAMED):
            these = [
                and_(_STEPS.c.about_device == device_text(device), _STEPS.c.about_seq == seq)
                for device, seq in wanted[start : start + _NAMED]
            ]
            rows += self._connection.execute(select(_STEPS).where(or_(*these))).all()
        return rows

    def _is_in_run(self, run: Row[Any]) -> Any:
        segment, _ = self._segments[run.segment_id]
        return and_(
            _STEPS.c.about_device == segment.device,
            _STEPS.c.about_seq.between(
                segment.first_seq + run.first_position, segment.first_seq + run.last_position
            ),
        )

    def _add_lifts_of_run(self, run: Row[Any], named: set[EntryId]) -> None:
        segment, _ = self._segments[run.segment_id]
        for position in range(run.first_position, run.last_position + 1):
            if EntryId(int(segment.device, 16), segment.first_seq + position) in named:
                self._keep(run.segment_id, position, segment.outcomes[position])

    # --- lifts ---------------------------------------------------------------------------------------

    def _add_lifts_after(self, decline: RecordedEntry) -> None:
        """Add the lifts of a bin that happened after its refusal; its own clock may be a day off the chain's."""
        occurred_at = decline.fields["occurred_at"]
        number = decline.fields["bin"]
        places = find_lifts(self._connection, [number])[number]
        self._load(segment_id for segment_id, _ in places)
        for segment_id, position in places:
            segment, entries = self._segments[segment_id]
            if segment.block_time < occurred_at - DAY_SECONDS:
                continue
            if read_entry(entries[position]).fields["occurred_at"] > occurred_at:
                self._keep(segment_id, position, segment.outcomes[position])

    def _bases(self, runs: Sequence[Row[Any]]) -> dict[int, frozenset[int]]:
        """Return, by lot, how the masses of its lifts were known; read from the words, as lots have thousands."""
        bases: dict[int, set[int]] = {}
        for run in runs:
            segment, entries = self._segments[run.segment_id]
            if segment.block_time > self.at:
                continue
            here = bases.setdefault(int(run.lot, 16), set())
            for position in range(run.first_position, run.last_position + 1):
                if segment.outcomes[position] & 0xF == Outcome.APPLIED:
                    here.add(entries[position][_BASIS_BYTE] >> 4)
        return {lot: frozenset(found) for lot, found in bases.items()}

    # --- devices and bins ----------------------------------------------------------------------------

    def _last_seqs(self, entries: Iterable[RecordedEntry]) -> dict[int, int]:
        weighers = {device_text(entry.fields["weigher"]) for entry in entries if entry.fields.get("weigher")}
        rows = self._connection.execute(
            select(_SEGMENTS.c.device, func.max(_SEGMENTS.c.last_seq).label("last_seq"))
            .where(_SEGMENTS.c.device.in_(sorted(weighers)), _SEGMENTS.c.block_time <= self.at)
            .group_by(_SEGMENTS.c.device)
        )
        return {int(row.device, 16): row.last_seq for row in rows}

    def _roles(self, entries: Iterable[RecordedEntry]) -> dict[int, int]:
        devices = sorted({device_text(entry.device) for entry in entries})
        rows = self._rows(_DEVICES, lambda part: _DEVICES.c.device.in_(part), devices)
        return {int(row.device, 16): row.role for row in rows}

    def _custodians(self, bins: Iterable[int]) -> dict[int, int]:
        rows = self._rows(_PLACED, lambda part: _PLACED.c.number.in_(part), sorted(bins))
        return {row.number: int(row.site[:6], 16) for row in sorted(rows, key=lambda row: row.placed_from)}

    # --- rows to entries -----------------------------------------------------------------------------

    def _rows(self, table: Any, where: Any, values: Sequence[Any]) -> list[Row[Any]]:
        rows: list[Row[Any]] = []
        for start in range(0, len(values), _PART):
            rows += self._connection.execute(select(table).where(where(values[start : start + _PART]))).all()
        return rows

    def _load(self, segment_ids: Iterable[int]) -> None:
        wanted = sorted(set(segment_ids) - set(self._segments))
        for row in self._rows(_SEGMENTS, lambda part: _SEGMENTS.c.id.in_(part), wanted):
            self._segments[row.id] = row, split_entries(row.words)

    def _add(self, rows: Sequence[Row[Any]]) -> list[RecordedEntry]:
        """Keep the entries of these steps, each with the ledger's answer as it was known at the instant."""
        self._load(row.segment_id for row in rows)
        added = []
        for row in rows:
            position = row.seq - self._segments[row.segment_id][0].first_seq
            is_settled_later = row.settled_at is not None and row.settled_at > self.at
            byte = row.recorded_outcome if is_settled_later else row.flaw << 4 | row.outcome
            added.append(self._keep(row.segment_id, position, byte))
        return added

    def _keep(self, segment_id: int, position: int, byte: int) -> RecordedEntry:
        segment, entries = self._segments[segment_id]
        entry_id = EntryId(int(segment.device, 16), segment.first_seq + position)
        kept = self._found[entry_id] = RecordedEntry(
            entry_id,
            read_entry(entries[position]),
            # A lying node may have said what no ledger says.
            Outcome(byte & 0xF) if is_code(Outcome, byte & 0xF) else Outcome.UNKNOWN,
            segment.block_time,
            segment_id * _ENTRIES_A_SEGMENT + position,
            flaw_of(byte),
        )
        return kept
