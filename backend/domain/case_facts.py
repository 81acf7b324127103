"""The cases that one signed fact makes: what was proposed, disputed, refused, and what the ledger did not follow.

The clocks are those of amendments.py, disputes.py and collection_refusals.py. Source: docs/spec/cases.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backend.domain.amendments import Proposal, fold_amendments
from backend.domain.case_rules import CaseRule, due_by, find_case_rule
from backend.domain.cases import Case, CaseKind, Owner, Span, Stage, Subject, SubjectKind, waiting_then
from backend.domain.collection_refusals import CollectionRefusal, RefusalState, judge_refusals
from backend.domain.disputes import Dispute, Regulators, fold_disputes
from backend.domain.disputes import Stage as DisputeStage
from backend.domain.facts import Fact, Roles, fact_of
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.types import DisputeOp, Outcome, Role, Verdict, organisation_of

ODD = frozenset((Outcome.DEFERRED, Outcome.LATE, Outcome.CONFLICT, Outcome.QUARANTINED))
"""Outcomes without custody effect that an organisation has to look into."""
_STAGES: Mapping[DisputeStage, Stage] = {
    DisputeStage.AWAITING_ANSWER: Stage.AWAITING_ANSWER,
    DisputeStage.AWAITING_RULING: Stage.AWAITING_RULING,
    DisputeStage.AWAITING_CITY: Stage.AWAITING_CITY,
    DisputeStage.APPEALABLE: Stage.APPEALABLE,
    DisputeStage.AWAITING_FINAL_RULING: Stage.AWAITING_FINAL_RULING,
    DisputeStage.CLOSED: Stage.CLOSED,
}
_END_OF_REFUSAL: Mapping[RefusalState, Stage] = {
    RefusalState.ACKNOWLEDGED: Stage.ACKNOWLEDGED,
    RefusalState.CONTESTED: Stage.CONTESTED,
}


@dataclass(frozen=True)
class FactRecords:
    """A fact with everything said of it, and of what was said, in any order.

    `settled_at` is when a step that had waited got its outcome; `custodian` who has the site of the fact's bin.
    """

    recorded: RecordedEntry
    said: Sequence[RecordedEntry]
    roles: Roles
    regulators: Regulators
    custodian: int | None = None
    settled_at: int | None = None


def cases_of_fact(records: FactRecords, rules: Sequence[CaseRule]) -> list[Case]:
    """Return every case that a fact ever made, whether it still waits or is done."""
    fact = fact_of(records.recorded, also=[] if records.custodian is None else [records.custodian])
    return [
        *_amendments(fact, records),
        *_disputes(fact, records),
        *_refusal(fact, records),
        *_odd_entry(fact, records, rules),
    ]


def subject_of(fact: Fact) -> Subject:
    """Return what a case about a fact is about: its lot, its bin, or the entry itself."""
    lot, number = fact.fields.get("lot", 0), fact.fields.get("bin", 0)
    if lot:
        return Subject(SubjectKind.LOT, lot)
    return Subject(SubjectKind.BIN, number) if number else Subject(SubjectKind.ENTRY, fact.entry_id.device)


def other_party(parties: Iterable[int], than: int) -> int:
    """Return the party that answers another; that one itself where it is alone."""
    return min((party for party in parties if party != than), default=than)


def _amendments(fact: Fact, records: FactRecords) -> list[Case]:
    at = max((entry.recorded_at for entry in records.said), default=0)
    proposals = fold_amendments(fact, records.said, records.roles, at=at).proposals
    return [_amendment(fact, proposal) for proposal in proposals]


def _amendment(fact: Fact, proposal: Proposal) -> Case:
    proposer, answer = organisation_of(proposal.entry_id.device), proposal.answer
    owner = Owner(other_party(fact.parties, proposer), Role.OFFICE)
    if answer is None:
        end = proposal.until, Stage.EXPIRED
    else:
        end = answer.recorded_at, Stage.APPROVED if answer.is_approval else Stage.REFUSED
    return Case(
        CaseKind.AMENDMENT,
        proposal.entry_id,
        subject_of(fact),
        proposal.recorded_at,
        waiting_then(Stage.AWAITING_ANSWER, owner, since=proposal.recorded_at, due=proposal.until, end=end),
        (proposal.entry_id, fact.entry_id, *([] if answer is None else [answer.entry_id])),
        fact.parties,
        {"field": int(proposal.field), "value": proposal.value, "fact_kind": fact.kind},
    )


def _disputes(fact: Fact, records: FactRecords) -> list[Case]:
    def fold(at: int) -> dict[EntryId, Dispute]:
        found = fold_disputes(fact, records.said, records.roles, records.regulators, at=at).disputes
        return {dispute.entry_id: dispute for dispute in found}

    times = sorted({entry.recorded_at for entry in records.said if entry.is_applied(Kind.DISPUTE)})
    spans: dict[EntryId, list[Span]] = {}
    newest: dict[EntryId, Dispute] = {}
    for at in _instants(times, fold):
        for entry_id, dispute in fold(at).items():
            newest[entry_id] = dispute
            so_far = spans.setdefault(entry_id, [])
            stage = _STAGES[dispute.stage]
            if so_far and (so_far[-1].stage, so_far[-1].due) == (stage, dispute.deadline):
                continue
            if so_far:
                last = so_far[-1]
                so_far[-1] = Span(last.stage, last.owner, last.since, last.due, at)
            so_far.append(Span(stage, _owner(fact, dispute, records.regulators), at, dispute.deadline))
    return [_dispute(fact, dispute, tuple(spans[entry_id])) for entry_id, dispute in newest.items()]


def _instants(times: Sequence[int], fold: Callable[[int], Mapping[EntryId, Dispute]]) -> Iterable[int]:
    """Yield each instant at which a dispute may change: when something was recorded, and when a clock runs out."""
    waiting = set(times)
    while waiting:
        at = min(waiting)
        yield at
        waiting.discard(at)
        waiting |= {d.deadline for d in fold(at).values() if d.deadline is not None and d.deadline > at}


def _dispute(fact: Fact, dispute: Dispute, spans: tuple[Span, ...]) -> Case:
    spoken = (event.by for event in dispute.events if event.by is not None and event.by != dispute.entry_id)
    return Case(
        CaseKind.DISPUTE,
        dispute.entry_id,
        subject_of(fact),
        spans[0].since,
        spans,
        (dispute.entry_id, fact.entry_id, *spoken),
        fact.parties,
        {
            "ground": int(dispute.ground),
            "field": int(dispute.field),
            "value": dispute.claimed,
            "fact_kind": fact.kind,
        },
    )


def _owner(fact: Fact, dispute: Dispute, regulators: Regulators) -> Owner:
    """Return whom a dispute waits for: the other side, a regulator, or who may still appeal."""
    opener = organisation_of(dispute.entry_id.device)
    other = other_party(fact.parties, opener)
    city = min(regulators.city, default=0)
    if dispute.stage is DisputeStage.AWAITING_RULING:
        districts = regulators.districts - fact.parties
        # Several districts: the books do not know which one is concerned, and the city stands above them all.
        return Owner(min(districts) if len(districts) == 1 else city, Role.OFFICE)
    if dispute.stage in (DisputeStage.AWAITING_CITY, DisputeStage.AWAITING_FINAL_RULING):
        return Owner(city, Role.OFFICE)
    if dispute.stage is DisputeStage.APPEALABLE:
        stands = dispute.steps[-1].value if dispute.steps else dispute.claimed
        return Owner(other if stands == dispute.claimed else opener, Role.OFFICE)
    return Owner(other, Role.OFFICE)


def _refusal(fact: Fact, records: FactRecords) -> list[Case]:
    bins = {} if records.custodian is None else {fact.fields.get("bin", 0): records.custodian}
    at = max(entry.recorded_at for entry in (records.recorded, *records.said))
    found = judge_refusals([records.recorded, *records.said], bins, at=at)
    return [_refusal_case(fact, one, records) for one in found if one.state is not RefusalState.UNSUPPORTED]


def _refusal_case(fact: Fact, refusal: CollectionRefusal, records: FactRecords) -> Case:
    owner = Owner(records.custodian or 0, Role.OFFICE)
    end = refusal.answer_until, Stage.STANDS
    answered = next((entry for entry in records.said if entry.entry_id == refusal.answer), None)
    if answered is not None:
        end = answered.recorded_at, _END_OF_REFUSAL[refusal.state]
    return Case(
        CaseKind.REFUSAL_TO_COLLECT,
        refusal.entry_id,
        Subject(SubjectKind.BIN, refusal.bin),
        refusal.recorded_at,
        waiting_then(Stage.AWAITING_ANSWER, owner, since=refusal.recorded_at, due=refusal.answer_until, end=end),
        (refusal.entry_id, *([] if refusal.answer is None else [refusal.answer])),
        fact.parties,
        {"reason": refusal.reason, "stream": refusal.stream, "second_lift_at": refusal.second_lift_due_at},
    )


def _odd_entry(fact: Fact, records: FactRecords, rules: Sequence[CaseRule]) -> list[Case]:
    recorded, settled_at = records.recorded, records.settled_at
    is_odd = recorded.outcome in ODD
    # One that had waited and was followed in the end was a case until then.
    if not is_odd and not (recorded.outcome == Outcome.APPLIED and settled_at is not None):
        return []
    rule = find_case_rule(rules, "odd-entry", recorded.recorded_at)
    answer = acknowledged_by(records.said, recorded.entry_id, fact.parties | {recorded.organisation})
    end: tuple[int, Stage] | None = None
    if not is_odd and settled_at is not None:
        end = settled_at, Stage.SETTLED
    elif answer is not None:
        end = answer.recorded_at, Stage.ANSWERED
    since = recorded.recorded_at
    if end is not None and end[0] <= since:
        return []
    owner = Owner(recorded.organisation, Role.REGISTRAR)
    return [
        Case(
            CaseKind.ODD_ENTRY,
            recorded.entry_id,
            subject_of(fact),
            since,
            waiting_then(Stage.AWAITING_EXPLANATION, owner, since=since, due=due_by(rule, since), end=end),
            (recorded.entry_id, *([] if answer is None else [answer.entry_id])),
            frozenset({recorded.organisation}),
            {"outcome": int(recorded.outcome), "flaw": int(recorded.flaw), "fact_kind": recorded.entry.kind},
            None if rule is None else rule.rule_id,
            None if rule is None else rule.version,
        )
    ]


def acknowledged_by(
    said: Iterable[RecordedEntry], entry_id: EntryId, organisations: Iterable[int]
) -> RecordedEntry | None:
    """Return the first acknowledgement (verdict 1, 2 or 3) of an entry by one of these organisations."""
    allowed = frozenset(organisations)
    verdicts = (Verdict.ACKNOWLEDGED, Verdict.CONTESTED, Verdict.RELEASED)
    answers = [
        entry
        for entry in said
        if entry.is_applied(Kind.ACKNOWLEDGE)
        if entry.names == entry_id and entry.organisation in allowed and entry.fields["verdict"] in verdicts
    ]
    return min(answers, key=lambda entry: entry.order, default=None)


def opens_dispute(recorded: RecordedEntry) -> bool:
    """Say whether an entry opens a dispute."""
    return recorded.is_applied(Kind.DISPUTE) and recorded.fields["op"] == DisputeOp.OPEN


@dataclass(frozen=True)
class SureFinding:
    """A finding of the radar with its evidence as it is recorded, the first of which an answer names."""

    finding_id: str
    confidence_permille: int
    organisation: int
    evidence: Sequence[RecordedEntry]


def finding_case(
    found: SureFinding, said: Sequence[RecordedEntry], rules: Sequence[CaseRule], regulators: Regulators
) -> Case:
    """Return the case of a finding: the organisation concerned, or a regulator, answers its first entry."""
    opened_at = max(entry.recorded_at for entry in found.evidence)
    rule = find_case_rule(rules, "finding", opened_at)
    named = found.evidence[0].entry_id
    parties = frozenset({found.organisation}) | regulators.city | regulators.districts
    answer = acknowledged_by(said, named, parties)
    return Case(
        CaseKind.FINDING,
        named,
        Subject(SubjectKind.ENTRY, named.device),
        opened_at,
        waiting_then(
            Stage.AWAITING_EXPLANATION,
            Owner(found.organisation, Role.OFFICE),
            since=opened_at,
            due=due_by(rule, opened_at),
            end=None if answer is None else (max(answer.recorded_at, opened_at), Stage.ANSWERED),
        ),
        (*(entry.entry_id for entry in found.evidence), *([] if answer is None else [answer.entry_id])),
        parties,
        {"confidence_permille": found.confidence_permille},
        None if rule is None else rule.rule_id,
        None if rule is None else rule.version,
        found.finding_id,
    )
