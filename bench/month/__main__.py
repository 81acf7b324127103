"""Writes a month and the truth about it: `python -m bench.month SEED FOLDER [STREETS DAYS CHEATS_A_THOUSAND]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from backend.store.session import Database
from bench.month.books import write_books
from bench.month.month import make


def main() -> int:
    """Write books.db and truth.json into a new folder; return the exit status."""
    if len(sys.argv) not in (3, 6) or not all(number.isdecimal() for number in sys.argv[3:]):
        print(__doc__, file=sys.stderr)
        return 2
    seed, folder = sys.argv[1], Path(sys.argv[2])
    streets, days, rate = map(int, sys.argv[3:] or ("16", "30", "60"))
    if folder.exists():
        print(f"{folder} is there already", file=sys.stderr)
        return 2
    folder.mkdir(parents=True)
    month = make(seed, streets=streets, days=days, a_thousand_truck_days=rate)
    truth = [
        {
            "kind": case.kind,
            "how": case.how,
            "day": case.day,
            "entries": [[f"{device:016x}", seq] for device, seq in sorted(case.lines)],
            "implied": [[kind, f"{device:016x}", seq] for kind, device, seq in sorted(case.implied)],
        }
        for case in month.journals.cases
    ]
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    segments = write_books(month, Database(f"sqlite:///{folder / 'books.db'}"))
    print(f"{month.lifts} lifts, {segments} segments, {len(truth)} frauds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
