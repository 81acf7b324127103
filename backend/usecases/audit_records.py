"""One digest for all that was recorded of a device: an auditor's and a server's can be compared at a glance."""

from __future__ import annotations

import hashlib

NO_RECORD = bytes(32)


def record_digest(before: bytes, first_seq: int, words: bytes, outcomes: bytes) -> bytes:
    """Return the digest after one more recorded segment; it begins as 32 zero bytes.

    SHA-256 of the digest before, the first seq (8 bytes), SHA-256 of the words and SHA-256 of the outcomes.
    """
    said = hashlib.sha256(words).digest() + hashlib.sha256(outcomes).digest()
    return hashlib.sha256(before + first_seq.to_bytes(8, "big") + said).digest()
