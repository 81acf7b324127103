"""Amendments: proposed by one side, approved by the other, and nothing overwritten."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_entries import (
    CREW,
    CREW_OFFICE,
    CREW_PHONE,
    GATE,
    GATE_OFFICE,
    ROLES,
    STRANGER,
    LedgerStory,
)

from backend.domain.amendments import (
    ANSWER_SECONDS,
    Amendments,
    ProposalState,
    WithoutEffect,
    fold_amendments,
)
from backend.domain.disputes import Regulators
from backend.domain.effective import as_known_at
from backend.domain.facts import Effective, Fact, StepKind, fact_of
from backend.domain.layout import Kind
from backend.domain.recorded import RecordedEntry
from backend.domain.types import AmendedField, AmendOp, Outcome, Stream, lot_id, organisation_of

LOT = lot_id(CREW, 1)
NOBODY = Regulators(frozenset(), frozenset())
LONG_AFTER = 10_000_000


class Story(LedgerStory):
    """A take of 9 t by the gate from the crew, and what is said about it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = self.record(GATE, Kind.TAKE, at=100, lot=LOT, grams=9_000_000, giver=CREW, give_seq=5)
        self.fact = fact_of(self.taken)

    def propose(
        self, device: int, value: int, *, at: int, field: int = AmendedField.GRAMS, until: int = 0, **more: int
    ) -> RecordedEntry:
        named = self.fact.entry_id
        return self.record(
            device,
            Kind.AMEND,
            at=at,
            op=AmendOp.PROPOSE,
            device=named.device,
            seq=named.seq,
            field=field,
            value=value,
            until=until,
            **more,
        )

    def answer(
        self, device: int, proposal: RecordedEntry, *, at: int, op: AmendOp = AmendOp.APPROVE
    ) -> RecordedEntry:
        named = proposal.entry_id
        return self.record(device, Kind.AMEND, at=at, op=op, device=named.device, seq=named.seq)

    def folded(self, at: int = LONG_AFTER) -> Amendments:
        return fold_amendments(self.fact, self.entries, ROLES, at=at)

    def states(self, at: int = LONG_AFTER) -> list[ProposalState]:
        return [proposal.state(at) for proposal in self.folded(at).proposals]

    def known(self, at: int, field: AmendedField = AmendedField.GRAMS) -> Effective:
        found = as_known_at(self.fact, field, self.entries, roles=ROLES, regulators=NOBODY, at=at)
        assert found is not None
        return found

    def why(self, recorded: RecordedEntry) -> WithoutEffect:
        return self.folded().without_effect[recorded.entry_id]


class TestAProposal:
    def test_has_no_effect_before_it_is_approved(self) -> None:
        story = Story()
        story.propose(GATE, 8_900_000, at=200)
        assert story.states() == [ProposalState.EXPIRED]
        assert story.states(200) == [ProposalState.PROPOSED]
        assert story.known(LONG_AFTER).value == 9_000_000

    def test_changes_what_counts_once_the_other_side_approves_and_keeps_what_was_signed(self) -> None:
        story = Story()
        made = story.propose(GATE, 8_900_000, at=200, evidence=77)
        approved = story.answer(CREW_OFFICE, made, at=300)
        found = story.known(LONG_AFTER)
        assert found.value == 8_900_000
        assert [(step.since, step.value, step.kind, step.by) for step in found.steps] == [
            (100, 9_000_000, StepKind.SIGNED, story.taken.entry_id),
            (300, 8_900_000, StepKind.AMENDED, made.entry_id),
        ]
        (proposal,) = story.folded().proposals
        assert (proposal.evidence, proposal.recorded_at, proposal.until) == (77, 200, 200 + ANSWER_SECONDS)
        assert proposal.answer is not None
        assert (proposal.answer.entry_id, proposal.answer.is_approval) == (approved.entry_id, True)
        assert proposal.state(LONG_AFTER) is ProposalState.APPROVED

    def test_has_no_effect_once_it_is_refused(self) -> None:
        story = Story()
        made = story.propose(GATE, 8_900_000, at=200)
        story.answer(CREW_OFFICE, made, at=300, op=AmendOp.REFUSE)
        late = story.answer(CREW_OFFICE, made, at=301)
        assert story.states() == [ProposalState.REFUSED]
        assert story.why(late) is WithoutEffect.ANSWERED_BEFORE
        assert story.known(LONG_AFTER).value == 9_000_000

    def test_expires_at_its_time_without_effect(self) -> None:
        story = Story()
        made = story.propose(GATE, 8_900_000, at=200, until=300)
        late = story.answer(CREW_OFFICE, made, at=300)
        assert story.states(299) == [ProposalState.PROPOSED]
        assert story.states(300) == [ProposalState.EXPIRED]
        assert story.why(late) is WithoutEffect.OVERDUE
        assert story.known(LONG_AFTER).value == 9_000_000

    def test_can_be_approved_until_the_last_second(self) -> None:
        story = Story()
        made = story.propose(GATE, 8_900_000, at=200, until=300)
        story.answer(CREW_OFFICE, made, at=299)
        assert story.states() == [ProposalState.APPROVED]

    def test_may_come_from_either_side_and_be_answered_by_the_device_that_the_fact_names(self) -> None:
        story = Story()
        story.answer(GATE, story.propose(CREW, 9_100_000, at=200), at=300)
        story.answer(CREW, story.propose(GATE, 9_050_000, at=400), at=500)
        assert story.states() == [ProposalState.APPROVED] * 2
        assert [step.value for step in story.known(LONG_AFTER).steps] == [9_000_000, 9_100_000, 9_050_000]

    def test_is_not_approved_by_its_own_side(self) -> None:
        story = Story()
        made = story.propose(GATE, 8_900_000, at=200)
        for own in (GATE, GATE_OFFICE):
            assert story.why(story.answer(own, made, at=300)) is WithoutEffect.OWN_PROPOSAL
        assert story.known(LONG_AFTER).value == 9_000_000

    def test_is_not_made_or_answered_by_who_may_not_speak(self) -> None:
        story = Story()
        made = story.propose(GATE, 8_900_000, at=200)
        for stranger in (STRANGER, CREW_PHONE):
            assert story.why(story.propose(stranger, 1, at=300)) is WithoutEffect.NOT_A_PARTY
            assert story.why(story.answer(stranger, made, at=300)) is WithoutEffect.NOT_A_PARTY
        assert len(story.folded().proposals) == 1

    def test_may_stand_beside_others_and_the_last_approval_counts(self) -> None:
        story = Story()
        first = story.propose(GATE, 8_900_000, at=200)
        second = story.propose(GATE, 8_800_000, at=201)
        story.answer(CREW_OFFICE, second, at=300)
        story.answer(CREW_OFFICE, first, at=301)
        assert [step.value for step in story.known(LONG_AFTER).steps] == [9_000_000, 8_800_000, 8_900_000]

    def test_of_what_the_ledger_did_not_apply_is_not_looked_at(self) -> None:
        story = Story()
        named = story.taken.entry_id
        fields = {"op": AmendOp.PROPOSE, "device": named.device, "seq": named.seq, "field": 1, "value": 5}
        for outcome in Outcome:
            if outcome != Outcome.APPLIED:
                story.record(GATE, Kind.AMEND, at=200, outcome=outcome, **fields)
        assert story.folded() == Amendments(story.fact, (), {})

    def test_of_another_fact_or_of_no_known_kind_is_not_looked_at(self) -> None:
        story = Story()
        other = story.record(GATE, Kind.TAKE, at=110, lot=LOT, giver=CREW)
        made = fact_of(other).entry_id
        story.record(GATE, Kind.AMEND, at=200, op=1, device=made.device, seq=made.seq, field=1, value=5)
        story.record(CREW, Kind.AMEND, at=200, op=2, device=1, seq=1)
        story.record(CREW, Kind.AMEND, at=200, op=9, device=GATE, seq=1)
        assert story.folded() == Amendments(story.fact, (), {})

    @pytest.mark.parametrize(
        ("field", "value", "why"),
        [
            (0, 1, WithoutEffect.NO_SUCH_FIELD),
            (200, 1, WithoutEffect.NO_SUCH_FIELD),
            (AmendedField.GROSS, 1, WithoutEffect.NO_SUCH_FIELD),
            (AmendedField.STREAM, 0, WithoutEffect.NO_SUCH_VALUE),
            (AmendedField.GRAMS, 1 << 48, WithoutEffect.NO_SUCH_VALUE),
            (AmendedField.VOID, 2, WithoutEffect.NO_SUCH_VALUE),
        ],
    )
    def test_must_fit_the_fact(self, field: int, value: int, why: WithoutEffect) -> None:
        story = Story()
        assert story.why(story.propose(GATE, value, at=200, field=field)) is why

    def test_says_which_stream_a_load_was_taken_as_even_where_the_take_named_none(self) -> None:
        story = Story()
        made = story.propose(GATE, Stream.RESIDUAL, at=200, field=AmendedField.STREAM)
        story.answer(CREW_OFFICE, made, at=300)
        assert [step.value for step in story.known(LONG_AFTER, AmendedField.STREAM).steps] == [0, Stream.RESIDUAL]


class TestFactsOfOneParty:
    def lift(self, story: LedgerStory) -> Fact:
        lifted = story.record(CREW, Kind.LIFT, at=100, bin=7, stream=Stream.FOOD, grams=90_000, basis=1, grade=1)
        return fact_of(lifted)

    def amend(self, story: LedgerStory, by: int, fact: Fact, **fields: int) -> RecordedEntry:
        device, seq = fact.entry_id
        return story.record(by, Kind.AMEND, at=200, op=AmendOp.PROPOSE, device=device, seq=seq, **fields)

    def test_are_amended_with_the_word_of_another_device_of_the_same_organisation(self) -> None:
        story = LedgerStory()
        fact = self.lift(story)
        made = self.amend(story, CREW, fact, field=AmendedField.STREAM, value=Stream.RESIDUAL)
        approvals = {}
        for device in (CREW, CREW_PHONE, CREW_OFFICE):
            recorded = story.record(
                device, Kind.AMEND, at=300, op=AmendOp.APPROVE, device=CREW, seq=made.entry_id.seq
            )
            approvals[device] = recorded.entry_id
        folded = fold_amendments(fact, story.entries, ROLES, at=300)
        assert folded.without_effect == {
            approvals[CREW]: WithoutEffect.OWN_PROPOSAL,
            approvals[CREW_PHONE]: WithoutEffect.NOT_A_PARTY,
        }
        answer = folded.proposals[0].answer
        assert answer is not None
        assert answer.entry_id == approvals[CREW_OFFICE]

    @pytest.mark.parametrize(
        ("field", "value"),
        [(AmendedField.STREAM, 5), (AmendedField.GRADE, 4), (AmendedField.BASIS, 0)],
    )
    def test_take_no_value_outside_a_code_list(self, field: AmendedField, value: int) -> None:
        story = LedgerStory()
        fact = self.lift(story)
        made = self.amend(story, CREW, fact, field=field, value=value)
        folded = fold_amendments(fact, story.entries, ROLES, at=300)
        assert folded.without_effect == {made.entry_id: WithoutEffect.NO_SUCH_VALUE}

    def test_can_be_declared_void(self) -> None:
        story = LedgerStory()
        fact = self.lift(story)
        made = self.amend(story, CREW, fact, field=AmendedField.VOID, value=1)
        story.record(CREW_OFFICE, Kind.AMEND, at=300, op=AmendOp.APPROVE, device=CREW, seq=made.entry_id.seq)
        values = [
            found.value
            for at in (299, 300)
            if (
                found := as_known_at(fact, AmendedField.VOID, story.entries, roles=ROLES, regulators=NOBODY, at=at)
            )
        ]
        assert values == [0, 1]


class TestFactOf:
    @pytest.mark.parametrize(
        ("kind", "fields"),
        [
            (Kind.GIVE, {"to": GATE}),
            (Kind.TAKE, {"giver": GATE}),
            (Kind.REFUSE, {"giver": GATE}),
            (Kind.REDIRECT, {"to": GATE}),
            (Kind.MANDATE, {"to": GATE}),
        ],
    )
    def test_makes_the_named_side_a_party(self, kind: Kind, fields: dict[str, int]) -> None:
        fact = fact_of(LedgerStory().record(CREW, kind, at=1, **fields))
        assert (fact.parties, fact.counterpart) == ({2, 3}, GATE)
        assert fact.organisation == 2

    def test_adds_the_parties_that_only_the_books_know(self) -> None:
        fact = fact_of(LedgerStory().record(CREW, Kind.DECLINE, at=1), also=[4])
        assert (fact.parties, fact.counterpart) == ({2, 4}, 0)


class TestAsKnownAt:
    def test_gives_two_right_answers_before_and_after(self) -> None:
        story = Story()
        story.answer(CREW_OFFICE, story.propose(GATE, 8_900_000, at=200), at=300)
        assert story.known(299).value == 9_000_000
        assert story.known(300).value == 8_900_000

    def test_knows_nothing_of_a_fact_that_was_not_recorded_or_of_a_field_that_it_lacks(self) -> None:
        story = Story()
        for at, field in ((99, AmendedField.GRAMS), (100, AmendedField.GROSS)):
            found = as_known_at(story.fact, field, story.entries, roles=ROLES, regulators=NOBODY, at=at)
            assert found is None

    def test_works_for_a_refusal(self) -> None:
        story = LedgerStory()
        refused = story.record(GATE, Kind.REFUSE, at=100, lot=LOT, grams=3_000_000, giver=CREW, reason=2)
        fact = fact_of(refused)
        made = story.record(GATE, Kind.AMEND, at=200, op=1, device=GATE, seq=1, field=AmendedField.REASON, value=4)
        story.record(CREW_OFFICE, Kind.AMEND, at=300, op=2, device=GATE, seq=made.entry_id.seq)
        answers = [
            as_known_at(fact, AmendedField.REASON, story.entries, roles=ROLES, regulators=NOBODY, at=at)
            for at in (250, 350)
        ]
        assert [found and found.value for found in answers] == [2, 4]

    def test_follows_a_lift_into_the_lot_that_its_lot_was_merged_into(self) -> None:
        story = LedgerStory()
        facts = [fact_of(story.record(CREW, Kind.LIFT, at=100, bin=n, stream=4, grams=40_000)) for n in range(3)]
        story.record(CREW, Kind.MERGE, at=150, lot=LOT, grams=120_000, into=lot_id(CREW, 9), stream=4)
        made = story.record(
            CREW, Kind.AMEND, at=200, op=1, device=CREW, seq=2, field=AmendedField.GRAMS, value=52_000
        )
        story.record(CREW_OFFICE, Kind.AMEND, at=300, op=2, device=CREW, seq=made.entry_id.seq)

        def total(at: int) -> int:
            known = [
                as_known_at(fact, AmendedField.GRAMS, story.entries, roles=ROLES, regulators=NOBODY, at=at)
                for fact in facts
            ]
            return 120_000 + sum(found.difference for found in known if found)

        assert (total(299), total(300)) == (120_000, 132_000)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([GATE, GATE_OFFICE, CREW, CREW_OFFICE, CREW_PHONE, STRANGER]),
                st.sampled_from(list(AmendOp)),
                st.integers(1, 8),
                st.integers(0, 9),
                st.integers(0, 40),
            ),
            max_size=12,
        )
    )
    def test_never_changes_the_past_and_only_the_other_side_changes_the_present(
        self, said: list[tuple[int, AmendOp, int, int, int]]
    ) -> None:
        story = Story()
        answers = []
        for n, (device, op, named, value, until) in enumerate(said):
            before, at = story.known(199 + n), 200 + n
            if op is AmendOp.PROPOSE:
                story.propose(device, value, at=at, until=until and at + until)
            else:
                story.answer(device, story.entries[named % len(story.entries)], at=at, op=op)
            assert story.known(199 + n) == before
            answers.append(story.known(at))
        for proposal in story.folded().proposals:
            if proposal.answer is not None:
                assert organisation_of(proposal.answer.entry_id.device) != organisation_of(
                    proposal.entry_id.device
                )
        for earlier, later in pairwise(answers):
            assert later.steps[: len(earlier.steps)] == earlier.steps
