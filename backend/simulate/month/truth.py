"""What was hidden in a month, for whoever wants to score a radar. It never goes into the books."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from backend.simulate.month.month import Month


def truth_of(month: Month) -> dict[str, Any]:
    """Return all frauds, each with who did it and the entries that lie, and what is wrong in consequence.

    Devices, vehicles and entries are written as everywhere: 16 hex digits, and (device, seq).
    """
    return {
        "format": "huanlian-month-truth-1",
        "seed": month.district.seed,
        "midnight": month.midnight,
        "days": month.days,
        "lifts": month.lifts,
        "frauds": [
            {
                "kind": case.kind,
                "how": case.how,
                "day": case.day,
                "culprit": f"{case.culprit:016x}",
                "entries": [[f"{device:016x}", seq] for device, seq in sorted(case.lines)],
                "implied": [[kind, f"{device:016x}", seq] for kind, device, seq in sorted(case.implied)],
            }
            for case in month.journals.cases
        ],
    }


def write_truth(month: Month, path: Path) -> None:
    """Write the truth to a file, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(truth_of(month), file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
