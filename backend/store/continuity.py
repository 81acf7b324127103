"""What the system writes down of its own outages while they happen, and reads again for anybody who asks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, insert, or_, select, update

from backend.store.session import Database
from backend.store.tables import AcceptedSegment, ContinuitySpan, LedgerSegment, OutgoingTransaction, table_of
from backend.store.waiting import backlog, count_overdue
from backend.usecases.continuity import (
    Account,
    Continuity,
    Period,
    Record,
    Seen,
    SpanKind,
    Waiting,
    start_of,
    tell_continuity,
)
from backend.usecases.outgoing import TxState

_SPANS, _TXS = table_of(ContinuitySpan), table_of(OutgoingTransaction)
_ACCEPTED, _LEDGER = table_of(AcceptedSegment), table_of(LedgerSegment)
_OPEN_TXS = (TxState.SENT.value, TxState.INCLUDED.value)


def stale_after(heartbeat_seconds: float) -> int:
    """Return how old a last sign may be, in seconds, of something that still goes on: two beats may be late."""
    return math.ceil(3 * heartbeat_seconds) + 1


class ContinuityLog:
    """Writes the record; `stale_seconds` without a sign end a span."""

    def __init__(self, database: Database, *, stale_seconds: int) -> None:
        self._database, self._stale = database, stale_seconds

    def server_lives(self, span_id: int | None, now: int) -> int:
        """Write down that a process lives; return the span to name at its next sign."""
        with self._database.transaction() as connection:
            row = _newest(connection, _SPANS.c.id == span_id)
            if row is None or now - row.to_at > self._stale:
                return _begin(connection, SpanKind.SERVER_UP, now, now)
            _go_on(connection, row, now)
            return int(row.id)

    def server_ends(self, span_id: int, now: int) -> None:
        """Write down that a process ends in good order."""
        with self._database.transaction() as connection:
            row = _newest(connection, _SPANS.c.id == span_id)
            if row is not None:
                _go_on(connection, row, now, is_over=True)

    def chain(self, *, is_silent: bool, now: int) -> None:
        """Write down whether the chain answers."""
        with self._database.transaction() as connection:
            row = _newest(connection, _is_open(SpanKind.CHAIN_SILENT))
            is_fresh = row is not None and now - row.to_at <= self._stale
            if row is not None and is_fresh:
                _go_on(connection, row, now, is_over=not is_silent)
            elif row is not None:
                _go_on(connection, row, row.to_at, is_over=True)  # nobody saw when it ended
            if is_silent and not is_fresh:
                _begin(connection, SpanKind.CHAIN_SILENT, now, now)

    def backlog(self, *, after_seconds: int, now: int) -> None:
        """Write down whether segments wait for the chain longer than they should.

        The span begins when the oldest of them came. A server that dies in between does not end it: what
        waited before and waits still has waited all along.
        """
        with self._database.transaction() as connection:
            found = backlog(connection)
            oldest = found.oldest_received_at
            row = _newest(connection, _is_open(SpanKind.BACKLOG))
            if oldest is None or now - oldest <= after_seconds:
                if row is not None:
                    _go_on(connection, row, now, is_over=True)
                return
            if row is not None and oldest > row.to_at:
                _go_on(connection, row, row.to_at, is_over=True)
                row = None
            more = {"segments_max": found.waiting, "age_max_seconds": now - oldest}
            if row is None:
                _begin(connection, SpanKind.BACKLOG, oldest, now, **more)
                return
            _go_on(connection, row, now, **{name: max(value, getattr(row, name)) for name, value in more.items()})


def read_continuity(
    connection: Connection,
    period: Period,
    *,
    now: int,
    stale_seconds: int,
    overdue_seconds: int,
    books_are_level: bool,
) -> Continuity:
    """Return the account of a period up to now; see `read_account` for `books_are_level`."""
    from_at = start_of(period, now)
    found = backlog(connection)
    overdue = count_overdue(connection, received_before=now - overdue_seconds)
    return tell_continuity(
        read_record(connection, from_at=from_at),
        waiting=Waiting(found.waiting, found.oldest_received_at, overdue),
        account=read_account(connection, from_at=from_at, books_are_level=books_are_level),
        from_at=from_at,
        now=now,
        stale_seconds=stale_seconds,
    )


def read_record(connection: Connection, *, from_at: int) -> Record:
    """Return what was written down of the time since an instant."""
    since = connection.execute(
        select(func.min(_SPANS.c.from_at)).where(_SPANS.c.kind == SpanKind.SERVER_UP.value)
    ).scalar_one()
    by_kind: dict[str, list[Seen]] = {kind.value: [] for kind in SpanKind}
    for row in connection.execute(select(_SPANS).where(_SPANS.c.to_at >= from_at).order_by(_SPANS.c.id)):
        by_kind[row.kind].append(Seen(row.from_at, row.to_at, row.is_over, row.segments_max, row.age_max_seconds))
    return Record(since, by_kind[SpanKind.SERVER_UP], by_kind[SpanKind.CHAIN_SILENT], by_kind[SpanKind.BACKLOG])


def read_account(connection: Connection, *, from_at: int, books_are_level: bool) -> Account:
    """Return where the segments are that were handed in since an instant, each looked up in the books.

    A segment that the relayer saw in a block, or that is called recorded while the books are behind the
    chain, may be in a block that is not folded yet; it is called lost only once the books are level.
    """
    ledger = _LEDGER.alias("covering")
    covering = (
        select(ledger.c.id)
        .where(ledger.c.device == _ACCEPTED.c.device, ledger.c.first_seq <= _ACCEPTED.c.last_seq)
        .order_by(ledger.c.first_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    handed_in = (
        select(_ACCEPTED.c.id, _ACCEPTED.c.last_seq, _ACCEPTED.c.head, _ACCEPTED.c.state, _ACCEPTED.c.reason)
        .add_columns(covering.label("covering_id"))
        .where(_ACCEPTED.c.received_at >= from_at)
        .subquery()
    )
    is_on_ledger = or_(
        _LEDGER.c.last_seq > handed_in.c.last_seq,
        and_(_LEDGER.c.last_seq == handed_in.c.last_seq, _LEDGER.c.head == handed_in.c.head),
    )
    where = case(
        (is_on_ledger, "on_ledger"),
        (handed_in.c.state.in_(("queued", "sent")), "waiting"),
        (and_(handed_in.c.state == "refused", handed_in.c.reason.is_not(None)), "refused"),
        else_="nowhere",
    )
    found = handed_in.outerjoin(_LEDGER, _LEDGER.c.id == handed_in.c.covering_id)
    counts: dict[str, int] = {
        row.place: row.segments
        for row in connection.execute(
            select(where.label("place"), func.count().label("segments")).select_from(found).group_by(where)
        )
    }
    nowhere = counts.get("nowhere", 0)
    in_block = nowhere
    if nowhere and books_are_level:
        ids = connection.execute(select(handed_in.c.id).select_from(found).where(where == "nowhere")).scalars()
        in_block = len(_carried(connection).intersection(ids))
    return Account(
        accepted=sum(counts.values()),
        on_ledger=counts.get("on_ledger", 0),
        waiting=counts.get("waiting", 0),
        refused=counts.get("refused", 0),
        in_block=in_block,
        lost=nowhere - in_block,
    )


def _carried(connection: Connection) -> set[int]:
    """Return the segments in transactions that are under way or not final yet."""
    listed: Iterable[str] = connection.execute(
        select(_TXS.c.segment_ids).where(_TXS.c.state.in_(_OPEN_TXS))
    ).scalars()
    return {segment_id for text in listed for segment_id in orjson.loads(text)}


def _is_open(kind: SpanKind) -> ColumnElement[bool]:
    return and_(_SPANS.c.kind == kind.value, _SPANS.c.is_over.is_(False))


def _newest(connection: Connection, where: ColumnElement[bool]) -> Row[Any] | None:
    return connection.execute(select(_SPANS).where(where).order_by(_SPANS.c.id.desc()).limit(1)).one_or_none()


def _begin(connection: Connection, kind: SpanKind, from_at: int, to_at: int, **more: int) -> int:
    values = {"segments_max": 0, "age_max_seconds": 0, **more}
    made = connection.execute(
        insert(_SPANS)
        .values(kind=kind.value, from_at=from_at, to_at=to_at, is_over=False, **values)
        .returning(_SPANS.c.id)
    )
    return int(made.scalar_one())


def _go_on(connection: Connection, row: Row[Any], to_at: int, *, is_over: bool = False, **more: int) -> None:
    # A clock that was set back takes nothing away.
    values = {"to_at": max(to_at, row.to_at), "is_over": is_over, **more}
    connection.execute(update(_SPANS).where(_SPANS.c.id == row.id).values(**values))
