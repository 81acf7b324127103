"""The seal schemes: a device's own key, or a person's passkey."""

from __future__ import annotations

from backend.domain.seal import SealProof
from backend.domain.webauthn import is_assertion_of


def is_seal(proof: SealProof, digest: bytes, *, origin: int | None) -> bool:
    """Say whether a proof covers a digest; `origin` is that of a passkey, None for a device's own key."""
    if origin is None:
        return not proof.assertion and proof.is_raw_seal_of(digest)
    p = proof
    return is_assertion_of(digest, origin_digest=origin, assertion=p.assertion, x=p.x, y=p.y, r=p.r, s=p.s)
