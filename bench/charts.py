"""A chart of figures beside their goals, as SVG: a bar a figure, on a scale of how many times the goal it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.goals import Measured

_WIDTH, _ROW, _TOP, _NAMES, _VALUES = 920, 26, 40, 210, 240
_LEAST, _MOST = 0.1, 10.0
_KEEPS, _MISSES, _TEXT, _FAINT = "#2f7d5b", "#b5482f", "#24292f", "#8a929a"


def chart(measured: Sequence[Measured]) -> str:
    """Return an SVG of those figures that have a goal; a bar to the right of the line keeps it."""
    rows = [one for one in measured if one.goal is not None]
    height = _TOP + _ROW * len(rows) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}"',
        f' height="{height}" font-family="system-ui, sans-serif" font-size="12" role="img">',
        "<title>Figures beside their goals</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for times, label in ((0.1, "÷10"), (1.0, "goal"), (10.0, "×10")):
        x = _place(times)
        dash = "" if times == 1 else ' stroke-dasharray="2 3"'
        parts.append(f'<path d="M{x:.1f} {_TOP - 8}V{height - 8}" stroke="{_FAINT}"{dash}/>')
        parts.append(_label(x, _TOP - 14, label, anchor="middle", colour=_FAINT))
    for number, one in enumerate(rows):
        parts += _bar(one, _TOP + _ROW * number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(one: Measured, y: int) -> list[str]:
    assert one.goal is not None
    times = one.goal.times(one.figure.value)
    x, middle, colour = _place(times), _place(1), _KEEPS if times >= 1 else _MISSES
    left, width = min(x, middle), max(abs(x - middle), 2)
    text = f"{one.figure.shown_value:,} {one.figure.unit} (goal {one.goal.text})"
    return [
        _label(_NAMES - 12, y + 13, one.figure.figure, anchor="end"),
        f'<rect x="{left:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 9}" rx="2" fill="{colour}"/>',
        _label(_WIDTH - _VALUES - 18, y + 13, text),
    ]


def _place(times: float) -> float:
    """Return where on the logarithmic scale this is; what lies beyond it, at its end."""
    share = math.log(min(max(times, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return _NAMES + share * (_WIDTH - _NAMES - _VALUES - 40)


def _label(x: float, y: float, text: str, *, anchor: str = "start", colour: str = _TEXT) -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
