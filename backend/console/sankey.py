"""Places the nodes and bands of a flow picture: grams from left to right, or from top to bottom on a phone.

Plain arithmetic over given nodes and bands; the template draws what comes out, in SVG without styles of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_PASSES_MAX = 12
_LEAST_BREADTH = 3.0


@dataclass(frozen=True)
class Node:
    """A place or an end. `layer` is the earliest column in which it may stand."""

    key: str
    label: str
    layer: int
    href: str = ""


@dataclass(frozen=True)
class Band:
    """Grams from one node to another. `group` names its colour."""

    source: str
    target: str
    group: str
    grams: int
    href: str
    title: str


@dataclass(frozen=True)
class Box:
    """A node with its place; `at` runs along the flow, `start` and `end` across it."""

    node: Node
    grams: int
    layer: int
    at: float
    start: float
    end: float

    @property
    def middle(self) -> float:
        """Halfway across."""
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class Ribbon:
    """A band with the outline that fills it."""

    band: Band
    path: str


@dataclass(frozen=True)
class Picture:
    """All that is drawn, in a frame of so many units."""

    width: float
    height: float
    is_upright: bool
    thickness: float
    layers: int
    boxes: tuple[Box, ...]
    ribbons: tuple[Ribbon, ...]


def layers_of(nodes: Iterable[Node], bands: Sequence[Band]) -> dict[str, int]:
    """Return the column of each node: behind all that flows into it, as far as there is no circle."""
    layers = {node.key: node.layer for node in nodes}
    for _ in range(_PASSES_MAX):
        moved = False
        for band in bands:
            least = layers[band.source] + 1
            if band.source != band.target and layers[band.target] < least <= _PASSES_MAX:
                layers[band.target], moved = least, True
        if not moved:
            break
    used = sorted(set(layers.values()))
    return {key: used.index(layer) for key, layer in layers.items()}


def picture_of(
    nodes: Sequence[Node],
    bands: Sequence[Band],
    *,
    length: float,
    breadth: float,
    gap: float,
    is_upright: bool = False,
    thickness: float = 12,
    margin: float = 0,
) -> Picture:
    """Return the picture: `length` along the flow, `breadth` across it; `margin` is left free behind the last.

    A band that would run backwards, as between two that give to each other, is left to the table.
    """
    layers = layers_of(nodes, bands)
    forward = [band for band in bands if layers[band.source] < layers[band.target]]
    sums = _sums(nodes, forward)
    columns: dict[int, list[Node]] = {}
    for node in nodes:
        if sums[node.key]:
            columns.setdefault(layers[node.key], []).append(node)
    count = max(columns, default=0) + 1
    heaviest = max((sum(sums[node.key] for node in column) for column in columns.values()), default=0)
    most = max((len(column) for column in columns.values()), default=1)
    scale = max(breadth - gap * (most - 1), breadth / 4) / heaviest if heaviest else 0.0
    step = (length - margin - thickness) / max(count - 1, 1)
    boxes: dict[str, Box] = {}
    for layer, column in sorted(columns.items()):
        ordered = sorted(column, key=lambda node: _pull(node, forward, boxes))
        sizes = [max(sums[node.key] * scale, _LEAST_BREADTH) for node in ordered]
        free = breadth - sum(sizes)
        between = free / (len(ordered) + 1) if is_upright else min(gap, free / max(len(ordered) - 1, 1))
        start = between if is_upright else (breadth - sum(sizes) - between * (len(ordered) - 1)) / 2
        for node, size in zip(ordered, sizes, strict=True):
            boxes[node.key] = Box(node, sums[node.key], layer, layer * step, start, start + size)
            start += size + between
    ribbons = _ribbons(forward, boxes, sums, thickness, is_upright)
    width, height = (breadth, length) if is_upright else (length, breadth)
    return Picture(width, height, is_upright, thickness, count, tuple(boxes.values()), tuple(ribbons))


def _sums(nodes: Sequence[Node], bands: Sequence[Band]) -> dict[str, int]:
    inward = {node.key: 0 for node in nodes}
    outward = dict(inward)
    for band in bands:
        outward[band.source] += band.grams
        inward[band.target] += band.grams
    return {key: max(inward[key], outward[key]) for key in inward}


def _pull(node: Node, bands: Sequence[Band], boxes: Mapping[str, Box]) -> float:
    """Stand near what flows in, so that few bands cross."""
    flowing = [(boxes[b.source].middle, b.grams) for b in bands if b.target == node.key and b.source in boxes]
    grams = sum(weight for _, weight in flowing)
    return sum(middle * weight for middle, weight in flowing) / grams if grams else 0.0


def _ribbons(
    bands: Sequence[Band],
    boxes: Mapping[str, Box],
    sums: Mapping[str, int],
    thickness: float,
    is_upright: bool,
) -> list[Ribbon]:
    left = {key: box.start for key, box in boxes.items()}
    arrived = dict(left)
    drawn = []
    for band in sorted(bands, key=lambda b: (boxes[b.source].start, boxes[b.target].start, b.group)):
        source, target = boxes[band.source], boxes[band.target]
        here = (source.end - source.start) * band.grams / sums[band.source]
        there = (target.end - target.start) * band.grams / sums[band.target]
        a, b = left[band.source], arrived[band.target]
        left[band.source], arrived[band.target] = a + here, b + there
        path = _outline(source.at + thickness, a, a + here, target.at, b, b + there, is_upright)
        drawn.append(Ribbon(band, path))
    return drawn


def _outline(x0: float, a0: float, a1: float, x1: float, b0: float, b1: float, is_upright: bool) -> str:
    """Return a band's outline: along one edge, across, and back along the other."""
    middle = (x0 + x1) / 2

    def point(along: float, across: float) -> str:
        x, y = (across, along) if is_upright else (along, across)
        return f"{x:.1f} {y:.1f}"

    def curve(first: float, second: float, to: float, across0: float, across1: float) -> str:
        return f"C{point(first, across0)} {point(second, across1)} {point(to, across1)}"

    return (
        f"M{point(x0, a0)}{curve(middle, middle, x1, a0, b0)}L{point(x1, b1)}{curve(middle, middle, x0, b1, a1)}Z"
    )
