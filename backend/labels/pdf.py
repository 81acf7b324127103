"""A4 sheets of labels as PDF."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Final

from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]
from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
from reportlab.pdfgen.pathobject import PDFPathObject  # type: ignore[import-untyped]

from backend.labels.layout import HEIGHT_MM, WIDTH_MM
from backend.labels.lettering import Lettering
from backend.labels.opentype import Font
from backend.labels.shapes import Code, Drawing, Fill, Path, Words
from backend.labels.svg import code_path

PAGE_WIDTH_MM, PAGE_HEIGHT_MM = 210.0, 297.0
CID_FONT: Final = "STSong-Light"
_INVISIBLE = 3
_MARK_MM = 3.0


@dataclass(frozen=True)
class Sheet:
    """How labels lie on an A4 page; the defaults are the usual eight-up sticker sheet."""

    columns: int = 2
    rows: int = 4
    gap_x_mm: float = 2.5
    gap_y_mm: float = 0.0

    @property
    def per_page(self) -> int:
        """Labels on a full page."""
        return self.columns * self.rows

    def corners(self) -> list[tuple[float, float]]:
        """Return the upper left corner of each label, in millimetres from the page's upper left."""
        width = self.columns * WIDTH_MM + (self.columns - 1) * self.gap_x_mm
        height = self.rows * HEIGHT_MM + (self.rows - 1) * self.gap_y_mm
        left, top = (PAGE_WIDTH_MM - width) / 2, (PAGE_HEIGHT_MM - height) / 2
        return [
            (left + column * (WIDTH_MM + self.gap_x_mm), top + row * (HEIGHT_MM + self.gap_y_mm))
            for row in range(self.rows)
            for column in range(self.columns)
        ]


EIGHT_UP: Final = Sheet()


def to_pdf(drawings: Iterable[Drawing], *, lettering: Lettering, sheet: Sheet = EIGHT_UP) -> bytes:
    """Return the sheets as one PDF; the same drawings give the same bytes.

    Letters are drawn as shapes, so no viewer or printer needs a font; the text lies invisibly over them and
    can still be searched and copied. Without a font the viewer's own Chinese font is used.
    """
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1, invariant=1)
    canvas.setTitle("环链 Huanlian 桶标签")
    canvas.setCreator("Huanlian")
    pdfmetrics.registerFont(UnicodeCIDFont(CID_FONT))
    pen = _Pen(canvas, lettering)
    remaining = iter(drawings)
    page = 0
    while batch := list(islice(remaining, sheet.per_page)):
        page += 1
        _cut_marks(canvas, sheet)
        for drawing, (x, y) in zip(batch, sheet.corners(), strict=False):
            pen.draw(drawing, x=x, y=y)
        pen.write(Words(f"{page}", PAGE_WIDTH_MM / 2, PAGE_HEIGHT_MM - 4.5, 2.6, "#8a8f96", anchor="middle"), 0, 0)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _cut_marks(canvas: Canvas, sheet: Sheet) -> None:
    """Draw short lines in the margins, in line with every cut."""
    corners = sheet.corners()
    xs = sorted({x for x, _ in corners} | {x + WIDTH_MM for x, _ in corners})
    ys = sorted({y for _, y in corners} | {y + HEIGHT_MM for _, y in corners})
    canvas.setStrokeColor(HexColor("#8a8f96"))
    canvas.setLineWidth(0.2)
    for x in xs:
        for start in (ys[0] - 1 - _MARK_MM, ys[-1] + 1):
            canvas.line(x * mm, (PAGE_HEIGHT_MM - start) * mm, x * mm, (PAGE_HEIGHT_MM - start - _MARK_MM) * mm)
    for y in ys:
        for start in (xs[0] - 0.6 - _MARK_MM, xs[-1] + 0.6):
            canvas.line(start * mm, (PAGE_HEIGHT_MM - y) * mm, (start + _MARK_MM) * mm, (PAGE_HEIGHT_MM - y) * mm)
    if sheet.gap_x_mm > 0:
        for x in xs[1:-1]:
            for y in ys[1:-1]:
                canvas.line(x * mm, (PAGE_HEIGHT_MM - y - 1) * mm, x * mm, (PAGE_HEIGHT_MM - y + 1) * mm)


class _Pen:
    """Draws in millimetres from the page's upper left; keeps each letter once in the file."""

    def __init__(self, canvas: Canvas, lettering: Lettering) -> None:
        self._canvas, self._lettering = canvas, lettering
        self._letters: dict[tuple[bool, str], str] = {}

    def draw(self, drawing: Drawing, *, x: float, y: float) -> None:
        """Draw a label with its upper left corner at (x, y)."""
        for item in drawing.items:
            if isinstance(item, Words):
                self.write(item, x, y)
            elif isinstance(item, Code):
                self._fill(Fill(code_path(item), "#000000"), x, y)
            else:
                self._fill(item, x, y)

    def write(self, words: Words, x: float, y: float) -> None:
        """Write a line of text whose place is relative to (x, y)."""
        font = self._lettering.font(bold=words.bold)
        base = PAGE_HEIGHT_MM - y - words.y
        self._canvas.setFillColor(HexColor(words.colour))
        if font is None:
            self._write_with_viewers_font(words, x=(x + words.x) * mm, base=base * mm)
            return
        left = x + self._lettering.start_of(words)
        em = words.size * mm
        at = left * mm
        for character in words.text:
            name = self._letter(font, character, bold=words.bold)
            self._canvas.saveState()
            self._canvas.transform(em, 0, 0, em, at, base * mm)
            self._canvas.doForm(name)
            self._canvas.restoreState()
            at += font.glyph(character).advance * em
        self._copyable(words.text, left=left, base=base, size=words.size, width=at - left * mm)

    def _copyable(self, text: str, *, left: float, base: float, size: float, width: float) -> None:
        natural = pdfmetrics.stringWidth(text, CID_FONT, size * mm) or 1
        line = self._canvas.beginText(left * mm, base * mm)
        line.setTextRenderMode(_INVISIBLE)
        line.setFont(CID_FONT, size * mm)
        line.setHorizScale(100 * width / natural)
        line.textOut(text)
        line.setHorizScale(100)
        line.setTextRenderMode(0)
        self._canvas.drawText(line)

    def _write_with_viewers_font(self, words: Words, *, x: float, base: float) -> None:
        self._canvas.setFont(CID_FONT, words.size * mm)
        if words.anchor == "start":
            self._canvas.drawString(x, base, words.text)
        elif words.anchor == "end":
            self._canvas.drawRightString(x, base, words.text)
        else:
            self._canvas.drawCentredString(x, base, words.text)

    def _letter(self, font: Font, character: str, *, bold: bool) -> str:
        key = bold, character
        if key not in self._letters:
            name = f"letter-{'b' if bold else 'r'}-{ord(character):x}"
            self._canvas.beginForm(name, lowerx=-1, lowery=-1, upperx=2, uppery=2)
            self._trace(font.glyph(character).path)
            self._canvas.endForm()
            self._letters[key] = name
        return self._letters[key]

    def _fill(self, fill: Fill, x: float, y: float) -> None:
        self._canvas.setFillColor(HexColor(fill.colour))
        self._trace(fill.path.moved(x * mm, (PAGE_HEIGHT_MM - y) * mm, scale_x=mm, scale_y=-mm))

    def _trace(self, path: Path) -> None:
        outline: PDFPathObject = self._canvas.beginPath()
        for kind, v in path.steps:
            if kind == "M":
                outline.moveTo(*v)
            elif kind == "L":
                outline.lineTo(*v)
            elif kind == "C":
                outline.curveTo(*v)
            else:
                outline.close()
        self._canvas.drawPath(outline, stroke=0, fill=1, fillMode=1)
