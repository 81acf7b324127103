"""The fixed material of the gas figures: `python -m bench.workload` writes it, figures read it."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from backend.domain.journal import pack_entry
from backend.domain.layout import Kind
from backend.domain.types import Basis, Grade, Stream

FOLDER = Path(__file__).parent / "workloads"
START = 1_772_337_600


@cache
def read(name: str) -> Any:
    """Return one of the workload files."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def lift_words(count: int) -> list[bytes]:
    """Return the first lifts of the workload."""
    return [bytes.fromhex(word) for word in read("lifts")[:count]]


def _lifts(rng: random.Random) -> list[str]:
    return [
        pack_entry(
            Kind.LIFT,
            bin=rng.randrange(1, 1 << 40),
            stream=Stream.RESIDUAL,
            grade=Grade.CLEAN,
            basis=Basis.ESTIMATED,
            occurred_at=START + 30 * number,
            grams=rng.randrange(5_000, 60_000),
            evidence=_digest(rng, 15),
        ).hex()
        for number in range(500)
    ]


def _handoffs(rng: random.Random) -> list[dict[str, Any]]:
    handoffs = []
    for _ in range(50):
        grams = rng.randrange(2_000_000, 9_000_000)
        handoffs.append(
            {
                "grams_given": grams,
                "grams_taken": grams - rng.randrange(1_000, 50_000),
                "give_evidence": f"{_digest(rng, 15):030x}",
                "take_evidence": f"{_digest(rng, 15):030x}",
                "lifts_root": f"{_digest(rng, 32):064x}",
                "to_head": f"{_digest(rng, 32):064x}",
            }
        )
    return handoffs


def _digest(rng: random.Random, size: int) -> int:
    return int.from_bytes(bytes(rng.randrange(1, 256) for _ in range(size)), "big")


def main() -> None:
    """Write the workloads."""
    rng = random.Random("workloads")
    naive = {
        "lot": "GZ-2026-03-01-TH-000123",
        "previous": "GZ-2026-03-01-TH-000122",
        "waste_class": "其他垃圾（家庭）",
        "from": "天河区石牌街道环卫站粤海七号车组",
        "to": "广州市第三资源热力电厂地磅一号",
        "grams": 8_912_345,
        "occurred_at": START,
        "evidence": f"{_digest(rng, 32):064x}",
    }
    for name, content in (("lifts", _lifts(rng)), ("handoffs", _handoffs(rng)), ("naive_handoff", naive)):
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
