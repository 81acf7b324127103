"""A drawing as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from backend.labels.lettering import Lettering
from backend.labels.shapes import Code, Drawing, Fill, Path, Step, Words, polygon

_FALLBACK = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif"


def to_svg(drawing: Drawing, *, lettering: Lettering) -> str:
    """Return a self-contained SVG; letters are shapes, and the same text is there for screen readers."""
    spoken = " · ".join(item.text for item in drawing.items if isinstance(item, Words))
    size = f'width="{drawing.width:g}mm" height="{drawing.height:g}mm"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {drawing.width:g} {drawing.height:g}" '
        f'role="img" aria-label={quoteattr(spoken)}>',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for item in drawing.items:
        if isinstance(item, Fill):
            lines.append(_shape(item.path, item.colour))
        elif isinstance(item, Code):
            lines.append(_shape(code_path(item), "#000000", ' shape-rendering="crispEdges"'))
        else:
            lines.append(_words(item, lettering))
    return "\n".join([*lines, "</svg>\n"])


def code_path(code: Code) -> Path:
    """Return the outline of the dark modules.

    Neighbours become one shape: separate squares would show hairlines between them on a screen.
    """
    module = code.size / len(code.rows)
    ahead: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for start, end in _edges(code.rows):
        ahead.setdefault(start, []).append(end)
    steps: list[Step] = []
    while ahead:
        first = at = next(iter(ahead))
        corners = [at]
        while True:
            nexts = ahead[at]
            following = nexts.pop()
            if not nexts:
                del ahead[at]
            at = following
            if at == first:
                break
            corners.append(at)
        points = [(code.x + x * module, code.y + y * module) for x, y in _without_straights(corners)]
        steps += polygon(points).steps
    return Path(tuple(steps))


_Corner = tuple[int, int]


def _edges(rows: tuple[tuple[bool, ...], ...]) -> Iterator[tuple[_Corner, _Corner]]:
    """Yield the edges between dark and light, the dark on their right hand."""
    side = len(rows)

    def is_dark(x: int, y: int) -> bool:
        return 0 <= x < side and 0 <= y < side and rows[y][x]

    for y in range(side):
        for x in range(side):
            if rows[y][x]:
                if not is_dark(x, y - 1):
                    yield (x, y), (x + 1, y)
                if not is_dark(x + 1, y):
                    yield (x + 1, y), (x + 1, y + 1)
                if not is_dark(x, y + 1):
                    yield (x + 1, y + 1), (x, y + 1)
                if not is_dark(x - 1, y):
                    yield (x, y + 1), (x, y)


def _without_straights(corners: list[_Corner]) -> list[_Corner]:
    """Return the corners at which the outline turns."""
    turns = []
    for index, (x, y) in enumerate(corners):
        (x0, y0), (x1, y1) = corners[index - 1], corners[(index + 1) % len(corners)]
        if (x - x0) * (y1 - y) != (y - y0) * (x1 - x):
            turns.append((x, y))
    return turns


def _shape(path: Path, colour: str, more: str = "") -> str:
    data = "".join(kind + " ".join(f"{round(v, 3):g}" for v in values) for kind, values in path.steps)
    return f'<path d="{data}" fill="{colour}"{more}/>'


def _words(words: Words, lettering: Lettering) -> str:
    outline = lettering.outline(words)
    if outline is not None:
        return _shape(outline, words.colour)
    weight = "bold" if words.bold else "normal"
    return (
        f'<text x="{words.x:g}" y="{words.y:g}" font-size="{words.size:g}" font-weight="{weight}" '
        f'font-family="{_FALLBACK}" text-anchor="{words.anchor}" fill="{words.colour}">'
        f"{escape(words.text)}</text>"
    )
