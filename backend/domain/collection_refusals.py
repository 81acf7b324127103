"""Refusals to collect an unsorted bin: whether the evidence is there, what the custodian says, what follows.

Source: docs/spec/entries.md, "Judgements".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry, known_at
from backend.domain.types import BinNumber, DeclineReason, Stream, Verdict, is_code

CONTEST_SECONDS = 24 * 3600
"""From when the refusal is recorded: before that the custodian could not know of it."""
SECOND_LIFT_SECONDS = 24 * 3600
"""Rounds are daily, and waste must not lie there while people argue about who was right."""


class RefusalState(Enum):
    """Where a refusal to collect stands."""

    UNSUPPORTED = "it has no evidence or no known reason, and counts against nobody"
    AWAITING_ANSWER = "the custodian may still acknowledge or contest it"
    ACKNOWLEDGED = "the custodian accepts it"
    CONTESTED = "the custodian contests it"
    STANDS = "nobody contested it in time"


@dataclass(frozen=True)
class CollectionRefusal:
    """A crew's refusal to collect a bin, and what became of it."""

    entry_id: EntryId
    bin: BinNumber
    stream: int
    reason: int
    recorded_at: int
    state: RefusalState
    answer: EntryId | None
    answer_until: int
    second_lift_due_at: int
    second_lift: EntryId | None

    def is_second_lift_overdue(self, now: int) -> bool:
        """Say whether the bin should have been emptied by now and was not."""
        return self.second_lift is None and now >= self.second_lift_due_at


def judge_refusals(
    entries: Iterable[RecordedEntry], custodian_of: Mapping[int, int], *, at: int
) -> list[CollectionRefusal]:
    """Return every refusal to collect as it stood at an instant, in the ledger's order.

    `custodian_of` says which organisation has the site where each bin stands. The custodian's first answer
    within the time counts; the next lift of the bin that happened after the refusal ends it.
    """
    known = known_at(entries, at)
    answers: dict[EntryId, list[RecordedEntry]] = {}
    lifts: dict[int, list[RecordedEntry]] = {}
    for recorded in known:
        if recorded.is_applied(Kind.ACKNOWLEDGE):
            answers.setdefault(recorded.names, []).append(recorded)
        elif recorded.is_applied(Kind.LIFT):
            lifts.setdefault(recorded.fields["bin"], []).append(recorded)
    return [
        _judge(
            recorded,
            answers.get(recorded.entry_id, []),
            lifts.get(recorded.fields["bin"], []),
            custodian_of.get(recorded.fields["bin"]),
            at,
        )
        for recorded in known
        if recorded.is_applied(Kind.DECLINE)
    ]


def _judge(
    refusal: RecordedEntry,
    answers: list[RecordedEntry],
    lifts: list[RecordedEntry],
    custodian: int | None,
    at: int,
) -> CollectionRefusal:
    fields = refusal.fields
    until = refusal.recorded_at + CONTEST_SECONDS
    answer = next((found for found in answers if _is_answer(found, custodian, until)), None)
    second_lift = next((lift for lift in lifts if lift.fields["occurred_at"] > fields["occurred_at"]), None)
    return CollectionRefusal(
        entry_id=refusal.entry_id,
        bin=BinNumber(fields["bin"]),
        stream=fields["stream"],
        reason=fields["reason"],
        recorded_at=refusal.recorded_at,
        state=_state(refusal, answer, is_over=at >= until),
        answer=None if answer is None else answer.entry_id,
        answer_until=until,
        second_lift_due_at=refusal.recorded_at + SECOND_LIFT_SECONDS,
        second_lift=None if second_lift is None else second_lift.entry_id,
    )


def _is_answer(found: RecordedEntry, custodian: int | None, until: int) -> bool:
    return (
        found.organisation == custodian
        and found.recorded_at < until
        and found.fields["verdict"] in (Verdict.ACKNOWLEDGED, Verdict.CONTESTED)
    )


def _state(refusal: RecordedEntry, answer: RecordedEntry | None, *, is_over: bool) -> RefusalState:
    fields = refusal.fields
    is_known = is_code(DeclineReason, fields["reason"]) and is_code(Stream, fields["stream"])
    if fields["evidence"] == 0 or not is_known:
        return RefusalState.UNSUPPORTED
    if answer is not None:
        is_contested = answer.fields["verdict"] == Verdict.CONTESTED
        return RefusalState.CONTESTED if is_contested else RefusalState.ACKNOWLEDGED
    return RefusalState.STANDS if is_over else RefusalState.AWAITING_ANSWER


@dataclass(frozen=True)
class PointStatistic:
    """Refusals at one collection point.

    `lifts` counts the bins that were collected there in the same time, so that a busy point is not
    compared with a quiet one by numbers alone.
    """

    point: str
    lifts: int
    states: Mapping[RefusalState, int]
    reasons: Mapping[int, int]
    second_lifts_overdue: int

    @property
    def refusals(self) -> int:
        """Those that the custodian accepted or let stand."""
        return self.states.get(RefusalState.ACKNOWLEDGED, 0) + self.states.get(RefusalState.STANDS, 0)

    @property
    def permille(self) -> int | None:
        """Refusals that stand, of all visits that ended; None where there were none."""
        visits = self.lifts + self.refusals
        return self.refusals * 1000 // visits if visits else None


def statistics_by_point(
    refusals: Iterable[CollectionRefusal],
    point_of: Mapping[int, str],
    lifts_at: Mapping[str, int],
    *,
    now: int,
) -> list[PointStatistic]:
    """Return a line for every point that had lifts or refusals; bins without a point come under the empty name.

    Only the reasons of refusals that stand are counted.
    """
    by_point: dict[str, list[CollectionRefusal]] = {point: [] for point in lifts_at}
    for refusal in refusals:
        by_point.setdefault(point_of.get(refusal.bin, ""), []).append(refusal)
    standing = (RefusalState.ACKNOWLEDGED, RefusalState.STANDS)
    return [
        PointStatistic(
            point=point,
            lifts=lifts_at.get(point, 0),
            states=Counter(found.state for found in here),
            reasons=Counter(found.reason for found in here if found.state in standing),
            second_lifts_overdue=sum(found.is_second_lift_overdue(now) for found in here),
        )
        for point, here in sorted(by_point.items())
    ]
