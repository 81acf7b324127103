"""A complaint as a case with a life: five stages, each with an owner and a deadline.

    发现上报 → 流转分派 → 受理处置 → 跟踪督办 → 评价结案

The first ends as it begins: to report is one step. The city (or district) assigns, the organisation that it
assigned answers with evidence, the city looks whether that is so and may send it back, and the complainant rates
it before it is closed. A pick-up that somebody asks for is such a case too, due on the day that was wanted. An
appeal, once, begins again with the assignment. An instant at a deadline is after it. Source:
docs/spec/complaints.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from backend.domain.complaint_errors import (
    AlreadyAppealed,
    AlreadyRated,
    AppealTooLate,
    BrokenChain,
    CaseClosed,
    NoEvidence,
    NoHandler,
    NoSuchDay,
    NotTheOwner,
    RatingAwaited,
    StarsOutOfRange,
    UnknownFinding,
    UnknownKind,
    WrongStage,
)
from backend.domain.complaint_rules import (
    ComplaintKind,
    ComplaintRules,
    end_of_day,
    is_wanted_day,
    rules_of_version,
)
from backend.domain.complaint_statements import COMPLAINANT, Act, Finding, Statement
from backend.domain.types import is_code

_STARS: Final = range(1, 6)


class Stage(IntEnum):
    """The five stages of the city's closed loop."""

    REPORT = 1
    ASSIGN = 2
    HANDLE = 3
    SUPERVISE = 4
    CLOSE = 5


@dataclass(frozen=True)
class Span:
    """A stage from its beginning to its end (Unix seconds); None: it still runs, or has no deadline."""

    stage: Stage
    owner: int
    since: int
    due_at: int | None
    ended_at: int | None = None

    def is_overdue(self, now: int) -> bool:
        """Say whether the stage took, or has taken, longer than it may."""
        return self.due_at is not None and (now if self.ended_at is None else self.ended_at) >= self.due_at


@dataclass(frozen=True)
class Case:
    """A complaint as it stands.

    `digest` is that of the last statement; `stars` rates the present answer, 0: not yet.
    """

    case: int
    kind: ComplaintKind
    bin: int
    site: int
    wanted: int
    supervisor: int
    rules: ComplaintRules
    spans: tuple[Span, ...]
    statements: int
    digest: bytes
    changed_at: int
    stars: int = 0
    has_appealed: bool = False
    closed_at: int | None = None

    @property
    def span(self) -> Span:
        """The present stage, or the last."""
        return self.spans[-1]

    @property
    def stage(self) -> Stage:
        """Where the case is."""
        return self.span.stage

    @property
    def due_at(self) -> int | None:
        """Until when the present stage has time; None once closed."""
        return self.span.due_at if self.closed_at is None else None

    @property
    def rate_until(self) -> int:
        """Until when a case that is to be closed waits for a rating."""
        return self.rules.due_at("rate", self.span.since, self.kind)

    @property
    def appeal_until(self) -> int | None:
        """Until when a closed case can be appealed; None while it is open."""
        return None if self.closed_at is None else self.rules.due_at("appeal", self.closed_at, self.kind)

    def is_overdue(self, now: int) -> bool:
        """Say whether the present stage should have ended by now."""
        return self.closed_at is None and self.span.is_overdue(now)

    def can_rate(self) -> bool:
        """Say whether the complainant may rate the answer."""
        return self.stage is Stage.CLOSE and self.stars == 0

    def can_appeal(self, now: int) -> bool:
        """Say whether the complainant may ask for the case to be opened again."""
        until = self.appeal_until
        return self.stage is Stage.CLOSE and not self.has_appealed and (until is None or now < until)


def begin(report: Statement, digest: bytes, rules: Sequence[ComplaintRules]) -> Case:
    """Return the case that a report begins.

    Raises:
        BrokenChain: it is no first statement.
        NotTheOwner: an organisation reports; only a complainant does.
        UnknownKind: the list has no such complaint.
        NoSuchDay: a pick-up without one of the next days, or a complaint with one.
    """
    if report.act is not Act.REPORT or report.number != 0 or report.previous:
        raise BrokenChain(number=report.number)
    _require_owner(report, COMPLAINANT)
    if not is_code(ComplaintKind, report.kind):
        raise UnknownKind(kind=report.kind)
    has_day = is_wanted_day(report.wanted, report.at)
    if has_day is not ComplaintKind(report.kind).is_service or (report.wanted and not has_day):
        raise NoSuchDay(day=report.wanted)
    kind, version = ComplaintKind(report.kind), rules_of_version(rules, report.rules)
    reported = Span(Stage.REPORT, COMPLAINANT, report.at, None, report.at)
    assigned = Span(Stage.ASSIGN, report.supervisor, report.at, version.due_at("assign", report.at, kind))
    return Case(
        case=report.case,
        kind=kind,
        bin=report.bin,
        site=report.site,
        wanted=report.wanted,
        supervisor=report.supervisor,
        rules=version,
        spans=(reported, assigned),
        statements=1,
        digest=digest,
        changed_at=report.at,
    )


def advance(case: Case, statement: Statement, digest: bytes) -> Case:
    """Return the case after one more statement.

    Raises:
        BrokenChain: it does not follow the last statement of this case.
        ComplaintError: the step is not possible now, or not for this party; each rule has its own class.
    """
    follows = (case.case, case.statements, case.digest) == (statement.case, statement.number, statement.previous)
    if not follows or statement.at < case.changed_at:
        raise BrokenChain(number=statement.number)
    changed = _STEPS[statement.act](case, statement)
    return replace(changed, statements=case.statements + 1, digest=digest, changed_at=statement.at)


def fold_case(kept: Iterable[tuple[Statement, bytes]], rules: Sequence[ComplaintRules]) -> Case:
    """Return the case that statements with their digests make, in order; there is at least one."""
    (report, digest), *others = kept
    case = begin(report, digest, rules)
    for statement, digest in others:
        case = advance(case, statement, digest)
    return case


def _report(case: Case, statement: Statement) -> Case:
    raise WrongStage(act=statement.act, stage=case.stage.name.lower())


def _assign(case: Case, statement: Statement) -> Case:
    _require_stage(case, statement, Stage.ASSIGN)
    _require_owner(statement, case.span.owner)
    if statement.to == COMPLAINANT:
        raise NoHandler
    return _enter(case, statement, Stage.HANDLE, statement.to)


def _answer(case: Case, statement: Statement) -> Case:
    _require_stage(case, statement, Stage.HANDLE)
    _require_owner(statement, case.span.owner)
    if not is_code(Finding, statement.finding):
        raise UnknownFinding(finding=statement.finding)
    if not statement.facts and not statement.documents:
        raise NoEvidence
    return _enter(case, statement, Stage.SUPERVISE, case.supervisor)


def _accept(case: Case, statement: Statement) -> Case:
    _require_stage(case, statement, Stage.SUPERVISE)
    _require_owner(statement, case.span.owner)
    return _enter(case, statement, Stage.CLOSE, case.supervisor)


def _return(case: Case, statement: Statement) -> Case:
    _require_stage(case, statement, Stage.SUPERVISE)
    _require_owner(statement, case.span.owner)
    handler = next(span.owner for span in reversed(case.spans) if span.stage is Stage.HANDLE)
    return _enter(case, statement, Stage.HANDLE, handler)


def _rate(case: Case, statement: Statement) -> Case:
    # Also after the case was closed: who was away for a week still has an opinion.
    if case.stage is not Stage.CLOSE:
        raise WrongStage(act=statement.act, stage=case.stage.name.lower())
    _require_owner(statement, COMPLAINANT)
    if statement.stars not in _STARS:
        raise StarsOutOfRange(stars=statement.stars)
    if case.stars:
        raise AlreadyRated
    return replace(case, stars=statement.stars)


def _appeal(case: Case, statement: Statement) -> Case:
    if case.stage is not Stage.CLOSE:
        raise WrongStage(act=statement.act, stage=case.stage.name.lower())
    _require_owner(statement, COMPLAINANT)
    if case.has_appealed:
        raise AlreadyAppealed
    until = case.appeal_until
    if until is not None and statement.at >= until:
        raise AppealTooLate(until=until)
    again = _enter(case, statement, Stage.ASSIGN, case.supervisor)
    return replace(again, stars=0, has_appealed=True, closed_at=None)


def _withdraw(case: Case, statement: Statement) -> Case:
    if case.closed_at is not None:
        raise CaseClosed(act=statement.act)
    _require_owner(statement, COMPLAINANT)
    return replace(case, spans=_ended(case, statement.at), closed_at=statement.at)


def _close(case: Case, statement: Statement) -> Case:
    _require_stage(case, statement, Stage.CLOSE)
    _require_owner(statement, case.span.owner)
    if not case.stars and statement.at < case.rate_until:
        raise RatingAwaited(until=case.rate_until)
    return replace(case, spans=_ended(case, statement.at), closed_at=statement.at)


_STEPS: Final[dict[Act, Callable[[Case, Statement], Case]]] = {
    Act.REPORT: _report,
    Act.ASSIGN: _assign,
    Act.ANSWER: _answer,
    Act.ACCEPT: _accept,
    Act.RETURN: _return,
    Act.RATE: _rate,
    Act.APPEAL: _appeal,
    Act.WITHDRAW: _withdraw,
    Act.CLOSE: _close,
}
_LIMIT_OF: Final = {
    Stage.ASSIGN: "assign",
    Stage.HANDLE: "handle",
    Stage.SUPERVISE: "supervise",
    Stage.CLOSE: "close",
}


def _enter(case: Case, statement: Statement, stage: Stage, owner: int) -> Case:
    due_at = case.rules.due_at(_LIMIT_OF[stage], statement.at, case.kind)
    if stage is Stage.HANDLE and case.wanted and end_of_day(case.wanted) > statement.at:
        due_at = end_of_day(case.wanted)
    return replace(case, spans=(*_ended(case, statement.at), Span(stage, owner, statement.at, due_at)))


def _ended(case: Case, at: int) -> tuple[Span, ...]:
    """Return the spans with the last one ended, if it was not: an appeal may follow a closing."""
    last = case.span
    return (*case.spans[:-1], last if last.ended_at is not None else replace(last, ended_at=at))


def _require_stage(case: Case, statement: Statement, stage: Stage) -> None:
    if case.closed_at is not None:
        raise CaseClosed(act=statement.act)
    if case.stage is not stage:
        raise WrongStage(act=statement.act, stage=case.stage.name.lower())


def _require_owner(statement: Statement, owner: int) -> None:
    if statement.by != owner:
        raise NotTheOwner(act=statement.act, owner=owner, by=statement.by)
