"""Disputes: stages, clocks, what a passed deadline does, and who may rule."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_entries import (
    CITY,
    CITY_TOO,
    CREW,
    CREW_OFFICE,
    CREW_PHONE,
    DISTRICT,
    GATE,
    GATE_OFFICE,
    ROLES,
    SCALE,
    STRANGER,
    LedgerStory,
)

from backend.domain.disputes import (
    ANSWER_SECONDS,
    APPEAL_SECONDS,
    RULING_SECONDS,
    Dispute,
    Disputes,
    Passed,
    Regulators,
    Stage,
    WithoutEffect,
    field_of,
    fold_disputes,
)
from backend.domain.effective import as_known_at
from backend.domain.facts import Effective, StepKind, fact_of
from backend.domain.layout import Kind
from backend.domain.recorded import RecordedEntry
from backend.domain.types import AmendedField, AmendOp, DisputeOp, Ground, Outcome, device_id, lot_id

LOT = lot_id(CREW, 1)
REGULATORS = Regulators(districts=frozenset([8]), city=frozenset([9]))
START, OPENED = 1_000, 2_000
TONNE = 1_000_000


class Story(LedgerStory):
    """The gate took 9 t of what the crew gave as 10 t."""

    def __init__(self, also: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.taken = self.record(GATE, Kind.TAKE, at=START, lot=LOT, grams=9 * TONNE, giver=CREW)
        self.fact = fact_of(self.taken, also=also)

    def open(self, by: int = CREW_OFFICE, value: int = 10 * TONNE, at: int = OPENED, **more: int) -> RecordedEntry:
        device, seq = self.fact.entry_id
        fields = {"rule": int(Ground.MASS), "value": value, "device": device, "seq": seq} | more
        return self.record(by, Kind.DISPUTE, at=at, op=DisputeOp.OPEN, **fields)

    def say(
        self, by: int, op: int, opening: RecordedEntry, at: int, value: int = 0, evidence: int = 0
    ) -> RecordedEntry:
        device, seq = opening.entry_id
        return self.record(by, Kind.DISPUTE, at=at, op=op, device=device, seq=seq, value=value, evidence=evidence)

    def folded(self, at: int) -> Disputes:
        return fold_disputes(self.fact, self.entries, ROLES, REGULATORS, at=at)

    def dispute(self, at: int) -> Dispute:
        (found,) = self.folded(at).disputes
        return found

    def why(self, recorded: RecordedEntry) -> WithoutEffect | None:
        return self.folded(recorded.recorded_at).without_effect.get(recorded.entry_id)

    def known(self, at: int) -> Effective:
        found = as_known_at(self.fact, AmendedField.GRAMS, self.entries, roles=ROLES, regulators=REGULATORS, at=at)
        assert found is not None
        return found


def opened() -> tuple[Story, RecordedEntry]:
    story = Story()
    return story, story.open()


def answered() -> tuple[Story, RecordedEntry, int]:
    story, opening = opened()
    story.say(GATE_OFFICE, DisputeOp.ANSWER, opening, OPENED + 10, 9 * TONNE)
    return story, opening, OPENED + 10


def ruled() -> tuple[Story, RecordedEntry, int]:
    story, opening, at = answered()
    story.say(DISTRICT, DisputeOp.RULE, opening, at + 10, 9_500_000)
    return story, opening, at + 10


class TestOpening:
    def test_waits_for_the_other_sides_answer(self) -> None:
        story, opening = opened()
        found = story.dispute(OPENED)
        assert (found.entry_id, found.ground, found.field) == (opening.entry_id, Ground.MASS, AmendedField.GRAMS)
        assert (found.claimed, found.stage) == (10 * TONNE, Stage.AWAITING_ANSWER)
        assert (found.deadline, found.is_overdue, found.steps) == (OPENED + ANSWER_SECONDS, False, ())
        assert [(event.what, event.by) for event in found.events] == [(DisputeOp.OPEN, opening.entry_id)]

    def test_changes_nothing_by_itself(self) -> None:
        story, _ = opened()
        assert story.known(OPENED).value == 9 * TONNE

    def test_waits_for_a_ruling_where_nobody_else_is_a_party(self) -> None:
        story = LedgerStory()
        fact = fact_of(story.record(CREW, Kind.LIFT, at=START, grams=5, stream=4))
        opening = story.record(CREW_OFFICE, Kind.DISPUTE, at=OPENED, op=1, rule=2, value=3, device=CREW, seq=1)
        story.record(
            DISTRICT, Kind.DISPUTE, at=OPENED + 1, op=4, value=3, device=CREW_OFFICE, seq=opening.entry_id.seq
        )
        before, after = (
            fold_disputes(fact, story.entries, ROLES, REGULATORS, at=at).disputes[0] for at in (OPENED, OPENED + 1)
        )
        assert (before.stage, before.deadline) == (Stage.AWAITING_RULING, OPENED + RULING_SECONDS)
        assert (after.stage, after.field, after.steps[0].value) == (Stage.APPEALABLE, AmendedField.STREAM, 3)

    @pytest.mark.parametrize("stranger", [STRANGER, DISTRICT, CREW_PHONE])
    def test_is_for_parties_only(self, stranger: int) -> None:
        story = Story()
        assert story.why(story.open(stranger)) is WithoutEffect.NOT_A_PARTY

    @pytest.mark.parametrize("ground", [0, 99, Ground.DECLINE_UNFOUNDED, Ground.REFUSAL_UNFOUNDED])
    def test_needs_a_ground_that_the_fact_has(self, ground: int) -> None:
        story = Story()
        assert story.why(story.open(rule=ground)) is WithoutEffect.NO_SUCH_GROUND

    def test_can_be_about_the_stream_that_a_load_was_taken_as(self) -> None:
        story = Story()
        story.open(rule=Ground.STREAM, value=4)
        (dispute,) = story.folded(OPENED).disputes
        assert (dispute.field, dispute.claimed) == (AmendedField.STREAM, 4)
        assert story.why(story.open(rule=Ground.STREAM, value=0)) is WithoutEffect.NO_SUCH_VALUE

    def test_needs_a_value_that_the_field_can_hold(self) -> None:
        story = Story()
        assert story.why(story.open(value=1 << 48)) is WithoutEffect.NO_SUCH_VALUE

    def test_of_what_the_ledger_did_not_apply_is_not_looked_at(self) -> None:
        story = Story()
        device, seq = story.fact.entry_id
        fields = {"op": 1, "rule": 1, "value": 5, "device": device, "seq": seq}
        for outcome in Outcome:
            if outcome != Outcome.APPLIED:
                story.record(CREW, Kind.DISPUTE, at=OPENED, outcome=outcome, **fields)
        story.record(CREW, Kind.DISPUTE, at=OPENED, op=1, rule=1, value=5, device=device, seq=seq + 1)
        assert story.folded(OPENED) == Disputes(story.fact, (), {})

    def test_may_be_done_more_than_once(self) -> None:
        story, _ = opened()
        story.open(GATE, 8 * TONNE)
        assert [found.claimed for found in story.folded(OPENED).disputes] == [10 * TONNE, 8 * TONNE]


class TestFieldOf:
    def test_follows_the_ground_and_the_kind(self) -> None:
        assert field_of(Ground.MASS, Kind.WEIGH) is AmendedField.NET
        assert field_of(Ground.MASS, Kind.TAKE) is AmendedField.GRAMS
        assert field_of(Ground.STREAM, Kind.LIFT) is AmendedField.STREAM
        for ground in (Ground.DECLINE_UNFOUNDED, Ground.REFUSAL_UNFOUNDED, Ground.NEVER_HAPPENED):
            assert field_of(ground, Kind.DECLINE) is AmendedField.VOID

    @pytest.mark.parametrize(
        ("kind", "ground"),
        [(Kind.DECLINE, Ground.DECLINE_UNFOUNDED), (Kind.REFUSE, Ground.REFUSAL_UNFOUNDED)],
    )
    def test_lets_a_refusal_be_disputed(self, kind: Kind, ground: Ground) -> None:
        story = LedgerStory()
        fact = fact_of(story.record(CREW, kind, at=START), also=[3])
        story.record(GATE_OFFICE, Kind.DISPUTE, at=OPENED, op=1, rule=ground, value=1, device=CREW, seq=1)
        at = OPENED + ANSWER_SECONDS
        found = as_known_at(fact, AmendedField.VOID, story.entries, roles=ROLES, regulators=REGULATORS, at=at)
        assert found is not None
        assert [step.value for step in found.steps] == [0, 1]


class TestRegulators:
    def test_are_the_city_and_its_districts(self) -> None:
        assert Regulators.of([8, 1, 9]) == Regulators(districts=frozenset([8, 9]), city=frozenset([1]))


class TestEvidence:
    def test_is_heard_from_parties_until_the_end(self) -> None:
        story, opening, at = ruled()
        for n, by in enumerate((CREW, CREW_OFFICE, GATE_OFFICE)):
            story.say(by, DisputeOp.EVIDENCE, opening, at + n, evidence=100 + n)
        heard = [event.evidence for event in story.dispute(at + 9).events if event.what is DisputeOp.EVIDENCE]
        assert heard == [100, 101, 102]

    def test_is_not_heard_from_strangers_or_after_the_end(self) -> None:
        story, opening, at = ruled()
        assert story.why(story.say(STRANGER, DisputeOp.EVIDENCE, opening, at)) is WithoutEffect.NOT_A_PARTY
        late = story.say(CREW, DisputeOp.EVIDENCE, opening, at + APPEAL_SECONDS)
        assert story.why(late) is WithoutEffect.NOT_NOW
        assert story.why(story.say(CREW, 77, opening, at + APPEAL_SECONDS)) is WithoutEffect.NOT_NOW


class TestAnAnswer:
    def test_with_another_value_asks_for_a_ruling(self) -> None:
        story, _, at = answered()
        found = story.dispute(at)
        assert (found.stage, found.deadline) == (Stage.AWAITING_RULING, at + RULING_SECONDS)
        assert story.known(at).value == 9 * TONNE

    def test_that_agrees_ends_the_dispute_at_once(self) -> None:
        story, opening = opened()
        said = story.say(GATE, DisputeOp.ANSWER, opening, OPENED + 10, 10 * TONNE)
        found = story.dispute(OPENED + 10)
        assert (found.stage, found.deadline) == (Stage.CLOSED, None)
        step = story.known(OPENED + 10).steps[-1]
        assert (step.value, step.kind, step.by) == (10 * TONNE, StepKind.AGREED, said.entry_id)

    def test_comes_from_the_other_side_and_once(self) -> None:
        story, opening = opened()
        assert story.why(story.say(CREW, DisputeOp.ANSWER, opening, OPENED)) is WithoutEffect.OWN_DISPUTE
        assert story.why(story.say(STRANGER, DisputeOp.ANSWER, opening, OPENED)) is WithoutEffect.NOT_A_PARTY
        assert story.why(story.say(GATE, DisputeOp.ANSWER, opening, OPENED, 1)) is None
        assert story.why(story.say(GATE, DisputeOp.ANSWER, opening, OPENED, 2)) is WithoutEffect.NOT_NOW

    def test_that_never_comes_lets_the_claim_stand(self) -> None:
        story, opening = opened()
        deadline = OPENED + ANSWER_SECONDS
        assert story.known(deadline - 1).value == 9 * TONNE
        step = story.known(deadline).steps[-1]
        assert (step.since, step.value, step.kind) == (deadline, 10 * TONNE, StepKind.BY_DEFAULT)
        assert step.by == opening.entry_id
        found = story.dispute(deadline)
        assert (found.stage, found.deadline) == (Stage.APPEALABLE, deadline + APPEAL_SECONDS)
        assert [event.what for event in found.events] == [DisputeOp.OPEN, Passed.CLAIM_STANDS]
        assert (found.events[-1].at, found.events[-1].by) == (deadline, None)

    def test_is_too_late_at_the_deadline_but_an_appeal_is_not(self) -> None:
        story, opening = opened()
        deadline = OPENED + ANSWER_SECONDS
        assert story.why(story.say(GATE, DisputeOp.ANSWER, opening, deadline, 1)) is WithoutEffect.NOT_NOW
        assert story.why(story.say(GATE, DisputeOp.APPEAL, opening, deadline)) is None
        assert story.dispute(deadline).stage is Stage.AWAITING_FINAL_RULING


class TestARuling:
    def test_changes_what_counts_and_keeps_every_earlier_value(self) -> None:
        story, _, at = ruled()
        assert [(step.value, step.kind) for step in story.known(at).steps] == [
            (9 * TONNE, StepKind.SIGNED),
            (9_500_000, StepKind.RULED),
        ]
        found = story.dispute(at)
        assert (found.stage, found.deadline) == (Stage.APPEALABLE, at + APPEAL_SECONDS)

    def test_is_final_when_nobody_appeals(self) -> None:
        story, opening, at = ruled()
        end = at + APPEAL_SECONDS
        found = story.dispute(end)
        assert (found.stage, found.deadline, found.is_overdue) == (Stage.CLOSED, None, False)
        assert found.events[-1].what is Passed.BECAME_FINAL
        assert story.why(story.say(CREW, DisputeOp.APPEAL, opening, end)) is WithoutEffect.NOT_NOW
        assert story.why(story.say(CITY, DisputeOp.RULE, opening, end, 1)) is WithoutEffect.NOT_NOW

    def test_is_not_made_before_the_answer(self) -> None:
        story, opening = opened()
        assert story.why(story.say(DISTRICT, DisputeOp.RULE, opening, OPENED, 1)) is WithoutEffect.NOT_NOW

    def test_can_be_about_the_stream_that_a_load_was_taken_as(self) -> None:
        story = Story()
        story.open(rule=Ground.STREAM, value=4)
        (dispute,) = story.folded(OPENED).disputes
        assert (dispute.field, dispute.claimed) == (AmendedField.STREAM, 4)
        assert story.why(story.open(rule=Ground.STREAM, value=0)) is WithoutEffect.NO_SUCH_VALUE

    def test_needs_a_value_that_the_field_can_hold(self) -> None:
        story, opening, at = answered()
        said = story.say(DISTRICT, DisputeOp.RULE, opening, at, 1 << 48)
        assert story.why(said) is WithoutEffect.NO_SUCH_VALUE

    @pytest.mark.parametrize("who", [STRANGER, GATE_OFFICE, CREW_OFFICE, device_id(8, 5)])
    def test_is_not_made_by_who_is_no_regulators_office(self, who: int) -> None:
        story, opening, at = answered()
        assert story.why(story.say(who, DisputeOp.RULE, opening, at, 1)) is WithoutEffect.MAY_NOT_RULE

    def test_is_not_made_by_a_regulator_that_is_a_party(self) -> None:
        story = Story(also=(8,))
        opening = story.open()
        story.say(GATE, DisputeOp.ANSWER, opening, OPENED, 1)
        assert story.why(story.say(DISTRICT, DisputeOp.RULE, opening, OPENED, 1)) is WithoutEffect.MAY_NOT_RULE
        assert story.why(story.say(CITY, DisputeOp.RULE, opening, OPENED, 1)) is None

    def test_that_never_comes_is_left_to_the_city(self) -> None:
        story, opening, at = answered()
        deadline = at + RULING_SECONDS
        found = story.dispute(deadline)
        assert (found.stage, found.deadline) == (Stage.AWAITING_CITY, deadline + RULING_SECONDS)
        assert found.events[-1].what is Passed.WENT_TO_CITY
        assert story.why(story.say(DISTRICT, DisputeOp.RULE, opening, deadline, 1)) is WithoutEffect.MAY_NOT_RULE
        assert story.why(story.say(CITY, DisputeOp.RULE, opening, deadline, 1)) is None
        assert story.known(deadline).value == 1

    def test_that_the_city_owes_is_shown_as_overdue_and_can_still_be_made(self) -> None:
        story, opening, at = answered()
        deadline = at + 2 * RULING_SECONDS
        assert story.dispute(deadline - 1).is_overdue is False
        found = story.dispute(deadline)
        assert (found.stage, found.deadline, found.is_overdue) == (Stage.AWAITING_CITY, deadline, True)
        assert story.known(deadline).value == 9 * TONNE
        assert story.why(story.say(CITY, DisputeOp.RULE, opening, deadline + 5, 7)) is None
        assert story.known(deadline + 5).value == 7


class TestAnAppeal:
    def test_leads_to_a_final_ruling_by_the_city(self) -> None:
        story, opening, at = ruled()
        story.say(GATE_OFFICE, DisputeOp.APPEAL, opening, at + 5)
        found = story.dispute(at + 5)
        assert (found.stage, found.deadline) == (Stage.AWAITING_FINAL_RULING, at + 5 + RULING_SECONDS)
        assert story.known(at + 5).value == 9_500_000
        assert story.why(story.say(DISTRICT, DisputeOp.RULE, opening, at + 6, 1)) is WithoutEffect.MAY_NOT_RULE
        story.say(CITY, DisputeOp.RULE, opening, at + 7, 9_200_000)
        assert story.dispute(at + 7).stage is Stage.CLOSED
        assert [(step.value, step.kind) for step in story.known(at + 7).steps] == [
            (9 * TONNE, StepKind.SIGNED),
            (9_500_000, StepKind.RULED),
            (9_200_000, StepKind.RULED_FINALLY),
        ]

    def test_is_not_decided_by_the_device_that_ruled_before(self) -> None:
        story, opening, at = answered()
        story.say(CITY, DisputeOp.RULE, opening, at, 1)
        story.say(CREW, DisputeOp.APPEAL, opening, at)
        assert story.why(story.say(CITY, DisputeOp.RULE, opening, at, 2)) is WithoutEffect.MAY_NOT_RULE
        assert story.why(story.say(CITY_TOO, DisputeOp.RULE, opening, at, 2)) is None

    def test_that_is_not_decided_leaves_the_first_ruling_and_is_shown_as_overdue(self) -> None:
        story, opening, at = ruled()
        story.say(CREW, DisputeOp.APPEAL, opening, at)
        found = story.dispute(at + RULING_SECONDS)
        assert (found.stage, found.is_overdue) == (Stage.AWAITING_FINAL_RULING, True)
        assert story.known(at + RULING_SECONDS).value == 9_500_000

    def test_is_for_parties_while_there_is_something_to_appeal(self) -> None:
        story, opening, at = answered()
        assert story.why(story.say(CREW, DisputeOp.APPEAL, opening, at)) is WithoutEffect.NOT_NOW
        assert story.why(story.say(STRANGER, DisputeOp.APPEAL, opening, at)) is WithoutEffect.NOT_A_PARTY


class TestTogether:
    def test_a_later_amendment_that_both_sides_want_comes_after_a_ruling(self) -> None:
        story, _, at = ruled()
        device, seq = story.fact.entry_id
        made = story.record(GATE, Kind.AMEND, at=at + 1, op=1, device=device, seq=seq, field=1, value=9_400_000)
        story.record(CREW, Kind.AMEND, at=at + 2, op=AmendOp.APPROVE, device=GATE, seq=made.entry_id.seq)
        assert [step.value for step in story.known(at + 2).steps] == [9 * TONNE, 9_500_000, 9_400_000]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([CREW, CREW_OFFICE, GATE, GATE_OFFICE, SCALE, DISTRICT, CITY, CITY_TOO, STRANGER]),
                st.sampled_from([*DisputeOp, 9]),
                st.integers(0, 12),
                st.sampled_from([0, 1, 2]),
                st.sampled_from([1, 3_600, ANSWER_SECONDS, RULING_SECONDS]),
            ),
            max_size=14,
        )
    )
    def test_nothing_said_changes_the_past_and_only_regulators_rule(
        self, said: list[tuple[int, int, int, int, int]]
    ) -> None:
        story, _ = opened()
        at = OPENED
        answers = [story.known(at)]
        for by, op, named, value, pause in said:
            before = story.known(at + pause - 1)
            at += pause
            if op == DisputeOp.OPEN:
                story.open(by, value, at)
            else:
                story.say(by, op, story.entries[named % len(story.entries)], at, value)
            assert story.known(at - 1) == before
            answers.append(story.known(at))
        for earlier, later in pairwise(answers):
            assert later.steps[: len(earlier.steps)] == earlier.steps
        for step in answers[-1].steps:
            is_regulator = step.by.device in (DISTRICT, CITY, CITY_TOO)
            assert is_regulator is (step.kind in (StepKind.RULED, StepKind.RULED_FINALLY))
        for found in story.folded(at).disputes:
            assert [event.at for event in found.events] == sorted(event.at for event in found.events)
            assert found.is_overdue <= (found.stage in (Stage.AWAITING_CITY, Stage.AWAITING_FINAL_RULING))
