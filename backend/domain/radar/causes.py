"""One cause, one finding: what a finding explains follows from it, and accuses nobody once more.

A copied label that is scanned all day also looks like a repeated scan; grams of invented lifts do not arrive. A
finding explains another of the same device when that one is gone as soon as the lifts that the first doubts are
left out. The one that doubts more lifts is the cause; of two that doubt as many, the more particular kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from backend.domain.radar.facts import Lifts
from backend.domain.radar.findings import Finding, FindingKind

_PARTICULAR_FIRST = (
    FindingKind.GHOST_BIN,
    FindingKind.COPIED_LABEL,
    FindingKind.MOVED_CLOCK,
    FindingKind.MIXED_STREAMS,
    FindingKind.REPLAYED_SCAN,
    FindingKind.IMPOSSIBLE_SPEED,
    FindingKind.ROUND_WEIGHTS,
)
Look = Callable[[Lifts], list[Finding]]


def with_causes(found: Sequence[Finding], lifts: Lifts, look: Look) -> list[Finding]:
    """Return the findings of a day, those with a cause among them naming it; `look` finds them in other lifts."""
    told = {finding.finding_id: finding for finding in found}
    open_of: dict[int, list[Finding]] = {}
    for finding in found:
        open_of.setdefault(finding.subjects["device"], []).append(finding)
    open_of = {device: sorted(own, key=_rank) for device, own in open_of.items() if len(own) > 1}
    while open_of:
        causes = {device: own.pop(0) for device, own in open_of.items()}
        left = {_key(one) for one in look(lifts.without(e for cause in causes.values() for e in cause.doubted))}
        for device, cause in causes.items():
            for other in open_of[device]:
                if _key(other) not in left and _touch(cause, other):
                    told[other.finding_id] = replace(other, follows_from=cause.finding_id)
            open_of[device] = [other for other in open_of[device] if told[other.finding_id].follows_from is None]
        open_of = {device: own for device, own in open_of.items() if len(own) > 1}
    return list(told.values())


def _rank(finding: Finding) -> tuple[int, int, str]:
    return -len(finding.doubted), _PARTICULAR_FIRST.index(finding.kind), finding.finding_id


def _key(finding: Finding) -> tuple[object, ...]:
    subjects: Mapping[str, int] = finding.subjects
    number = subjects.get("bin") if finding.kind is FindingKind.COPIED_LABEL else None
    return finding.kind, finding.variant, subjects["device"], number


def _touch(cause: Finding, other: Finding) -> bool:
    """Say whether both are about the same lifts; a clock that is set right again jumps at the lift after them."""
    if cause.kind is other.kind is FindingKind.MOVED_CLOCK:
        return True
    return not set(cause.doubted).isdisjoint(other.doubted)
