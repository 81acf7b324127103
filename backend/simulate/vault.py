"""The keys of software devices, all derived from one secret that stays in the data directory.

The server never reads it: in a real city these keys are on phones, scales and registrars' computers.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from backend.domain.keccak import keccak256
from backend.domain.seal import CURVE_ORDER
from backend.domain.types import device_id
from backend.domain.writer import SigningKey

_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True)
class Vault:
    """A secret, and what is derived from it by name: always the same for the same name."""

    secret: bytes

    @classmethod
    def at(cls, path: Path) -> Vault:
        """Open the vault of this file; make it first where it is not there."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps({"secret": secrets.token_hex(32)}))
            fresh.chmod(0o600)
            with fresh.open() as file:
                os.fsync(file.fileno())
            fresh.rename(path)
        return cls(bytes.fromhex(json.loads(path.read_text())["secret"]))

    def number(self, name: str, bits: int) -> int:
        """Return a number of so many bits that nobody can guess, never 0."""
        value = int.from_bytes(keccak256(self.secret + name.encode()), "big") >> (256 - bits)
        return value or 1

    def serial(self, name: str) -> bytes:
        """Return 16 bytes for a label."""
        return keccak256(self.secret + b"serial/" + name.encode())[:16]

    def digest(self, name: str, text: str) -> bytes:
        """Return the hash of a text under a salt of its own: without the vault nobody can guess the text."""
        return keccak256(keccak256(self.secret + b"salt/" + name.encode())[:16] + text.encode())

    def key(self, name: str) -> SigningKey:
        """Return a device's P-256 key."""
        return SigningKey.from_secret(self.number(f"key/{name}", 256) % (CURVE_ORDER - 1) + 1)

    def device(self, organisation: int, name: str) -> int:
        """Return a device's id."""
        return device_id(organisation, self.number(f"device/{organisation}/{name}", 40))

    def account(self, name: str) -> str:
        """Return the hex key of an account that pays gas or administers."""
        value = self.number(f"account/{name}", 256) % (_SECP256K1_ORDER - 1) + 1
        return f"{value:064x}"
