"""Whether a chain holds anything personal: everything it holds, searched for what we know and can guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from backend.domain.privacy.digests import Dictionary, dictionary_of
from backend.domain.privacy.positions import find_positions, is_a_column, packed_pairs
from backend.domain.privacy.text import find_text
from backend.domain.privacy.trace import KnownValues, Trace, TraceKind

_WORD_BYTES, _ID_BYTES = 32, 8


@dataclass(frozen=True)
class PublicBytes:
    """Bytes that anybody can read: what sort they are, where they stand, and themselves."""

    sort: str
    place: str
    data: bytes


@dataclass(frozen=True)
class Leak:
    """A trace, and where on the chain it is."""

    place: str
    trace: Trace

    def line(self) -> str:
        """Return what was found, on one line."""
        return f"{self.trace.kind}: {self.place}, byte {self.trace.offset}: {self.trace.text}"


@dataclass
class PrivacyScan:
    """What was searched, and what was found."""

    items: Counter[str] = field(default_factory=Counter)
    searched_bytes: int = 0
    guesses: int = 0
    leaks: list[Leak] = field(default_factory=list)


def scan_privacy(
    everything: Iterable[PublicBytes],
    known: KnownValues,
    *,
    ids: Callable[[], frozenset[int]] = frozenset,
) -> PrivacyScan:
    """Search all bytes of a chain; return every trace of personal data, each place once.

    Args:
        ids: the 64-bit ids that the chain itself named by then. One in some 2,000 looks like a position, and is
            none: it begins with its organisation, and the rest is random.
    """
    dictionary = dictionary_of(known)
    scan = PrivacyScan(guesses=len(dictionary.hashes))
    columns, found = _Columns(), list[tuple[Leak, bytes]]()
    for item in everything:
        scan.items[item.sort] += 1
        scan.searched_bytes += len(item.data)
        for trace in _traces(item.data, dictionary, known):
            found.append((Leak(item.place, trace), item.data[trace.offset : trace.offset + _ID_BYTES]))
        columns.add(item)
    named = {number.to_bytes(_ID_BYTES, "big") for number in ids()}
    scan.leaks += [leak for leak, at in found if leak.trace.kind != TraceKind.POSITION or at not in named]
    scan.leaks += columns.leaks()
    return scan


def _traces(data: bytes, dictionary: Dictionary, known: KnownValues) -> list[Trace]:
    found = [*find_text(data), *dictionary.find(data), *find_positions(data, known.positions)]
    return list(dict.fromkeys(found))


@dataclass
class _Columns:
    """Pairs that could be positions, counted by sort of bytes, byte within a 32-byte word, and encoding."""

    looked_at: Counter[tuple[str, int]] = field(default_factory=Counter)
    hits: Counter[tuple[str, int, str, float]] = field(default_factory=Counter)
    first: dict[tuple[str, int, str, float], Leak] = field(default_factory=dict)

    def add(self, item: PublicBytes) -> None:
        for at in range(_WORD_BYTES):
            self.looked_at[item.sort, at] += max(len(item.data) - 8 - at + _WORD_BYTES, 0) // _WORD_BYTES
        for pair in packed_pairs(item.data):
            key = (item.sort, pair.offset % _WORD_BYTES, pair.encoding, pair.chance)
            self.hits[key] += 1
            said = f"{pair.latitude:.7f},{pair.longitude:.7f} as {pair.encoding}"
            self.first.setdefault(key, Leak(item.place, Trace(TraceKind.POSITION, pair.offset, said)))

    def leaks(self) -> list[Leak]:
        found = []
        for key, hits in self.hits.items():
            sort, at, _encoding, chance = key
            looked_at = self.looked_at[sort, at]
            if is_a_column(hits=hits, looked_at=looked_at, chance=chance, columns=len(self.looked_at) * 12):
                one = self.first[key]
                said = f"{one.trace.text}, and {hits - 1} more at byte {at} of a word of {sort}"
                found.append(Leak(one.place, Trace(TraceKind.POSITION, one.trace.offset, said)))
        return found
