"""What a lift costs on a real chain, where every transaction begins with cold storage."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from eth_hash.auto import keccak

LIFTS = 250
# The first lifts of an organisation's day and stream pay 17,100 gas for a new slot, once.
GAS_PER_LIFT_MAX = {"open lot": 1_320, "new lot": 1_320, "new lot, first of the day": 1_370}


class Pen:
    """A device that writes and seals its journal, in the plainest way."""

    def __init__(self, chain: Any, device: int) -> None:
        self.chain, self.device, self.seq = chain, device, 0
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.x, self.y = (n.to_bytes(32, "big") for n in (numbers.x, numbers.y))
        ledger = bytes.fromhex(chain.ledger.address[2:])
        ids = (chain.w3.eth.chain_id, int.from_bytes(ledger, "big"), device)
        self.head = keccak(b"".join(n.to_bytes(32, "big") for n in ids))

    def send(self, entries: list[bytes]) -> Any:
        """Seal the entries as one segment, send it, and return its receipt."""
        first_seq = self.seq + 1
        for entry in entries:
            self.head = keccak(self.head + entry)
        self.seq += len(entries)
        typehash = keccak(b"Seal(uint64 device,uint40 seq,bytes32 head)")
        ids = self.device.to_bytes(32, "big") + self.seq.to_bytes(32, "big")
        separator = self.chain.ledger.functions.domainSeparator().call()
        digest = keccak(b"\x19\x01" + separator + keccak(typehash + ids + self.head))
        r, s = decode_dss_signature(self.key.sign(digest, ec.ECDSA(hashes.SHA256())))
        return self.chain.record(
            {
                "device": f"{self.device:016x}",
                "first_seq": first_seq,
                "words": b"".join(entries).hex(),
                "key": {"x": self.x.hex(), "y": self.y.hex()},
                "seal": {"r": f"{r:064x}", "s": f"{s:064x}"},
            }
        )


def load(lot: int, at: int) -> bytes:
    fields = (2, 1), (1, 1), (0, 2), (at, 5), (lot, 12), (4, 1), (7, 8), (0, 2)
    return b"".join(value.to_bytes(size, "big") for value, size in fields)


def lift(at: int, grams: int) -> bytes:
    begin = bytes([1]) + os.urandom(5) + bytes([0x41, 0x20])
    return begin + at.to_bytes(5, "big") + grams.to_bytes(4, "big") + os.urandom(15)


def lifts(count: int, at: int) -> list[bytes]:
    return [lift(at + i, 60_000 + i) for i in range(count)]


@pytest.fixture
def crew(chain: Any) -> Pen:
    """A crew device that has worked before, in a city that has weighed its stream before."""
    at = chain.w3.eth.get_block("latest")["timestamp"]
    root = Pen(chain, (1 << 40) | 1)
    key_hash = int.from_bytes(keccak(root.x + root.y)[12:], "big")
    chain.send(chain.registry.functions.createOrganisation(1, bytes(32), root.device, key_hash))
    crew = Pen(chain, (1 << 40) | 2)
    fields = (32, 1), (3, 1), (0, 2), (at, 5), (crew.device, 8), (1, 1), (1, 1), (0, 5), (0, 8)
    head = b"".join(value.to_bytes(size, "big") for value, size in fields)
    root.send([head + crew.x + crew.y])
    crew.send([load((crew.device << 32) | 9, at), lift(at, 1)])
    return crew


@pytest.mark.parametrize("case", list(GAS_PER_LIFT_MAX))
def test_a_lift_of_250_costs_no_more_than_promised(chain: Any, crew: Pen, case: str) -> None:
    at = chain.w3.eth.get_block("latest")["timestamp"]
    if case.endswith("day"):
        chain.at(at + 86_400)
    first = [] if case == "open lot" else [load((crew.device << 32) | 1, at)]
    receipt = crew.send(first + lifts(LIFTS - len(first), at))
    outcomes = chain.ledger.events.SegmentRecorded().process_receipt(receipt)[0]["args"]["outcomes"]
    assert outcomes == b"\x01" * LIFTS
    per_lift = receipt["gasUsed"] / LIFTS
    print(f"{case}: {receipt['gasUsed']} gas, {per_lift:.0f} a lift")
    assert per_lift <= GAS_PER_LIFT_MAX[case]


def test_smaller_segments_cost_more_a_lift(chain: Any, crew: Pen) -> None:
    at = chain.w3.eth.get_block("latest")["timestamp"]
    for count in (10, 100):
        print(f"{count} lifts: {crew.send(lifts(count, at))['gasUsed'] / count:.0f} gas a lift")
