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
    by_device: dict[int, list[str]] = {}
    for finding in sorted(found, key=_rank):
        by_device.setdefault(finding.subjects["device"], []).append(finding.finding_id)
    several = {device: own for device, own in by_device.items() if len(own) > 1}
    for place in range(max(map(len, several.values()), default=0)):
        causes = {
            device: told[own[place]]
            for device, own in several.items()
            if place < len(own) and told[own[place]].follows_from is None
        }
        left = {_key(one) for one in look(lifts.without(e for cause in causes.values() for e in cause.doubted))}
        for device, cause in causes.items():
            for other in (told[name] for name in several[device] if name != cause.finding_id):
                if other.follows_from is None and _key(other) not in left and _touch(cause, other):
                    told[other.finding_id] = replace(other, follows_from=cause.finding_id)
    return [replace(finding, follows_from=_first_cause(finding, told)) for finding in told.values()]


def _first_cause(finding: Finding, told: Mapping[str, Finding]) -> str | None:
    """Return the cause of the cause, as far as it goes: what explained something was explained itself later."""
    cause = finding.follows_from
    while cause is not None and told[cause].follows_from is not None:
        cause = told[cause].follows_from
    return cause


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
