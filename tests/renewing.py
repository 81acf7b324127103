"""A phone's request for its next key, as a phone writes it."""

from __future__ import annotations

from typing import Any

from custody_stories import NETWORK

from backend.domain.renewal import renewal_digest
from backend.domain.writer import JournalWriter, SigningKey


def key_json(key: SigningKey) -> dict[str, str]:
    x, y = key.public
    return {"x": f"{x:064x}", "y": f"{y:064x}"}


def renewal_of(phone: JournalWriter, new_key: SigningKey) -> dict[str, Any]:
    """The body of a request, sealed by the key that the phone has."""
    x, y = new_key.public
    r, s = phone.key.sign(renewal_digest(NETWORK, device=phone.device, x=x, y=y))
    return {
        "key": key_json(phone.key),
        "new_key": key_json(new_key),
        "seal": {"r": f"{r:064x}", "s": f"{s:064x}"},
    }
