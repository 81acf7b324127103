"""The `webauthn` seal scheme: a person's passkey (ES256) answers for a seal's digest.

Beside (r, s) such a seal carries an assertion: the length of the authenticator's data as 2 bytes, that data,
and the browser's client data. Both are signed as `authenticatorData || sha256(clientDataJSON)`.

Sources: docs/spec/webauthn.md; WebAuthn Level 2, https://www.w3.org/TR/webauthn-2/, sections 5.8.1.1, 6.1, 7.2.
"""

from __future__ import annotations

import base64
import hashlib

from backend.domain.keccak import keccak256
from backend.domain.seal import is_p256_signature_of

ASSERTION_BYTES_MAX = 1024
AUTHENTICATOR_DATA_BYTES_MIN = 37
"""SHA-256 of the relying party's id, flags, and a counter of 4 bytes; extensions may follow."""
USER_PRESENT, USER_VERIFIED = 0x01, 0x04

_LENGTH_BYTES = 2
_FLAGS_AT = 32
_BEFORE_CHALLENGE = b'{"type":"webauthn.get","challenge":"'
_BEFORE_ORIGIN = b'","origin":"'
_AFTER_ORIGIN = b'","crossOrigin":false'


def is_assertion_of(
    digest: bytes, *, origin_digest: int, assertion: bytes, x: int, y: int, r: int, s: int
) -> bool:
    """Say whether the key's owner answered for this digest, on a page of this origin.

    1. The assertion is well-formed: at most 1024 bytes, of which at least 37 are the authenticator's data.
    2. The flags say that a person was present and verified (by PIN, finger or face).
    3. The client data is a `webauthn.get` for exactly this digest, by this origin, not from inside a frame of
       another.
    4. (r, s) is the key's signature; both halves of s count.
    """
    message = asserted_message(digest, origin_digest=origin_digest, assertion=assertion)
    # 4.
    return message is not None and is_p256_signature_of(hashlib.sha256(message).digest(), x=x, y=y, r=r, s=s)


def asserted_message(digest: bytes, *, origin_digest: int, assertion: bytes) -> bytes | None:
    """Return the bytes that the passkey signed, or None where steps 1 to 3 of `is_assertion_of` say no."""
    # 1.
    if not _LENGTH_BYTES <= len(assertion) <= ASSERTION_BYTES_MAX:
        return None
    split_at = _LENGTH_BYTES + int.from_bytes(assertion[:_LENGTH_BYTES], "big")
    authenticator_data, client_data = assertion[_LENGTH_BYTES:split_at], assertion[split_at:]
    if split_at > len(assertion) or len(authenticator_data) < AUTHENTICATOR_DATA_BYTES_MIN:
        return None
    # 2.
    if not (authenticator_data[_FLAGS_AT] & USER_PRESENT and authenticator_data[_FLAGS_AT] & USER_VERIFIED):
        return None
    # 3.
    if not _is_client_data(client_data, digest, origin_digest):
        return None
    return authenticator_data + hashlib.sha256(client_data).digest()


def _is_client_data(client_data: bytes, digest: bytes, origin_digest: int) -> bool:
    """Compare bytes and parse no JSON: section 5.8.1.1 fixes how browsers write these fields, and their order."""
    start = _BEFORE_CHALLENGE + challenge_of(digest) + _BEFORE_ORIGIN
    if not client_data.startswith(start):
        return False
    origin, _, rest = client_data[len(start) :].partition(b'"')
    if b"\\" in origin or int.from_bytes(keccak256(origin)[:8], "big") != origin_digest:
        return False
    # A later edition of the standard may add fields, but only behind these.
    return (b'"' + rest).startswith((_AFTER_ORIGIN + b"}", _AFTER_ORIGIN + b","))


def challenge_of(digest: bytes) -> bytes:
    """Return the digest as client data writes it: base64url without padding."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def origin_digest_of(origin: str) -> int:
    """Return the 64 bits by which an enrolment names the origin of its passkey: `https://bins.example.org`."""
    return int.from_bytes(keccak256(origin.encode())[:8], "big")


def pack_assertion(authenticator_data: bytes, client_data: bytes) -> bytes:
    """Return the assertion as a seal carries it."""
    return len(authenticator_data).to_bytes(_LENGTH_BYTES, "big") + authenticator_data + client_data
