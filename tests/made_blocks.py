"""Blocks as a chain would hold them, made without one: receipts of every type, their trie, a header."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.blocks import Inclusion, Log
from backend.domain.journal import Segment
from backend.domain.keccak import keccak256
from backend.domain.rlp import encode, encode_number
from backend.domain.trie import OrderedTrie

_RECORDED = keccak256(b"SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)")
_SETTLED = keccak256(b"Settled(uint64,uint40,uint96,uint8)")
_CREATED = keccak256(b"OrganisationCreated(uint24,bytes32,uint64,uint160)")
_REPLACED = keccak256(b"RegistrarReplaced(uint24,uint64,uint160,uint8)")


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def recorded_log(ledger: bytes, segment: Segment, head: bytes, outcomes: bytes) -> Log:
    tails = [len(t).to_bytes(32, "big") + t + bytes(-len(t) % 32) for t in
             (segment.words, outcomes, segment.assertion)]  # fmt: skip
    offsets = [8 * 32 + sum(map(len, tails[:n])) for n in range(3)]
    numbers = (segment.x, segment.y, segment.r, segment.s, *offsets)
    data = head + b"".join(map(word, numbers)) + b"".join(tails)
    return Log(ledger, (_RECORDED, word(segment.device), word(segment.first_seq)), data)


def settled_log(ledger: bytes, *, device: int, seq: int, lot: int, outcome: int) -> Log:
    return Log(ledger, (_SETTLED, word(device), word(seq), word(lot)), word(outcome))


def created_log(registry: bytes, *, organisation: int, device: int, key_hash: int) -> Log:
    return Log(registry, (_CREATED, word(organisation), word(device)), bytes(32) + word(key_hash))


def replaced_log(registry: bytes, *, organisation: int, device: int, key_hash: int) -> Log:
    return Log(registry, (_REPLACED, word(organisation), word(device)), word(key_hash) + word(2))


def receipt(kind: int, logs: Sequence[Log], *, gas_used: int = 21_000) -> bytes:
    """Return a receipt's bytes; `kind` is the transaction's type."""
    items = [[log.address, list(log.topics), log.data] for log in logs]
    encoded = encode([b"\1", encode_number(gas_used), bytes(256), items])
    return bytes([kind]) + encoded if kind else encoded


@dataclass(frozen=True)
class MadeBlock:
    """A block with its receipts."""

    number: int
    header: bytes
    trie: OrderedTrie

    @property
    def hash(self) -> bytes:
        return keccak256(self.header)

    def inclusion(self, receipt_index: int, log: int = 0) -> Inclusion:
        return Inclusion(self.hash, self.header, receipt_index, self.trie.proof(receipt_index), log)


def make_block(number: int, receipts: Sequence[bytes], *, seed: int = 0) -> MadeBlock:
    """Return a block of this number with these receipts; all else in it is drawn from the seed."""
    rng, trie = random.Random(f"block {number} {seed}"), OrderedTrie(receipts)
    hashes = [rng.randbytes(32) for _ in range(7)]
    header = encode(
        [
            hashes[0], hashes[1], rng.randbytes(20), hashes[2], hashes[3], trie.root, bytes(256), b"",
            encode_number(number), encode_number(30_000_000), encode_number(21_000 * len(receipts)),
            encode_number(1_772_337_600 + number), b"", hashes[4], bytes(8), encode_number(10**9),
            hashes[5], b"", b"", hashes[6], hashes[0],
        ]
    )  # fmt: skip
    return MadeBlock(number, header, trie)


def strangers(count: int, *, seed: int = 0) -> list[bytes]:
    """Return receipts of other people's transactions, of all types."""
    rng = random.Random(f"strangers {count} {seed}")
    return [
        receipt(
            rng.choice((0, 1, 2, 3, 4)),
            [Log(rng.randbytes(20), (rng.randbytes(32),), rng.randbytes(rng.randrange(0, 80)))] * rng.randrange(3),
            gas_used=21_000 * (n + 1),
        )
        for n in range(count)
    ]
