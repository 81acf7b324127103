"""What is too long for the tests; writes a dated report. `scripts/prove [PART ...]`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from bench.report import Report

ROOT = Path(__file__).parent.parent
PARTS = (
    *("differential", "cities", "static", "coverage", "proofs", "faults", "radar", "api"),
    *("shift", "decode", "pages"),
)
"""Modules beside this one, each loaded when it is wanted: `missing_material()`, and `prove(report)`."""


def main() -> int:
    """Run everything, or the named parts; write docs/reports/DATE-prove.md; return the exit status."""
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    parts = [import_module(f"bench.{name}") for name in wanted]
    missing = [path for part in parts for path in part.missing_material()]
    if missing:
        print(f"real material is not there: {', '.join(missing)}", file=sys.stderr)
        return 2
    report = Report()
    now = datetime.now(UTC)
    report.say(f"# What scripts/prove showed on {now:%Y-%m-%d}\n")
    for part in parts:
        part.prove(report)
    some = "" if set(wanted) == set(PARTS) else "-" + "-".join(wanted)
    path = ROOT / "docs" / "reports" / f"{now:%Y-%m-%d}-prove{some}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(report.lines) + "\n", encoding="utf-8")
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
