"""A segment that somebody hands in, and what follows from its bytes alone."""

from __future__ import annotations

from functools import cached_property

from backend.domain.errors import MalformedSegment
from backend.domain.journal import Network, evidence_digest, next_head, read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.lifts import bin_of
from backend.domain.schemes import is_seal
from backend.domain.seal import SealProof, seal_digest
from backend.domain.segment_bytes import EvidenceDocument, Upload
from backend.domain.weight import require_light

_SALT_BYTES = 16


class Offered:
    """A segment with its answers, each worked out once.

    Rolling the head and checking the seal are most of the work of accepting a segment. An answer depends on
    nothing but what is asked, so they can be asked before the database is held, and again within it for nothing.
    """

    def __init__(self, upload: Upload, network: Network) -> None:
        """Read the segment's entries.

        Raises:
            MalformedSegment, SegmentTooHeavy: nobody can accept it, whatever came before it.
        """
        self.segment, self.evidence, self.network = upload.segment, upload.evidence, network
        self.entries = split_entries(self.segment.words)
        require_light(self.entries)
        if self.segment.first_seq < 1:
            raise MalformedSegment("The first entry of a journal has seq 1.", pointer="/first_seq")
        self.last_seq = self.segment.first_seq + len(self.entries) - 1
        self._heads: dict[bytes, list[bytes]] = {}
        self._seals: dict[tuple[bytes, int | None], bool] = {}

    def heads_after(self, prev_head: bytes) -> list[bytes]:
        """Return the head before the first entry and the one after each."""
        heads = self._heads.get(prev_head)
        if heads is None:
            heads = [prev_head]
            for entry in self.entries:
                heads.append(next_head(heads[-1], entry))
            self._heads[prev_head] = heads
        return heads

    def is_sealed_after(self, prev_head: bytes, *, origin: int | None) -> bool:
        """Say whether the seal covers the entries after this head; `origin` is a passkey's, else None."""
        answer = self._seals.get((prev_head, origin))
        if answer is None:
            segment, head = self.segment, self.heads_after(prev_head)[-1]
            digest = seal_digest(self.network, device=segment.device, seq=self.last_seq, head=head)
            proof = SealProof(self.last_seq, head, segment.x, segment.y, segment.r, segment.s, segment.assertion)
            answer = self._seals[prev_head, origin] = is_seal(proof, digest, origin=origin)
        return answer

    @cached_property
    def bins(self) -> frozenset[int]:
        """The bins that its lifts name."""
        return frozenset(bin_of(entry) for entry in self.entries if entry[0] == Kind.LIFT)

    @cached_property
    def misfit(self) -> MalformedSegment | None:
        """What is wrong with its evidence, if anything."""
        for document in self.evidence:
            reason = self._misfit_of(document)
            if reason is not None:
                return MalformedSegment(reason, pointer=f"/evidence/{document.seq}")
        return None

    def _misfit_of(self, document: EvidenceDocument) -> str | None:
        if not self.segment.first_seq <= document.seq <= self.last_seq:
            return f"Evidence names seq {document.seq}, which is not in this segment."
        digest = evidence_digest(document.salt, document.document.encode())
        if len(document.salt) != _SALT_BYTES or digest != self._digest_at(document.seq):
            return f"Salt and document do not give the digest of entry {document.seq}."
        return None

    def _digest_at(self, seq: int) -> int | None:
        return read_entry(self.entries[seq - self.segment.first_seq]).fields.get("evidence")
