"""Ethereum's hash."""

from __future__ import annotations

from Crypto.Hash import keccak as _keccak

_new = _keccak.new


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 of `data` (Ethereum's, not NIST's SHA3-256)."""
    return _new(digest_bits=256, data=data).digest()
