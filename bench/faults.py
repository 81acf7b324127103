"""A hundred faults: kills, a full disk, reorgs, and a node that is silent, busy, torn off or lying; a lost chain.

Each seed is a day of a small city, lived three times: in peace, on a devnet while faults strike, and on a node
that replaces its newest blocks meanwhile. The books must be those of the chain, byte for byte, and the day's facts
the same all three times. At last a devnet is wiped after a long day, and filled again from what was handed in.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from backend.domain.journal import Network
from bench.report import Report

ROOT = Path(__file__).parent.parent
SEEDS, FAULTS_A_LIFE = 2, 25
FINAL_LIFTS, PENDING_LIFTS, LIFTS_A_SEGMENT = 100_000, 1_000, 250


def missing_material() -> list[str]:
    """Return nothing: it makes its own."""
    return []


def prove(report: Report, *, seeds: int = SEEDS) -> None:
    """Live days with seeds that nobody chose, and compare."""
    # The tests' helpers are plain modules beside one another.
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "chain")]
    from tests.faults.injector import NODES

    report.say(f"\n## {seeds * len(NODES) * FAULTS_A_LIFE} faults\n")
    began = time.monotonic()
    for _ in range(seeds):
        _prove_seed(report, secrets.token_hex(4))
    _prove_wipe(report)
    report.say(f"- it took {time.monotonic() - began:.0f} s")


def _prove_seed(report: Report, seed: str) -> None:
    from tests.faults.injector import NODES, draw_faults, live_in_peace, live_with_faults, what_differs

    repeat = f"HUANLIAN_FAULT_SEED={seed} HUANLIAN_FAULTS={FAULTS_A_LIFE} scripts/test tests/faults"
    report.say(f"- seed {seed}; to repeat: `{repeat}`")
    with tempfile.TemporaryDirectory(prefix="huanlian-faults-") as folder:
        quiet = live_in_peace(Path(folder) / "quiet", seed, faults=FAULTS_A_LIFE)
        for node in NODES:
            kinds = {fault.value for fault in draw_faults(node, FAULTS_A_LIFE, seed)}
            what = f"{FAULTS_A_LIFE} faults of {len(kinds)} kinds on {node.name}: the same books, the same facts"
            try:
                disturbed = live_with_faults(Path(folder) / str(node.is_forking), seed, node, faults=FAULTS_A_LIFE)
            except Exception as error:  # whatever went wrong, the other lives are worth living
                report.check(what, False, f"{type(error).__name__}: {error}")
                continue
            found = what_differs(quiet, disturbed) or f"{len(quiet)} facts"
            report.check(what, disturbed == quiet, found)


def _prove_wipe(report: Report) -> None:
    from tests.faults.day import long_day
    from tests.faults.injector import live_through_a_wipe
    from tests.faults.neutral import recorded_lines

    def day_of(network: Network) -> Any:
        days.append(long_day(network, lifts=FINAL_LIFTS + PENDING_LIFTS, lifts_a_segment=LIFTS_A_SEGMENT))
        return days[0]

    days: list[Any] = []
    pending = PENDING_LIFTS // LIFTS_A_SEGMENT
    with tempfile.TemporaryDirectory(prefix="huanlian-wiped-") as folder:
        found = live_through_a_wipe(Path(folder), day_of, pending=pending)
    wanted = recorded_lines(days[0].segments)
    held = [line for line in found if line.startswith('["recorded"')]
    report.check(
        f"a devnet wiped after {FINAL_LIFTS} final and {PENDING_LIFTS} pending lifts holds each entry once again",
        held == wanted,
        f"{len(held)} of {len(wanted)} entries",
    )
