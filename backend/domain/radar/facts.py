"""What the radar looks at: values that anyone can read from the books.

Lifts come in columns: a city lifts a bin half a million times a day, and a value an object would be slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.recorded import EntryId

Ids = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NOWHERE = -1
"""In the place of an index: the bin was never placed."""


@dataclass(frozen=True)
class Bins:
    """All placed bins, by ascending number. Degrees are NaN where nobody told where a bin stands."""

    number: Ints
    site: Ids
    stream: Ints
    placed_from: Ints
    latitude: Floats
    longitude: Floats

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int, int, float, float]]) -> Bins:
        """Return the columns of rows (number, site, stream, placed from, latitude, longitude)."""
        number, site, stream, placed_from, latitude, longitude = _columns(sorted(rows), 6)
        return cls(
            np.array(number, dtype=np.int64),
            np.array(site, dtype=np.uint64),
            np.array(stream, dtype=np.int64),
            np.array(placed_from, dtype=np.int64),
            np.array(latitude, dtype=np.float64),
            np.array(longitude, dtype=np.float64),
        )

    def find(self, numbers: Ints) -> Ints:
        """Return where each number stands in the columns; NOWHERE for one that was never placed."""
        if not len(self.number):
            return np.full(len(numbers), NOWHERE, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.number, numbers), len(self.number) - 1)
        return np.where(self.number[at] == numbers, at, NOWHERE).astype(np.int64)

    def site_of(self, number: int) -> int | None:
        """Return the site where a bin stands; None where nobody has placed it."""
        at = int(self.find(np.array([number]))[0])
        return None if at == NOWHERE else int(self.site[at])


@dataclass(frozen=True)
class Lifts:
    """Applied lifts of some days. `is_new`: recorded on the day that is looked at, not on the one before.

    A lift's lot is one of its own device; `lot` is that lot's serial, `lot_stream` what it was opened for.
    """

    device: Ids
    seq: Ints
    bin: Ints
    stream: Ints
    basis: Ints
    grams: Ints
    occurred_at: Ints
    recorded_at: Ints
    lot: Ints
    lot_stream: Ints
    is_new: Flags

    @classmethod
    def of(cls, rows: Iterable[tuple[int, ...]]) -> Lifts:
        """Return the columns of rows, whose values are in the order of the fields."""
        columns: list[Any] = _columns(list(rows), 11)
        kinds = [np.uint64, *[np.int64] * 9, np.bool_]
        return cls(*(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))

    @classmethod
    def joined(cls, some: Sequence[Lifts]) -> Lifts:
        """Return lifts after lifts."""
        if not some:
            return cls.of(())
        return cls(*(np.concatenate([getattr(one, column.name) for one in some]) for column in fields(cls)))

    def __len__(self) -> int:
        return len(self.seq)

    def where(self, chosen: Any) -> Lifts:
        """Return the lifts that a mask or an index chooses, in its order."""
        return Lifts(*(getattr(self, column.name)[chosen] for column in fields(self)))

    def in_journal_order(self) -> Lifts:
        """Return them by device, and in the order in which each device wrote them."""
        return self.where(np.lexsort((self.seq, self.device)))

    def by_device(self) -> list[tuple[int, Lifts]]:
        """Return (device, its lifts as it wrote them)."""
        ordered = self.in_journal_order()
        devices, starts = np.unique(ordered.device, return_index=True)
        ends = np.append(starts, len(ordered))[1:]
        return [
            (int(device), ordered.where(slice(start, end)))
            for device, start, end in zip(devices, starts.tolist(), ends.tolist(), strict=True)
        ]

    def entries(self, chosen: Any = slice(None)) -> tuple[EntryId, ...]:
        """Return which entries those are that a mask or an index chooses."""
        pairs = zip(self.device[chosen].tolist(), self.seq[chosen].tolist(), strict=True)
        return tuple(EntryId(device, seq) for device, seq in pairs)

    def lots(self, chosen: Any = slice(None)) -> list[int]:
        """Return the ids of the lots of the lifts that a mask or an index chooses."""
        pairs = zip(self.device[chosen].tolist(), self.lot[chosen].tolist(), strict=True)
        return [device << 32 | serial for device, serial in pairs]

    def grams_by_lot(self, chosen: Any = slice(None)) -> dict[int, int]:
        """Return the grams, by lot, of the lifts that a mask or an index chooses."""
        found: dict[int, int] = {}
        for lot, grams in zip(self.lots(chosen), self.grams[chosen].tolist(), strict=True):
            found[lot] = found.get(lot, 0) + grams
        return found

    def without(self, entries: Iterable[EntryId]) -> Lifts:
        """Return the lifts as they are when some had not been."""
        by_device: dict[int, list[int]] = {}
        for entry in entries:
            by_device.setdefault(entry.device, []).append(entry.seq)
        left_out = np.zeros(len(self), dtype=np.bool_)
        for device, seqs in by_device.items():
            left_out |= (self.device == np.uint64(device)) & np.isin(self.seq, seqs)
        return self.where(~left_out)


class Ticket(NamedTuple):
    """A weighing: what a scale signed."""

    entry: EntryId
    lot: int
    vehicle: int
    net_grams: int
    tare_grams: int
    occurred_at: int


class Handoff(NamedTuple):
    """An applied give and, once it was taken, its take. `weigher` is 0 where no scale was named.

    `closed_by` is the taker's entry that ended the lot.
    """

    give: EntryId
    lot: int
    stream: int
    given_grams: int
    given_at: int
    take: EntryId | None = None
    taken_grams: int = 0
    taken_at: int = 0
    take_recorded_at: int = 0
    weigher: int = 0
    closed_by: EntryId | None = None


class HeldLot(NamedTuple):
    """A lot with lifts in it that is still in the hands of the device that made them."""

    lot: int
    grams: int
    last_lift: EntryId
    last_lift_at: int


def tally(devices: Ids, among: Ids) -> list[int]:
    """Return how often each of these devices, which ascend, stands among others; all of those are of them."""
    counts: Ints = np.bincount(np.searchsorted(devices, among), minlength=len(devices))
    return [int(count) for count in counts]


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * count
