"""`scripts/bench [FIGURE ...]`: one JSON line a figure."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench.figure import Figure
from bench.figures.gas import gas_per_lift_250
from bench.figures.lifts import index_sqlite_lifts_per_s, mine_lifts_per_s, seal_lifts_per_s

FIGURES: dict[str, Callable[[], Figure]] = {
    "gas_per_lift_250": gas_per_lift_250,
    "seal_lifts_per_s": seal_lifts_per_s,
    "mine_lifts_per_s": mine_lifts_per_s,
    "index_sqlite_lifts_per_s": index_sqlite_lifts_per_s,
}


def main() -> int:
    """Measure all figures, or the named ones."""
    wanted = sys.argv[1:] or list(FIGURES)
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown:
        print(f"no such figure: {', '.join(unknown)}; there are: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    for name in wanted:
        print(FIGURES[name]().line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
