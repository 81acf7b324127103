"""RLP, in which Ethereum writes headers, receipts and trie nodes.

Source: Ethereum Yellow Paper, appendix B. Only the one shortest form of a value is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain.errors import DomainError

Item = bytes | Sequence["Item"]

_DEPTH_MAX = 8
"""A receipt's logs' topics are four lists deep. A hostile file must not choose how deep a reader goes."""


class BadRlp(DomainError):
    """The bytes are not RLP in its one form."""

    slug = "bad-rlp"
    title = "The bytes are not RLP"


def encode(item: Item) -> bytes:
    """Return the bytes of a byte string or a list."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _length(len(item), 0x80) + item
    content = b"".join(map(encode, item))
    return _length(len(content), 0xC0) + content


def encode_number(value: int) -> bytes:
    """Return a number as RLP knows numbers: big-endian without leading zeros."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _length(size: int, offset: int) -> bytes:
    if size < 56:
        return bytes([offset + size])
    written = encode_number(size)
    return bytes([offset + 55 + len(written)]) + written


def decode(data: bytes) -> Item:
    """Return the one item that the bytes are.

    Raises:
        BadRlp: cut, something after it, not the shortest form, or nested deeper than anything we read.
    """
    item, end = _decode(data, 0, _DEPTH_MAX)
    if end != len(data):
        raise BadRlp(f"{len(data) - end} bytes after the end")
    return item


def _decode(data: bytes, at: int, depth: int) -> tuple[Item, int]:
    if at >= len(data):
        raise BadRlp("cut")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    if first < 0xC0:
        start, end = _content(data, at, first - 0x80)
        if end - start == 1 and data[start] < 0x80:
            raise BadRlp("a byte that needs no length has one")
        return data[start:end], end
    if depth == 0:
        raise BadRlp("nested too deep")
    start, end = _content(data, at, first - 0xC0)
    items = []
    while start < end:
        item, start = _decode(data[:end], start, depth - 1)
        items.append(item)
    return items, end


def _content(data: bytes, at: int, size: int) -> tuple[int, int]:
    """Return where an item's content begins and ends."""
    start = at + 1
    if size > 55:
        start += size - 55
        written = data[at + 1 : start]
        size = int.from_bytes(written, "big")
        if not written or written[0] == 0 or size < 56:
            raise BadRlp("a length is not in its shortest form")
    if start + size > len(data):
        raise BadRlp("cut")
    return start, start + size


def as_bytes(item: Item) -> bytes:
    """Return the item, which has to be a byte string.

    Raises:
        BadRlp: it is a list.
    """
    if not isinstance(item, bytes):
        raise BadRlp("a list where bytes belong")
    return item


def as_list(item: Item) -> Sequence[Item]:
    """Return the item, which has to be a list.

    Raises:
        BadRlp: it is a byte string.
    """
    if isinstance(item, bytes):
        raise BadRlp("bytes where a list belongs")
    return item


def as_number(item: Item) -> int:
    """Return the item, which has to be a number without leading zeros.

    Raises:
        BadRlp: it is a list, or begins with a zero.
    """
    written = as_bytes(item)
    if written[:1] == b"\0":
        raise BadRlp("a number begins with a zero")
    return int.from_bytes(written, "big")
