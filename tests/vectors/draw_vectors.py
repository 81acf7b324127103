"""Samples, list roots, commitments and seeds that every implementation of an inspection must give."""

from __future__ import annotations

import random
from typing import Any

from backend.domain.draw import draw
from backend.domain.inspection_statements import commitment_of, list_root
from backend.domain.keccak import keccak256


def draw_vectors() -> dict[str, Any]:
    rng = random.Random("draws")
    samples = []
    for whole, count in ((1, 1), (2, 1), (2, 2), (5, 9), (7, 3), (64, 10), (65, 10), (1000, 12)):
        items, seed = sorted(rng.sample(range(1 << 40), whole)), rng.randbytes(32)
        samples.append(
            {
                "items": [f"{item:010x}" for item in items],
                "root": list_root(tuple(items)).hex(),
                "count": count,
                "seed": seed.hex(),
                "sample": [f"{item:010x}" for item in draw(items, count, seed)],
            }
        )
    opening, secret = rng.randbytes(32), rng.randbytes(32)
    return {
        "empty_root": list_root(()).hex(),
        "samples": samples,
        "commitment": {
            "opening": opening.hex(),
            "organisation": "00000b",
            "secret": secret.hex(),
            "commitment": commitment_of(opening, "00000b", secret).hex(),
        },
        "keccak": [
            {"bytes": data.hex(), "keccak256": keccak256(data).hex()}
            for data in (rng.randbytes(size) for size in (0, 1, 64, 135, 136, 137, 300))
        ],
    }
