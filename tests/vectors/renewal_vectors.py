"""Requests for a next key, and what is no seal of one."""

from __future__ import annotations

import random
from typing import Any

from custody_story import NETWORK
from custody_vectors import network_json

from backend.domain.renewal import renewal_digest
from backend.domain.seal import CURVE_ORDER, low_s, seal_digest
from backend.domain.types import device_id, device_text
from backend.domain.writer import SigningKey


def renewal_vectors() -> dict[str, Any]:
    rng = random.Random("renewals")
    cases = []
    for name in ("low s", "high s", "another device", "another new key", "another key", "a seal of a journal") * 2:
        key, new = (SigningKey.from_secret(rng.randrange(1, CURVE_ORDER)) for _ in range(2))
        device = device_id(rng.randrange(1, 1 << 24), rng.randrange(1, 1 << 40))
        new_x, new_y = new.public
        signed = digest = renewal_digest(NETWORK, device=device, x=new_x, y=new_y)
        if name == "another device":
            signed = renewal_digest(NETWORK, device=device ^ 1, x=new_x, y=new_y)
        elif name == "another new key":
            other_x, other_y = SigningKey.from_secret(rng.randrange(1, CURVE_ORDER)).public
            signed = renewal_digest(NETWORK, device=device, x=other_x, y=other_y)
        elif name == "a seal of a journal":
            signed = seal_digest(NETWORK, device=device, seq=1, head=new_x.to_bytes(32, "big"))
        r, s = (new if name == "another key" else key).sign(signed)
        s = CURVE_ORDER - low_s(s) if name == "high s" else low_s(s)
        x, y = key.public
        cases.append(
            {
                "name": name,
                "device": device_text(device),
                "new_key": {"x": f"{new_x:064x}", "y": f"{new_y:064x}"},
                "digest": digest.hex(),
                "x": f"{x:064x}",
                "y": f"{y:064x}",
                "r": f"{r:064x}",
                "s": f"{s:064x}",
                "is_valid": name in ("low s", "high s"),
            }
        )
    return {"network": network_json(), "renewals": cases}
