"""How continuous the service was: every outage, what waited through it, and whether anything was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.domain.continuity import Backlog, Span, drain_after, gaps, seconds_of, union, within
from backend.domain.days import DAY_SECONDS
from backend.domain.set_facts import date_of
from backend.usecases.prove_set import times_of


class SpanKind(StrEnum):
    """What the system writes down of itself, as it happens."""

    SERVER_UP = "server-up"
    CHAIN_SILENT = "chain-silent"
    BACKLOG = "backlog"


class OutageKind(StrEnum):
    """What was not there."""

    SERVER = "server"
    CHAIN = "chain"


class Period(StrEnum):
    """Which stretch of time somebody asks about."""

    LAST_30_DAYS = "30-days"
    THIS_MONTH = "month"


@dataclass(frozen=True)
class Seen:
    """A span as it was written down: `to_at` is the last sign of it, `is_over` whether its end was seen."""

    from_at: int
    to_at: int
    is_over: bool
    segments_max: int = 0
    age_max_seconds: int = 0

    def goes_on(self, now: int, stale_seconds: int) -> bool:
        """Say whether it lasts: its end was not seen, and its last sign is young enough."""
        return not self.is_over and now - self.to_at <= stale_seconds

    def span(self, now: int, stale_seconds: int) -> Span:
        """Return the span, until now where it lasts."""
        return Span(self.from_at, max(now, self.to_at) if self.goes_on(now, stale_seconds) else self.to_at)


@dataclass(frozen=True)
class Record:
    """What was written down. `since` is when the record begins; None: nothing was written yet."""

    since: int | None
    server_up: Sequence[Seen]
    chain_silent: Sequence[Seen]
    backlogs: Sequence[Seen]


@dataclass(frozen=True)
class Outage:
    """A time in which the server did not run or the chain did not answer.

    `drained_at` is when nothing waited too long any more after it; None where nothing waited, or still does.
    """

    kind: OutageKind
    from_at: int
    to_at: int
    is_running: bool
    drained_at: int | None
    is_draining: bool

    @property
    def seconds(self) -> int:
        """How long it was, or is so far."""
        return self.to_at - self.from_at

    @property
    def drain_seconds(self) -> int | None:
        """How long after its end something still waited; 0 where nothing did."""
        if self.is_running or self.is_draining:
            return None
        return 0 if self.drained_at is None else self.drained_at - self.to_at


@dataclass(frozen=True)
class BacklogSpan:
    """A time in which segments waited too long for the chain."""

    from_at: int
    to_at: int
    is_running: bool
    segments_max: int
    age_max_seconds: int


@dataclass(frozen=True)
class Account:
    """Where the segments are that were handed in since some instant; the parts add up to `accepted`.

    `in_block`: the relayer saw them in a block that the books have not folded yet. `lost`: none of the others.
    """

    accepted: int
    on_ledger: int
    waiting: int
    refused: int
    in_block: int
    lost: int


@dataclass(frozen=True)
class Waiting:
    """What waits for the chain now."""

    segments: int
    oldest_received_at: int | None
    overdue: int


@dataclass(frozen=True)
class Continuity:
    """The whole account of a period. Seconds of one kind of outage are counted once, whoever saw them."""

    from_at: int
    to_at: int
    since: int | None
    server_seconds: int
    chain_seconds: int
    either_seconds: int
    outages: tuple[Outage, ...]
    backlogs: tuple[BacklogSpan, ...]
    waiting: Waiting
    account: Account

    @property
    def observed_seconds(self) -> int:
        """How much of the period the record covers."""
        return 0 if self.since is None else max(self.to_at - max(self.since, self.from_at), 0)


def start_of(period: Period, now: int) -> int:
    """Return when a period began: 30 days ago, or with the first day of this month in Shanghai."""
    if period is Period.LAST_30_DAYS:
        return now - 30 * DAY_SECONDS
    return times_of(date_of(now)[:8] + "01")[0]


def tell_continuity(
    record: Record, *, waiting: Waiting, account: Account, from_at: int, now: int, stale_seconds: int
) -> Continuity:
    """Return what the record says of a period up to now.

    A server whose last sign is younger than `stale_seconds` is up until now; one that was killed is down from
    its last sign on.
    """
    period = Span(from_at if record.since is None else min(max(record.since, from_at), now), now)
    is_up, is_silent = (
        any(s.goes_on(now, stale_seconds) for s in listed) for listed in (record.server_up, record.chain_silent)
    )
    up = [Span(s.from_at, s.to_at) for s in record.server_up]
    if is_up:  # since the newest sign of any; one that was killed a moment ago is no reason to stretch its own
        up.append(Span(max(span.to_at for span in up), now))
    down = [] if record.since is None else gaps(up, period)
    silences = union(within((s.span(now, stale_seconds) for s in record.chain_silent), period))
    waits = [
        (Backlog(s.span(now, stale_seconds), s.segments_max, s.age_max_seconds), s.goes_on(now, stale_seconds))
        for s in record.backlogs
    ]
    outages = [
        _outage(kind, span, waits, is_running=lasts and span.to_at >= now)
        for kind, spans, lasts in (
            (OutageKind.SERVER, down, not is_up),
            (OutageKind.CHAIN, silences, is_silent),
        )
        for span in spans
    ]
    return Continuity(
        from_at,
        now,
        record.since,
        seconds_of(down),
        seconds_of(silences),
        seconds_of([*down, *silences]),
        tuple(sorted(outages, key=lambda outage: (-outage.from_at, outage.kind))),
        tuple(
            BacklogSpan(b.span.from_at, b.span.to_at, is_running, b.segments_max, b.age_max_seconds)
            for b, is_running in sorted(waits, key=lambda wait: wait[0].span, reverse=True)
            if b.span.to_at > from_at
        ),
        waiting,
        account,
    )


def _outage(kind: OutageKind, span: Span, waits: Sequence[tuple[Backlog, bool]], *, is_running: bool) -> Outage:
    drain = None if is_running else drain_after(span, [backlog for backlog, _ in waits])
    is_draining = drain is not None and (drain, True) in waits
    drained_at = None if drain is None or is_draining else drain.span.to_at
    return Outage(kind, span.from_at, span.to_at, is_running, drained_at, is_draining)
