"""Positions in Guangdong, in the ways that programs write them.

The rule against false alarms. Random bytes are full of small integers that could be degrees, so a packed pair
(latitude beside longitude, either order, 32-bit integers of 1e5 to 1e7 parts a degree, or doubles; either byte
order; at any byte) counts only when

1. it stands alone: at least four zero bytes or the edge of the data on either side; or as two words of the
   ABI, one after the other; or
2. it is a place that the directory knows, to within two units of its last digit; or
3. pairs stand at the same place of a word so often, over everything searched, that chance would do it less
   than once in 10^9 searches (`is_a_column`).

A single double counts when it has at most seven decimals (chance: 1 in 10^10 a byte), and so do decimals
written as text with three or more. A lone pair amid random bytes that no rule covers is not found: nobody can
tell it from a hash.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backend.domain.privacy.trace import Trace, TraceKind

LATITUDES: Final = (20.2, 25.5)
LONGITUDES: Final = (109.6, 117.3)
SCALES: Final = (10**5, 10**6, 10**7)
_TEXT: Final = re.compile(rb"(?<![0-9.])(2[0-5]|1[01][0-9])(\.[0-9]{3,15})(?![0-9])")
_PAD: Final = 4
_WORD: Final = 32
_DOUBLE_DECIMALS: Final = 7
# The high byte of every double within the box is 0x40, so few places have to be looked at.
_DOUBLE_MARK: Final = 0x40
_CHANCE_MAX: Final = 1e-9


@dataclass(frozen=True)
class PackedPair:
    """Two neighbouring numbers that could be a position; `chance` is how likely random bytes look so."""

    offset: int
    encoding: str
    latitude: float
    longitude: float
    unit: float
    chance: float
    alone: bool


def find_positions(data: bytes, known: frozenset[tuple[float, float]] = frozenset()) -> Iterator[Trace]:
    """Return the positions that these bytes alone give away (rules 1 and 2, doubles and text)."""
    for found in _TEXT.finditer(data):
        if _is_degree(float(found[0])):
            yield Trace(TraceKind.POSITION, found.start(), f"{found[0].decode()} as text")
    yield from _doubles(data)
    yield from _abi_words(data)
    for pair in packed_pairs(data):
        if pair.alone or any(_is_near(pair, place) for place in known):
            said = f"{pair.latitude:.7f},{pair.longitude:.7f} as {pair.encoding}"
            yield Trace(TraceKind.POSITION, pair.offset, said)


def packed_pairs(data: bytes) -> Iterator[PackedPair]:
    """Return every pair of 32-bit integers that could be a position, whatever the chance."""
    for order, mark in (("big", ">"), ("little", "<")):
        for shift in range(4):
            whole = data[shift:]
            numbers = struct.unpack(f"{mark}{len(whole) // 4}I", whole[: len(whole) // 4 * 4])
            for index in range(len(numbers) - 1):
                first, second = numbers[index], numbers[index + 1]
                if not (_LOWEST <= first <= _HIGHEST and _LOWEST <= second <= _HIGHEST):
                    continue
                offset = shift + 4 * index
                for scale in SCALES:
                    for name, lat, lng in (("lat,lng", first, second), ("lng,lat", second, first)):
                        if _is_in(lat / scale, LATITUDES) and _is_in(lng / scale, LONGITUDES):
                            yield PackedPair(
                                offset,
                                f"{order}-endian {name} in 1/{scale}",
                                lat / scale,
                                lng / scale,
                                1 / scale,
                                _chance(scale),
                                _is_padded(data, offset, offset + 8),
                            )


def is_a_column(*, hits: int, looked_at: int, chance: float, columns: int) -> bool:
    """Say whether so many pairs at one place of a word are more than chance (a Poisson tail, for all columns)."""
    expected = looked_at * chance
    if hits < 3 or hits <= expected:
        return False
    # The tail is at most its first term over (1 - the ratio of the next).
    first = hits * math.log(expected) - expected - math.lgamma(hits + 1)
    return math.exp(first) / (1 - expected / (hits + 1)) * columns < _CHANCE_MAX


_LOWEST: Final = int(LATITUDES[0] * SCALES[0])
_HIGHEST: Final = int(LONGITUDES[1] * SCALES[-1])


def _chance(scale: int) -> float:
    heights, widths = LATITUDES[1] - LATITUDES[0], LONGITUDES[1] - LONGITUDES[0]
    return heights * scale / 2**32 * widths * scale / 2**32


def _doubles(data: bytes) -> Iterator[Trace]:
    at = data.find(_DOUBLE_MARK)
    while at != -1:
        for offset, mark in ((at, ">"), (at - 7, "<")):
            if 0 <= offset <= len(data) - 8:
                (value,) = struct.unpack_from(f"{mark}d", data, offset)
                if _is_degree(value) and round(value, _DOUBLE_DECIMALS) == value and value != int(value):
                    yield Trace(TraceKind.POSITION, offset, f"{value} as a double")
        at = data.find(_DOUBLE_MARK, at + 1)


def _abi_words(data: bytes) -> Iterator[Trace]:
    """Two words in a row that are degrees in some scale; the words may begin anywhere."""
    zeros = bytes(_WORD - 4)
    at = data.find(zeros)
    while at != -1 and at + 2 * _WORD <= len(data):
        if data[at + _WORD : at + 2 * _WORD - 4] == zeros:
            first = int.from_bytes(data[at + _WORD - 4 : at + _WORD], "big")
            second = int.from_bytes(data[at + 2 * _WORD - 4 : at + 2 * _WORD], "big")
            for scale in SCALES:
                for lat, lng in ((first / scale, second / scale), (second / scale, first / scale)):
                    if _is_in(lat, LATITUDES) and _is_in(lng, LONGITUDES):
                        yield Trace(TraceKind.POSITION, at, f"{lat},{lng} as words in 1/{scale}")
        at = data.find(zeros, at + 1)


def _is_padded(data: bytes, start: int, end: int) -> bool:
    before = start == 0 or (start >= _PAD and not any(data[start - _PAD : start]))
    after = end == len(data) or (end + _PAD <= len(data) and not any(data[end : end + _PAD]))
    return before and after


def _is_near(pair: PackedPair, place: tuple[float, float]) -> bool:
    lat, lng = place
    return abs(pair.latitude - lat) <= 2 * pair.unit and abs(pair.longitude - lng) <= 2 * pair.unit


def _is_degree(value: float) -> bool:
    return _is_in(value, LATITUDES) or _is_in(value, LONGITUDES)


def _is_in(value: float, box: tuple[float, float]) -> bool:
    return box[0] <= value <= box[1]
