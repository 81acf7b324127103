"""Findings held against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.domain.radar.findings import Finding
from bench.month.journals import Case


@dataclass(frozen=True)
class Score:
    """What came of one kind, or of all.

    A finding is right when it is of a case's kind and names one of its lies, and a consequence when it names what
    a case of another kind made wrong in the way that it says: grams of invented lifts do not arrive. All others
    are false alarms.
    """

    kind: str
    cases: int
    found: int
    findings: int
    right: int
    consequences: int

    @property
    def recall(self) -> float:
        """Which share of the frauds was found."""
        return self.found / self.cases if self.cases else 1.0

    @property
    def precision(self) -> float:
        """Which share of the findings is no false alarm."""
        return (self.right + self.consequences) / self.findings if self.findings else 1.0


def score(findings: Iterable[Finding], cases: Iterable[Case]) -> list[Score]:
    """Return a score for each kind, and one over all at the end."""
    findings, cases = list(findings), list(cases)
    kinds = sorted({case.kind for case in cases} | {finding.kind.value for finding in findings})
    implied = {line for case in cases for line in case.implied}
    scores = [
        _score(kind, [f for f in findings if f.kind.value == kind], [c for c in cases if c.kind == kind], implied)
        for kind in kinds
    ]
    whole = Score(
        "all",
        sum(s.cases for s in scores),
        sum(s.found for s in scores),
        sum(s.findings for s in scores),
        sum(s.right for s in scores),
        sum(s.consequences for s in scores),
    )
    return [*scores, whole]


def _score(kind: str, findings: list[Finding], cases: list[Case], implied: set[tuple[str, int, int]]) -> Score:
    lies = {line for case in cases for line in case.lines}
    named = {(e.device, e.seq) for finding in findings for e in finding.evidence}
    right = [any((e.device, e.seq) in lies for e in finding.evidence) for finding in findings]
    follows = [any((kind, e.device, e.seq) in implied for e in finding.evidence) for finding in findings]
    return Score(
        kind,
        len(cases),
        sum(bool(case.lines & named) for case in cases),
        len(findings),
        sum(right),
        sum(also and not is_right for also, is_right in zip(follows, right, strict=True)),
    )


def false_alarms(findings: Iterable[Finding], cases: Iterable[Case]) -> list[Finding]:
    """Return the findings that name neither a lie of their kind nor a consequence."""
    true = {(case.kind, *line) for case in cases for line in case.lines}
    true |= {line for case in cases for line in case.implied}
    return [f for f in findings if not any((f.kind.value, e.device, e.seq) in true for e in f.evidence)]


def missed(findings: Iterable[Finding], cases: Iterable[Case]) -> list[Case]:
    """Return the frauds that no finding of their kind names."""
    named: dict[str, set[tuple[int, int]]] = {}
    for finding in findings:
        named.setdefault(finding.kind.value, set()).update((e.device, e.seq) for e in finding.evidence)
    return [case for case in cases if not case.lines & named.get(case.kind, set())]
