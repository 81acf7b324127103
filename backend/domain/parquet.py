"""A flat table as a Parquet file: text and whole numbers, no nulls, one row group, pages packed with gzip.

Written here because the little that it takes is fixed for good (https://parquet.apache.org/docs/file-format/), and
the usual library weighs more than this whole system. The footer is in Thrift's compact protocol.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MAGIC: Final = b"PAR1"
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_INT64, _BYTE_ARRAY = 2, 6
_REQUIRED, _UTF8, _PLAIN, _RLE, _GZIP, _DATA_PAGE = 0, 0, 0, 3, 2, 0
_LONG_LIST: Final = 15

Cell = str | int
_Field = tuple[int, int, bytes]


@dataclass(frozen=True)
class _Chunk:
    """One column on its way into the file."""

    name: str
    physical_type: int
    page: bytes
    plain_bytes: int
    values: int


def write_parquet(
    columns: Mapping[str, type[Cell]], rows: Sequence[Sequence[Cell]], about: Mapping[str, str]
) -> bytes:
    """Return the rows as a Parquet file; a column is of text or of signed 64-bit numbers.

    `about` goes into the file's key-value metadata. The bytes are the same for the same zlib only.
    """
    kinds = {name: _BYTE_ARRAY if kind is str else _INT64 for name, kind in columns.items()}
    chunks = []
    if rows:
        chunks = [_chunk(name, kind, [row[at] for row in rows]) for at, (name, kind) in enumerate(kinds.items())]
    content, written = bytearray(_MAGIC), []
    for chunk in chunks:
        written.append(_column(chunk, len(content)))
        content += chunk.page
    groups = []
    if chunks:
        plain = sum(chunk.plain_bytes for chunk in chunks)
        groups = [_struct((1, _LIST, _list(_STRUCT, written)), (2, _I64, _int(plain)), (3, _I64, _int(len(rows))))]
    schema = [_struct((4, _BINARY, _text("schema")), (5, _I32, _int(len(columns))))]
    schema += [_element(name, kind) for name, kind in kinds.items()]
    said = [_struct((1, _BINARY, _text(name)), (2, _BINARY, _text(value))) for name, value in about.items()]
    footer = _struct(
        (1, _I32, _int(1)),
        (2, _LIST, _list(_STRUCT, schema)),
        (3, _I64, _int(len(rows))),
        (4, _LIST, _list(_STRUCT, groups)),
        (5, _LIST, _list(_STRUCT, said)),
        (6, _BINARY, _text("huanlian")),
    )
    return bytes(content) + footer + struct.pack("<I", len(footer)) + _MAGIC


def _chunk(name: str, physical_type: int, cells: Sequence[Cell]) -> _Chunk:
    plain = b"".join(_plain(cell) for cell in cells)
    packed = gzip.compress(plain, mtime=0)
    header = _struct(
        (1, _I32, _int(_DATA_PAGE)),
        (2, _I32, _int(len(plain))),
        (3, _I32, _int(len(packed))),
        (
            5,
            _STRUCT,
            _struct(
                (1, _I32, _int(len(cells))),
                (2, _I32, _int(_PLAIN)),
                (3, _I32, _int(_RLE)),
                (4, _I32, _int(_RLE)),
            ),
        ),
    )
    return _Chunk(name, physical_type, header + packed, len(header) + len(plain), len(cells))


def _plain(cell: Cell) -> bytes:
    if isinstance(cell, str):
        content = cell.encode()
        return struct.pack("<I", len(content)) + content
    return struct.pack("<q", cell)


def _column(chunk: _Chunk, offset: int) -> bytes:
    meta = _struct(
        (1, _I32, _int(chunk.physical_type)),
        (2, _LIST, _list(_I32, [_int(_PLAIN), _int(_RLE)])),
        (3, _LIST, _list(_BINARY, [_text(chunk.name)])),
        (4, _I32, _int(_GZIP)),
        (5, _I64, _int(chunk.values)),
        (6, _I64, _int(chunk.plain_bytes)),
        (7, _I64, _int(len(chunk.page))),
        (9, _I64, _int(offset)),
    )
    return _struct((2, _I64, _int(offset)), (3, _STRUCT, meta))


def _element(name: str, physical_type: int) -> bytes:
    fields: list[_Field] = [
        (1, _I32, _int(physical_type)),
        (3, _I32, _int(_REQUIRED)),
        (4, _BINARY, _text(name)),
    ]
    if physical_type == _BYTE_ARRAY:
        is_string = _struct((1, _STRUCT, _struct()))
        fields += [(6, _I32, _int(_UTF8)), (10, _STRUCT, is_string)]
    return _struct(*fields)


# --- Thrift's compact protocol -------------------------------------------------------------------------------


def _struct(*fields: _Field) -> bytes:
    """Return fields, in the order of their ids, each with the distance to the one before; then the end."""
    content, before = bytearray(), 0
    for number, kind, value in fields:
        content += bytes([(number - before) << 4 | kind]) + value
        before = number
    return bytes(content) + b"\0"


def _list(kind: int, values: Sequence[bytes]) -> bytes:
    size = len(values)
    head = bytes([size << 4 | kind]) if size < _LONG_LIST else bytes([0xF0 | kind]) + _varint(size)
    return head + b"".join(values)


def _text(value: str) -> bytes:
    content = value.encode()
    return _varint(len(content)) + content


def _int(value: int) -> bytes:
    return _varint(value << 1)  # zigzag; nothing here is negative


def _varint(value: int) -> bytes:
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*content, value])
