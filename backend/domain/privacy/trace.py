"""What the search looks for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TraceKind(StrEnum):
    """What sort of thing was found."""

    CHINESE_TEXT = "chinese-text"
    KNOWN_WORD = "known-word"
    PHONE = "phone"
    PLATE = "plate"
    IDENTITY_NUMBER = "identity-number"
    POSITION = "position"
    GUESSABLE_HASH = "guessable-hash"


@dataclass(frozen=True)
class Trace:
    """Something that should not be public: where it begins in the bytes, and what it says."""

    kind: TraceKind
    offset: int
    text: str


@dataclass(frozen=True)
class KnownValues:
    """What stays off the chain, as far as the searcher knows it.

    `words` are names of people, crews, organisations and sites, plates and whatever else is written down;
    `phones` are numbers in use; `positions` (latitude, longitude) are degrees; `serials` are the labels'
    16 bytes; `documents` are texts that a hash may be of, such as evidence without its salt.
    """

    words: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    positions: frozenset[tuple[float, float]] = frozenset()
    serials: frozenset[bytes] = frozenset()
    documents: frozenset[str] = frozenset()


def stands_alone(data: bytes, start: int, end: int) -> bool:
    """Say whether nothing but padding touches these bytes: an edge or two zero bytes on either side.

    A length before a text, as the ABI writes it, is padding too.
    """
    before = start == 0 or data[max(start - 2, 0) : start] in (b"\0", b"\0\0")
    is_after_length = start >= 4 and data[start - 4 : start - 1] == b"\0\0\0"
    after = end == len(data) or data[end : end + 2] in (b"\0", b"\0\0")
    return (before or is_after_length) and after
