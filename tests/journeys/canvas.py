"""SVG in the making: shapes, and text that knows how wide it is."""

from __future__ import annotations

from html import escape

FONTS = "'Noto Sans SC','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',system-ui,sans-serif"
_WIDE_FROM = 0x2E80
_NARROW = frozenset("iljtfI.,:;'|!()[] ")
_BROAD = frozenset("mwMW%@")
_NEVER_FIRST = frozenset("，。、；：）？！")


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is drawn: Chinese is square, Latin about half."""
    width = 0.0
    for character in text:
        if ord(character) >= _WIDE_FROM:
            width += 1
        elif character in _NARROW:
            width += 0.31
        elif character in _BROAD:
            width += 0.87
        else:
            width += 0.56
    return width * size


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text no wider than this; Latin words stay whole, a line begins with no comma."""
    parts: list[str] = []
    for character in text:
        is_glued = parts and ord(character) < _WIDE_FROM and character != " " and parts[-1][-1] != " "
        if parts and ((is_glued and ord(parts[-1][-1]) < _WIDE_FROM) or character in _NEVER_FIRST):
            parts[-1] += character
        else:
            parts.append(character)
    lines = [""]
    for part in parts:
        if lines[-1] and text_width(lines[-1] + part, size) > width:
            lines.append("")
        lines[-1] += part if lines[-1] or part != " " else ""
    return [line.rstrip() for line in lines]


class Canvas:
    """Collects shapes in layers; later layers lie over earlier ones."""

    def __init__(self) -> None:
        self.layers: dict[str, list[str]] = {name: [] for name in ("ground", "ribbons", "lines", "marks", "text")}

    def add(self, layer: str, shape: str) -> None:
        self.layers[layer].append(shape)

    def rect(
        self,
        layer: str,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str,
        radius: float = 0,
        stroke: str = "none",
    ) -> None:
        self.add(
            layer,
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}" '
            f'fill="{fill}" stroke="{stroke}"/>',
        )

    def path(self, layer: str, d: str, *, stroke: str, width: float, more: str = "") -> None:
        self.add(layer, f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:g}" {more}/>')

    def circle(self, layer: str, x: float, y: float, radius: float, *, fill: str, stroke: str = "none") -> None:
        self.add(layer, f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}" stroke="{stroke}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        fill: str = "#1a202c",
        bold: bool = False,
        anchor: str = "start",
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self.add(
            "text",
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}" text-anchor="{anchor}"{weight}>'
            f"{escape(text)}</text>",
        )

    def pill(self, x: float, y: float, text: str, *, fill: str, ink: str = "#ffffff", size: float = 10.5) -> float:
        """Draw a text in a round box whose middle is at y; return the box's width."""
        width = text_width(text, size) + 12
        self.rect("marks", x, y - 8.5, width, 17, fill=fill, radius=8.5)
        self.text(x + width / 2, y + 3.8, text, size=size, fill=ink, anchor="middle", bold=True)
        return width

    def svg(self, width: float, height: float, title: str) -> str:
        """Return the picture."""
        body = "\n".join(shape for layer in self.layers.values() for shape in layer)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" role="img" font-family="{FONTS}">\n'
            f"<title>{escape(title)}</title>\n{body}\n</svg>\n"
        )
