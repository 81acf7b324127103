"""A shift of 500 lifts without signal, handed in over a line that is cut 50 times."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.browsing import missing_commands, open_town
from bench.report import Report

LIFTS, BY_CAMERA, CUTS = 500, 20, 50


def missing_material() -> list[str]:
    """Return the commands that are not there."""
    return missing_commands("chromium", "ffmpeg")


def prove(report: Report) -> None:
    """Live the shift in two real browsers, and hold the ledger against what the phones had sealed."""
    report.say(f"\n## {LIFTS} lifts without signal, {CUTS} cuts\n")
    with tempfile.TemporaryDirectory(prefix="huanlian-shift-") as folder, open_town(Path(folder)) as town:
        from cutting_line import CuttingLine

        with CuttingLine(urlsplit(town.system.url).port or 0) as line:
            _live(report, replace(town, system=replace(town.system, url=line.url)), line)


def _live(report: Report, town: Any, line: Any) -> None:
    from offline_shift import begin_shift, cuts_of, differences, recorded_of, sealed_by, wait_recorded

    shift = begin_shift(town)
    began = time.monotonic()
    shift.go_offline()
    shift.work(lifts=LIFTS, by_camera=BY_CAMERA)
    shift.end()
    worked = time.monotonic() - began
    sealed = [sealed_by(phone) for phone in shift.phones]
    report.check("all lifts were sealed with no network", shift.lifted == LIFTS, f"{shift.lifted}, {worked:.0f} s")
    report.say(
        f"- {BY_CAMERA} of them by camera, two lots handed over by codes read off the other's screen; the page was"
        " reloaded, killed while it sealed, and its storage full, once each"
    )
    line.plan(cuts_of(CUTS, seed="long shift", passing=2))
    began = time.monotonic()
    shift.come_back(line)
    struck = Counter(cut.value for cut in line.struck)
    told = ", ".join(f"{count} {where}" for where, count in sorted(struck.items()))
    report.check(f"the upload was cut {CUTS} times", len(line.struck) >= CUTS, told)
    report.say(
        f"- then all was sent; finding the line again after every cut took {time.monotonic() - began:.0f} s"
    )
    for name, phone, before in zip(("crew", "gate"), shift.phones, sealed, strict=True):
        wait_recorded(town.system, before)
        recorded = recorded_of(town.system, phone.device)
        faults = differences(before, recorded)
        what = (
            f"each of the {name}'s {len(before.words)} entries is on the ledger once, in the bytes sealed offline"
        )
        report.check(
            what, not faults, "; ".join(faults[:5]) or f"{len(recorded)} segments, the same words and seals"
        )
        report.check(f"the {name}'s phone sealed nothing anew", sealed_by(phone) == before, "the same journal")
    holders = {town.system.get(f"/api/v1/lots/{lot}")["holder"] for lot in shift.lots}
    report.check("both lots are the gate's", holders == {shift.gate.device}, ", ".join(sorted(holders)))
    report.check(
        "both phones asked nobody but us", shift.asked <= {line.url, "data:"}, ", ".join(sorted(shift.asked))
    )
