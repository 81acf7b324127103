"""Where the lifts of each bin are: sorted runs of packed keys, a few rows for thousands of lifts.

A key is `bin 40 | segment 16 | position 8`: the segment counted from the run's first, the position within the
segment. A run covers 16, 256, 4096 or 65,536 segments in a row, aligned to that number. Which runs there are
follows from how many segments there are, as digits follow from a number; the books are thus the same however
they came to be. The fewer than 16 newest segments are in no run: their words are read instead.

See docs/decisions/0012-lifts-in-sorted-runs.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, select

from backend.domain.journal import split_entries
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.lifts import is_only_lifts
from backend.store.bulk import insert_rows
from backend.store.tables import LedgerSegment, LiftRun, table_of

_RUNS, _SEGMENTS = table_of(LiftRun), table_of(LedgerSegment)

_LEVEL_BITS, _LEVELS = 4, 4
_TAIL = 1 << _LEVEL_BITS
# The keys of one row stay below the 2 KB above which PostgreSQL would move them out of it.
_KEYS_A_ROW = 240
_BIN_SHIFT, _SEGMENT_SHIFT = np.uint64(24), np.uint64(8)
_BIN_MASK, _SEGMENT_MASK, _POSITION_MASK = np.uint64(0xFFFFFFFFFF << 24), np.uint64(0xFFFF), np.uint64(0xFF)
_BINS_A_QUERY = 50
_ROWS_A_COUNT = 500

Keys = NDArray[np.uint64]
Segments = Sequence[tuple[int, bytes]]
"""(id, words), in order of the ids."""
LiftPlace = tuple[int, int]
"""(segment id, position)"""


class Run(NamedTuple):
    """The run of this number among those of its level."""

    level: int
    number: int

    @property
    def first(self) -> int:
        """The first segment id that it covers."""
        return self.number << self.level * _LEVEL_BITS

    @property
    def end(self) -> int:
        """The segment id after the last that it covers."""
        return self.number + 1 << self.level * _LEVEL_BITS

    def covers(self, other: Run) -> bool:
        """Say whether all that the other covers is in here."""
        return self.first <= other.first and other.end <= self.end


def runs_before(end: int) -> list[Run]:
    """Return the runs, in order, that there are when the next segment's id is `end`."""
    runs, first = [], 0
    for level in range(_LEVELS, 0, -1):
        last = end >> level * _LEVEL_BITS
        runs += [Run(level, number) for number in range(first >> level * _LEVEL_BITS, last)]
        first = last << level * _LEVEL_BITS
    return runs


def tail_before(end: int) -> int:
    """Return the id of the first segment that is in no run."""
    return end // _TAIL * _TAIL


def reshape(connection: Connection, *, before: int, after: int, fresh: Segments = ()) -> None:
    """Bring the runs from those of one number of segments to those of another.

    Growing, the runs that a larger one takes in are merged into it. Shrinking, the larger one is cut into
    those that are left. `fresh` are segments that need not be read back from the database.
    """
    had, wanted = set(runs_before(before)), set(runs_before(after))
    gone, made = sorted(had - wanted), sorted(wanted - had, key=lambda run: run.first)
    words = _words_outside(connection, before, made, fresh)
    sources = {run: _read_run(connection, run) for run in gone}
    for run in gone:
        connection.execute(delete(_RUNS).where(_RUNS.c.level == run.level, _RUNS.c.number == run.number))
    for run in made:
        overlapping = [source for source in sources if source.covers(run) or run.covers(source)]
        parts = [_part(sources[source], source, run) for source in overlapping]
        # What older runs cover of a new one is its beginning.
        first = max([run.first, 1, *(source.end for source in overlapping)])
        parts.append(keys_of([(id_, words[id_]) for id_ in range(first, run.end)], first=run.first))
        keys = np.concatenate(parts)
        keys.sort()
        insert_rows(connection, _RUNS, list(_rows(run, keys)))


def _words_outside(
    connection: Connection, before: int, made: Sequence[Run], fresh: Segments
) -> Mapping[int, bytes]:
    """Return the words of those segments in the new runs that were in none so far."""
    words = dict(fresh)
    first = tail_before(before)
    end = max((run.end for run in made), default=0)
    missing = [id_ for id_ in range(max(first, 1), min(before, end)) if id_ not in words]
    for start in range(0, len(missing), 500):
        rows = connection.execute(
            select(_SEGMENTS.c.id, _SEGMENTS.c.words).where(_SEGMENTS.c.id.in_(missing[start : start + 500]))
        )
        words.update((row.id, bytes(row.words)) for row in rows)
    return words


def _read_run(connection: Connection, run: Run) -> Keys:
    rows = connection.execute(
        select(_RUNS.c.packed)
        .where(_RUNS.c.level == run.level, _RUNS.c.number == run.number)
        .order_by(_RUNS.c.first_bin)
    ).scalars()
    return _keys(b"".join(rows))


def _keys(packed: bytes) -> Keys:
    return np.frombuffer(packed, dtype=">u8").astype(np.uint64)


def _part(keys: Keys, source: Run, run: Run) -> Keys:
    """Return those keys of one run that belong to another, counted from the other's first segment."""
    if run.covers(source):
        return keys + np.uint64(source.first - run.first << 8)
    segments = (keys >> _SEGMENT_SHIFT) & _SEGMENT_MASK
    first, end = run.first - source.first, run.end - source.first
    return keys[(segments >= first) & (segments < end)] - np.uint64(first << 8)


def keys_of(segments: Segments, *, first: int) -> Keys:
    """Return the keys of all lifts in these segments, counted from segment `first`; not sorted."""
    parts = [np.empty(0, dtype=np.uint64)]
    plain = [(id_, words) for id_, words in segments if is_only_lifts(words)]
    if plain:
        heads = np.frombuffer(b"".join(words for _, words in plain), dtype=">u8")[:: WORD_BYTES // 8]
        counts = np.array([len(words) // WORD_BYTES for _, words in plain])
        ids = np.array([id_ - first for id_, _ in plain])
        positions = np.arange(len(heads)) - np.repeat(np.cumsum(counts) - counts, counts)
        parts.append(_pack(heads, np.repeat(ids, counts), positions))
    for id_, words in segments:
        if not is_only_lifts(words):
            parts.append(_keys_of_some(words, id_ - first))
    return np.concatenate(parts)


def _keys_of_some(words: bytes, offset: int) -> Keys:
    entries = split_entries(words)
    positions = np.array([at for at, entry in enumerate(entries) if entry[0] == Kind.LIFT], dtype=np.int64)
    heads = np.frombuffer(b"".join(entries[at][:8] for at in positions), dtype=">u8")
    return _pack(heads, np.full(len(positions), offset), positions)


def _pack(heads: NDArray[Any], offsets: NDArray[Any], positions: NDArray[Any]) -> Keys:
    """A lift begins with kind 8, bin 40: one byte to the left and the bin stands where the key has it."""
    keys: Keys = heads.astype(np.uint64) << np.uint64(8) & _BIN_MASK
    keys |= offsets.astype(np.uint64) << _SEGMENT_SHIFT
    keys |= positions.astype(np.uint64)
    return keys


def _rows(run: Run, keys: Keys) -> Iterable[tuple[int, int, int, bytes]]:
    """Cut a run into rows; a bin's lifts are never in two, so one row answers for a bin."""
    if not len(keys):
        return
    bins = keys >> _BIN_SHIFT
    starts = np.unique(np.searchsorted(bins, bins[::_KEYS_A_ROW]))
    packed = keys.astype(">u8").tobytes()
    ends = [*starts[1:].tolist(), len(keys)]
    for start, end, first_bin in zip(starts.tolist(), ends, bins[starts].tolist(), strict=True):
        yield run.level, run.number, first_bin, packed[start * 8 : end * 8]


def find_lifts(connection: Connection, bins: Sequence[int]) -> dict[int, list[LiftPlace]]:
    """Return where the lifts of these bins are, oldest first."""
    end = (connection.execute(select(func.max(_SEGMENTS.c.id))).scalar_one() or 0) + 1
    found: dict[int, list[LiftPlace]] = {number: [] for number in bins}
    runs = runs_before(end)
    for start in range(0, len(bins), _BINS_A_QUERY):
        some = bins[start : start + _BINS_A_QUERY]
        for number, level, run_number, packed in _rows_with(connection, runs, some):
            first = Run(level, run_number).first
            found[number] += [(first + offset, at) for offset, at in _places(_keys(packed), number)]
    tail = connection.execute(select(_SEGMENTS.c.id, _SEGMENTS.c.words).where(_SEGMENTS.c.id >= tail_before(end)))
    keys = keys_of([(row.id, row.words) for row in tail], first=tail_before(end))
    keys.sort()
    for number in found:
        found[number] += [(tail_before(end) + offset, at) for offset, at in _places(keys, number)]
        found[number].sort()
    return found


def count_lifts(connection: Connection, *, after: int) -> tuple[list[tuple[int, int]], int | None]:
    """Return (bin, how many lifts) of some bins after this one, in order, and the last one that this answers for.

    None: there are no further bins.
    """
    end = (connection.execute(select(func.max(_SEGMENTS.c.id))).scalar_one() or 0) + 1
    starts = (
        connection.execute(
            select(_RUNS.c.first_bin)
            .where(_RUNS.c.first_bin > after)
            .distinct()
            .order_by(_RUNS.c.first_bin)
            .limit(_ROWS_A_COUNT + 1)
        )
        .scalars()
        .all()
    )
    upto = starts[-1] - 1 if len(starts) > _ROWS_A_COUNT else None
    within = _RUNS.c.first_bin > after
    rows = connection.execute(
        select(_RUNS.c.packed).where(within if upto is None else within & (_RUNS.c.first_bin <= upto))
    ).scalars()
    parts = [_keys(packed) for packed in rows]
    # In each run the row before may go on with bins that are asked for.
    parts += [_keys(packed) for *_, packed in _rows_with(connection, runs_before(end), [after])]
    tail = connection.execute(select(_SEGMENTS.c.id, _SEGMENTS.c.words).where(_SEGMENTS.c.id >= tail_before(end)))
    parts.append(keys_of([(row.id, row.words) for row in tail], first=tail_before(end)))
    bins = np.concatenate(parts) >> _BIN_SHIFT
    bins = bins[bins > np.uint64(after)] if after >= 0 else bins
    numbers, counts = np.unique(bins if upto is None else bins[bins <= np.uint64(upto)], return_counts=True)
    return list(zip(numbers.tolist(), counts.tolist(), strict=True)), upto


def _rows_with(connection: Connection, runs: Sequence[Run], bins: Sequence[int]) -> Iterable[Any]:
    """Return (bin, level, number, packed keys): in each run the one row that can hold a bin's lifts."""
    if not runs or not bins:
        return []
    asked = ",".join(f"({int(number)},{run.level},{run.number})" for number in bins for run in runs)
    return connection.exec_driver_sql(
        f"WITH asked (bin, level, number) AS (VALUES {asked}) SELECT * FROM (SELECT bin, level, number, ("
        "SELECT r.packed FROM lift_run r WHERE r.level = asked.level AND r.number = asked.number"
        " AND r.first_bin <= asked.bin ORDER BY r.first_bin DESC LIMIT 1) AS packed FROM asked) AS answers"
        " WHERE packed IS NOT NULL"
    )


def _places(keys: Keys, number: int) -> list[LiftPlace]:
    first = np.searchsorted(keys, np.uint64(number << 24))
    end = np.searchsorted(keys, np.uint64((number + 1 << 24) - 1), side="right")
    mine = keys[first:end]
    segments, positions = (mine >> _SEGMENT_SHIFT) & _SEGMENT_MASK, mine & _POSITION_MASK
    return list(zip(segments.tolist(), positions.tolist(), strict=True))
