"""Writes a month and the truth about it: `python -m bench.month SEED FOLDER [STREETS DAYS CHEATS_A_THOUSAND]`."""

from __future__ import annotations

import sys
from pathlib import Path

from backend.simulate.month.month import make
from backend.simulate.month.size import Size
from backend.simulate.month.truth import write_truth
from backend.store.session import Database
from bench.month.books import write_books


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
    month = make(seed, Size(streets), days=days, a_thousand_truck_days=rate)
    write_truth(month, folder / "truth.json")
    segments = write_books(month, Database(f"sqlite:///{folder / 'books.db'}"))
    print(f"{month.lifts} lifts, {segments} segments, {len(month.journals.cases)} frauds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
