"""Cases: who is waited for at an instant, until when, and how a passed deadline ends it."""

from __future__ import annotations

import pytest
from recorded_entries import (
    CITY,
    CREW,
    CREW_OFFICE,
    CREW_PHONE,
    DISTRICT,
    GATE,
    GATE_OFFICE,
    ROLES,
    LedgerStory,
)

from backend.domain import amendments, collection_refusals, disputes
from backend.domain.case_facts import FactRecords, SureFinding, cases_of_fact, finding_case
from backend.domain.case_lots import LotSteps, cases_of_way
from backend.domain.case_rules import UnusableCaseRules, find_case_rule, read_case_rules
from backend.domain.cases import Case, CaseKind, CaseState, Owner, Stage, state_of
from backend.domain.disputes import Regulators
from backend.domain.facts import fact_of
from backend.domain.layout import Kind
from backend.domain.recorded import RecordedEntry
from backend.domain.types import AmendedField, AmendOp, DisputeOp, Ground, Outcome, Role, Verdict, organisation_of
from backend.exchange.case_rules_file import load_case_rules
from backend.exchange.threshold_file import load_thresholds

RULES = load_case_rules()
MISSING_MASS = tuple(rule for rule in load_thresholds() if rule.rule_id == "missing-mass")
T0 = 1_772_337_600
HOUR, DAY = 3600, 86_400
LOT = CREW << 32 | 1
CREW_ORGANISATION, GATE_ORGANISATION = organisation_of(CREW), organisation_of(GATE)
REGULATORS = Regulators(frozenset({organisation_of(DISTRICT)}), frozenset({organisation_of(CITY)}))


def story_of_a_take() -> tuple[LedgerStory, RecordedEntry]:
    story = LedgerStory()
    take = story.record(GATE, Kind.TAKE, at=T0, lot=LOT, grams=900_000, giver=CREW, give_seq=3)
    return story, take


def about(recorded: RecordedEntry, **more: int) -> dict[str, int]:
    return {"device": recorded.entry_id.device, "seq": recorded.entry_id.seq, **more}


def cases_in(story: LedgerStory, fact: RecordedEntry, **more: int) -> list[Case]:
    said = [entry for entry in story.entries if entry is not fact]
    return cases_of_fact(FactRecords(fact, said, ROLES, REGULATORS, **more), RULES)


def the_case(story: LedgerStory, fact: RecordedEntry, kind: CaseKind) -> Case:
    (found,) = [case for case in cases_in(story, fact) if case.kind is kind]
    return found


def standing(case: Case, now: int) -> tuple[Stage, Owner, CaseState]:
    span = case.span_at(now)
    assert span is not None
    return span.stage, span.owner, state_of(is_done=span.stage.is_done, due=span.due, now=now)


class TestAnAmendment:
    def propose(self, story: LedgerStory, take: RecordedEntry) -> RecordedEntry:
        fields = about(take, op=AmendOp.PROPOSE, field=AmendedField.GRAMS, value=880_000)
        return story.record(GATE, Kind.AMEND, at=T0 + HOUR, **fields)

    def test_waits_for_the_other_party_until_its_own_deadline(self) -> None:
        story, take = story_of_a_take()
        proposal = self.propose(story, take)
        case = the_case(story, take, CaseKind.AMENDMENT)
        owner = Owner(CREW_ORGANISATION, Role.OFFICE)
        due = T0 + HOUR + amendments.ANSWER_SECONDS
        assert case.code == f"amendment-{GATE:016x}-{proposal.entry_id.seq}"
        assert case.entries == (proposal.entry_id, take.entry_id)
        assert case.span_at(T0) is None
        assert standing(case, T0 + HOUR) == (Stage.AWAITING_ANSWER, owner, CaseState.OPEN)
        assert standing(case, due - 1)[2] is CaseState.OPEN
        assert standing(case, due) == (Stage.EXPIRED, owner, CaseState.DONE)

    @pytest.mark.parametrize(("op", "stage"), [(AmendOp.APPROVE, Stage.APPROVED), (AmendOp.REFUSE, Stage.REFUSED)])
    def test_ends_with_the_answer(self, op: AmendOp, stage: Stage) -> None:
        story, take = story_of_a_take()
        proposal = self.propose(story, take)
        answer = story.record(CREW_OFFICE, Kind.AMEND, at=T0 + DAY, **about(proposal, op=op))
        case = the_case(story, take, CaseKind.AMENDMENT)
        assert standing(case, T0 + DAY - 1)[0] is Stage.AWAITING_ANSWER
        assert standing(case, T0 + DAY)[0] is stage
        assert case.entries[-1] == answer.entry_id

    def test_is_not_ended_by_who_may_not_answer(self) -> None:
        story, take = story_of_a_take()
        proposal = self.propose(story, take)
        story.record(GATE_OFFICE, Kind.AMEND, at=T0 + DAY, **about(proposal, op=AmendOp.APPROVE))
        story.record(CREW_PHONE, Kind.AMEND, at=T0 + DAY, **about(proposal, op=AmendOp.APPROVE))
        assert standing(the_case(story, take, CaseKind.AMENDMENT), T0 + DAY)[2] is CaseState.OPEN


class TestADispute:
    def open(self, story: LedgerStory, take: RecordedEntry) -> RecordedEntry:
        fields = about(take, op=DisputeOp.OPEN, rule=Ground.MASS, value=950_000)
        return story.record(CREW_OFFICE, Kind.DISPUTE, at=T0 + HOUR, **fields)

    def test_that_nobody_answers_passes_through_its_clocks_by_itself(self) -> None:
        story, take = story_of_a_take()
        self.open(story, take)
        case = the_case(story, take, CaseKind.DISPUTE)
        answer_by = T0 + HOUR + disputes.ANSWER_SECONDS
        final_at = answer_by + disputes.APPEAL_SECONDS
        gate = Owner(GATE_ORGANISATION, Role.OFFICE)
        assert standing(case, T0 + HOUR) == (Stage.AWAITING_ANSWER, gate, CaseState.OPEN)
        assert standing(case, answer_by) == (Stage.APPEALABLE, gate, CaseState.OPEN)
        assert standing(case, final_at)[0] is Stage.CLOSED
        assert [span.due for span in case.spans] == [answer_by, final_at, None]

    def test_waits_for_the_regulators_and_is_overdue_only_with_the_city(self) -> None:
        story, take = story_of_a_take()
        opening = self.open(story, take)
        answered = T0 + 2 * HOUR
        story.record(GATE, Kind.DISPUTE, at=answered, **about(opening, op=DisputeOp.ANSWER, value=900_000))
        case = the_case(story, take, CaseKind.DISPUTE)
        to_city = answered + disputes.RULING_SECONDS
        district = Owner(organisation_of(DISTRICT), Role.OFFICE)
        city = Owner(organisation_of(CITY), Role.OFFICE)
        assert standing(case, answered) == (Stage.AWAITING_RULING, district, CaseState.OPEN)
        assert standing(case, to_city) == (Stage.AWAITING_CITY, city, CaseState.OPEN)
        late = to_city + disputes.RULING_SECONDS
        assert standing(case, late) == (Stage.AWAITING_CITY, city, CaseState.OVERDUE)
        assert case.span_at(late + 365 * DAY) == case.span_at(late)

    def test_can_be_appealed_by_whoever_was_ruled_against(self) -> None:
        story, take = story_of_a_take()
        opening = self.open(story, take)
        story.record(GATE, Kind.DISPUTE, at=T0 + DAY, **about(opening, op=DisputeOp.ANSWER, value=900_000))
        ruled = T0 + 2 * DAY
        story.record(DISTRICT, Kind.DISPUTE, at=ruled, **about(opening, op=DisputeOp.RULE, value=900_000))
        case = the_case(story, take, CaseKind.DISPUTE)
        assert standing(case, ruled)[:2] == (Stage.APPEALABLE, Owner(CREW_ORGANISATION, Role.OFFICE))
        story.record(CREW_OFFICE, Kind.DISPUTE, at=ruled + HOUR, **about(opening, op=DisputeOp.APPEAL))
        case = the_case(story, take, CaseKind.DISPUTE)
        assert standing(case, ruled + HOUR)[:2] == (
            Stage.AWAITING_FINAL_RULING,
            Owner(organisation_of(CITY), Role.OFFICE),
        )

    def test_tells_the_same_as_the_disputes_rules_at_every_hour(self) -> None:
        story, take = story_of_a_take()
        opening = self.open(story, take)
        story.record(GATE, Kind.DISPUTE, at=T0 + DAY, **about(opening, op=DisputeOp.ANSWER, value=900_000))
        story.record(DISTRICT, Kind.DISPUTE, at=T0 + 3 * DAY, **about(opening, op=DisputeOp.RULE, value=910_000))
        case = the_case(story, take, CaseKind.DISPUTE)
        for hour in range(1, 30 * 24):
            at = T0 + hour * HOUR
            (told,) = disputes.fold_disputes(fact_of(take), story.entries, ROLES, REGULATORS, at=at).disputes
            span = case.span_at(at)
            assert span is not None
            assert (span.stage.name, span.due) == (told.stage.name, told.deadline), hour


class TestARefusalToCollect:
    def test_waits_a_day_for_the_custodian_and_then_stands(self) -> None:
        story = LedgerStory()
        fields = {"bin": 7, "stream": 3, "reason": 1, "evidence": 9}
        refusal = story.record(CREW, Kind.DECLINE, at=T0, **fields)
        (case,) = cases_in(story, refusal, custodian=GATE_ORGANISATION)
        due = T0 + collection_refusals.CONTEST_SECONDS
        assert standing(case, T0) == (
            Stage.AWAITING_ANSWER,
            Owner(GATE_ORGANISATION, Role.OFFICE),
            CaseState.OPEN,
        )
        assert standing(case, due)[0] is Stage.STANDS
        story.record(GATE_OFFICE, Kind.ACKNOWLEDGE, at=T0 + HOUR, **about(refusal, verdict=Verdict.CONTESTED))
        (case,) = cases_in(story, refusal, custodian=GATE_ORGANISATION)
        assert standing(case, T0 + HOUR)[0] is Stage.CONTESTED

    def test_is_no_case_without_evidence(self) -> None:
        story = LedgerStory()
        refusal = story.record(CREW, Kind.DECLINE, at=T0, bin=7, stream=3, reason=1)
        assert cases_in(story, refusal, custodian=GATE_ORGANISATION) == []


class TestAnEntryWithoutEffect:
    @pytest.mark.parametrize("outcome", [Outcome.DEFERRED, Outcome.LATE, Outcome.CONFLICT, Outcome.QUARANTINED])
    def test_waits_for_its_organisations_registrar_by_a_published_rule(self, outcome: Outcome) -> None:
        story = LedgerStory()
        odd = story.record(CREW, Kind.GIVE, at=T0, outcome=outcome, lot=LOT, to=GATE)
        (case,) = cases_in(story, odd)
        rule = find_case_rule(RULES, "odd-entry", T0)
        assert rule is not None
        assert (case.rule_id, case.rule_version) == (rule.rule_id, rule.version)
        assert standing(case, T0)[:2] == (Stage.AWAITING_EXPLANATION, Owner(CREW_ORGANISATION, Role.REGISTRAR))
        assert standing(case, T0 + rule.values["due_seconds"])[2] is CaseState.OVERDUE
        story.record(CREW_OFFICE, Kind.ACKNOWLEDGE, at=T0 + HOUR, **about(odd, verdict=Verdict.ACKNOWLEDGED))
        (case,) = cases_in(story, odd)
        assert standing(case, T0 + HOUR)[0] is Stage.ANSWERED

    def test_is_done_once_it_was_set_free(self) -> None:
        story = LedgerStory()
        waited = story.record(GATE, Kind.TAKE, at=T0, lot=LOT, giver=CREW, give_seq=3)
        (case,) = cases_in(story, waited, settled_at=T0 + HOUR)
        assert standing(case, T0)[2] is CaseState.OPEN
        assert standing(case, T0 + HOUR)[0] is Stage.SETTLED

    def test_that_was_followed_at_once_is_none(self) -> None:
        story, take = story_of_a_take()
        assert cases_in(story, take) == []


def way(story: LedgerStory, grams: int = 900_000) -> LotSteps:
    return LotSteps(LOT, grams, story.entries, {})


class TestALotsWay:
    def test_makes_a_give_a_case_when_nobody_takes_it_in_the_radars_time(self) -> None:
        story = LedgerStory()
        story.record(CREW, Kind.GIVE, at=T0, lot=LOT, to=GATE, grams=900_000)
        (case,) = cases_of_way(way(story), MISSING_MASS)
        due = T0 + MISSING_MASS[-1]["deadline_seconds"]
        assert case.kind is CaseKind.AWAITING_COUNTERPART
        assert case.span_at(due - 1) is None
        assert standing(case, due) == (
            Stage.AWAITING_COUNTERPART,
            Owner(GATE_ORGANISATION, Role.GATE),
            CaseState.OVERDUE,
        )

    def test_makes_no_case_of_a_give_that_was_taken_in_time_and_a_done_one_of_a_late_take(self) -> None:
        limit = MISSING_MASS[-1]["deadline_seconds"]
        for taken_after, stages in ((limit, []), (limit + HOUR, [Stage.AWAITING_COUNTERPART, Stage.SETTLED])):
            story = LedgerStory()
            give = story.record(CREW, Kind.GIVE, at=T0, lot=LOT, to=GATE)
            story.record(
                GATE, Kind.TAKE, at=T0 + taken_after, lot=LOT, giver=CREW, give_seq=give.entry_id.seq, grams=1
            )
            cases = cases_of_way(way(story), MISSING_MASS)
            assert [span.stage for case in cases for span in case.spans] == stages

    @pytest.mark.parametrize(("kind", "into"), [(Kind.REFUSE, {}), (Kind.TAKE, {"into": GATE << 32 | 5})])
    def test_leaves_with_the_giver_what_was_not_taken_until_it_moves_on(
        self, kind: Kind, into: dict[str, int]
    ) -> None:
        story = LedgerStory()
        give = story.record(CREW, Kind.GIVE, at=T0, lot=LOT, to=GATE)
        seq = give.entry_id.seq
        answer = story.record(GATE, kind, at=T0 + HOUR, lot=LOT, giver=CREW, give_seq=seq, grams=600_000, **into)
        (case,) = cases_of_way(way(story, 300_000), MISSING_MASS)
        assert (case.kind, case.entry_id) == (CaseKind.LEFT_WITH_GIVER, answer.entry_id)
        assert standing(case, T0 + HOUR) == (
            Stage.AWAITING_DECISION,
            Owner(CREW_ORGANISATION, Role.OFFICE),
            CaseState.OPEN,
        )
        story.record(CREW, Kind.GIVE, at=T0 + DAY, lot=LOT, to=GATE)
        left = [c for c in cases_of_way(way(story, 300_000), MISSING_MASS) if c.kind is CaseKind.LEFT_WITH_GIVER]
        assert standing(left[0], T0 + DAY)[0] is Stage.MOVED_ON

    def test_leaves_nothing_when_a_part_was_all_there_was(self) -> None:
        story = LedgerStory()
        story.record(CREW, Kind.GIVE, at=T0, lot=LOT, to=GATE)
        story.record(GATE, Kind.TAKE, at=T0 + HOUR, lot=LOT, giver=CREW, give_seq=1, grams=1, into=GATE << 32 | 5)
        (case,) = cases_of_way(way(story, 0), MISSING_MASS)
        assert standing(case, T0 + HOUR)[2] is CaseState.DONE


class TestAFinding:
    def test_waits_for_the_organisation_and_ends_with_its_answer_or_a_regulators(self) -> None:
        story = LedgerStory()
        lift = story.record(CREW, Kind.LIFT, at=T0, bin=5, stream=4, grams=10)
        sure = SureFinding("ab" * 16, 995, CREW_ORGANISATION, [lift])
        case = finding_case(sure, [], RULES, REGULATORS)
        assert case.code == "finding-" + "ab" * 16
        assert standing(case, T0)[:2] == (Stage.AWAITING_EXPLANATION, Owner(CREW_ORGANISATION, Role.OFFICE))
        answer = story.record(CITY, Kind.ACKNOWLEDGE, at=T0 + HOUR, **about(lift, verdict=Verdict.ACKNOWLEDGED))
        case = finding_case(sure, [answer], RULES, REGULATORS)
        assert standing(case, T0 + HOUR)[0] is Stage.ANSWERED


class TestCaseRules:
    @pytest.mark.parametrize(
        "change",
        [
            {"format": "other"},
            {"rules": "none"},
            {"rules": []},
            {"rules": [{"id": "finding"}]},
        ],
    )
    def test_that_cannot_be_used_are_refused(self, change: dict[str, object]) -> None:
        with pytest.raises(UnusableCaseRules):
            read_case_rules({"format": "huanlian-cases-1", "rules": [], **change})

    def test_do_not_reach_back(self) -> None:
        first = min(rule.in_force_from for rule in RULES)
        assert find_case_rule(RULES, "finding", first - 1) is None
