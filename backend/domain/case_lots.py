"""The cases that a lot's way makes: not taken in time, left with its giver, or another mass at the receiver's.

Source: docs/spec/cases.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.domain.case_facts import acknowledged_by, opens_dispute
from backend.domain.case_rules import CaseRule, due_by, find_case_rule
from backend.domain.cases import Case, CaseKind, Owner, Stage, Subject, SubjectKind, waiting_then
from backend.domain.facts import Effective
from backend.domain.handoff_end import HandoffEnd, end_of_give
from backend.domain.layout import Kind
from backend.domain.radar.thresholds import Threshold
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.tolerances import ToleranceRule, ToleranceVerdict
from backend.domain.types import Outcome, Role, organisation_of

_MOVES_ON = (Kind.GIVE, Kind.MERGE, Kind.TRANSFORM, Kind.CLOSE)
_END_OF_GIVE: Mapping[HandoffEnd, Stage] = {
    HandoffEnd.TAKEN: Stage.SETTLED,
    HandoffEnd.TAKEN_IN_PART: Stage.SETTLED,
    HandoffEnd.REFUSED: Stage.REFUSED,
    HandoffEnd.WITHDRAWN: Stage.MOVED_ON,
    HandoffEnd.REDIRECTED: Stage.MOVED_ON,
}


@dataclass(frozen=True)
class WeighedHandoff:
    """A handoff whose masses are beyond tolerance as they were signed, and what the rule says of them now."""

    give: EntryId
    take: RecordedEntry
    ticket: EntryId | None
    declared: Effective
    taken: Effective
    signed: ToleranceVerdict
    now: ToleranceVerdict


@dataclass(frozen=True)
class LotSteps:
    """A lot's own steps in the ledger's order, when each had its effect, and the grams that are left of it."""

    lot: int
    grams: int
    steps: Sequence[RecordedEntry]
    settled_at: Mapping[EntryId, int]

    def effect_at(self, recorded: RecordedEntry) -> int:
        """Return when a step had its effect: when it was recorded, or set free."""
        return self.settled_at.get(recorded.entry_id, recorded.recorded_at)


def cases_of_way(way: LotSteps, missing_mass: Sequence[Threshold]) -> list[Case]:
    """Return the cases of gives that were not taken in time, and of what stayed with its giver.

    `missing_mass`: the versions of the radar's rule that says how long either may take.
    """
    cases: list[Case] = []
    for step in way.steps:
        if step.outcome != Outcome.APPLIED:
            continue
        rule = _in_force(missing_mass, step.recorded_at)
        if rule is None:
            continue
        if step.entry.kind in (Kind.GIVE, Kind.REDIRECT):
            cases += _lone_give(way, step, rule)
        elif step.entry.kind == Kind.REFUSE or (step.entry.kind == Kind.TAKE and step.fields["into"]):
            cases.append(_left(way, step, rule))
    return cases


def _in_force(versions: Sequence[Threshold], at: int) -> Threshold | None:
    found = [rule for rule in versions if rule.in_force_from <= at]
    return found[-1] if found else None


def _lone_give(way: LotSteps, give: RecordedEntry, rule: Threshold) -> list[Case]:
    how, ended_by = end_of_give(give, way.steps)
    due = way.effect_at(give) + rule["deadline_seconds"]
    end: tuple[int, Stage] | None = None
    if ended_by is not None:
        end = way.effect_at(ended_by), _END_OF_GIVE[how]
        if end[0] <= due:
            return []
    receiver = organisation_of(give.fields["to"])
    return [
        Case(
            CaseKind.AWAITING_COUNTERPART,
            give.entry_id,
            Subject(SubjectKind.LOT, way.lot),
            due,
            waiting_then(Stage.AWAITING_COUNTERPART, Owner(receiver, Role.GATE), since=due, due=due, end=end),
            (give.entry_id, *([] if ended_by is None else [ended_by.entry_id])),
            frozenset({give.organisation, receiver}),
            {"grams": give.fields["grams"] or way.grams, "deadline_seconds": rule["deadline_seconds"]},
            rule.rule_id,
            rule.version,
        )
    ]


def _left(way: LotSteps, answer: RecordedEntry, rule: Threshold) -> Case:
    """Return the case of what a receiver did not take; it ends with the giver's next step on the lot."""
    giver, since = answer.fields["giver"], way.effect_at(answer)
    after = [
        step
        for step in way.steps
        if step.device == giver and step.outcome == Outcome.APPLIED and step.entry.kind in _MOVES_ON
        if (way.effect_at(step), step.order) > (since, answer.order)
    ]
    end: tuple[int, Stage] | None = None
    if after:
        end = way.effect_at(after[0]), Stage.MOVED_ON
    elif way.grams == 0:
        end = since, Stage.MOVED_ON
    is_refusal = answer.entry.kind == Kind.REFUSE
    numbers = {"is_refusal": int(is_refusal), "grams": way.grams, "held_seconds": rule["held_seconds"]}
    if is_refusal:
        numbers["reason"] = answer.fields["reason"]
    return Case(
        CaseKind.LEFT_WITH_GIVER,
        answer.entry_id,
        Subject(SubjectKind.LOT, way.lot),
        since,
        waiting_then(
            Stage.AWAITING_DECISION,
            Owner(organisation_of(giver), Role.OFFICE),
            since=since,
            due=since + rule["held_seconds"],
            end=end,
        ),
        (
            answer.entry_id,
            EntryId(giver, answer.fields["give_seq"]),
            *(step.entry_id for step in after[:1]),
        ),
        frozenset({answer.organisation, organisation_of(giver)}),
        numbers,
        rule.rule_id,
        rule.version,
    )


def weight_difference(
    found: WeighedHandoff,
    said: Sequence[RecordedEntry],
    tolerance: ToleranceRule,
    rules: Sequence[CaseRule],
) -> Case | None:
    """Return the case of a handoff whose signed masses are beyond tolerance; None where they are within.

    It ends when the masses that count agree, when the giver acknowledges the take, or when either side disputes
    the take or the give: the dispute then goes on as a case of its own. `said`: everything about those two.
    """
    if found.signed.is_within:
        return None
    take = found.take
    giver = organisation_of(found.give.device)
    ends: list[tuple[int, Stage]] = []
    if found.now.is_within:
        since_when = max(found.declared.steps[-1].since, found.taken.steps[-1].since)
        ends.append((max(since_when, take.recorded_at), Stage.AGREES_NOW))
    answer = acknowledged_by(said, take.entry_id, {giver})
    if answer is not None:
        ends.append((answer.recorded_at, Stage.ACKNOWLEDGED))
    ends += [
        (entry.recorded_at, Stage.DISPUTED)
        for entry in said
        if opens_dispute(entry) and entry.names in (found.give, take.entry_id)
    ]
    rule = find_case_rule(rules, "weight-difference", take.recorded_at)
    since = take.recorded_at
    return Case(
        CaseKind.WEIGHT_DIFFERENCE,
        take.entry_id,
        Subject(SubjectKind.LOT, take.fields["lot"]),
        since,
        waiting_then(
            Stage.AWAITING_EXPLANATION,
            Owner(giver, Role.OFFICE),
            since=since,
            due=due_by(rule, since),
            end=min(ends, key=lambda end: end[0], default=None),
        ),
        (
            take.entry_id,
            found.give,
            *([] if found.ticket is None else [found.ticket]),
            *([] if answer is None else [answer.entry_id]),
        ),
        frozenset({giver, take.organisation}),
        {
            "declared_grams": found.declared.signed_value,
            "taken_grams": found.taken.signed_value,
            "difference_grams": found.signed.difference_grams,
            "permille": found.signed.permille or 0,
            "permille_max": tolerance.permille_max,
            "floor_grams": tolerance.floor_grams,
        },
        found.signed.rule_id,
        found.signed.version,
    )
