"""The books as the radar's facts: a day of lifts at a time, and the handoffs and tickets of some weeks.

A day of a city, half a million lifts, takes some 50 MB in columns, whatever the books hold; all placed bins are
held once, and a month's handoffs and tickets as values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, and_, func, select

from backend.domain.custody_state import LotStatus
from backend.domain.days import day_of
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.lifts import is_only_lifts
from backend.domain.radar.facts import Bins, Handoff, HeldLot, Lifts, Ticket
from backend.domain.recorded import EntryId
from backend.domain.types import Outcome
from backend.store.reading.runs import parts
from backend.store.tables import (
    BinLabel,
    CollectionPoint,
    CustodyStep,
    LedgerSegment,
    LotRow,
    LotRun,
    PlacedBin,
    table_of,
)

_SEGMENTS, _RUNS, _LOTS = table_of(LedgerSegment), table_of(LotRun), table_of(LotRow)
_STEPS, _PLACED = table_of(CustodyStep), table_of(PlacedBin)
_BINS, _POINTS = table_of(BinLabel), table_of(CollectionPoint)
_SEGMENTS_AT_ONCE = 400
_STEP_KINDS = (Kind.GIVE, Kind.TAKE, Kind.WEIGH, Kind.CLOSE, Kind.WITHDRAW, Kind.REFUSE, Kind.REDIRECT)


class RecordedDay(NamedTuple):
    """A day in Shanghai by its number since 1970, and the segments recorded on it."""

    day: int
    first_id: int
    last_id: int


@dataclass(frozen=True)
class _Steps:
    """Entries of some weeks by their kind."""

    gives: dict[tuple[int, int], dict[str, int]]
    takes: dict[tuple[int, int], tuple[EntryId, dict[str, int], int]]
    closes: dict[tuple[int, int], EntryId]
    answered: set[tuple[int, int]]
    tickets: list[Ticket]


class RadarReading:
    """Reads facts within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest_segment(self) -> tuple[int, str]:
        """Return the newest segment's id and block hash; (0, "") while there is none."""
        row = self._connection.execute(
            select(_SEGMENTS.c.id, _SEGMENTS.c.block_hash).order_by(_SEGMENTS.c.id.desc()).limit(1)
        ).one_or_none()
        return (0, "") if row is None else (row.id, row.block_hash)

    def is_in_books(self, segment_id: int, block_hash: str) -> bool:
        """Say whether a segment still stands where it stood: the chain may have replaced blocks."""
        found = self._connection.execute(
            select(_SEGMENTS.c.block_hash).where(_SEGMENTS.c.id == segment_id)
        ).scalar_one_or_none()
        return segment_id == 0 or found == block_hash

    def block_hash_of(self, segment_id: int) -> str:
        """Return the hash of the block that a segment is in."""
        statement = select(_SEGMENTS.c.block_hash).where(_SEGMENTS.c.id == segment_id)
        return str(self._connection.execute(statement).scalar_one())

    def recorded_days(self, since: int) -> list[RecordedDay]:
        """Return the days from one on, in order, on which anything was recorded."""
        newest, days = self.newest_segment()[0], list[RecordedDay]()
        first = self._first_of(since, newest)
        while first <= newest:
            day = day_of(self._time_of(first))
            following = self._first_of(day + 1, newest)
            days.append(RecordedDay(day, first, following - 1))
            first = following
        return days

    def _first_of(self, day: int, newest: int) -> int:
        """Return the first segment of a day or later: they are numbered in the order of their blocks."""
        low, high = 1, newest + 1
        while low < high:
            middle = (low + high) // 2
            if day_of(self._time_of(middle)) < day:
                low = middle + 1
            else:
                high = middle
        return low

    def _time_of(self, segment_id: int) -> int:
        statement = select(_SEGMENTS.c.block_time).where(_SEGMENTS.c.id >= segment_id)
        return int(self._connection.execute(statement.order_by(_SEGMENTS.c.id).limit(1)).scalar_one())

    def bins(self) -> Bins:
        """Return all bins that the chain says were placed, with their points where the directory has them."""
        statement = (
            select(
                _PLACED.c.number, _PLACED.c.site, _PLACED.c.stream, _PLACED.c.placed_from,
                _POINTS.c.lat, _POINTS.c.lng,
            )
            .outerjoin(_BINS, _BINS.c.serial_digest == _PLACED.c.serial_digest)
            .outerjoin(_POINTS, _POINTS.c.id == _BINS.c.point_id)
            .order_by(_PLACED.c.number, _PLACED.c.placed_from.desc())
        )  # fmt: skip
        rows: dict[int, tuple[int, int, int, int, float, float]] = {}
        for number, site, stream, placed_from, latitude, longitude in self._connection.execute(statement):
            place = (np.nan, np.nan) if latitude is None or longitude is None else (latitude, longitude)
            rows[number] = (number, int(site, 16), stream, placed_from, *place)
        return Bins.of(rows.values())

    def lifts(self, day: RecordedDay, *, before: RecordedDay | None = None) -> Lifts:
        """Return the applied lifts recorded on a day, after those of the day before."""
        chunks: list[Lifts] = []
        for some, is_new in ((before, False), (day, True)):
            if some is not None:
                chunks += self._chunks(some, is_new=is_new)
        return Lifts.joined(chunks)

    def _chunks(self, day: RecordedDay, *, is_new: bool) -> Iterator[Lifts]:
        for first in range(day.first_id, day.last_id + 1, _SEGMENTS_AT_ONCE):
            last = min(first + _SEGMENTS_AT_ONCE - 1, day.last_id)
            segments = self._connection.execute(
                select(
                    _SEGMENTS.c.id, _SEGMENTS.c.device, _SEGMENTS.c.first_seq, _SEGMENTS.c.words,
                    _SEGMENTS.c.outcomes, _SEGMENTS.c.block_time,
                ).where(_SEGMENTS.c.id.between(first, last))
            ).all()  # fmt: skip
            runs: dict[int, list[Row[Any]]] = defaultdict(list)
            for run in self._connection.execute(select(_RUNS).where(_RUNS.c.segment_id.between(first, last))):
                runs[run.segment_id].append(run)
            streams = self._opened_for({run.lot for listed in runs.values() for run in listed})
            found = [_lifts_in(row, runs[row.id], streams, is_new=is_new) for row in segments if runs[row.id]]
            yield Lifts.joined(found)

    def _opened_for(self, lots: set[str]) -> dict[str, int]:
        """Return the stream that each lot was opened for: a mixed one is taken as another later."""
        streams: dict[str, int] = {}
        for some in parts(sorted(lots)):
            rows = self._connection.execute(
                select(_STEPS.c.lot, _STEPS.c.seq, _SEGMENTS.c.first_seq, _SEGMENTS.c.words)
                .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
                .where(
                    _STEPS.c.lot.in_(some), _STEPS.c.kind == Kind.LOAD, _STEPS.c.outcome == int(Outcome.APPLIED)
                )
            )
            for lot, seq, first_seq, words in rows:
                streams[lot] = read_entry(split_entries(words)[seq - first_seq]).fields["stream"]
        return streams

    def _streams_of(self, lots: set[str]) -> dict[str, int]:
        streams: dict[str, int] = {}
        for some in parts(sorted(lots)):
            rows = self._connection.execute(select(_LOTS.c.lot, _LOTS.c.stream).where(_LOTS.c.lot.in_(some)))
            streams.update((row.lot, row.stream) for row in rows)
        return streams

    def handoffs_and_tickets(self, days: Sequence[RecordedDay]) -> tuple[list[Handoff], list[Ticket]]:
        """Return the applied gives, with their takes, and the weighings that were recorded on these days.

        A give that was withdrawn, refused or redirected has got its answer, and is left out.
        """
        if not days:
            return [], []
        steps = self._steps(days[0].first_id, days[-1].last_id)
        streams = self._streams_of({f"{fields['lot']:024x}" for fields in steps.gives.values()})
        handoffs = []
        for key, give in steps.gives.items():
            if key in steps.answered and key not in steps.takes:
                continue
            lot = give["lot"]
            stream = streams.get(f"{lot:024x}", 0)
            handoff = Handoff(EntryId(*key), lot, stream, give["grams"], give["occurred_at"])
            if key in steps.takes:
                entry, take, recorded_at = steps.takes[key]
                handoff = handoff._replace(
                    take=entry,
                    taken_grams=take["grams"],
                    taken_at=take["occurred_at"],
                    take_recorded_at=recorded_at,
                    weigher=take["weigher"],
                    closed_by=steps.closes.get((entry.device, lot)),
                )
            handoffs.append(handoff)
        return handoffs, steps.tickets

    def held_lots(self, days: Sequence[RecordedDay]) -> list[HeldLot]:
        """Return the lots whose newest lift was recorded on these days, and that their device still holds."""
        if not days:
            return []
        newest = (
            select(_RUNS.c.lot, func.max(_RUNS.c.segment_id).label("segment_id"))
            .where(_RUNS.c.segment_id.between(days[0].first_id, days[-1].last_id))
            .group_by(_RUNS.c.lot)
            .subquery()
        )
        rows = self._connection.execute(
            select(
                _LOTS.c.lot, _LOTS.c.grams, _SEGMENTS.c.first_seq, _SEGMENTS.c.words,
                func.max(_RUNS.c.last_position).label("last_position"),
            )
            .join(newest, newest.c.lot == _LOTS.c.lot)
            .join(_SEGMENTS, _SEGMENTS.c.id == newest.c.segment_id)
            .join(_RUNS, and_(_RUNS.c.lot == _LOTS.c.lot, _RUNS.c.segment_id == newest.c.segment_id))
            .where(_LOTS.c.status == int(LotStatus.HELD), _LOTS.c.holder == func.substr(_LOTS.c.lot, 1, 16))
            .group_by(_LOTS.c.lot, _LOTS.c.grams, _SEGMENTS.c.first_seq, _SEGMENTS.c.words)
        )  # fmt: skip
        held = []
        for lot, grams, first_seq, words, position in rows:
            at = read_entry(split_entries(words)[position]).fields["occurred_at"]
            held.append(HeldLot(int(lot, 16), grams, EntryId(int(lot[:16], 16), first_seq + position), at))
        return held

    def _steps(self, first_id: int, last_id: int) -> _Steps:
        steps = _Steps({}, {}, {}, set(), [])
        for first in range(first_id, last_id + 1, _SEGMENTS_AT_ONCE):
            last = min(first + _SEGMENTS_AT_ONCE - 1, last_id)
            listed = self._connection.execute(
                select(_STEPS.c.seq, _STEPS.c.segment_id).where(
                    _STEPS.c.segment_id.between(first, last),
                    _STEPS.c.kind.in_(_STEP_KINDS),
                    _STEPS.c.outcome == int(Outcome.APPLIED),
                )
            ).all()
            wanted: dict[int, list[int]] = defaultdict(list)
            for seq, segment_id in listed:
                wanted[segment_id].append(seq)
            for some in parts(sorted(wanted)):
                rows = self._connection.execute(
                    select(
                        _SEGMENTS.c.id, _SEGMENTS.c.device, _SEGMENTS.c.first_seq, _SEGMENTS.c.words,
                        _SEGMENTS.c.block_time,
                    ).where(_SEGMENTS.c.id.in_(some))
                )  # fmt: skip
                for row in rows:
                    entries = split_entries(row.words)
                    for seq in wanted[row.id]:
                        entry_id = EntryId(int(row.device, 16), seq)
                        _add(steps, entry_id, entries[seq - row.first_seq], row.block_time)
        return steps


def _add(steps: _Steps, entry_id: EntryId, words: bytes, recorded_at: int) -> None:
    entry = read_entry(words)
    f = dict(entry.fields)
    match entry.kind:
        case Kind.GIVE:
            steps.gives[entry_id] = f
        case Kind.TAKE:
            steps.takes[f["giver"], f["give_seq"]] = entry_id, f, recorded_at
        case Kind.CLOSE:
            steps.closes[entry_id.device, f["lot"]] = entry_id
        case Kind.WITHDRAW:
            steps.answered.add((entry_id.device, f["undone_seq"]))
        case Kind.REDIRECT:
            steps.answered.add((entry_id.device, f["give_seq"]))
        case Kind.REFUSE:
            steps.answered.add((f["giver"], f["give_seq"]))
        case _:
            ticket = Ticket(entry_id, f["lot"], f["vehicle"], f["net"], f["tare"], f["occurred_at"])
            steps.tickets.append(ticket)


def _lifts_in(row: Any, runs: Sequence[Row[Any]], streams: dict[str, int], *, is_new: bool) -> Lifts:
    """Return the applied lifts of one segment, cut out of its words all at once."""
    words, outcomes = bytes(row.words), np.frombuffer(row.outcomes, dtype=np.uint8)
    if is_only_lifts(words):
        positions = np.arange(len(words) // WORD_BYTES)
    else:
        entries = split_entries(words)
        positions = np.array([at for at, entry in enumerate(entries) if entry[0] == Kind.LIFT], dtype=np.int64)
        words = b"".join(entries[at] for at in positions)
    octets = np.frombuffer(words, dtype=np.uint8).reshape(-1, WORD_BYTES)
    lots, lot_streams = np.zeros(len(outcomes), dtype=np.int64), np.zeros(len(outcomes), dtype=np.int64)
    for run in runs:
        covered = slice(run.first_position, run.last_position + 1)
        lots[covered] = int(run.lot[16:], 16)
        lot_streams[covered] = streams.get(run.lot, 0)
    count = len(positions)
    lifts = Lifts(
        device=np.full(count, int(row.device, 16), dtype=np.uint64),
        seq=row.first_seq + positions,
        bin=_number(octets[:, 1:6]),
        stream=(octets[:, 6] >> 4).astype(np.int64),
        basis=(octets[:, 7] >> 4).astype(np.int64),
        grams=_number(octets[:, 13:17]),
        occurred_at=_number(octets[:, 8:13]),
        recorded_at=np.full(count, row.block_time, dtype=np.int64),
        lot=lots[positions],
        lot_stream=lot_streams[positions],
        is_new=np.full(count, is_new),
    )
    return lifts.where((outcomes[positions] & 0xF == Outcome.APPLIED) & (lifts.lot != 0))


def _number(octets: Any) -> Any:
    number = np.zeros(len(octets), dtype=np.int64)
    for column in range(octets.shape[1]):
        number = number << 8 | octets[:, column]
    return number
