"""Moves of grams, and their sums by day: written with the blocks that they come from, taken back with them.

A lot's stock is not kept: it follows from the lot's moves. Source: docs/spec/mass-balance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from backend.domain.journal import Entry, read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.lifts import end_of_lifts
from backend.domain.mass_flows import (
    COUNTED,
    Applied,
    AppliedEntry,
    AppliedLifts,
    Flow,
    MassFlows,
    Move,
    Place,
    Stock,
    in_order,
    sets_free,
)
from backend.domain.types import Outcome, device_text, lot_text, organisation_text
from backend.store.bulk import insert_rows
from backend.store.tables import CustodyStep, LedgerSegment, MassDay, MassMove, MassStretch, OpenedSite, table_of
from backend.usecases.fold_events import FactsLine

_MOVES, _DAYS, _SITES = table_of(MassMove), table_of(MassDay), table_of(OpenedSite)
_STRETCHES = table_of(MassStretch)
_SEGMENTS, _STEPS = table_of(LedgerSegment), table_of(CustodyStep)
_SUMS = ("grams", "delta", "given", "facts")
_KEY = tuple(column.name for column in _DAYS.primary_key)
_LOTS_A_QUERY = 400
STRETCH_BITS = 5
"""A stretch is so many days as this many bits count: 32."""
_STOCKS_HELD_MAX = 200_000

Row = tuple[Any, ...]


class Worked(NamedTuple):
    """A transformation or a closing, with the last of its moves: where, when and of which stream it was."""

    fact: AppliedEntry
    move: Move
    block_number: int


class MassMoves:
    """Writes moves; holds the stocks of lots that were asked for, until told to forget them."""

    def __init__(self) -> None:
        self._stocks: dict[int, Stock] = {}

    def forget(self) -> None:
        """Drop what is held in memory; the database has the truth."""
        self._stocks.clear()

    def write(self, connection: Connection, lines: Sequence[FactsLine]) -> list[Worked]:
        """Add what these facts move; return those of them that worked or closed a lot."""
        if not lines:
            return []
        if len(self._stocks) > _STOCKS_HELD_MAX:
            self.forget()
        entries = _entries_settled(connection, lines)
        ordered = [(line, _ordered(line, entries)) for line in lines]
        self._load(connection, {lot for _, facts in ordered for fact in facts for lot in _lots_of(fact)})
        flows = MassFlows(self._stocks, _sites(connection))
        rows, sites, worked = list[Row](), list[dict[str, Any]](), list[Worked]()
        next_id = (connection.execute(select(func.max(_MOVES.c.id))).scalar_one() or 0) + 1
        for line, facts in ordered:
            for fact in facts:
                if isinstance(fact, AppliedEntry) and fact.entry.kind == Kind.SITE:
                    sites.append(_site_row(fact, line.block_number))
                moves = flows.apply(fact)
                for move in moves:
                    rows.append(_row(next_id + len(rows), move, line.block_number))
                if isinstance(fact, AppliedEntry) and fact.entry.kind in (Kind.TRANSFORM, Kind.CLOSE):
                    worked.append(Worked(fact, moves[-1], line.block_number))
        insert_rows(connection, _MOVES, rows)
        if sites:
            connection.execute(insert(_SITES), sites)
        _add(connection, _summed(rows))
        return worked

    def _load(self, connection: Connection, lots: set[int]) -> None:
        """Follow the moves of lots that are not held in memory."""
        wanted = sorted(lot_text(lot) for lot in lots - self._stocks.keys())
        for start in range(0, len(wanted), _LOTS_A_QUERY):
            some = wanted[start : start + _LOTS_A_QUERY]
            for row in connection.execute(select(_MOVES).where(_MOVES.c.lot.in_(some)).order_by(_MOVES.c.id)):
                lot = int(row.lot, 16)
                self._stocks[lot] = _followed(self._stocks.get(lot), row)


def _followed(stock: Stock | None, move: Any) -> Stock:
    """Return a lot's stock after one more of its moves."""
    if stock is None:
        stock = Stock(Place(0, 0), 0, 0, 0)
    if move.flow == Flow.OFFERED:
        return stock._replace(offered_seq=move.seq, offered_grams=move.grams)
    return stock._replace(
        place=Place(int(move.organisation, 16), int(move.site, 16)),
        stream=move.stream,
        grams=stock.grams + move.delta,
        basis=move.basis,
    )


def _lots_of(fact: Applied) -> Iterator[int]:
    if isinstance(fact, AppliedLifts):
        yield fact.lot
        return
    for name in ("lot", "into"):
        if fact.entry.fields.get(name):
            yield fact.entry.fields[name]


def _ordered(line: FactsLine, entries: dict[tuple[int, int], Entry]) -> list[Applied]:
    settled = [
        AppliedEntry(device, seq, entries[device, seq], line.block_time)
        for device, seq in line.settled
        if (device, seq) in entries
    ]
    return in_order(line.applied, settled)


def _entries_settled(connection: Connection, lines: Sequence[FactsLine]) -> dict[tuple[int, int], Entry]:
    """Return the entries of steps that had waited; each was recorded before it was settled."""
    entries: dict[tuple[int, int], Entry] = {}
    for device, seq in {key for line in lines for key in line.settled}:
        row = connection.execute(
            select(_SEGMENTS.c.first_seq, _SEGMENTS.c.words)
            .where(_SEGMENTS.c.device == device_text(device), _SEGMENTS.c.first_seq <= seq)
            .order_by(_SEGMENTS.c.first_seq.desc())
            .limit(1)
        ).one_or_none()
        if row is not None:
            entries[device, seq] = read_entry(split_entries(bytes(row.words))[seq - row.first_seq])
    return entries


def _sites(connection: Connection) -> dict[int, frozenset[int]]:
    known: dict[int, frozenset[int]] = {}
    for row in connection.execute(select(_SITES.c.organisation, _SITES.c.site)):
        organisation = int(row.organisation, 16)
        known[organisation] = known.get(organisation, frozenset()) | {int(row.site, 16)}
    return known


def _site_row(fact: AppliedEntry, block_number: int) -> dict[str, Any]:
    site = fact.entry.fields["site"]
    return {
        "device": device_text(fact.device),
        "seq": fact.seq,
        "site": device_text(site),
        "organisation": device_text(site)[:6],
        "site_kind": fact.entry.fields["site_kind"],
        "block_number": block_number,
    }


def _row(move_id: int, move: Move, block_number: int) -> Row:
    return (
        move_id,
        device_text(move.device),
        move.seq,
        lot_text(move.lot),
        organisation_text(move.place.organisation),
        device_text(move.place.site),
        move.stream,
        move.occurred_at,
        move.day,
        move.recorded_day,
        int(move.flow),
        move.grams,
        move.delta,
        int(move.basis),
        move.given,
        int(move.given_basis),
        block_number,
    )


# --- sums ------------------------------------------------------------------------------------------------


def _summed(rows: Iterable[Row]) -> dict[Row, list[int]]:
    sums: dict[Row, list[int]] = {}
    for row in rows:
        _, _, _, _, organisation, site, stream, _, day, recorded_day, flow, grams, delta, _, given, _, _ = row
        total = sums.setdefault((day, organisation, site, stream, flow, recorded_day > day), [0, 0, 0, 0])
        for at, value in enumerate((grams, delta, given, 1)):
            total[at] += value
    return sums


def _add(connection: Connection, sums: dict[Row, list[int]]) -> None:
    """Add sums of moves to those of their days, and of their stretches of days; negative ones take back."""
    stretches: dict[Row, list[int]] = {}
    for (day, organisation, site, stream, _, _), (_, delta, _, facts) in sums.items():
        total = stretches.setdefault((day >> STRETCH_BITS, organisation, site, stream), [0, 0])
        total[0] += delta
        total[1] += facts
    _increase(connection, _DAYS, sums)
    _increase(connection, _STRETCHES, stretches)


def _increase(connection: Connection, table: Table, sums: dict[Row, list[int]]) -> None:
    if not sums:
        return
    make = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    statement = make(table)
    added = {name: table.c[name] + statement.excluded[name] for name in names if name not in keys}
    statement = statement.on_conflict_do_update(index_elements=keys, set_=added)
    rows = [dict(zip(names, (*key, *values), strict=True)) for key, values in sorted(sums.items())]
    connection.execute(statement, rows)


def roll_back(connection: Connection, ancestor: int) -> None:
    """Take back what blocks after the ancestor moved."""
    is_late = (_MOVES.c.recorded_day > _MOVES.c.day).label("is_late")
    key = [is_late if name == "is_late" else _MOVES.c[name] for name in _KEY]
    sums = [*(func.sum(_MOVES.c[name]) for name in _SUMS[:-1]), func.count()]
    gone = connection.execute(select(*key, *sums).where(_MOVES.c.block_number > ancestor).group_by(*key)).all()
    taken_back: dict[Row, list[int]] = {}
    for row in gone:
        *day, late = row[: len(_KEY)]
        taken_back[(*day, bool(late))] = [-int(value) for value in row[len(_KEY) :]]
    _add(connection, taken_back)
    for table in (_DAYS, _STRETCHES):
        connection.execute(delete(table).where(table.c.facts == 0))
    for table in (_MOVES, _SITES):
        connection.execute(delete(table).where(table.c.block_number > ancestor))


# --- books that were folded before there were moves ------------------------------------------------------


def fill(connection: Connection) -> None:
    """Write the moves of all that is recorded already, for the migration that brings the tables.

    Entries that a registrar brought of another device are left out: their outcomes are not in the books. Where
    there are such, `huanlian reindex --replace` folds them.
    """
    moves, lines = MassMoves(), list[FactsLine]()
    for line in lines_kept(connection):
        lines.append(line)
        if len(lines) == _LOTS_A_QUERY:
            moves.write(connection, lines)
            lines = []
    moves.write(connection, lines)


def lines_kept(connection: Connection) -> Iterator[FactsLine]:
    """Yield what each segment did, in the order of the ledger, and what a block settled beside its segments."""
    desks: dict[str, int] = {}
    settled = _steps_settled(connection)
    blocks: dict[int, list[int]] = {number: [] for number in settled}
    for row in connection.execute(select(_SEGMENTS.c.id, _SEGMENTS.c.block_number).order_by(_SEGMENTS.c.id)):
        blocks.setdefault(row.block_number, []).append(row.id)
    for number, segment_ids in sorted(blocks.items()):
        waiting = settled.get(number, [])
        for segment_id in segment_ids:
            row = connection.execute(select(_SEGMENTS).where(_SEGMENTS.c.id == segment_id)).one()
            applied = _applied_in(row, desks)
            freed = [step for step in waiting if any(sets_free(one, step) for one in applied)]
            waiting = [step for step in waiting if step not in freed]
            if applied or freed:
                yield FactsLine(number, row.block_time, tuple(applied), tuple((s.device, s.seq) for s in freed))
        if waiting:
            at = waiting[0].block_time
            yield FactsLine(number, at, (), tuple((step.device, step.seq) for step in waiting))


def _steps_settled(connection: Connection) -> dict[int, list[AppliedEntry]]:
    """Return, by block, the steps that were applied in it after they had waited."""
    rows = connection.execute(
        select(_STEPS, _SEGMENTS.c.first_seq, _SEGMENTS.c.words)
        .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
        .where(_STEPS.c.settled_block.is_not(None), _STEPS.c.outcome == int(Outcome.APPLIED))
        .order_by(_STEPS.c.segment_id, _STEPS.c.seq)
    )
    by_block: dict[int, list[AppliedEntry]] = {}
    for row in rows:
        entry = read_entry(split_entries(bytes(row.words))[row.seq - row.first_seq])
        step = AppliedEntry(int(row.device, 16), row.seq, entry, row.settled_at)
        by_block.setdefault(row.settled_block, []).append(step)
    return by_block


def _applied_in(row: Any, desks: dict[str, int]) -> list[Applied]:
    """Return what the ledger applied at once of a segment; `desks` follows where each journal's lifts go."""
    device, entries = int(row.device, 16), split_entries(bytes(row.words))
    facts, at = list[Applied](), 0
    while at < len(entries):
        if entries[at][0] == Kind.LIFT:
            end = end_of_lifts(entries, at, len(entries))
            lot, seq = desks.get(row.device), row.first_seq + at
            applied = [
                e for e, byte in zip(entries[at:end], row.outcomes[at:end], strict=True) if _is_applied(byte)
            ]
            if lot is not None and applied:
                facts.append(AppliedLifts(device, seq, lot, b"".join(applied), row.block_time))
            at = end
            continue
        entry = read_entry(entries[at])
        if _is_applied(row.outcomes[at]):
            if entry.kind == Kind.LOAD:
                desks[row.device] = entry.fields["lot"]
            if entry.kind in COUNTED:
                facts.append(AppliedEntry(device, row.first_seq + at, entry, row.block_time))
        at += 1
    return facts


def _is_applied(byte: int) -> bool:
    return byte & 0xF == Outcome.APPLIED
