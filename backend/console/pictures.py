"""The streams' pictures for the page: the drawings of the labels as SVG paths."""

from __future__ import annotations

from functools import cache
from typing import Final

from markupsafe import Markup

from backend.domain.types import Stream
from backend.labels.icons import icon
from backend.labels.streams import SIGNS

SLUGS: Final = {
    Stream.RECYCLABLE: "recyclable",
    Stream.HAZARDOUS: "hazardous",
    Stream.FOOD: "food",
    Stream.RESIDUAL: "residual",
}


def slug_of(stream: int) -> str:
    """Return the stream's word for style sheets; `unknown` for a number that is none of the four."""
    return {int(known): slug for known, slug in SLUGS.items()}.get(stream, "unknown")


@cache
def stream_symbol(stream: Stream) -> Markup:
    """Return the stream's picture as an SVG symbol: white on a round square of its colour."""
    colour = SIGNS[stream].colour
    shapes = Markup("").join(
        Markup('<path d="{}" fill="{}"/>').format(
            "".join(kind + " ".join(f"{round(v, 2):g}" for v in values) for kind, values in fill.path.steps),
            fill.colour,
        )
        for fill in icon(stream, x=6, y=6, size=28, ink="#ffffff", ground=colour)
    )
    return Markup(
        '<symbol id="stream-{}" viewBox="0 0 40 40"><rect width="40" height="40" rx="9" fill="{}"/>{}</symbol>'
    ).format(SLUGS[stream], colour, shapes)


def stream_symbols() -> Markup:
    """Return all four."""
    return Markup("").join(stream_symbol(stream) for stream in Stream)
