"""Ethereum's hash."""

from __future__ import annotations

from sha3 import keccak_256 as _keccak_256  # type: ignore[import-untyped]


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 of `data` (Ethereum's, not NIST's SHA3-256)."""
    return bytes(_keccak_256(data).digest())
