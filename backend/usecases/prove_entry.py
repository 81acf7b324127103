"""One entry with all that proves it: what was handed in, and where the chain holds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from backend.domain.blocks import Inclusion
from backend.domain.bundle import Bundle, Certificate
from backend.domain.journal import Network, next_head, split_entries
from backend.domain.seal import key_hash
from backend.domain.types import Outcome


@dataclass(frozen=True)
class RecordPlace:
    """Where the books found a segment on the chain."""

    block_hash: str
    log_index: int


@dataclass(frozen=True)
class Evidence:
    """What the books and the intake hold of one entry, before the chain is asked."""

    device: int
    seq: int
    first_seq: int
    words: bytes
    prev_head: bytes
    place: RecordPlace
    certificates: tuple[Certificate, ...]
    root: int
    root_key: int
    outcomes: bytes = b""

    @property
    def deferred(self) -> list[int]:
        """The seqs of entries that the ledger did not judge when it recorded them."""
        return [self.first_seq + at for at, byte in enumerate(self.outcomes) if byte & 0x0F == Outcome.DEFERRED]


class ChainAway(Exception):
    """The node did not answer; the same request may succeed later."""


class NotOnChain(Exception):
    """The node does not have the block or the log; it may have replaced it, and the books will follow."""


class ChainProofs(Protocol):
    """What a node can show of its blocks. Every question may end in `ChainAway` or `NotOnChain`."""

    def of_log(self, block_hash: str, log_index: int) -> Inclusion:
        """Return a log's way into its block; `log_index` counts through the whole block."""

    def of_naming(self, *, device: int, key_hash: int) -> Inclusion:
        """Return where the registry named this device with this key as a root registrar."""

    def of_settling(self, *, ledger: bytes, device: int, seq: int) -> Inclusion | None:
        """Return where the ledger settled an entry that had waited, or None where it waits still."""


def prove_entry(evidence: Evidence, proofs: ChainProofs | None, network: Network) -> Bundle:
    """Return the bundle of an entry.

    Raises:
        ChainAway: nobody could be asked.
        NotOnChain: the chain does not hold what the books say.
    """
    if proofs is None:
        raise ChainAway("no node is set")
    head, entries = evidence.prev_head, split_entries(evidence.words)
    position = evidence.seq - evidence.first_seq
    for entry in entries[: position + 1]:
        head = next_head(head, entry)
    return Bundle(
        network.chain_id,
        network.ledger.hex(),
        evidence.device,
        evidence.seq,
        entries[position],
        head,
        evidence.prev_head,
        proofs.of_log(evidence.place.block_hash, evidence.place.log_index),
        evidence.certificates,
        proofs.of_naming(device=evidence.root, key_hash=evidence.root_key),
        proofs.of_settling(ledger=network.ledger, device=evidence.device, seq=evidence.seq)
        if evidence.seq in evidence.deferred
        else None,
    )


def certificate_from(certificate: Certificate, seq: int) -> Certificate:
    """Return a certificate cut at its front, so that it begins with the entry at `seq`.

    What stands before that entry is already in its head, and a bundle need not carry it.
    """
    segment, head = certificate.segment, certificate.prev_head
    entries = split_entries(segment.words)
    before = entries[: seq - segment.first_seq]
    for entry in before:
        head = next_head(head, entry)
    words = b"".join(entries[len(before) :])
    return Certificate(replace(segment, first_seq=seq, words=words), head)


def key_of(certificate: Certificate) -> int:
    """Return the hash of the key that sealed a certificate."""
    return key_hash(certificate.segment.x, certificate.segment.y)
