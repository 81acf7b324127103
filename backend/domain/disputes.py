"""Disputes: open, evidence, answer, ruling, appeal, final ruling, each signed and each with a clock.

What a passed deadline does is written here and happens by itself; nobody has to declare it.
Source: docs/spec/entries.md, "Judgements".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from backend.domain.facts import Fact, Roles, StepKind, ValueStep, can_hold, signed_value
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry, known_at
from backend.domain.types import AmendedField, DisputeOp, Ground, Role, is_code, organisation_of

ANSWER_SECONDS = 72 * 3600
"""Long enough to span a weekend: whoever has to answer may be an office with office hours."""
RULING_SECONDS = 7 * 86_400
"""A week: a ruling needs the scale's journal and perhaps a visit, and a month's statement waits for it."""
APPEAL_SECONDS = 72 * 3600
"""As long as an answer, for the same reason."""

CITY = 1
"""The city gives out the organisations' numbers from 1, and the first is its own."""

_ONLY_FOR: Mapping[Ground, Kind] = {Ground.DECLINE_UNFOUNDED: Kind.DECLINE, Ground.REFUSAL_UNFOUNDED: Kind.REFUSE}


class Stage(Enum):
    """What a dispute waits for."""

    AWAITING_ANSWER = "the other side's answer"
    AWAITING_RULING = "a regulator's ruling"
    AWAITING_CITY = "the city's ruling, as nobody ruled in time"
    APPEALABLE = "an appeal, or the end of the time for it"
    AWAITING_FINAL_RULING = "the city's ruling on the appeal"
    CLOSED = "nothing"


class Passed(Enum):
    """What a passed deadline did."""

    CLAIM_STANDS = "nobody answered: the opener's value stands"
    WENT_TO_CITY = "nobody ruled: the city has to"
    BECAME_FINAL = "nobody appealed: what stands is final"


class WithoutEffect(Enum):
    """Why a dispute entry changes nothing."""

    NOT_A_PARTY = "its device may not speak for a party to the fact"
    OWN_DISPUTE = "a side does not answer its own dispute"
    NO_SUCH_GROUND = "that kind of fact cannot be disputed on that ground"
    NO_SUCH_VALUE = "the field cannot hold that value"
    NOT_NOW = "the dispute was not waiting for it, or no longer"
    MAY_NOT_RULE = "its device is no office of a competent regulator that is a party to nothing here"


@dataclass(frozen=True)
class Regulators:
    """The organisations that may rule about a fact: the districts concerned, and the city above them."""

    districts: frozenset[int]
    city: frozenset[int]

    @classmethod
    def of(cls, regulators: Iterable[int]) -> Regulators:
        """Return the two levels of those that the registry calls regulators: organisation 1 is the city itself."""
        found = frozenset(regulators)
        return cls(found - {CITY}, found & {CITY})


@dataclass(frozen=True)
class Event:
    """One thing that happened in a dispute; `by` is None when a clock did it."""

    at: int
    what: DisputeOp | Passed
    by: EntryId | None
    value: int
    evidence: int


@dataclass(frozen=True)
class Dispute:
    """A dispute as it stands: what is claimed, what it waits for and until when, and all that happened.

    `is_overdue` is only ever true of the city, above which nobody stands: what was effective stays so,
    and the delay is shown.
    """

    entry_id: EntryId
    ground: Ground
    field: AmendedField
    claimed: int
    stage: Stage
    deadline: int | None
    is_overdue: bool
    events: tuple[Event, ...]
    steps: tuple[ValueStep, ...]


@dataclass(frozen=True)
class Disputes:
    """All disputes of a fact, in the order of their opening, and what was said without effect."""

    fact: Fact
    disputes: tuple[Dispute, ...]
    without_effect: Mapping[EntryId, WithoutEffect]

    def steps(self, field: AmendedField) -> list[ValueStep]:
        """Return the values that disputes gave a field."""
        return [step for made in self.disputes if made.field is field for step in made.steps]


def fold_disputes(
    fact: Fact, entries: Iterable[RecordedEntry], roles: Roles, regulators: Regulators, *, at: int
) -> Disputes:
    """Return the disputes of a fact as they stood at an instant.

    `entries` may hold anything; only applied dispute entries about this fact are looked at.
    """
    cases: dict[EntryId, _Case] = {}
    without_effect: dict[EntryId, WithoutEffect] = {}
    for recorded in known_at(entries, at):
        if not recorded.is_applied(Kind.DISPUTE):
            continue
        why: WithoutEffect | None = None
        if recorded.fields["op"] == DisputeOp.OPEN and recorded.names == fact.entry_id:
            why = _why_not_opened(fact, recorded, roles)
            if why is None:
                cases[recorded.entry_id] = _Case(fact, recorded, roles, regulators)
        elif recorded.names in cases:
            why = cases[recorded.names].hear(recorded)
        if why is not None:
            without_effect[recorded.entry_id] = why
    return Disputes(fact, tuple(case.as_of(at) for case in cases.values()), without_effect)


def field_of(ground: Ground, kind: int) -> AmendedField:
    """Return the field that a dispute on this ground is about."""
    if ground is Ground.MASS:
        return AmendedField.NET if kind == Kind.WEIGH else AmendedField.GRAMS
    return AmendedField.STREAM if ground is Ground.STREAM else AmendedField.VOID


def _why_not_opened(fact: Fact, recorded: RecordedEntry, roles: Roles) -> WithoutEffect | None:
    if not fact.can_speak(recorded.device, roles):
        return WithoutEffect.NOT_A_PARTY
    if not is_code(Ground, recorded.fields["rule"]):
        return WithoutEffect.NO_SUCH_GROUND
    ground = Ground(recorded.fields["rule"])
    field = field_of(ground, fact.kind)
    if _ONLY_FOR.get(ground, fact.kind) != fact.kind or signed_value(fact, field) is None:
        return WithoutEffect.NO_SUCH_GROUND
    if not can_hold(fact.kind, field, recorded.fields["value"]):
        return WithoutEffect.NO_SUCH_VALUE
    return None


class _Case:
    """One dispute on its way through its stages."""

    def __init__(self, fact: Fact, opening: RecordedEntry, roles: Roles, regulators: Regulators) -> None:
        self.fact, self.opening, self.roles, self.regulators = fact, opening, roles, regulators
        self.ground = Ground(opening.fields["rule"])
        self.field = field_of(self.ground, fact.kind)
        self.claimed = opening.fields["value"]
        self.events: list[Event] = []
        self.steps: list[ValueStep] = []
        self.first_ruling_by = 0
        self.stage, self.deadline = Stage.AWAITING_ANSWER, opening.recorded_at + ANSWER_SECONDS
        if fact.parties == {opening.organisation}:
            # Nobody else is there to answer, so the clock of the ruling starts at once.
            self.stage, self.deadline = Stage.AWAITING_RULING, opening.recorded_at + RULING_SECONDS
        self._note(opening)

    def as_of(self, at: int) -> Dispute:
        self._pass_deadlines(at)
        is_closed = self.stage is Stage.CLOSED
        return Dispute(
            entry_id=self.opening.entry_id,
            ground=self.ground,
            field=self.field,
            claimed=self.claimed,
            stage=self.stage,
            deadline=None if is_closed else self.deadline,
            is_overdue=not is_closed and at >= self.deadline,
            events=tuple(self.events),
            steps=tuple(self.steps),
        )

    def hear(self, recorded: RecordedEntry) -> WithoutEffect | None:
        """Let an entry have its effect; return why it has none."""
        self._pass_deadlines(recorded.recorded_at)
        op = recorded.fields["op"]
        if op == DisputeOp.RULE:
            why = self._rule(recorded)
        elif not self.fact.can_speak(recorded.device, self.roles):
            why = WithoutEffect.NOT_A_PARTY
        elif op == DisputeOp.ANSWER:
            why = self._answer(recorded)
        elif op == DisputeOp.APPEAL:
            why = self._appeal(recorded)
        else:
            is_heard = op == DisputeOp.EVIDENCE and self.stage is not Stage.CLOSED
            why = None if is_heard else WithoutEffect.NOT_NOW
        if why is None:
            self._note(recorded)
        return why

    def _note(self, recorded: RecordedEntry) -> None:
        fields = recorded.fields
        self.events.append(
            Event(
                recorded.recorded_at,
                DisputeOp(fields["op"]),
                recorded.entry_id,
                fields["value"],
                fields["evidence"],
            )
        )

    def _pass_deadlines(self, at: int) -> None:
        """Let every clock that ran out by an instant have its effect; an entry at the deadline is too late."""
        while self.deadline <= at:
            passed, value = self.deadline, 0
            if self.stage is Stage.AWAITING_ANSWER:
                what, value = Passed.CLAIM_STANDS, self.claimed
                self.steps.append(ValueStep(passed, -1, value, StepKind.BY_DEFAULT, self.opening.entry_id))
                self.stage, self.deadline = Stage.APPEALABLE, passed + APPEAL_SECONDS
            elif self.stage is Stage.AWAITING_RULING:
                what = Passed.WENT_TO_CITY
                self.stage, self.deadline = Stage.AWAITING_CITY, passed + RULING_SECONDS
            elif self.stage is Stage.APPEALABLE:
                what = Passed.BECAME_FINAL
                self.stage = Stage.CLOSED
            else:
                return
            self.events.append(Event(passed, what, None, value, 0))

    def _answer(self, recorded: RecordedEntry) -> WithoutEffect | None:
        if recorded.organisation == self.opening.organisation:
            return WithoutEffect.OWN_DISPUTE
        if self.stage is not Stage.AWAITING_ANSWER:
            return WithoutEffect.NOT_NOW
        if recorded.fields["value"] == self.claimed:
            self._step(recorded, StepKind.AGREED)
            self.stage = Stage.CLOSED
        else:
            self.stage, self.deadline = Stage.AWAITING_RULING, recorded.recorded_at + RULING_SECONDS
        return None

    def _appeal(self, recorded: RecordedEntry) -> WithoutEffect | None:
        if self.stage is not Stage.APPEALABLE:
            return WithoutEffect.NOT_NOW
        self.stage, self.deadline = Stage.AWAITING_FINAL_RULING, recorded.recorded_at + RULING_SECONDS
        return None

    def _rule(self, recorded: RecordedEntry) -> WithoutEffect | None:
        if not self._may_rule(recorded.device):
            return WithoutEffect.MAY_NOT_RULE
        is_final = self.stage is Stage.AWAITING_FINAL_RULING
        if not is_final and self.stage not in (Stage.AWAITING_RULING, Stage.AWAITING_CITY):
            return WithoutEffect.NOT_NOW
        if not can_hold(self.fact.kind, self.field, recorded.fields["value"]):
            return WithoutEffect.NO_SUCH_VALUE
        if is_final:
            self._step(recorded, StepKind.RULED_FINALLY)
            self.stage = Stage.CLOSED
        else:
            self._step(recorded, StepKind.RULED)
            self.first_ruling_by = recorded.device
            self.stage, self.deadline = Stage.APPEALABLE, recorded.recorded_at + APPEAL_SECONDS
        return None

    def _may_rule(self, device: int) -> bool:
        organisation = organisation_of(device)
        competent = self.regulators.city
        if self.stage not in (Stage.AWAITING_CITY, Stage.AWAITING_FINAL_RULING):
            competent = competent | self.regulators.districts
        return (
            organisation in competent
            and organisation not in self.fact.parties
            and self.roles.get(device) == Role.OFFICE
            and device != self.first_ruling_by
        )

    def _step(self, recorded: RecordedEntry, kind: StepKind) -> None:
        self.steps.append(
            ValueStep(recorded.recorded_at, recorded.order, recorded.fields["value"], kind, recorded.entry_id)
        )
