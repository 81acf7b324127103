"""Three languages, one law: hostile cities with seeds that nobody chose, until enough entries were compared."""

from __future__ import annotations

import secrets
import time

from bench.report import Report
from tests.differential.comparing import Counts, LanguagesDiffer, compare_city
from tests.differential.solidity import Chain

ENTRIES = 100_000
ENTRIES_A_CITY = (600, 1000, 2000, 4000)
ENTRIES_A_CHAIN = 10_000


def missing_material() -> list[str]:
    """Return nothing: it makes its own."""
    return []


def prove(report: Report, *, entries: int = ENTRIES) -> None:
    """Compare Python, TypeScript and Solidity: every answer, and all that they keep after each city."""
    report.say("\n## Three languages, one law\n")
    counts, seeds, found = Counts(), 0, 0
    started_at = time.monotonic()
    gas_max = 0
    while counts.entries < entries:
        # A node keeps every state it may be wound back to: a fresh one now and then, or memory runs out.
        with Chain() as chain:
            until = min(entries, counts.entries + ENTRIES_A_CHAIN)
            while counts.entries < until:
                seed, size = secrets.token_hex(6), ENTRIES_A_CITY[seeds % len(ENTRIES_A_CITY)]
                seeds += 1
                print(f"seed {seed!r}, {size} entries; {counts.entries} compared", flush=True)
                try:
                    compare_city(seed, size, chain, counts)
                except LanguagesDiffer as difference:
                    found += 1
                    report.say(f"```\n{difference}\n```")
            gas_max = max(gas_max, chain.gas_max)
    operations = sum(counts.operations.values())
    report.check(
        "Python, TypeScript and Solidity answer and keep the same",
        not found,
        f"{found} of {seeds} cities differ, over {counts.entries} entries in {operations} operations",
    )
    missing = counts.never_reached()
    report.check(
        "every outcome, flaw, refusal and kind came up", not missing, ", ".join(missing) or "none missing"
    )
    for line in counts.lines():
        report.say(f"- {line}")
    report.say(f"- the dearest transaction used {gas_max} gas; it took {time.monotonic() - started_at:.0f} s")
