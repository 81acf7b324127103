"""The devnet's memory: an append-only file of blocks, each written and synced before it is mined."""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

_MAGIC = b"huanlian blocks 1\n"
_HEADER = struct.Struct(">III")  # payload length, checksum of that length, checksum of the payload
_LENGTH = struct.Struct(">I")
_BLOCK = struct.Struct(">cQI")  # kind, timestamp, number of transactions
_GENESIS, _BLOCK_KIND, _HASH_KIND = b"G", b"B", b"H"


class BlocksFileDamaged(Exception):
    """A record that once was whole no longer is. A torn last record does not raise this."""


class BlocksFileInUse(Exception):
    """Another devnet holds this data directory."""


@dataclass(frozen=True)
class BlockRecord:
    """What to mine next: all that, with the genesis, decides the block."""

    timestamp: int
    transactions: tuple[bytes, ...]


@dataclass(frozen=True)
class HashRecord:
    """The hash of the block mined from the record before."""

    block_hash: bytes


class BlocksFile:
    """Records in the order they were appended, behind a header that fixes the genesis.

    A record is length, checksum of the length, checksum of the payload, payload. A kill can leave
    only the last record incomplete, and that one was never mined; it is cut off on opening.
    """

    def __init__(self, path: Path, *, genesis: dict[str, object]) -> None:
        """Open the file, or create it with this genesis. Afterwards `genesis` is what the file says."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path, genesis)
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BlocksFileInUse(f"{path} is used by another devnet") from error
            self._data_start, self.genesis = self._read_genesis()
            self._end = self._find_end()
            size = os.fstat(self._fd).st_size
            self.bytes_cut = size - self._end
            if self.bytes_cut:
                os.ftruncate(self._fd, self._end)
                os.fsync(self._fd)
        except BaseException:
            os.close(self._fd)
            raise

    def records(self) -> Iterator[BlockRecord | HashRecord]:
        """Yield every whole record, oldest first."""
        for _, payload in self._payloads(self._data_start):
            yield _decode(payload)

    def append_block(self, record: BlockRecord) -> None:
        """Write a block and return once it is on disk."""
        parts = [_BLOCK.pack(_BLOCK_KIND, record.timestamp, len(record.transactions))]
        for raw in record.transactions:
            parts += [_LENGTH.pack(len(raw)), raw]
        self._append(b"".join(parts))
        os.fdatasync(self._fd)

    def append_hash(self, block_hash: bytes) -> None:
        """Note what came of the last block. Not synced: the next block's sync carries it."""
        self._append(_HASH_KIND + block_hash)

    def close(self) -> None:
        """Sync and let go of the file."""
        os.fsync(self._fd)
        os.close(self._fd)

    def _append(self, payload: bytes) -> None:
        data = _frame(payload)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], self._end + written)
        except OSError:
            os.ftruncate(self._fd, self._end)
            raise
        self._end += len(data)

    def _read_genesis(self) -> tuple[int, dict[str, object]]:
        if os.pread(self._fd, len(_MAGIC), 0) != _MAGIC:
            raise BlocksFileDamaged(f"{self.path} is not a blocks file")
        for end, payload in self._payloads(len(_MAGIC)):
            if payload[:1] == _GENESIS:
                return end, orjson.loads(payload[1:])
            break
        raise BlocksFileDamaged(f"{self.path} does not begin with a genesis")

    def _find_end(self) -> int:
        ends = [self._data_start]
        for end, payload in self._payloads(self._data_start):
            _decode(payload)
            ends = [end]
        return ends[0]

    def _payloads(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Yield (end offset, payload) of whole records; stop before a torn one; raise at a damaged one."""
        size = os.fstat(self._fd).st_size
        position = start
        with open(os.dup(self._fd), "rb") as file:
            file.seek(position)
            while position < size:
                head = file.read(_HEADER.size)
                if len(head) < _HEADER.size:
                    return
                length, length_checksum, checksum = _HEADER.unpack(head)
                if zlib.crc32(head[:4]) != length_checksum:
                    if not any(head) and not any(file.read()):
                        return  # space the file system had reserved but not filled
                    raise BlocksFileDamaged(f"{self.path} is damaged at byte {position}")
                end = position + _HEADER.size + length
                if end > size:
                    return
                payload = file.read(length)
                if zlib.crc32(payload) != checksum:
                    if end == size:
                        return
                    raise BlocksFileDamaged(f"{self.path} is damaged at byte {position}")
                yield end, payload
                position = end


def _frame(payload: bytes) -> bytes:
    length = _LENGTH.pack(len(payload))
    return _HEADER.pack(len(payload), zlib.crc32(length), zlib.crc32(payload)) + payload


def _decode(payload: bytes) -> BlockRecord | HashRecord:
    if payload[:1] == _HASH_KIND:
        return HashRecord(payload[1:])
    if payload[:1] != _BLOCK_KIND:
        raise BlocksFileDamaged(f"a record of unknown kind {payload[:1]!r}")
    _, timestamp, count = _BLOCK.unpack_from(payload)
    transactions, position = [], _BLOCK.size
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(payload, position)
        position += _LENGTH.size
        transactions.append(payload[position : position + length])
        position += length
    return BlockRecord(timestamp=timestamp, transactions=tuple(transactions))


def _create(path: Path, genesis: dict[str, object]) -> None:
    """Put a new file in place whole, so that a kill leaves either none or a good one."""
    new = path.with_suffix(".new")
    with open(new, "wb") as file:
        file.write(_MAGIC + _frame(_GENESIS + orjson.dumps(genesis)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
