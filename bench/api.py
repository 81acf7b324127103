"""Whatever the OpenAPI document allows and forbids, asked of a running server with seeds that nobody chose."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Report

ROOT = Path(__file__).parent.parent
SEEDS, EXAMPLES = 3, 100


def missing_material() -> list[str]:
    """Return nothing: it makes its own."""
    return []


def prove(report: Report, *, seeds: int = SEEDS, examples: int = EXAMPLES) -> None:
    """Ask a city of its own, and say what the document does not have."""
    # The tests' helpers are plain modules beside one another.
    sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / name) for name in ("", "chain", "api"))]
    from openapi_asker import ask_by_schema, asked_city

    report.say("\n## The interface holds what its document says\n")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="huanlian-api-") as folder, asked_city(Path(folder) / "city") as town:
        for number in range(seeds):
            seed, place = secrets.randbits(32), Path(folder) / str(number)
            place.mkdir()
            asked = ask_by_schema(town, place, examples=examples, seed=seed)
            what = f"seed {seed}: no fault, no undocumented status, type or shape"
            report.check(what, asked.holds, f"{asked.requests} requests at {asked.operations} operations")
            if not asked.holds:
                report.say(f"```\n{asked.said}\n```")
    report.say(f"- it took {time.monotonic() - began:.0f} s")
