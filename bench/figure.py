"""What a figure is, and how one is printed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Figure:
    """A measured value; `spread` is (largest - smallest) / median of its runs.

    `peak_mb` is the largest memory of the process that did the work, where that is one of its own.
    """

    figure: str
    value: float
    unit: str
    runs: int
    spread: float
    peak_mb: float | None = None

    def named(self, name: str) -> Figure:
        """Return the same figure under another name."""
        return replace(self, figure=name)

    @property
    def shown_value(self) -> float:
        """The value with as many digits as mean something."""
        return round(self.value, 3 if self.value < 10 else 1 if self.value < 10_000 else 0)

    def line(self) -> str:
        """Return the figure as one line of JSON."""
        shown = {**self.__dict__, "value": self.shown_value, "spread": round(self.spread, 3)}
        if self.peak_mb is None:
            del shown["peak_mb"]
        return json.dumps(shown)


def figure_of(name: str, values: Sequence[float], unit: str, *, peak_mb: float | None = None) -> Figure:
    """Return the median of several runs, and how far they lie apart."""
    median = statistics.median(values)
    return Figure(name, median, unit, len(values), (max(values) - min(values)) / median, peak_mb)
