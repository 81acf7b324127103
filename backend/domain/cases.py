"""A case: something in the books that waits for somebody, who that is, and until when.

A case is told as spans of time, one after the other, each with its stage, its owner and its deadline. What a
passed deadline does is known in advance, so the spans reach into the future: which one holds at an instant is a
question of the instant alone, and nobody has to look again when a clock runs out.
Source: docs/spec/cases.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from backend.domain.recorded import EntryId
from backend.domain.types import Role


class CaseKind(Enum):
    """What a case is about; the value begins its code."""

    WEIGHT_DIFFERENCE = "weight-difference"
    AWAITING_COUNTERPART = "awaiting-counterpart"
    LEFT_WITH_GIVER = "left-with-giver"
    AMENDMENT = "amendment"
    DISPUTE = "dispute"
    REFUSAL_TO_COLLECT = "refusal-to-collect"
    ODD_ENTRY = "odd-entry"
    FINDING = "finding"


class CaseState(Enum):
    """Where a case stands at an instant."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"


class Stage(Enum):
    """What a case waits for, or how it ended."""

    AWAITING_ANSWER = "awaiting-answer"
    AWAITING_RULING = "awaiting-ruling"
    AWAITING_CITY = "awaiting-city"
    APPEALABLE = "appealable"
    AWAITING_FINAL_RULING = "awaiting-final-ruling"
    AWAITING_COUNTERPART = "awaiting-counterpart"
    AWAITING_DECISION = "awaiting-decision"
    AWAITING_EXPLANATION = "awaiting-explanation"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    CLOSED = "closed"
    ACKNOWLEDGED = "acknowledged"
    CONTESTED = "contested"
    STANDS = "stands"
    ANSWERED = "answered"
    MOVED_ON = "moved-on"
    AGREES_NOW = "agrees-now"
    DISPUTED = "disputed"
    SETTLED = "settled"

    @property
    def is_done(self) -> bool:
        """Whether nobody is waited for any more."""
        return self not in _WAITING


_WAITING = frozenset(
    (
        Stage.AWAITING_ANSWER,
        Stage.AWAITING_RULING,
        Stage.AWAITING_CITY,
        Stage.APPEALABLE,
        Stage.AWAITING_FINAL_RULING,
        Stage.AWAITING_COUNTERPART,
        Stage.AWAITING_DECISION,
        Stage.AWAITING_EXPLANATION,
    )
)


class SubjectKind(Enum):
    """What a subject's number names."""

    LOT = "lot"
    ENTRY = "entry"
    BIN = "bin"


@dataclass(frozen=True)
class Subject:
    """What a case is about: a lot, a bin, or (with the opening entry's device as its number) an entry."""

    kind: SubjectKind
    number: int


@dataclass(frozen=True)
class Owner:
    """Who has to act. Organisation 0: the books do not know which one."""

    organisation: int
    role: Role


@dataclass(frozen=True)
class Span:
    """A stage of a case, from `since` until `until` (exclusive; None: for good), due at `due`."""

    stage: Stage
    owner: Owner
    since: int
    due: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Case:
    """Something that waits for somebody.

    `entry_id` is the entry that opened it; `entries` are all the signed entries behind it, that one first.
    `parties` may speak in it. `numbers` are whole, with their unit in the name. All instants are block times.
    """

    kind: CaseKind
    entry_id: EntryId
    subject: Subject
    opened_at: int
    spans: tuple[Span, ...]
    entries: tuple[EntryId, ...]
    parties: frozenset[int]
    numbers: Mapping[str, int] = field(default_factory=dict)
    rule_id: str | None = None
    rule_version: int | None = None
    finding_id: str = ""

    @property
    def code(self) -> str:
        """The case's public name; it follows from the ledger, so everybody gives a case the same one."""
        if self.finding_id:
            return f"{self.kind.value}-{self.finding_id}"
        return case_name(self.kind, self.entry_id)

    def span_at(self, now: int) -> Span | None:
        """Return the span that holds at an instant; None before the case was opened."""
        held = [span for span in self.spans if span.since <= now]
        return held[-1] if held else None


def case_name(kind: CaseKind, entry_id: EntryId) -> str:
    """Return the code of the case of a kind that an entry opened."""
    return f"{kind.value}-{entry_id.device:016x}-{entry_id.seq}"


def state_of(*, is_done: bool, due: int | None, now: int) -> CaseState:
    """Return the state of a span; an instant at a deadline is after it."""
    if is_done:
        return CaseState.DONE
    return CaseState.OVERDUE if due is not None and now >= due else CaseState.OPEN


def waiting_then(
    stage: Stage, owner: Owner, *, since: int, due: int | None, end: tuple[int, Stage] | None
) -> tuple[Span, ...]:
    """Return one waiting span and, when it ended or will end, the end after it."""
    if end is None:
        return (Span(stage, owner, since, due),)
    at, how = end
    return Span(stage, owner, since, due, at), Span(how, owner, at)
