"""How long an audit of a million lifts takes: every seal, head and outcome, by the command that people run.

Segments of 250 lifts, and of 50, where five times as many seals have to be checked. Each run is a process of its
own from the first block to the report, and begins anew; `peak_mb` is the largest of its processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from bench import city
from bench.figure import Figure, figure_of
from bench.figures import index

LIFTS, RUNS = index.LIFTS, 3


@cache
def material(lifts_a_segment: int) -> city.RunningChain:
    """Return the chain; that of segments of 250 serves the figures of the index as well."""
    if lifts_a_segment == city.LIFTS_A_SEGMENT:
        return index.material()
    return city.running_chain(LIFTS, index.TRUCKS, lifts_a_segment=lifts_a_segment)


def audit(chain: city.RunningChain) -> tuple[float, float]:
    """Audit a chain; return the seconds it took and the largest memory in MB."""
    with tempfile.TemporaryDirectory(prefix="huanlian-audit-") as folder:
        trust, report = Path(folder) / "trust.json", Path(folder) / "report.json"
        chain.deployment.save_trust(trust)
        command = [sys.executable, "-m", "backend.cli", "audit", "--rpc", chain.url]
        command += ["--trust", str(trust), "--report", str(report)]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.returncode
        found = json.loads(report.read_bytes())
    assert (found["counted"]["lifts"], found["faults_found"]) == (chain.lifts, 0), found["counted"]
    assert found["compared"]["ledger_state"] is not None, "the node did not keep the last block's state"
    return seconds, used.ru_maxrss / 1024


def audit_seconds(name: str, *, lifts_a_segment: int = city.LIFTS_A_SEGMENT) -> Callable[[], Figure]:
    """Return the figure: seconds of an audit."""

    def measure() -> Figure:
        chain = material(lifts_a_segment)
        runs = [audit(chain) for _ in range(RUNS)]
        peak_mb = max(peak for _, peak in runs)
        return figure_of(name, [seconds for seconds, _ in runs], "s", peak_mb=round(peak_mb, 1))

    return measure
