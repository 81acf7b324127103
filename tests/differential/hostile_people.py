"""People who keep all they ever wrote, so that any run of it can be sealed, cut and shown at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backend.domain.devices import Witness
from backend.domain.journal import Network, Segment
from backend.domain.passkey import SoftwarePasskey
from backend.domain.seal import SealProof, seal_digest
from backend.domain.writer import JournalWriter, SigningKey
from tests.differential.journals import Person


class Journal(JournalWriter):
    """A journal, or a branch of one, that forgets nothing."""

    def __init__(self, network: Network, device: int, key: SigningKey, **start: Any) -> None:
        super().__init__(network, device, key, **start)
        self.start_seq = self.next_seq
        self.entries: list[bytes] = []
        self.heads: list[bytes] = [self.head]

    def write_words(self, words: bytes) -> int:
        seq = super().write_words(words)
        self.entries.append(words)
        self.heads.append(self.head)
        return seq

    @property
    def last_seq(self) -> int:
        return self.next_seq - 1

    def holds(self, seq: int) -> bool:
        """Say whether the entry with this seq stands in here."""
        return self.start_seq <= seq < self.next_seq

    def entry(self, seq: int) -> bytes:
        return self.entries[seq - self.start_seq]

    def head_at(self, seq: int) -> bytes:
        """Return the head after the entry with this seq; also the one this branch starts from."""
        return self.heads[seq - self.start_seq + 1]

    def run(self, first_seq: int, last_seq: int) -> bytes:
        return b"".join(self.entries[first_seq - self.start_seq : last_seq - self.start_seq + 1])

    def branch(self) -> Journal:
        """Return a second journal that goes on from where this one is now."""
        return Journal(self.network, self.device, self.key, next_seq=self.next_seq, head=self.head)


@dataclass
class HostilePerson(Person):
    """A device that may be a passkey, may keep two journals, and may lose a part of one."""

    passkey: SoftwarePasskey | None = None
    branches: list[Journal] = field(default_factory=list)
    takes: list[tuple[int, int]] = field(default_factory=list)
    """(lot, seq) of what it took or refused, to be withdrawn."""
    lost_to: int = 0
    ledger: int = 0
    """Where its journal goes on now."""
    haste: float = 0.5
    """How likely it uploads in a round."""

    @property
    def journal(self) -> Journal:
        assert isinstance(self.writer, Journal)
        return self.writer

    def journal_from(self, seq: int, head: bytes) -> Journal:
        """Return the branch that goes on from this head, or the first when none does."""
        for journal in (self.journal, *self.branches):
            if journal.holds(seq) and journal.head_at(seq - 1) == head:
                return journal
        return self.journal

    def seal(self, seq: int, head: bytes) -> SealProof:
        """Return this device's seal over a head, by its own scheme."""
        writer = self.writer
        digest = seal_digest(writer.network, device=self.id, seq=seq, head=head)
        x, y = writer.public
        if self.passkey is not None:
            asserted = self.passkey.assertion_over(digest)
            return SealProof(seq, head, x, y, asserted.r, asserted.s, asserted.assertion)
        r, s = writer.key.sign(digest)
        return SealProof(seq, head, x, y, r, s)

    def witness(self, journal: Journal, seq: int) -> Witness:
        """Return one sealed entry as somebody else would show it."""
        proof = self.seal(seq, journal.head_at(seq))
        key_and_seal = (proof.x, proof.y, proof.r, proof.s, proof.assertion)
        return Witness(self.id, seq, journal.head_at(seq - 1), journal.entry(seq), *key_and_seal)

    def cut(self, journal: Journal, first_seq: int, last_seq: int) -> Segment:
        """Return a sealed run of one of its journals."""
        proof = self.seal(last_seq, journal.head_at(last_seq))
        return sealed_segment(self.id, first_seq, journal.run(first_seq, last_seq), proof)


def sealed_segment(device: int, first_seq: int, words: bytes, proof: SealProof) -> Segment:
    """Return words under a seal, whether or not they belong together."""
    return Segment(device, first_seq, words, proof.x, proof.y, proof.r, proof.s, proof.assertion)
