"""Refusals to collect: evidence, the custodian's word within a day, the second lift, and the figures."""

from __future__ import annotations

import pytest
from recorded_entries import CREW, CREW_PHONE, GATE, STRANGER, LedgerStory

from backend.domain.collection_refusals import (
    CONTEST_SECONDS,
    SECOND_LIFT_SECONDS,
    CollectionRefusal,
    PointStatistic,
    RefusalState,
    judge_refusals,
    statistics_by_point,
)
from backend.domain.layout import Kind
from backend.domain.recorded import RecordedEntry
from backend.domain.types import DeclineReason, Outcome, Stream, Verdict

BIN, OTHER_BIN = 77, 78
CUSTODIANS = {BIN: 3}
SEEN, KNOWN = 900, 1_000
OVER = KNOWN + CONTEST_SECONDS


def decline(story: LedgerStory, bin_: int = BIN, **changed: int) -> RecordedEntry:
    fields = {"stream": int(Stream.FOOD), "reason": int(DeclineReason.MIXED), "evidence": 5, "occurred_at": SEEN}
    outcome = Outcome(changed.pop("outcome", Outcome.APPLIED))
    return story.record(CREW, Kind.DECLINE, at=KNOWN, outcome=outcome, bin=bin_, **(fields | changed))


def say(story: LedgerStory, by: int, refusal: RecordedEntry, verdict: int, at: int) -> RecordedEntry:
    device, seq = refusal.entry_id
    return story.record(by, Kind.ACKNOWLEDGE, at=at, device=device, seq=seq, verdict=verdict)


def judged(story: LedgerStory, at: int) -> CollectionRefusal:
    (found,) = judge_refusals(story.entries, CUSTODIANS, at=at)
    return found


class TestARefusal:
    def test_waits_a_day_for_the_custodian_and_then_stands(self) -> None:
        story = LedgerStory()
        entry = decline(story)
        found = judged(story, OVER - 1)
        assert found == CollectionRefusal(
            entry_id=entry.entry_id,
            bin=BIN,
            stream=Stream.FOOD,
            reason=DeclineReason.MIXED,
            recorded_at=KNOWN,
            state=RefusalState.AWAITING_ANSWER,
            answer=None,
            answer_until=OVER,
            second_lift_due_at=KNOWN + SECOND_LIFT_SECONDS,
            second_lift=None,
        )
        assert judged(story, OVER).state is RefusalState.STANDS

    @pytest.mark.parametrize(
        ("verdict", "state"),
        [(Verdict.ACKNOWLEDGED, RefusalState.ACKNOWLEDGED), (Verdict.CONTESTED, RefusalState.CONTESTED)],
    )
    def test_takes_the_custodians_first_word(self, verdict: Verdict, state: RefusalState) -> None:
        story = LedgerStory()
        refusal = decline(story)
        said = say(story, GATE, refusal, verdict, OVER - 2)
        say(story, GATE, refusal, 3 - verdict, OVER - 1)
        found = judged(story, OVER)
        assert (found.state, found.answer) == (state, said.entry_id)

    def test_takes_no_word_of_others_no_other_verdict_and_none_that_is_overdue(self) -> None:
        story = LedgerStory()
        refusal = decline(story)
        for by in (CREW_PHONE, STRANGER):
            say(story, by, refusal, Verdict.CONTESTED, KNOWN)
        for verdict in (0, Verdict.RELEASED, Verdict.CLAIMED):
            say(story, GATE, refusal, verdict, KNOWN)
        say(story, GATE, refusal, Verdict.CONTESTED, OVER)
        found = judged(story, OVER)
        assert (found.state, found.answer) == (RefusalState.STANDS, None)

    @pytest.mark.parametrize("changed", [{"evidence": 0}, {"reason": 0}, {"reason": 99}, {"stream": 0}])
    def test_without_evidence_or_known_reason_counts_against_nobody(self, changed: dict[str, int]) -> None:
        story = LedgerStory()
        say(story, GATE, decline(story, **changed), Verdict.ACKNOWLEDGED, KNOWN)
        assert judged(story, OVER).state is RefusalState.UNSUPPORTED

    def test_of_a_bin_without_custodian_stands_after_the_time(self) -> None:
        story = LedgerStory()
        say(story, GATE, decline(story, OTHER_BIN), Verdict.CONTESTED, KNOWN)
        assert judged(story, OVER).state is RefusalState.STANDS

    def test_that_the_ledger_did_not_apply_is_none(self) -> None:
        story = LedgerStory()
        decline(story, outcome=Outcome.QUARANTINED)
        assert judge_refusals(story.entries, CUSTODIANS, at=OVER) == []


class TestTheSecondLift:
    def test_is_the_next_one_that_happened_after_the_refusal(self) -> None:
        story = LedgerStory()
        story.record(CREW, Kind.LIFT, at=KNOWN, bin=BIN, stream=3, occurred_at=SEEN)
        decline(story)
        story.record(CREW, Kind.LIFT, at=KNOWN, bin=OTHER_BIN, stream=3, occurred_at=SEEN + 1)
        story.record(CREW, Kind.LIFT, at=KNOWN, bin=BIN, stream=3, occurred_at=SEEN + 1, outcome=Outcome.INVALID)
        due = KNOWN + SECOND_LIFT_SECONDS
        found = judged(story, due)
        assert found.second_lift is None
        assert (found.is_second_lift_overdue(due - 1), found.is_second_lift_overdue(due)) == (False, True)
        lifted = story.record(CREW, Kind.LIFT, at=due, bin=BIN, stream=3, occurred_at=SEEN + 2)
        found = judged(story, due)
        assert (found.second_lift, found.is_second_lift_overdue(due)) == (lifted.entry_id, False)


class TestStatistics:
    def test_count_by_point_what_stands_and_why(self) -> None:
        story = LedgerStory()
        say(story, GATE, decline(story), Verdict.ACKNOWLEDGED, KNOWN)
        say(story, GATE, decline(story, reason=DeclineReason.LIQUID), Verdict.CONTESTED, KNOWN)
        decline(story, reason=DeclineReason.LIQUID)
        decline(story, evidence=0)
        decline(story, OTHER_BIN)
        refusals = judge_refusals(story.entries, CUSTODIANS, at=OVER)
        found = statistics_by_point(refusals, {BIN: "east"}, {"east": 6, "west": 9}, now=OVER)
        assert found == [
            PointStatistic("", 0, {RefusalState.STANDS: 1}, {DeclineReason.MIXED: 1}, 1),
            PointStatistic(
                "east",
                6,
                {
                    RefusalState.ACKNOWLEDGED: 1,
                    RefusalState.CONTESTED: 1,
                    RefusalState.STANDS: 1,
                    RefusalState.UNSUPPORTED: 1,
                },
                {DeclineReason.MIXED: 1, DeclineReason.LIQUID: 1},
                4,
            ),
            PointStatistic("west", 9, {}, {}, 0),
        ]
        assert [(line.refusals, line.permille) for line in found] == [(1, 1000), (2, 250), (0, 0)]

    def test_have_no_share_where_nobody_came(self) -> None:
        assert PointStatistic("north", 0, {}, {}, 0).permille is None
