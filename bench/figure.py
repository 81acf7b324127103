"""What a figure is, and how one is printed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured value; `spread` is (largest - smallest) / median of its runs."""

    figure: str
    value: float
    unit: str
    runs: int
    spread: float

    def line(self) -> str:
        """Return the figure as one line of JSON."""
        value = round(self.value, 1 if self.value < 10_000 else 0)
        return json.dumps({**self.__dict__, "value": value, "spread": round(self.spread, 3)})


def figure_of(name: str, values: Sequence[float], unit: str) -> Figure:
    """Return the median of several runs, and how far they lie apart."""
    median = statistics.median(values)
    return Figure(name, median, unit, len(values), (max(values) - min(values)) / median)
