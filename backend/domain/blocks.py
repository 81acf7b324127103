"""What a block's header and its receipts say, read from the bytes that hashes bind.

Sources: Ethereum Yellow Paper, 4.3; EIP-2718 for typed receipts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256
from backend.domain.rlp import BadRlp, Item, as_bytes, as_list, as_number, decode
from backend.domain.trie import BadProof, value_at

_RECEIPTS_ROOT, _NUMBER, _TIMESTAMP = 5, 8, 11
_HEADER_FIELDS_MIN = 15
_TYPES_END = 0x80
"""A receipt whose first byte is below this is typed; a list begins at 0xc0."""


class BadInclusion(DomainError):
    """The parts do not show that a block holds a log."""

    slug = "bad-inclusion"
    title = "The parts do not show that the block holds the log"


@dataclass(frozen=True)
class Header:
    """What we read of a block's header."""

    number: int
    timestamp: int
    receipts_root: bytes


@dataclass(frozen=True)
class Log:
    """What a contract said in a transaction."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class Inclusion:
    """A log's way into a block: header, trie nodes down to the receipt, and the log's place in that."""

    block_hash: bytes
    header: bytes
    receipt: int
    nodes: tuple[bytes, ...]
    log: int


def read_header(encoded: bytes) -> Header:
    """Return what a header says.

    Raises:
        BadRlp: it is none.
    """
    fields = as_list(decode(encoded))
    if len(fields) < _HEADER_FIELDS_MIN:
        raise BadRlp(f"a header of {len(fields)} fields")
    receipts_root = as_bytes(fields[_RECEIPTS_ROOT])
    if len(receipts_root) != 32:
        raise BadRlp("a receiptsRoot that is not a hash")
    return Header(as_number(fields[_NUMBER]), as_number(fields[_TIMESTAMP]), receipts_root)


def read_logs(receipt: bytes) -> tuple[Log, ...]:
    """Return the logs of a receipt, typed or not.

    Raises:
        BadRlp: it is none.
    """
    fields = as_list(decode(receipt[1:] if receipt and receipt[0] < _TYPES_END else receipt))
    if len(fields) != 4:
        raise BadRlp(f"a receipt of {len(fields)} fields")
    return tuple(_log(as_list(log)) for log in as_list(fields[3]))


def _log(fields: Sequence[Item]) -> Log:
    if len(fields) != 3:
        raise BadRlp(f"a log of {len(fields)} fields")
    address, topics, data = fields
    return Log(as_bytes(address), tuple(as_bytes(topic) for topic in as_list(topics)), as_bytes(data))


def included_log(inclusion: Inclusion) -> tuple[Header, Log]:
    """Return the log that a block holds, and the block's header.

    1. The header hashes to the block's hash.
    2. The trie's nodes lead from the header's receiptsRoot to the receipt.
    3. The receipt has a log at that place.

    Raises:
        BadInclusion: a step does not hold.
    """
    try:
        # 1.
        if keccak256(inclusion.header) != inclusion.block_hash:
            raise BadInclusion("The header does not hash to the block's hash.")
        header = read_header(inclusion.header)
        # 2.
        receipt = value_at(header.receipts_root, inclusion.receipt, inclusion.nodes)
        logs = read_logs(receipt)
    except (BadRlp, BadProof) as error:
        raise BadInclusion(str(error)) from error
    # 3.
    if inclusion.log >= len(logs):
        raise BadInclusion(f"The receipt has {len(logs)} logs.")
    return header, logs[inclusion.log]
