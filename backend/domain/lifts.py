"""Runs of lifts, read and loaded all at once: a city lifts a bin half a million times a day.

A lift is one word (`layout.py`), so a slice with the step of a word is one field's byte of every lift.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import overload

from backend.domain.custody_state import Lot
from backend.domain.journal import MAX_SEGMENT_ENTRIES, split_entries
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.mixing import bit_of
from backend.domain.steps import MAX_LOT_GRAMS, SERIAL_MASK
from backend.domain.types import Flaw, Outcome, Stream

_BIN_BYTES, _STREAM_BYTE, _TIME_BYTES, _GRAMS_BYTES = slice(1, 6), 6, slice(8, 13), range(13, 17)
_STREAMS = frozenset(int(stream) for stream in Stream)
_LIFT = bytes([Kind.LIFT])


def is_only_lifts(words: bytes) -> bool:
    """Say whether these are whole words and nothing but lifts, as most segments are."""
    return bool(words) and len(words) % WORD_BYTES == 0 and words[::WORD_BYTES].strip(_LIFT) == b""


def bin_of(lift: bytes) -> int:
    """Return the bin that was lifted."""
    return int.from_bytes(lift[_BIN_BYTES], "big")


def bins_in(lifts: bytes) -> list[int]:
    """Return the bin of each of the lifts in a row."""
    return [int.from_bytes(lifts[at : at + 5], "big") for at in range(1, len(lifts), WORD_BYTES)]


def stream_of(lift: bytes) -> int:
    """Return the stream that the lift says."""
    return lift[_STREAM_BYTE] >> 4


def lifted_at(lift: bytes) -> int:
    """Return when, on the device's clock."""
    return int.from_bytes(lift[_TIME_BYTES], "big")


class Lifts(Sequence[bytes]):
    """Lifts in a row, each cut out of the words only when somebody looks at it."""

    def __init__(self, words: bytes) -> None:
        self.words = words

    def __len__(self) -> int:
        return len(self.words) // WORD_BYTES

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Lifts: ...
    def __getitem__(self, at: int | slice) -> bytes | Lifts:
        start, end, _ = (slice(at, at + 1 or None) if isinstance(at, int) else at).indices(len(self))
        words = self.words[start * WORD_BYTES : end * WORD_BYTES]
        if isinstance(at, slice):
            return Lifts(words)
        if not words:
            raise IndexError(at)
        return words

    def __iter__(self) -> Iterator[bytes]:
        return (self.words[at : at + WORD_BYTES] for at in range(0, len(self.words), WORD_BYTES))


def entries_of(words: bytes) -> Sequence[bytes]:
    """Return the words of each entry of a segment, as `split_entries` does."""
    if is_only_lifts(words) and len(words) <= MAX_SEGMENT_ENTRIES * WORD_BYTES:
        return Lifts(words)
    return split_entries(words)


def end_of_lifts(entries: Sequence[bytes], start: int, end: int) -> int:
    """Return where the lifts end that begin at `start`, looking no further than `end`."""
    if isinstance(entries, Lifts):
        return end
    while start < end and entries[start][0] == Kind.LIFT:
        start += 1
    return start


def joined(lifts: Sequence[bytes]) -> bytes:
    """Return the words of lifts in a row."""
    return lifts.words if isinstance(lifts, Lifts) else b"".join(lifts)


def grams_in(lifts: bytes) -> int:
    """Return the grams of lifts in a row."""
    grams = 0
    for at in _GRAMS_BYTES:
        grams = (grams << 8) + sum(lifts[at::WORD_BYTES])
    return grams


def load_lifts(lot: Lot, lifts: Sequence[bytes], *, first_seq: int, is_open: bool) -> tuple[Lot, bytes]:
    """Return the lot with a run of lifts in it, and an outcome byte a lift."""
    loaded = load_at_once(lot, joined(lifts), first_seq=first_seq) if is_open else None
    return loaded or load_one_by_one(lot, lifts, first_seq=first_seq, is_open=is_open)


def load_at_once(lot: Lot, lifts: bytes, *, first_seq: int) -> tuple[Lot, bytes] | None:
    """Return what `load_one_by_one` would for an open lot; None where a lift of the run is invalid."""
    stream_bytes = lifts[_STREAM_BYTE::WORD_BYTES]
    outcomes = stream_bytes.translate(_answers(lot.stream))
    grams = lot.grams + grams_in(lifts)
    if Outcome.INVALID in outcomes or grams > MAX_LOT_GRAMS:
        return None
    mixture = lot.mixture
    for stream in {byte >> 4 for byte in set(stream_bytes)} - {lot.stream}:
        mixture |= bit_of(stream)
    count = len(outcomes)
    loaded = lot._replace(
        grams=grams, lifts=lot.lifts + count & SERIAL_MASK, last_seq=first_seq + count - 1, mixture=mixture
    )
    return loaded, outcomes


@cache
def _answers(lot_stream: int) -> bytes:
    """Return the outcome byte for each value that the byte with the stream can have."""
    return bytes(_answer(byte >> 4, lot_stream) for byte in range(256))


def _answer(stream: int, lot_stream: int) -> int:
    if stream not in _STREAMS:
        return Outcome.INVALID
    return Outcome.APPLIED | (Flaw.MIXED << 4 if stream != lot_stream else 0)


def load_one_by_one(lot: Lot, lifts: Sequence[bytes], *, first_seq: int, is_open: bool) -> tuple[Lot, bytes]:
    """Return the lot with a run of lifts in it, each judged after the one before it: rule 2."""
    outcomes = bytearray()
    grams, applied, last_seq, mixture = lot.grams, 0, lot.last_seq, lot.mixture
    for seq, word in enumerate(lifts, first_seq):
        mass, stream = int.from_bytes(word[13:17], "big"), word[_STREAM_BYTE] >> 4
        if stream not in _STREAMS or grams + mass > MAX_LOT_GRAMS:
            outcomes.append(Outcome.INVALID)
        elif not is_open:
            outcomes.append(Outcome.CONFLICT)
        else:
            grams, applied, last_seq = grams + mass, applied + 1, seq
            mixture |= bit_of(stream) if stream != lot.stream else 0
            outcomes.append(_answer(stream, lot.stream))
    loaded = lot._replace(grams=grams, lifts=lot.lifts + applied & SERIAL_MASK, last_seq=last_seq, mixture=mixture)
    return loaded, bytes(outcomes)
