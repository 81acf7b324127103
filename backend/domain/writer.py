"""A journal together with the key that seals it: what a device is, in software.

Phones keep their key where it cannot be read; this one is for gateways, registrars' tools, the demo city
and simulations. Signatures are deterministic (RFC 6979), so the same story gives the same bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from backend.domain.journal import (
    Network,
    Segment,
    first_head,
    next_head,
    pack_entry_with_items,
)
from backend.domain.layout import Kind
from backend.domain.seal import CURVE_ORDER, low_s, seal_digest
from backend.domain.types import DeviceId
from backend.domain.weight import fitting

_SIGNING = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


@dataclass(frozen=True)
class SigningKey:
    """A P-256 private key; never leaves the process that made it except as `secret`."""

    private: ec.EllipticCurvePrivateKey

    @classmethod
    def from_secret(cls, secret: int) -> SigningKey:
        """Return the key of a secret number between 1 and the curve's order."""
        return cls(ec.derive_private_key(secret, ec.SECP256R1()))

    @classmethod
    def fresh(cls) -> SigningKey:
        """Return a new random key."""
        return cls.from_secret(secrets.randbelow(CURVE_ORDER - 1) + 1)

    @property
    def secret(self) -> int:
        """The private number."""
        return self.private.private_numbers().private_value

    @property
    def public(self) -> tuple[int, int]:
        """The public point (x, y)."""
        numbers = self.private.public_key().public_numbers()
        return numbers.x, numbers.y

    def sign(self, digest: bytes) -> tuple[int, int]:
        """Return (r, low s) over the digest, hashed once more with SHA-256."""
        r, s = decode_dss_signature(self.private.sign(digest, _SIGNING))
        return r, low_s(s)


class JournalWriter:
    """Appends entries to one device's journal and cuts sealed segments from it."""

    def __init__(
        self,
        network: Network,
        device: int,
        key: SigningKey,
        *,
        next_seq: int = 1,
        head: bytes | None = None,
    ) -> None:
        self.network, self.device, self.key = network, DeviceId(device), key
        self.next_seq = next_seq
        self.head = first_head(network, device) if head is None else head
        self.uncut: list[bytes] = []
        self._uncut_heads: list[bytes] = []
        self.public = key.public

    def write(self, kind: Kind, items: tuple[Mapping[str, int], ...] = (), **fields: int) -> int:
        """Append an entry; return its seq."""
        return self.write_words(pack_entry_with_items(kind, fields, items))

    def write_words(self, words: bytes) -> int:
        """Append an entry that is already packed; return its seq."""
        self.head = next_head(self.head, words)
        self.uncut.append(words)
        self._uncut_heads.append(self.head)
        self.next_seq += 1
        return self.next_seq - 1

    def cut(self, count: int | None = None) -> Segment:
        """Return the oldest `count` entries not cut yet (as many as fit) as a sealed segment."""
        count = fitting(self.uncut) if count is None else count
        first_seq = self.next_seq - len(self.uncut)
        words, head = b"".join(self.uncut[:count]), self._uncut_heads[count - 1]
        del self.uncut[:count], self._uncut_heads[:count]
        digest = seal_digest(self.network, device=self.device, seq=first_seq + count - 1, head=head)
        r, s = self.key.sign(digest)
        x, y = self.public
        return Segment(self.device, first_seq, words, x, y, r, s)

    def cut_all(self) -> list[Segment]:
        """Return everything not cut yet, in as few segments as it fits into."""
        segments = []
        while self.uncut:
            segments.append(self.cut())
        return segments
