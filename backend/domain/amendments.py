"""Amendments: a party proposes another value, the other side approves or refuses, or the time runs out.

A proposal that nobody answers has no effect. Parallel proposals are allowed; only approvals change what
counts. Source: docs/spec/entries.md, "Judgements".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from backend.domain.facts import Fact, Roles, StepKind, ValueStep, can_hold, signed_value
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry, known_at
from backend.domain.types import AmendedField, AmendOp, is_code, organisation_of

ANSWER_SECONDS = 14 * 86_400
"""How long a proposal waits that names no time itself. Two weeks: offices elsewhere needed reminders at 5 and
14 days, and a month's statement must be able to wait for it."""


class ProposalState(Enum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Answer:
    """What the other side said of a proposal."""

    entry_id: EntryId
    is_approval: bool
    recorded_at: int
    order: int


@dataclass(frozen=True)
class Proposal:
    """Another value for one field of a fact, open until `until` (exclusive)."""

    entry_id: EntryId
    field: AmendedField
    value: int
    evidence: int
    recorded_at: int
    until: int
    answer: Answer | None = None

    def state(self, now: int) -> ProposalState:
        """Return where it stands at an instant no earlier than its answer."""
        if self.answer is not None:
            return ProposalState.APPROVED if self.answer.is_approval else ProposalState.REFUSED
        return ProposalState.PROPOSED if now < self.until else ProposalState.EXPIRED


class WithoutEffect(Enum):
    """Why an amend entry changes nothing."""

    NOT_A_PARTY = "its device may not speak for a party to the fact"
    NO_SUCH_FIELD = "the fact has no such field"
    NO_SUCH_VALUE = "the field cannot hold that value"
    OWN_PROPOSAL = "a side does not answer its own proposal"
    OVERDUE = "the proposal's time had run out"
    ANSWERED_BEFORE = "the proposal had its answer"


@dataclass(frozen=True)
class Amendments:
    """What was proposed about a fact, in the ledger's order, and what was said without effect."""

    fact: Fact
    proposals: tuple[Proposal, ...]
    without_effect: Mapping[EntryId, WithoutEffect]

    def steps(self, field: AmendedField) -> list[ValueStep]:
        """Return the approved values of a field."""
        return [
            ValueStep(made.answer.recorded_at, made.answer.order, made.value, StepKind.AMENDED, made.entry_id)
            for made in self.proposals
            if made.field is field and made.answer is not None and made.answer.is_approval
        ]


def fold_amendments(fact: Fact, entries: Iterable[RecordedEntry], roles: Roles, *, at: int) -> Amendments:
    """Return the amendments of a fact as the ledger had recorded them by an instant.

    `entries` may hold anything; only applied amend entries about this fact are looked at.
    """
    proposals: dict[EntryId, Proposal] = {}
    without_effect: dict[EntryId, WithoutEffect] = {}
    for recorded in known_at(entries, at):
        if not recorded.is_applied(Kind.AMEND):
            continue
        op, named = recorded.fields["op"], recorded.names
        why: WithoutEffect | None = None
        if op == AmendOp.PROPOSE and named == fact.entry_id:
            why = _why_not_proposed(fact, recorded, roles)
            if why is None:
                proposals[recorded.entry_id] = _proposal(recorded)
        elif op in (AmendOp.APPROVE, AmendOp.REFUSE) and named in proposals:
            why = _why_not_answered(fact, proposals[named], recorded, roles)
            if why is None:
                proposals[named] = replace(proposals[named], answer=_answer(recorded))
        if why is not None:
            without_effect[recorded.entry_id] = why
    return Amendments(fact, tuple(proposals.values()), without_effect)


def _why_not_proposed(fact: Fact, recorded: RecordedEntry, roles: Roles) -> WithoutEffect | None:
    if not fact.can_speak(recorded.device, roles):
        return WithoutEffect.NOT_A_PARTY
    number = recorded.fields["field"]
    if not is_code(AmendedField, number) or signed_value(fact, AmendedField(number)) is None:
        return WithoutEffect.NO_SUCH_FIELD
    if not can_hold(fact.kind, AmendedField(number), recorded.fields["value"]):
        return WithoutEffect.NO_SUCH_VALUE
    return None


def _proposal(recorded: RecordedEntry) -> Proposal:
    fields = recorded.fields
    return Proposal(
        entry_id=recorded.entry_id,
        field=AmendedField(fields["field"]),
        value=fields["value"],
        evidence=fields["evidence"],
        recorded_at=recorded.recorded_at,
        until=fields["until"] or recorded.recorded_at + ANSWER_SECONDS,
    )


def _why_not_answered(
    fact: Fact, proposal: Proposal, recorded: RecordedEntry, roles: Roles
) -> WithoutEffect | None:
    if not fact.can_speak(recorded.device, roles):
        return WithoutEffect.NOT_A_PARTY
    proposer = proposal.entry_id.device
    if recorded.device == proposer:
        return WithoutEffect.OWN_PROPOSAL
    if len(fact.parties) > 1 and recorded.organisation == organisation_of(proposer):
        return WithoutEffect.OWN_PROPOSAL
    if proposal.answer is not None:
        return WithoutEffect.ANSWERED_BEFORE
    if recorded.recorded_at >= proposal.until:
        return WithoutEffect.OVERDUE
    return None


def _answer(recorded: RecordedEntry) -> Answer:
    return Answer(
        entry_id=recorded.entry_id,
        is_approval=recorded.fields["op"] == AmendOp.APPROVE,
        recorded_at=recorded.recorded_at,
        order=recorded.order,
    )
