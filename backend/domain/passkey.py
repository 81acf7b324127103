"""A passkey in software, for the demo city, simulations and tests; a person's own never leaves its authenticator.

Source: WebAuthn Level 2, sections 5.8.1.1 (client data) and 6.1 (authenticator data).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from backend.domain.webauthn import (
    USER_PRESENT,
    USER_VERIFIED,
    challenge_of,
    origin_digest_of,
    pack_assertion,
)
from backend.domain.writer import SigningKey


class Asserted(NamedTuple):
    """What a passkey answers with: the assertion, and its signature with the low s."""

    assertion: bytes
    r: int
    s: int


@dataclass(frozen=True)
class SoftwarePasskey:
    """A signing key that belongs to one origin, `scheme://host[:port]`."""

    key: SigningKey
    origin: str

    @property
    def origin_digest(self) -> int:
        """The origin as an enrolment names it."""
        return origin_digest_of(self.origin)

    def assertion_over(self, digest: bytes) -> Asserted:
        """Return the assertion of a present and verified person over a seal's digest."""
        host = urlsplit(self.origin).hostname or ""
        relying_party = hashlib.sha256(host.encode()).digest()
        # Passkeys that are kept on several devices count nothing: their counter stays zero.
        authenticator_data = relying_party + bytes([USER_PRESENT | USER_VERIFIED]) + bytes(4)
        client_data = b'{"type":"webauthn.get","challenge":"%s","origin":"%s","crossOrigin":false}' % (
            challenge_of(digest),
            self.origin.encode(),
        )
        r, s = self.key.sign(authenticator_data + hashlib.sha256(client_data).digest())
        return Asserted(pack_assertion(authenticator_data, client_data), r, s)
