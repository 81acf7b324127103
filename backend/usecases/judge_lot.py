"""Judge one lot: what each side declared, what proves it, what was said of it since, and which rule says what.

The ledger decides who holds a lot. This is what the books make of the entries behind it, and a pure function
of them, of the published rules and of an instant. Source: docs/spec/entries.md, "Judgements".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.amendments import Proposal, fold_amendments
from backend.domain.collection_refusals import CollectionRefusal, judge_refusals
from backend.domain.declared import LotPast
from backend.domain.disputes import Dispute, Regulators, fold_disputes
from backend.domain.effective import as_known_at
from backend.domain.facts import Effective, Fact, fact_of
from backend.domain.handoff_end import HandoffEnd, end_of_give
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry, known_at
from backend.domain.tolerances import NoToleranceInForce, ToleranceRule, ToleranceVerdict, judge
from backend.domain.types import AmendedField, AmendOp, Basis, DisputeOp, Outcome
from backend.domain.weighing import Citation, WeighTicket, judge_citations, tickets_of


@dataclass(frozen=True)
class LotRecords:
    """All that is recorded and that a lot's judgement needs, for one instant.

    `entries`: the steps of the lot and of all it was made of, the tickets cited, the refusals to collect on
    its tour with the later lifts of those bins, every entry about one of these, and every lift of the lot
    that an entry is about. `lift_bases` and `last_seqs` are by lot and by device; `custodian_of` by bin.
    """

    lot: int
    entries: Sequence[RecordedEntry]
    lift_bases: Mapping[int, frozenset[int]]
    last_seqs: Mapping[int, int]
    roles: Mapping[int, int]
    regulators: Regulators
    custodian_of: Mapping[int, int]


class LotRecordsReader(Protocol):
    """Where the records of a lot come from."""

    def records_of(self, lot: int, *, at: int) -> LotRecords | None:
        """Return what the ledger had recorded of a lot by an instant; None where there is no such lot."""


@dataclass(frozen=True)
class Verdict:
    """What a rule says of a handoff, with the rule itself."""

    rule: ToleranceRule
    found: ToleranceVerdict


@dataclass(frozen=True)
class JudgedTake:
    """What the receiver sealed, and what proves it. `ticket` is None while the cited one is not recorded."""

    entry_id: EntryId
    occurred_at: int
    grams: Effective
    is_void: bool
    citation: Citation
    ticket: WeighTicket | None


@dataclass(frozen=True)
class JudgedHandoff:
    """A give, its end, and the verdict on their difference.

    The verdict compares the masses that count now. There is none before a take, for a take in part, for one
    that was declared void, and where no rule was in force.
    """

    entry_id: EntryId
    to: int
    occurred_at: int
    stream: int | None
    basis: Basis
    declared: Effective
    end: HandoffEnd
    take: JudgedTake | None
    verdict: Verdict | None


@dataclass(frozen=True)
class ChangedFact:
    """An entry whose values somebody wanted changed: every value it ever had, and who said what."""

    entry_id: EntryId
    kind: int
    values: Mapping[AmendedField, Effective]
    proposals: tuple[Proposal, ...]
    disputes: tuple[Dispute, ...]


@dataclass(frozen=True)
class LotJudgement:
    """What the books make of a lot, as known at an instant."""

    lot: int
    known_at: int
    handoffs: tuple[JudgedHandoff, ...]
    changed: tuple[ChangedFact, ...]
    refusals: tuple[CollectionRefusal, ...]


def judge_lot(
    lot: int, *, reader: LotRecordsReader, rules: Sequence[ToleranceRule], at: int
) -> LotJudgement | None:
    """Return the judgement of a lot as known at an instant; None where there is no such lot."""
    records = reader.records_of(lot, at=at)
    return None if records is None else _Judging(records, rules, at).judged()


class _Judging:
    def __init__(self, records: LotRecords, rules: Sequence[ToleranceRule], at: int) -> None:
        self.records, self.rules, self.at = records, rules, at
        self.entries = known_at(records.entries, at)
        self.tickets = tickets_of(self.entries)
        takes = [entry for entry in self.entries if entry.entry.kind == Kind.TAKE]
        self.citations = judge_citations(takes, self.tickets, records.last_seqs)
        sound = {entry_id for entry_id, found in self.citations.items() if found is Citation.SOUND}
        self.past = LotPast(self.entries, lift_bases=records.lift_bases, sound_takes=sound)

    def judged(self) -> LotJudgement:
        refusals = judge_refusals(self.entries, self.records.custodian_of, at=self.at)
        return LotJudgement(
            lot=self.records.lot,
            known_at=self.at,
            handoffs=tuple(self._handoff(give) for give in self._gives()),
            changed=tuple(self._changed()),
            refusals=tuple(refusals),
        )

    def _gives(self) -> list[RecordedEntry]:
        return [
            entry
            for entry in self.entries
            if entry.entry.kind in (Kind.GIVE, Kind.REDIRECT)
            if entry.fields["lot"] == self.records.lot
            if entry.outcome in (Outcome.APPLIED, Outcome.DEFERRED)
        ]

    def _handoff(self, give: RecordedEntry) -> JudgedHandoff:
        end, ended_by = end_of_give(give, self.entries)
        taken = ended_by if end in (HandoffEnd.TAKEN, HandoffEnd.TAKEN_IN_PART) else None
        declared = self._value(give, AmendedField.GRAMS)
        stream = self.past.stream_before(self.records.lot, give.order)
        basis = self.past.basis_before(self.records.lot, give.order)
        take = None if taken is None else self._take(taken)
        verdict = None
        is_void = self._value(give, AmendedField.VOID).value == 1
        if take is not None and end is HandoffEnd.TAKEN and stream is not None and not (take.is_void or is_void):
            verdict = self._verdict(declared.value, take, stream, basis)
        return JudgedHandoff(
            entry_id=give.entry_id,
            to=give.fields["to"],
            occurred_at=give.fields["occurred_at"],
            stream=stream,
            basis=basis,
            declared=declared,
            end=end,
            take=take,
            verdict=verdict,
        )

    def _take(self, take: RecordedEntry) -> JudgedTake:
        return JudgedTake(
            entry_id=take.entry_id,
            occurred_at=take.fields["occurred_at"],
            grams=self._value(take, AmendedField.GRAMS),
            is_void=self._value(take, AmendedField.VOID).value == 1,
            citation=self.citations[take.entry_id],
            ticket=self.tickets.get(EntryId(take.fields["weigher"], take.fields["weigh_seq"])),
        )

    def _verdict(self, declared_grams: int, take: JudgedTake, stream: int, basis: Basis) -> Verdict | None:
        try:
            found = judge(
                declared_grams=declared_grams,
                weighed_grams=take.grams.value,
                stream=stream,
                basis=basis,
                at=take.occurred_at,
                rules=self.rules,
            )
        except NoToleranceInForce:
            return None
        named = (found.rule_id, found.version)
        return Verdict(next(rule for rule in self.rules if (rule.rule_id, rule.version) == named), found)

    def _fact(self, recorded: RecordedEntry) -> Fact:
        custodian = self.records.custodian_of.get(recorded.fields.get("bin", 0))
        return fact_of(recorded, also=[] if custodian is None else [custodian])

    def _value(self, recorded: RecordedEntry, field: AmendedField) -> Effective:
        found = self._known(self._fact(recorded), field)
        assert found is not None, "only fields that the entry's layout has are asked for"
        return found

    def _known(self, fact: Fact, field: AmendedField) -> Effective | None:
        records = self.records
        return as_known_at(
            fact, field, self.entries, roles=records.roles, regulators=records.regulators, at=self.at
        )

    def _changed(self) -> list[ChangedFact]:
        named = {entry.names for entry in self.entries if _opens_a_question(entry)}
        changed = []
        for recorded in self.entries:
            if recorded.entry_id not in named:
                continue
            fact = self._fact(recorded)
            proposals = fold_amendments(fact, self.entries, self.records.roles, at=self.at).proposals
            disputes = fold_disputes(
                fact, self.entries, self.records.roles, self.records.regulators, at=self.at
            ).disputes
            fields = {proposal.field for proposal in proposals} | {dispute.field for dispute in disputes}
            values = {field: self._known(fact, field) for field in sorted(fields)}
            if fields:
                changed.append(
                    ChangedFact(
                        recorded.entry_id,
                        recorded.entry.kind,
                        {field: value for field, value in values.items() if value is not None},
                        proposals,
                        disputes,
                    )
                )
        return changed


_OPENING: Mapping[int, int] = {Kind.AMEND: AmendOp.PROPOSE, Kind.DISPUTE: DisputeOp.OPEN}


def _opens_a_question(recorded: RecordedEntry) -> bool:
    kind = recorded.entry.kind
    return kind in _OPENING and recorded.is_applied(Kind(kind)) and recorded.fields["op"] == _OPENING[kind]
