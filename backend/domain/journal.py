"""Entries, their words and the rolling head of a device's journal.

Source: docs/spec/entries.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backend.domain.errors import FieldOutOfRange, MalformedSegment
from backend.domain.keccak import keccak256
from backend.domain.layout import LAYOUTS, WORD_BYTES, Kind, Word, has_right_length

MAX_SEGMENT_ENTRIES = 256
MAX_SEQ = (1 << 40) - 1
_KINDS = frozenset(int(kind) for kind in Kind)


@dataclass(frozen=True)
class Network:
    """Where journals are recorded; part of every head and seal."""

    chain_id: int
    ledger: bytes


@dataclass(frozen=True)
class Entry:
    """One line of a journal: its kind, its raw words, and its fields by name.

    `kind` is a plain integer because a journal may hold kinds that this version does not know; then
    `fields` has only what every entry begins with. Repeated words are in `items`.
    """

    kind: int
    words: bytes
    fields: Mapping[str, int]
    items: tuple[Mapping[str, int], ...] = field(default=())

    @property
    def is_well_formed(self) -> bool:
        """A kind we know, with the number of words that its layout asks for."""
        return self.kind in _KINDS and has_right_length(Kind(self.kind), len(self.words) // WORD_BYTES)


@dataclass(frozen=True)
class Segment:
    """A run of consecutive entries of one journal with one seal at its end."""

    device: int
    first_seq: int
    words: bytes
    x: int
    y: int
    r: int
    s: int
    assertion: bytes = b""
    """What a passkey signed around the seal's digest; empty for a raw seal."""


def pack_entry(kind: Kind, **fields: int) -> bytes:
    """Return the words of an entry; fields not named are zero.

    Raises:
        FieldOutOfRange: a value does not fit, or a name is not in the layout.
    """
    return pack_entry_with_items(kind, fields, ())


def pack_entry_with_items(kind: Kind, fields: Mapping[str, int], items: tuple[Mapping[str, int], ...]) -> bytes:
    """Return the words of an entry whose layout lets one word repeat."""
    layout = LAYOUTS[kind]
    values = dict(fields)
    known = {name for word in layout.words for name, _ in word}
    for name in values:
        if name not in known or name in ("kind", "words"):
            raise FieldOutOfRange(field=name, value=values[name], bits=0)
    values["kind"] = int(kind)
    values["words"] = len(layout.words) + len(items)
    packed = b"".join(_pack_word(word, values) for word in layout.words)
    if not items:
        return packed
    if layout.repeated is None:
        raise FieldOutOfRange(field="items", value=len(items), bits=0)
    return packed + b"".join(_pack_word(layout.repeated, item) for item in items)


def _pack_word(word: Word, values: Mapping[str, int]) -> bytes:
    packed = 0
    for name, bits in word:
        value = values.get(name, 0)
        if value < 0 or value >> bits:
            raise FieldOutOfRange(field=name, value=value, bits=bits)
        packed = packed << bits | value
    return packed.to_bytes(WORD_BYTES, "big")


def _unpack_word(word: Word, packed: int) -> dict[str, int]:
    values: dict[str, int] = {}
    shift = 256
    for name, bits in word:
        shift -= bits
        values[name] = packed >> shift & (1 << bits) - 1
    return values


def split_entries(words: bytes) -> list[bytes]:
    """Return the words of each entry of a segment.

    Raises:
        MalformedSegment: empty, not whole words, an entry that overruns the end, or more than 256 entries.
    """
    if not words or len(words) % WORD_BYTES:
        raise MalformedSegment(f"{len(words)} bytes are not a whole, positive number of 32-byte words.")
    entries: list[bytes] = []
    offset, end = 0, len(words)
    if words[::WORD_BYTES].count(Kind.LIFT) == end // WORD_BYTES:
        # Most segments: nothing but lifts.
        entries = [words[at : at + WORD_BYTES] for at in range(0, end, WORD_BYTES)]
        offset = end
    while offset < end:
        length = WORD_BYTES if words[offset] == Kind.LIFT else words[offset + 1] * WORD_BYTES
        if length == 0 or offset + length > end:
            raise MalformedSegment(f"Entry {len(entries)} declares a length that is not there.")
        entries.append(words[offset : offset + length])
        offset += length
    if len(entries) > MAX_SEGMENT_ENTRIES:
        raise MalformedSegment(f"{len(entries)} entries; a segment holds at most {MAX_SEGMENT_ENTRIES}.")
    return entries


def read_entry(words: bytes) -> Entry:
    """Return an entry with its fields by name.

    An unknown kind, or a known one with the wrong number of words, gives the four head fields only.
    """
    kind = words[0]
    count = len(words) // WORD_BYTES
    if kind not in _KINDS or not has_right_length(Kind(kind), count):
        head = int.from_bytes(words[:WORD_BYTES], "big")
        fields = {
            "kind": kind,
            "words": count,
            "flags": head >> 224 & 0xFFFF,
            "occurred_at": head >> 184 & 0xFFFFFFFFFF,
        }
        return Entry(kind, words, fields)
    layout = LAYOUTS[Kind(kind)]
    numbers = [int.from_bytes(words[i * 32 : i * 32 + 32], "big") for i in range(count)]
    fields = {}
    for word, number in zip(layout.words, numbers, strict=False):
        fields.update(_unpack_word(word, number))
    items: tuple[Mapping[str, int], ...] = ()
    if layout.repeated is not None:
        items = tuple(_unpack_word(layout.repeated, number) for number in numbers[len(layout.words) :])
    return Entry(kind, words, fields, items)


def read_entries(words: bytes) -> Iterator[Entry]:
    """Yield the entries of a segment in order."""
    return (read_entry(entry) for entry in split_entries(words))


def first_head(network: Network, device: int) -> bytes:
    """Return head_0, which ties a journal to one chain, one ledger and one device."""
    return keccak256(
        network.chain_id.to_bytes(32, "big") + network.ledger.rjust(32, b"\0") + device.to_bytes(32, "big")
    )


def next_head(head: bytes, entry_words: bytes) -> bytes:
    """Return the head after one more entry."""
    return keccak256(head + entry_words)


def roll_head(head: bytes, words: bytes) -> bytes:
    """Return the head after all entries of a segment."""
    for entry in split_entries(words):
        head = keccak256(head + entry)
    return head


def evidence_digest(salt: bytes, canonical_document: bytes) -> int:
    """Return the 120-bit digest of an evidence document under its 16-byte salt."""
    return int.from_bytes(keccak256(salt + canonical_document)[:15], "big")
