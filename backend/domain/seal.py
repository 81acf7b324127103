"""Seals: one P-256 signature over EIP-712 `Seal(device, seq, head)`.

Source: docs/spec/entries.md; EIP-712; FIPS 186-5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from backend.domain.journal import Network
from backend.domain.keccak import keccak256

CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DOMAIN_NAME, DOMAIN_VERSION = "Huanlian", "1"

_DOMAIN_TYPE = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_SEAL_TYPE = keccak256(b"Seal(uint64 device,uint40 seq,bytes32 head)")
_ECDSA = ec.ECDSA(Prehashed(hashes.SHA256()))
_CURVE = ec.SECP256R1()


@lru_cache(maxsize=16)
def domain_separator(network: Network) -> bytes:
    """Return the EIP-712 domain separator of a ledger."""
    return keccak256(
        _DOMAIN_TYPE
        + keccak256(DOMAIN_NAME.encode())
        + keccak256(DOMAIN_VERSION.encode())
        + network.chain_id.to_bytes(32, "big")
        + network.ledger.rjust(32, b"\0")
    )


def seal_digest(network: Network, *, device: int, seq: int, head: bytes) -> bytes:
    """Return the 32 bytes that a device signs (as data: ECDSA hashes them once more with SHA-256)."""
    struct_hash = keccak256(_SEAL_TYPE + device.to_bytes(32, "big") + seq.to_bytes(32, "big") + head)
    return keccak256(b"\x19\x01" + domain_separator(network) + struct_hash)


def key_hash(x: int, y: int) -> int:
    """Return the 160-bit name of a public key, as the ledger keeps it."""
    return int.from_bytes(keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:], "big")


@lru_cache(maxsize=50_000)
def _public_key(x: int, y: int) -> ec.EllipticCurvePublicKey | None:
    try:
        return ec.EllipticCurvePublicNumbers(x, y, _CURVE).public_key()
    except ValueError:
        return None


def is_public_key(x: int, y: int) -> bool:
    """Say whether (x, y) is a point of P-256."""
    return _public_key(x, y) is not None


def is_seal_of(digest: bytes, *, x: int, y: int, r: int, s: int) -> bool:
    """Say whether (r, s) is the key's signature over the digest; both halves of s count."""
    return is_p256_signature_of(hashlib.sha256(digest).digest(), x=x, y=y, r=r, s=s)


def is_p256_signature_of(sha256: bytes, *, x: int, y: int, r: int, s: int) -> bool:
    """Say whether (r, s) is the key's ECDSA signature of these 32 bytes, which are a SHA-256 hash already.

    The same question as the contract asks the chain's precompile (`Seal.verifyP256`); both halves of s count.
    """
    key = _public_key(x, y)
    if key is None or not (0 < r < CURVE_ORDER and 0 < s < CURVE_ORDER):
        return False
    try:
        key.verify(encode_dss_signature(r, s), sha256, _ECDSA)
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True)
class SealProof:
    """A head that a device sealed, with its key and seal; `assertion` is a passkey's, else empty."""

    seq: int
    head: bytes
    x: int
    y: int
    r: int
    s: int
    assertion: bytes = b""

    def is_raw_seal_of(self, digest: bytes) -> bool:
        """Say whether (r, s) is the key's own signature over the digest."""
        return is_seal_of(digest, x=self.x, y=self.y, r=self.r, s=self.s)


def low_s(s: int) -> int:
    """Return the lower of the two equivalent s values; devices send this one."""
    return min(s, CURVE_ORDER - s)


def check_code(x: int, y: int) -> str:
    """Return the six digits that phone and registrar compare before an enrolment."""
    digest = hashlib.sha256(x.to_bytes(32, "big") + y.to_bytes(32, "big")).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"
