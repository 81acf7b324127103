"""Counts of lifts by day and month, street, crew's organisation and stream; which bins and devices were heard of.

Counted beside the fold, from segments that are recorded already: pages then read a few rows however many lifts
there are. What a registrar brought of a lost journal is not counted here, as in the open data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from backend.domain.days import DAY_SECONDS, SHANGHAI_SECONDS, day_of
from backend.domain.indicators import contamination
from backend.domain.indicators.lift_counts import TIMELY_SECONDS, LiftCounts
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.lifts import is_only_lifts
from backend.domain.mass_flows import day_of_fact
from backend.domain.periods import date_text
from backend.domain.types import Flaw, Grade, Outcome, organisation_text
from backend.store.intake import upsert
from backend.store.quarter_tallies import add_quarters, quarters_of
from backend.store.tables import (
    HeardTally,
    LedgerSegment,
    LiftTally,
    PlacedBin,
    QuarterTally,
    TallyPass,
    table_of,
)

_SEGMENTS, _PLACED = table_of(LedgerSegment), table_of(PlacedBin)
_LIFTS, _HEARD, _PASSES = table_of(LiftTally), table_of(HeardTally), table_of(TallyPass)
_QUARTERS = table_of(QuarterTally)
SEGMENTS_AT_ONCE = 1_000
BINS, DEVICES, PLACED = "bins", "devices", "placed"
NO_SITE = ""
_ONLY_PASS = 1
_KEYS_A_QUERY = 200
_GRADES = (Grade.CLEAN, Grade.SOME_MIXING, Grade.BADLY_MIXED)

Key = tuple[int, str, str, int]
"""(day, site, organisation, stream)"""


class PlacedBins:
    """Where bins stand and what they are registered for; of a number placed twice the lower digest counts."""

    def __init__(self, rows: Iterable[tuple[int, str, int, int]], newest_block: int = 0) -> None:
        found = {number: (site, stream, placed_from) for number, site, stream, placed_from in rows}
        self.newest_block = newest_block
        self.by_day = Counter((date_text(day_of(since)), site) for site, _, since in found.values())
        self.sites = [NO_SITE, *sorted({site for site, _, _ in found.values()})]
        index = {site: at for at, site in enumerate(self.sites)}
        listed = sorted(found)
        self.numbers = np.array(listed, dtype=np.int64)
        self.site_index = np.array([index[found[number][0]] for number in listed], dtype=np.int64)
        self.streams = np.array([found[number][1] for number in listed], dtype=np.int64)

    def look_up(self, bins: Any) -> tuple[Any, Any]:
        """Return the index of each bin's site, and its registered stream; 0 where nobody has placed it."""
        if not len(self.numbers):
            return np.zeros(len(bins), dtype=np.int64), np.zeros(len(bins), dtype=np.int64)
        at = np.minimum(np.searchsorted(self.numbers, bins), len(self.numbers) - 1)
        is_known = self.numbers[at] == bins
        return np.where(is_known, self.site_index[at], 0), np.where(is_known, self.streams[at], 0)


@dataclass
class Counted:
    """What some segments add."""

    lifts: dict[Key, LiftCounts] = field(default_factory=dict)
    heard: dict[tuple[int, str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    """Numbers by (day, kind, owner)."""
    quarters: dict[tuple[int, str], Any] = field(default_factory=dict)
    """Lifts and grams of 96 quarters of an hour by (day, site)."""

    def add(self, key: Key, counts: LiftCounts) -> None:
        """Add to the counts of a key."""
        self.lifts[key] = self.lifts.get(key, LiftCounts()).plus(counts)


def count(rows: Sequence[Any], placed: PlacedBins) -> Counted:
    """Return what recorded segments add: their applied lifts, and the refusals to collect among the rest."""
    counted = Counted()
    words, outcomes, devices, times = list[bytes](), list[bytes](), list[int](), list[tuple[int, int]]()
    for row in rows:
        lifts, answers = bytes(row.words), bytes(row.outcomes)
        if not is_only_lifts(lifts):
            lifts, answers = _lifts_among(row, counted, placed)
        words.append(lifts)
        outcomes.append(answers)
        devices.append(int(row.device, 16))
        times.append((row.block_time, len(answers)))
    octets = np.frombuffer(b"".join(words), dtype=np.uint8).reshape(-1, WORD_BYTES)
    if len(octets):
        answers_of = np.frombuffer(b"".join(outcomes), dtype=np.uint8)
        lengths = np.array([length for _, length in times])
        recorded = np.repeat(np.array([time for time, _ in times], dtype=np.int64), lengths)
        device = np.repeat(np.array(devices, dtype=np.uint64), lengths)
        _count_lifts(octets, answers_of, recorded, device, placed, counted)
    return counted


def _lifts_among(row: Any, counted: Counted, placed: PlacedBins) -> tuple[bytes, bytes]:
    """Return the lifts of a segment with other entries, and their answers; its refusals to collect are counted."""
    lifts, answers = list[bytes](), bytearray()
    for entry, byte in zip(split_entries(bytes(row.words)), bytes(row.outcomes), strict=True):
        if entry[0] == Kind.LIFT:
            lifts.append(entry)
            answers.append(byte)
        elif entry[0] == Kind.DECLINE and byte & 0xF == Outcome.APPLIED:
            fields = read_entry(entry).fields
            if fields.get("reason") in contamination.REASONS:
                site_index, _ = placed.look_up(np.array([fields["bin"]], dtype=np.int64))
                day = day_of_fact(fields["occurred_at"], row.block_time)
                key = (day, placed.sites[site_index[0]], row.device[:6], fields["stream"])
                counted.add(key, LiftCounts(declined=1))
    return b"".join(lifts), bytes(answers)


def _count_lifts(
    octets: Any, answers: Any, recorded: Any, device: Any, placed: PlacedBins, counted: Counted
) -> None:
    applied = answers & 0xF == Outcome.APPLIED
    octets, answers, recorded, device = (values[applied] for values in (octets, answers, recorded, device))
    if not len(octets):
        return
    bins, occurred = _number(octets[:, 1:6]), _number(octets[:, 8:13])
    stream, grade = (octets[:, 6] >> 4).astype(np.int64), octets[:, 6] & 0xF
    grams, organisation = _number(octets[:, 13:17]), (device >> np.uint64(40)).astype(np.int64)
    site, registered = placed.look_up(bins)
    recorded_day = (recorded + SHANGHAI_SECONDS) // DAY_SECONDS
    own_day = (occurred + SHANGHAI_SECONDS) // DAY_SECONDS
    day = np.where(occurred == 0, recorded_day, np.minimum(own_day, recorded_day))
    delay = recorded - occurred
    wrong = (answers >> 4 == Flaw.MIXED) | ((registered != 0) & (registered != stream))
    key = day << 46 | organisation << 22 | site << 4 | stream
    keys, place = np.unique(key, return_inverse=True)
    columns = [
        np.ones(len(key)),
        grams,
        *(grade == value for value in _GRADES),
        wrong,
        np.zeros(len(key)),
        (delay >= 0) & (delay <= TIMELY_SECONDS),
        np.maximum(delay, 0),
    ]
    sums = [np.bincount(place, weights=column, minlength=len(keys)) for column in columns]
    for at, packed in enumerate(keys.tolist()):
        named = (packed >> 46, placed.sites[packed >> 4 & 0x3FFFF], organisation_text(packed >> 22 & 0xFFFFFF))
        counted.add((*named, packed & 0xF), LiftCounts(*(int(column[at]) for column in sums)))
    # The clock of the fact, as for its day: the block's where the device's says nothing or is ahead.
    happened = np.where((occurred == 0) | (own_day > recorded_day), recorded, occurred)
    streets, place = np.unique(day << 32 | site, return_inverse=True)
    seconds = (happened + SHANGHAI_SECONDS) % DAY_SECONDS
    by_quarter = quarters_of(day_seconds=seconds, place=place, count=len(streets), grams=grams)
    for at, packed in enumerate(streets.tolist()):
        street = packed >> 32, placed.sites[packed & 0xFFFFFFFF]
        counted.quarters[street] = counted.quarters.get(street, 0) + by_quarter[at]
    for name, owner, numbers in ((BINS, site, bins.astype(np.uint64)), (DEVICES, organisation, device)):
        owners = day << 32 | owner
        for packed in np.unique(owners).tolist():
            text = placed.sites[packed & 0xFFFFFFFF] if name == BINS else organisation_text(packed & 0xFFFFFF)
            heard = np.unique(numbers[owners == packed])
            counted.heard[packed >> 32, name, text].update(heard.tolist())


def _number(octets: Any) -> Any:
    number = np.zeros(len(octets), dtype=np.int64)
    for column in range(octets.shape[1]):
        number = number << 8 | octets[:, column]
    return number


class TallyStore:
    """Keeps tallies within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def counted_to(self) -> tuple[int, str, int]:
        """Return the newest segment that is counted, its block's hash, and the newest placement known then.

        (0, "", 0) before the first.
        """
        row = self._connection.execute(select(_PASSES)).one_or_none()
        return (0, "", 0) if row is None else (row.segment_id, row.block_hash, row.placed_block)

    def newest_placement(self) -> int:
        """Return the newest block in which bins were placed; 0 while there is none."""
        return self._connection.execute(select(func.max(_PLACED.c.block_number))).scalar_one() or 0

    def stands(self) -> bool:
        """Say whether all that was counted is in the books, and no bin counted as unknown was placed since."""
        segment_id, block_hash, placed_block = self.counted_to()
        found = self._connection.execute(
            select(_SEGMENTS.c.block_hash).where(_SEGMENTS.c.id == segment_id)
        ).scalar_one_or_none()
        if segment_id and found != block_hash:
            return False
        if placed_block == self.newest_placement():
            return True
        strays = self._connection.execute(
            select(_HEARD.c.packed).where(_HEARD.c.kind == BINS, _HEARD.c.owner == NO_SITE)
        ).scalars()
        unknown = sorted({number for packed in strays for number in unpacked(packed)})
        return not any(
            self._connection.execute(select(_PLACED.c.number).where(_PLACED.c.number.in_(some)).limit(1)).first()
            for some in (unknown[start : start + 400] for start in range(0, len(unknown), 400))
        )

    def forget(self) -> None:
        """Forget all tallies."""
        for table in (_LIFTS, _HEARD, _QUARTERS, _PASSES):
            self._connection.execute(delete(table))

    def placed(self) -> PlacedBins:
        """Return all bins that the chain says were placed."""
        rows = self._connection.execute(
            select(_PLACED.c.number, _PLACED.c.site, _PLACED.c.stream, _PLACED.c.placed_from).order_by(
                _PLACED.c.number, _PLACED.c.serial_digest.desc()
            )
        )
        found = ((row.number, row.site, row.stream, row.placed_from) for row in rows)
        return PlacedBins(found, self.newest_placement())

    def keep_placed(self, placed: PlacedBins) -> None:
        """Keep how many bins stand in each street from each day on."""
        self._connection.execute(delete(_HEARD).where(_HEARD.c.kind == PLACED))
        rows = [
            {"period": day, "kind": PLACED, "owner": site, "heard": bins, "packed": b""}
            for (day, site), bins in sorted(placed.by_day.items())
        ]
        for start in range(0, len(rows), _KEYS_A_QUERY):
            upsert(self._connection, _HEARD, rows[start : start + _KEYS_A_QUERY])

    def segments_after(self, segment_id: int, limit: int = SEGMENTS_AT_ONCE) -> Sequence[Any]:
        """Return the next segments, in order."""
        return self._connection.execute(
            select(
                _SEGMENTS.c.id,
                _SEGMENTS.c.device,
                _SEGMENTS.c.words,
                _SEGMENTS.c.outcomes,
                _SEGMENTS.c.block_time,
                _SEGMENTS.c.block_hash,
            )
            .where(_SEGMENTS.c.id > segment_id)
            .order_by(_SEGMENTS.c.id)
            .limit(limit)
        ).all()

    def newest_segment(self) -> int:
        """Return the newest segment's id; 0 while there is none."""
        return self._connection.execute(select(func.max(_SEGMENTS.c.id))).scalar_one() or 0

    def keep_pass(self, segment_id: int, block_hash: str, placed_block: int) -> None:
        """Note how far was counted."""
        row = {"id": _ONLY_PASS, "segment_id": segment_id, "block_hash": block_hash, "placed_block": placed_block}
        upsert(self._connection, _PASSES, [row])

    def add(self, counted: Counted) -> None:
        """Add what some segments count for, to their days and months."""
        lifts: dict[tuple[str, str, str, int], LiftCounts] = {}
        for (day, *key, stream), counts in counted.lifts.items():
            for period in _periods(day):
                full = (period, key[0], key[1], stream)
                lifts[full] = lifts.get(full, LiftCounts()).plus(counts)
        self._increase(lifts)
        heard: dict[tuple[str, str, str], set[int]] = defaultdict(set)
        for (day, kind, owner), numbers in counted.heard.items():
            for period in _periods(day):
                heard[period, kind, owner] |= numbers
        self._unite(heard)
        add_quarters(self._connection, counted.quarters)

    def _increase(self, lifts: Mapping[tuple[str, str, str, int], LiftCounts]) -> None:
        if not lifts:
            return
        make = sqlite_insert if self._connection.dialect.name == "sqlite" else postgresql_insert
        statement = make(_LIFTS)
        added = {name: _LIFTS.c[name] + statement.excluded[name] for name in LiftCounts._fields}
        keys = [column.name for column in _LIFTS.primary_key]
        statement = statement.on_conflict_do_update(index_elements=keys, set_=added)
        rows = [
            {"period": period, "site": site, "organisation": organisation, "stream": stream, **counts._asdict()}
            for (period, site, organisation, stream), counts in sorted(lifts.items())
        ]
        self._connection.execute(statement, rows)

    def _unite(self, heard: Mapping[tuple[str, str, str], set[int]]) -> None:
        rows = []
        for (period, kind, owner), numbers in sorted(heard.items()):
            before = self._connection.execute(
                select(_HEARD.c.packed).where(
                    _HEARD.c.period == period, _HEARD.c.kind == kind, _HEARD.c.owner == owner
                )
            ).scalar_one_or_none()
            known = np.frombuffer(before or b"", dtype=">u8")
            united = np.union1d(known, np.fromiter(numbers, dtype=np.uint64, count=len(numbers)))
            packed = united.astype(">u8").tobytes()
            row = {"period": period, "kind": kind, "owner": owner, "heard": len(united), "packed": packed}
            rows.append(row)
        for start in range(0, len(rows), _KEYS_A_QUERY):
            upsert(self._connection, _HEARD, rows[start : start + _KEYS_A_QUERY])


def unpacked(packed: bytes) -> list[int]:
    """Return the numbers of a row of what was heard of, in order."""
    numbers: list[int] = np.frombuffer(packed, dtype=">u8").tolist()
    return numbers


def _periods(day: int) -> tuple[str, str]:
    date = date_text(day)
    return date, date[:7]
