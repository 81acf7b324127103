"""The recorded entries that a fact's and a lot's cases follow from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from backend.domain.case_facts import FactRecords
from backend.domain.case_lots import LotSteps, WeighedHandoff
from backend.domain.disputes import Regulators
from backend.domain.facts import Effective
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.mass_flows import Flow
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.tolerances import NoToleranceInForce, ToleranceRule, judge
from backend.domain.types import AmendedField, Outcome, device_text, flaw_of, is_code, lot_text
from backend.store.judging import JudgingReader
from backend.store.slots import regulators_kept
from backend.store.tables import CustodyStep, KnownDevice, LedgerSegment, LotRow, MassMove, PlacedBin, table_of
from backend.usecases.judge_lot import JudgedHandoff, LotJudgement, judge_lot

_SEGMENTS, _STEPS, _LOTS = table_of(LedgerSegment), table_of(CustodyStep), table_of(LotRow)
_DEVICES, _PLACED, _MOVES = table_of(KnownDevice), table_of(PlacedBin), table_of(MassMove)
_AT_ONCE = 100
_ENTRIES_A_SEGMENT = 256


class CaseRecords:
    """Reads within one transaction; a segment's words are taken apart once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._segments: dict[int, tuple[Row[Any], list[bytes]]] = {}
        self._regulators = Regulators.of(regulators_kept(connection))

    def find_fact(self, fact: EntryId) -> FactRecords | None:
        """Return a fact with everything said of it; None where no such entry is recorded."""
        recorded = self.find_entry(fact)
        if recorded is None:
            return None
        row = self._step(fact)
        said = self.said_of([fact])
        devices = {entry.device for entry in (recorded, *said)}
        number = recorded.fields.get("bin")
        return FactRecords(
            recorded,
            said,
            self._roles(devices),
            self._regulators,
            None if number is None else self._custodian(number),
            None if row is None else row.settled_at,
        )

    def said_of(self, facts: Iterable[EntryId]) -> list[RecordedEntry]:
        """Return the entries about these facts, and the answers to what they propose or dispute."""
        said = self._about(facts)
        opened = [entry.entry_id for entry in said if entry.entry.kind in (Kind.AMEND, Kind.DISPUTE)]
        return [*said, *self._about(opened)]

    def find_entry(self, entry_id: EntryId) -> RecordedEntry | None:
        """Return one recorded entry with the ledger's answer as it stands."""
        row = self._step(entry_id)
        if row is not None:
            return self._of_step(row)
        segment = self._connection.execute(
            select(_SEGMENTS)
            .where(_SEGMENTS.c.device == device_text(entry_id.device), _SEGMENTS.c.first_seq <= entry_id.seq)
            .order_by(_SEGMENTS.c.first_seq.desc())
            .limit(1)
        ).one_or_none()
        if segment is None or segment.last_seq < entry_id.seq:
            return None
        self._segments.setdefault(segment.id, (segment, split_entries(segment.words)))
        position = entry_id.seq - segment.first_seq
        return self._recorded(segment.id, position, segment.outcomes[position])

    def way_of(self, lot: str) -> LotSteps:
        """Return a lot's own steps, and the grams that are left of it."""
        rows = self._connection.execute(select(_STEPS).where(_STEPS.c.lot == lot)).all()
        steps = sorted((self._of_step(row) for row in rows), key=lambda step: step.order)
        settled = {EntryId(int(row.device, 16), row.seq): row.settled_at for row in rows if row.settled_at}
        grams = self._connection.execute(select(_LOTS.c.grams).where(_LOTS.c.lot == lot)).scalar_one_or_none()
        return LotSteps(int(lot, 16), grams or 0, steps, settled)

    # --- masses --------------------------------------------------------------------------------------

    def weighed_handoffs(
        self, way: LotSteps, rules: Sequence[ToleranceRule], *, now: int
    ) -> list[tuple[WeighedHandoff, ToleranceRule]]:
        """Return the handoffs of a lot whose signed masses a rule calls too far apart; judged where one may."""
        if not self._may_be_beyond(lot_text(way.lot), rules):
            return []
        judgement = judge_lot(way.lot, reader=JudgingReader(self._connection), rules=rules, at=now)
        if judgement is None:
            return []
        takes = {step.entry_id: step for step in way.steps if step.entry.kind == Kind.TAKE}
        found = []
        for handoff in judgement.handoffs:
            take = None if handoff.take is None else takes.get(handoff.take.entry_id)
            if take is None or take.fields["into"] or handoff.stream is None:
                continue
            weighed = _weighed(handoff, take, judgement, rules)
            if weighed is not None and not weighed[0].signed.is_within:
                found.append(weighed)
        return found

    def _may_be_beyond(self, lot: str, rules: Sequence[ToleranceRule]) -> bool:
        rows = self._connection.execute(
            select(_MOVES.c.grams, _MOVES.c.given).where(
                _MOVES.c.lot == lot, _MOVES.c.flow == int(Flow.TAKEN), _MOVES.c.given_basis != 0
            )
        )
        floor = min(rule.floor_grams for rule in rules)
        permille = min(rule.permille_max for rule in rules)
        sizes = [(abs(row.grams - row.given), row.given) for row in rows]
        return any(size > floor and size * 1000 > permille * given for size, given in sizes)

    # --- rows to entries -----------------------------------------------------------------------------

    def _about(self, named: Iterable[EntryId]) -> list[RecordedEntry]:
        wanted = sorted(set(named))
        rows: list[Row[Any]] = []
        for start in range(0, len(wanted), _AT_ONCE):
            these = [
                and_(_STEPS.c.about_device == device_text(device), _STEPS.c.about_seq == seq)
                for device, seq in wanted[start : start + _AT_ONCE]
            ]
            rows += self._connection.execute(select(_STEPS).where(or_(*these))).all()
        return [self._of_step(row) for row in rows]

    def _step(self, entry_id: EntryId) -> Row[Any] | None:
        return self._connection.execute(
            select(_STEPS).where(_STEPS.c.device == device_text(entry_id.device), _STEPS.c.seq == entry_id.seq)
        ).one_or_none()

    def _of_step(self, row: Row[Any]) -> RecordedEntry:
        segment, _ = self._segment(row.segment_id)
        return self._recorded(row.segment_id, row.seq - segment.first_seq, row.flaw << 4 | row.outcome)

    def _segment(self, segment_id: int) -> tuple[Row[Any], list[bytes]]:
        known = self._segments.get(segment_id)
        if known is None:
            row = self._connection.execute(select(_SEGMENTS).where(_SEGMENTS.c.id == segment_id)).one()
            known = self._segments[segment_id] = row, split_entries(row.words)
        return known

    def _recorded(self, segment_id: int, position: int, byte: int) -> RecordedEntry:
        segment, entries = self._segment(segment_id)
        return RecordedEntry(
            EntryId(int(segment.device, 16), segment.first_seq + position),
            read_entry(entries[position]),
            # A lying node may have said what no ledger says.
            Outcome(byte & 0xF) if is_code(Outcome, byte & 0xF) else Outcome.UNKNOWN,
            segment.block_time,
            segment_id * _ENTRIES_A_SEGMENT + position,
            flaw_of(byte),
        )

    def _roles(self, devices: Iterable[int]) -> dict[int, int]:
        wanted = sorted(device_text(device) for device in devices)
        rows = self._connection.execute(
            select(_DEVICES.c.device, _DEVICES.c.role).where(_DEVICES.c.device.in_(wanted))
        )
        return {int(row.device, 16): row.role for row in rows}

    def _custodian(self, number: int) -> int | None:
        rows = self._connection.execute(
            select(_PLACED.c.site)
            .where(_PLACED.c.number == number)
            .order_by(_PLACED.c.placed_from.desc())
            .limit(1)
        )
        site = rows.scalar_one_or_none()
        return None if site is None else int(site[:6], 16)


def evidence_of(finding: Row[Any]) -> list[EntryId]:
    """Return the entries that a finding's row names."""
    return [EntryId(int(device, 16), seq) for device, seq in json.loads(finding.evidence)]


def _weighed(
    handoff: JudgedHandoff, take: RecordedEntry, judgement: LotJudgement, rules: Sequence[ToleranceRule]
) -> tuple[WeighedHandoff, ToleranceRule] | None:
    assert handoff.take is not None, "only what was taken is judged"
    assert handoff.stream is not None, "only lots of a known stream are judged"
    declared, taken = handoff.declared, handoff.take.grams
    try:
        signed, now = (
            judge(
                declared_grams=one,
                weighed_grams=other,
                stream=handoff.stream,
                basis=handoff.basis,
                at=handoff.take.occurred_at,
                rules=rules,
            )
            for one, other in ((declared.signed_value, taken.signed_value), (declared.value, taken.value))
        )
    except NoToleranceInForce:
        return None
    voids = [
        values[AmendedField.VOID]
        for changed in judgement.changed
        if changed.entry_id in (handoff.entry_id, take.entry_id)
        for values in [changed.values]
        if AmendedField.VOID in values and values[AmendedField.VOID].value == 1
    ]
    if voids:
        # What did not happen differs from nothing; it counts from when it was declared void.
        taken = Effective((*taken.steps, voids[0].steps[-1]))
        now = replace(signed, is_within=True)
    ticket = None if handoff.take.ticket is None else handoff.take.ticket.entry_id
    rule = next(rule for rule in rules if (rule.rule_id, rule.version) == (signed.rule_id, signed.version))
    return WeighedHandoff(handoff.entry_id, take, ticket, declared, taken, signed, now), rule
