"""When something was up, silent or late: spans of time, what lies between them, and how long recovery took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of time in Unix seconds: from_at <= t < to_at."""

    from_at: int
    to_at: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.to_at - self.from_at


@dataclass(frozen=True)
class Backlog:
    """A span in which something waited too long for the chain: how much at most, and how old at most."""

    span: Span
    segments_max: int
    age_max_seconds: int


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as spans that neither overlap nor touch, oldest first."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.from_at <= merged[-1].to_at:
            merged[-1] = Span(merged[-1].from_at, max(merged[-1].to_at, span.to_at))
        else:
            merged.append(span)
    return merged


def within(spans: Iterable[Span], period: Span) -> list[Span]:
    """Return what of these spans lies in a period; of one that only touches it nothing does."""
    cut = (Span(max(s.from_at, period.from_at), min(s.to_at, period.to_at)) for s in spans)
    return [span for span in cut if span.seconds > 0]


def gaps(spans: Iterable[Span], period: Span) -> list[Span]:
    """Return the time of a period that no span covers."""
    found, at = [], period.from_at
    for span in [*union(within(spans, period)), Span(period.to_at, period.to_at)]:
        if span.from_at > at:
            found.append(Span(at, span.from_at))
        at = span.to_at
    return found


def seconds_of(spans: Iterable[Span]) -> int:
    """Return how many seconds these spans cover, each second once."""
    return sum(span.seconds for span in union(spans))


def drain_after(outage: Span, backlogs: Sequence[Backlog]) -> Backlog | None:
    """Return the backlog that was waiting when an outage ended; until that ends, the outage is felt."""
    running = [b for b in backlogs if b.span.from_at <= outage.to_at < b.span.to_at]
    return max(running, key=lambda backlog: backlog.span.to_at, default=None)
