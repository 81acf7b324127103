"""A passkey for sign-in in software: what an authenticator answers, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from backend.domain.seal import CURVE_ORDER
from backend.domain.writer import SigningKey

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class MadePasskeyInSoftware:
    """A key of one origin; it counts its uses once `count` is set."""

    origin: str
    key: SigningKey = field(default_factory=lambda: SigningKey.from_secret(secrets.randbelow(CURVE_ORDER - 1) + 1))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0
    flags: int = PRESENT | VERIFIED

    def client_data(self, kind: str, question: bytes, **changed: Any) -> bytes:
        said = {
            "type": f"webauthn.{kind}",
            "challenge": base64.urlsafe_b64encode(question).rstrip(b"=").decode(),
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said | changed, separators=(",", ":")).encode()

    def data(self, *, flags: int = 0, host: str = "") -> bytes:
        name = (host or urlsplit(self.origin).hostname or "").encode()
        return hashlib.sha256(name).digest() + bytes([self.flags | flags]) + self.count.to_bytes(4, "big")

    def public_key(self) -> bytes:
        x, y = (number.to_bytes(32, "big") for number in self.key.public)
        return bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y

    def make(self, challenge: bytes, *, key: bytes | None = None) -> tuple[bytes, bytes]:
        """Return the client data and the authenticator's data of a new passkey."""
        made = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        return (
            self.client_data("create", challenge),
            self.data(flags=HAS_KEY) + made + (self.public_key() if key is None else key),
        )

    def answer(
        self, challenge: bytes, *, client_data: bytes = b"", data: bytes = b""
    ) -> tuple[bytes, bytes, bytes]:
        """Return the client data, the authenticator's data and the signature of an answer."""
        said, data = client_data or self.client_data("get", challenge), data or self.data()
        r, s = self.key.sign(data + hashlib.sha256(said).digest())
        return said, data, encode_dss_signature(r, s)
