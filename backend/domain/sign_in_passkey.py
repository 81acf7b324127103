"""A person's passkey as a way to sign in: what a browser answers when one is made, and when it is used.

Only ES256, and only with the person verified (finger, face or PIN), as for seals (`webauthn.py`). No attestation:
who holds an invitation says which passkey is theirs, and no maker of authenticators has to vouch for it.

Source: WebAuthn Level 2, https://www.w3.org/TR/webauthn-2/, sections 5.8.1, 6.1, 7.1 and 7.2.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from backend.domain.people_errors import BadPasskey
from backend.domain.seal import is_p256_signature_of, is_public_key
from backend.domain.strict_json import InvalidJson, read_json
from backend.domain.webauthn import AUTHENTICATOR_DATA_BYTES_MIN, USER_PRESENT, USER_VERIFIED

CREDENTIAL_ID_BYTES_MAX: Final = 1023
ANSWER_BYTES_MAX: Final = 4096
_HAS_KEY: Final = 0x40
_FLAGS_AT, _COUNT_AT, _ID_LENGTH_AT, _ID_AT = 32, 33, 53, 55
# COSE_Key {kty: EC2, alg: ES256, crv: P-256, x, y} in the canonical form of CTAP2: only x and y differ.
_COSE_START: Final = bytes.fromhex("a5010203262001215820")
_COSE_MIDDLE: Final = bytes.fromhex("225820")
_COSE_BYTES: Final = len(_COSE_START) + 32 + len(_COSE_MIDDLE) + 32


@dataclass(frozen=True)
class MadePasskey:
    """A new passkey: what the browser finds it by, its public key, and how often it was used."""

    credential_id: bytes
    x: int
    y: int
    count: int


@dataclass(frozen=True)
class PasskeyAnswer:
    """What a passkey answered: `signature` is DER over the authenticator's data and the client data's hash."""

    client_data: bytes
    authenticator_data: bytes
    signature: bytes


def read_made_passkey(
    *, challenge: bytes, origin: str, client_data: bytes, authenticator_data: bytes
) -> MadePasskey:
    """Return the passkey that a browser made for this question on a page of this origin.

    Raises:
        BadPasskey: another question or page, a person not verified, or a key that is not ES256.
    """
    _require_client_data("webauthn.create", challenge, origin, client_data)
    _require_authenticator(origin, authenticator_data)
    if not authenticator_data[_FLAGS_AT] & _HAS_KEY or len(authenticator_data) < _ID_AT:
        raise BadPasskey("it brings no key")
    key_at = _ID_AT + int.from_bytes(authenticator_data[_ID_LENGTH_AT:_ID_AT], "big")
    credential_id, key = authenticator_data[_ID_AT:key_at], authenticator_data[key_at : key_at + _COSE_BYTES]
    x_at, y_at = len(_COSE_START), len(_COSE_START) + 32 + len(_COSE_MIDDLE)
    is_es256 = (
        len(key) == _COSE_BYTES
        and key.startswith(_COSE_START)
        and key[x_at + 32 : y_at] == _COSE_MIDDLE
        and 0 < len(credential_id) <= CREDENTIAL_ID_BYTES_MAX
    )
    x, y = int.from_bytes(key[x_at : x_at + 32], "big"), int.from_bytes(key[y_at:], "big")
    if not is_es256 or not is_public_key(x, y):
        raise BadPasskey("its key is not ES256")
    return MadePasskey(credential_id, x, y, _count(authenticator_data))


def require_passkey_answer(
    answer: PasskeyAnswer, *, challenge: bytes, origin: str, x: int, y: int, count: int
) -> int:
    """Return how often the passkey was used, once its answer holds; `count` is what it said the time before.

    1. The client data is a `webauthn.get` for exactly this question, by this origin, not from inside a frame.
    2. The authenticator's data is of this site, with the person present and verified.
    3. The signature is the key's.
    4. A passkey that counts its uses counted on: one that did not may be a copy.

    Raises:
        BadPasskey: one of these is not so.
    """
    # 1.
    _require_client_data("webauthn.get", challenge, origin, answer.client_data)
    # 2.
    _require_authenticator(origin, answer.authenticator_data)
    # 3.
    try:
        r, s = decode_dss_signature(answer.signature)
    except ValueError as error:
        raise BadPasskey("the signature is not in DER") from error
    signed = answer.authenticator_data + hashlib.sha256(answer.client_data).digest()
    if not is_p256_signature_of(hashlib.sha256(signed).digest(), x=x, y=y, r=r, s=s):
        raise BadPasskey("the signature is not the key's")
    # 4.
    now = _count(answer.authenticator_data)
    if (now or count) and now <= count:
        raise BadPasskey("its counter went back, so there may be a copy of it")
    return now


def relying_party_of(origin: str) -> str:
    """Return the name under which browsers keep passkeys of an origin: its host."""
    return urlsplit(origin).hostname or ""


def _count(authenticator_data: bytes) -> int:
    return int.from_bytes(authenticator_data[_COUNT_AT:AUTHENTICATOR_DATA_BYTES_MIN], "big")


def _require_client_data(wanted: str, challenge: bytes, origin: str, client_data: bytes) -> None:
    said = _read(client_data)
    asked = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    if said.get("type") != wanted:
        raise BadPasskey(f"it is no {wanted}")
    if said.get("challenge") != asked:
        raise BadPasskey("it answers another question")
    if said.get("origin") != origin:
        raise BadPasskey("it was asked by another page")
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise BadPasskey("it was asked inside another site's page")


def _read(client_data: bytes) -> dict[str, Any]:
    try:
        said = read_json(client_data) if len(client_data) <= ANSWER_BYTES_MAX else None
    except InvalidJson as error:
        raise BadPasskey("the client data is no JSON") from error
    if not isinstance(said, dict):
        raise BadPasskey("the client data is no object")
    return said


def _require_authenticator(origin: str, data: bytes) -> None:
    if not AUTHENTICATOR_DATA_BYTES_MIN <= len(data) <= ANSWER_BYTES_MAX:
        raise BadPasskey("the authenticator's data has the wrong length")
    if data[:_FLAGS_AT] != hashlib.sha256(relying_party_of(origin).encode()).digest():
        raise BadPasskey("it belongs to another site")
    if not (data[_FLAGS_AT] & USER_PRESENT and data[_FLAGS_AT] & USER_VERIFIED):
        raise BadPasskey("nobody was verified")
