"""docs/reports/DATE-bench.md: what was measured, beside what was asked for."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.charts import chart
from bench.goals import Measured

FOLDER = Path(__file__).parent.parent / "docs" / "reports"


def write_report(measured: Sequence[Measured], *, now: datetime | None = None, folder: Path = FOLDER) -> Path:
    """Write the report and its chart; return where the report is."""
    name = f"{now or datetime.now(UTC):%Y-%m-%d}-bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.svg").write_text(chart(measured), encoding="utf-8")
    path = folder / f"{name}.md"
    path.write_text("\n".join(_lines(measured, name)) + "\n", encoding="utf-8")
    return path


def _lines(measured: Sequence[Measured], name: str) -> list[str]:
    cores = os.cpu_count() or 1
    return [
        f"# What scripts/bench measured on {name.removesuffix('-bench')}",
        "",
        f"{cores} cores ({platform.machine()}), Python {platform.python_version()}. Load is the machine's in the"
        f" minute before and after a figure; far above {cores},",
        "others worked on it at the same time, and what is measured in seconds is worse than it would be alone.",
        "Gas and counts do not depend on it. Spread is (largest - smallest) / median of the runs; for a 95th",
        "percentile, how far the slowest lies above it.",
        "",
        f"![Figures beside their goals]({name}.svg)",
        "",
        "| figure | value | unit | goal | keeps it | runs | spread | peak MB | load |",
        "|---|--:|---|--:|---|--:|--:|--:|--:|",
        *(_row(one) for one in measured),
    ]


def _row(one: Measured) -> str:
    figure, goal = one.figure, one.goal
    verdict = "" if goal is None else "yes" if goal.times(figure.value) >= 1 else "**no**"
    cells = [
        figure.figure,
        f"{figure.shown_value:,}".removesuffix(".0"),
        figure.unit,
        "" if goal is None else goal.text,
        verdict,
        f"{figure.runs}",
        f"{figure.spread:.3f}",
        "" if figure.peak_mb is None else f"{figure.peak_mb:,.0f}",
        f"{one.load_before:.1f}, {one.load_after:.1f}",
    ]
    return f"| {' | '.join(cells)} |"
