"""Findings held against the truth, as strictly as a court would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.domain.radar.findings import Finding, FindingKind
from backend.simulate.month.journals import Case

_OF_VEHICLES = (FindingKind.TARE_DRIFT, FindingKind.ROUND_WEIGHTS)


@dataclass(frozen=True)
class Score:
    """What came of one kind, or of all.

    An accusation is a finding that follows from no other. It is *right* when it is of a fraud's kind, accuses the
    device or vehicle that committed it, names one of the planted entries, and is the first to do so: a second
    finding of one fraud is a *repeat*. Of the rest, a *consequence* names what some fraud made wrong in the way
    that it says, such as grams of invented lifts that do not arrive; what is left is *wrong*. Only right ones
    count for precision.
    """

    kind: str
    cases: int
    found: int
    accusations: int
    repeats: int
    consequences: int
    explained: int
    """Findings that name their cause, and accuse nobody."""

    @property
    def recall(self) -> float:
        """Which share of the frauds was found."""
        return self.found / self.cases if self.cases else 1.0

    @property
    def precision(self) -> float:
        """Which share of the accusations is right. Each fraud has one right one at most."""
        return self.found / self.accusations if self.accusations else 1.0

    @property
    def wrong(self) -> int:
        """How many accusations nothing planted explains."""
        return self.accusations - self.found - self.repeats - self.consequences


def score(findings: Iterable[Finding], cases: Iterable[Case]) -> list[Score]:
    """Return a score for each kind, and one over all at the end."""
    findings, cases = list(findings), list(cases)
    kinds = sorted({case.kind for case in cases} | {finding.kind.value for finding in findings})
    scores = [
        _score(kind, [f for f in findings if f.kind.value == kind], [c for c in cases if c.kind == kind], cases)
        for kind in kinds
    ]
    return [*scores, total(scores)]


def total(scores: Sequence[Score], kind: str = "all") -> Score:
    """Return scores as one."""
    numbers = [(s.cases, s.found, s.accusations, s.repeats, s.consequences, s.explained) for s in scores]
    return (
        Score(kind, *(sum(column) for column in zip(*numbers, strict=True))) if numbers else Score(kind, *[0] * 6)
    )


def accused(finding: Finding) -> int:
    """Return the vehicle or device that a finding points at."""
    subjects = finding.subjects
    return subjects["vehicle"] if "vehicle" in subjects and finding.kind in _OF_VEHICLES else subjects["device"]


def _score(kind: str, findings: Sequence[Finding], cases: Sequence[Case], everything: Sequence[Case]) -> Score:
    accusations = [finding for finding in findings if finding.follows_from is None]
    right = Counter(at for finding in accusations for at in _cases_of(finding, cases)[:1])
    others = [finding for finding in accusations if not _cases_of(finding, cases)]
    return Score(
        kind,
        len(cases),
        len(right),
        len(accusations),
        sum(right.values()) - len(right),
        sum(_is_consequence(finding, everything) for finding in others),
        len(findings) - len(accusations),
    )


def _cases_of(finding: Finding, cases: Sequence[Case]) -> list[int]:
    named = {(entry.device, entry.seq) for entry in finding.evidence}
    return [
        at
        for at, case in enumerate(cases)
        if case.kind == finding.kind.value and case.culprit == accused(finding) and named & case.lines
    ]


def _is_consequence(finding: Finding, cases: Iterable[Case]) -> bool:
    implied = {line for case in cases for line in case.implied}
    return any((finding.kind.value, entry.device, entry.seq) in implied for entry in finding.evidence)


def false_accusations(findings: Iterable[Finding], cases: Sequence[Case]) -> list[Finding]:
    """Return the accusations that are neither right nor a repeat."""
    return [f for f in findings if f.follows_from is None and not _cases_of(f, cases)]


def missed(findings: Iterable[Finding], cases: Sequence[Case]) -> list[Case]:
    """Return the frauds of which nobody is rightly accused."""
    found = {at for finding in findings if finding.follows_from is None for at in _cases_of(finding, cases)[:1]}
    return [case for at, case in enumerate(cases) if at not in found]
