"""The signs of outcomes, and the lines under a picture that explain its signs and colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from canvas import Canvas, text_width
from frames import Frame
from words import FLAW_COLOUR, OUTCOME_COLOURS, OUTCOME_NAMES, STREAM_COLOURS, STREAM_NAMES

from backend.domain.types import Flaw, Outcome, Stream

PAPER, INK, MARGIN = "#ffffff", "#4a5568", 24.0
LINE = 20


def draw_sign(canvas: Canvas, x: float, y: float, outcome: Outcome) -> None:
    """Draw an outcome's sign, white, around a point."""
    d = {
        Outcome.APPLIED: f"M{x - 3.8:.1f} {y + 0.2:.1f}l2.8 2.8l5 -5.6",
        Outcome.DEFERRED: f"M{x:.1f} {y - 4:.1f}v4l3 2",
        Outcome.LATE: f"M{x:.1f} {y - 4:.1f}v4l3 2",
        Outcome.CONFLICT: f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6",
        Outcome.QUARANTINED: f"M{x - 2.3:.1f} {y - 3.5:.1f}v7m4.6 -7v7",
        Outcome.INVALID: f"M{x - 3.6:.1f} {y:.1f}h7.2",
        Outcome.UNKNOWN: f"M{x - 1:.1f} {y + 3.6:.1f}h2",
    }[outcome]
    canvas.path("marks", d, stroke=PAPER, width=1.8, more='stroke-linecap="round" stroke-linejoin="round"')


def draw_carried_sign(canvas: Canvas, x: float, y: float) -> None:
    """Draw the mark of a step that writes nothing: it carries up what others wrote."""
    canvas.circle("marks", x, y, 8, fill=INK)
    _draw_white(canvas, f"M{x:.1f} {y + 4:.1f}v-8m-3.5 3.5l3.5 -3.5l3.5 3.5")


def _draw_white(canvas: Canvas, d: str) -> None:
    canvas.path("marks", d, stroke=PAPER, width=1.8, more='stroke-linecap="round" stroke-linejoin="round"')


class Legend:
    """Explains what one picture uses, in as many lines as its width asks for."""

    def __init__(
        self, canvas: Canvas, width: float, streams: set[int], frames: list[Frame], has_given: bool
    ) -> None:
        self.canvas = canvas
        self.keys = self._keys(streams, frames, has_given)
        self.places: list[tuple[float, int]] = []
        x, line = MARGIN, 0
        for _, label in self.keys:
            advance = 44 + text_width(label, 11)
            if x > MARGIN and x + advance > width - MARGIN:
                x, line = MARGIN, line + 1
            self.places.append((x, line))
            x += advance
        self.height = LINE * (line + 1)

    def draw(self, top: float) -> None:
        """Draw the lines, the first of them at this height."""
        for (x, line), (draw_key, label) in zip(self.places, self.keys, strict=True):
            y = top + LINE * line
            draw_key(x, y)
            self.canvas.text(x + 26, y + 4, label, size=11, fill=INK)

    def _keys(
        self, streams: set[int], frames: list[Frame], has_given: bool
    ) -> list[tuple[Callable[[float, float], None], str]]:
        keys: list[tuple[Callable[[float, float], None], str]] = []
        for stream in sorted(streams):
            colour, (zh, en) = STREAM_COLOURS[Stream(stream)], STREAM_NAMES[Stream(stream)]
            keys.append((partial(self._ribbon_key, colour, False), f"{zh} {en}"))
        if has_given:
            keys.append((partial(self._ribbon_key, "#a0aec0", True), "已交出待接收 given, not taken yet"))
        said = {outcome for frame in frames for outcome in (frame.first, frame.last) if outcome is not None}
        for outcome in sorted(said):
            zh, en = OUTCOME_NAMES[outcome]
            keys.append((partial(self._outcome_key, outcome), f"{zh} {en}"))
        if any(frame.flaw != Flaw.NONE and frame.last == Outcome.APPLIED for frame in frames):
            keys.append((partial(self._ring_key, FLAW_COLOUR), "已生效但有问题 applied, with a flaw"))
        if any(frame.first != frame.last for frame in frames):
            keys.append(
                (
                    partial(self._ring_key, OUTCOME_COLOURS[Outcome.DEFERRED]),
                    "外圈：先前的回答 ring: the first answer",
                )
            )
        if any("of" in frame.step.says for frame in frames):
            keys.append((self._about_key, "关于第几步 the step it is about"))
        if any(frame.last is None for frame in frames):
            keys.append((self._carried_key, "上传 carried up"))
        return keys

    def _ribbon_key(self, colour: str, is_given: bool, x: float, y: float) -> None:
        self.canvas.rect("marks", x, y - 3.5, 20, 7, fill=colour, radius=3.5)
        if is_given:
            more = 'stroke-dasharray="2.5 4"'
            self.canvas.path("marks", f"M{x + 2:.1f} {y:.1f}h16", stroke=PAPER, width=3.5, more=more)

    def _outcome_key(self, outcome: Outcome, x: float, y: float) -> None:
        self.canvas.circle("marks", x + 11, y, 8, fill=OUTCOME_COLOURS[outcome])
        draw_sign(self.canvas, x + 11, y, outcome)

    def _ring_key(self, colour: str, x: float, y: float) -> None:
        self.canvas.circle("marks", x + 11, y, 9, fill=colour)
        self.canvas.circle("marks", x + 11, y, 7, fill=PAPER)

    def _about_key(self, x: float, y: float) -> None:
        self.canvas.pill(x, y, "↑", fill=INK)

    def _carried_key(self, x: float, y: float) -> None:
        draw_carried_sign(self.canvas, x + 11, y)
