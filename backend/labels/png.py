"""A drawing as a PNG picture."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from backend.labels.lettering import Lettering
from backend.labels.opentype import FontNotReadable
from backend.labels.shapes import Code, Drawing, Fill, Words, flattened

DOTS_PER_INCH = 300
_FINER = 3
"""Curves are drawn this much larger and then made small, which smooths their edges."""


def to_png(drawing: Drawing, *, lettering: Lettering, dots_per_inch: int = DOTS_PER_INCH) -> bytes:
    """Return the picture, with its resolution written in it.

    Raises:
        FontNotReadable: there is no font, and a picture cannot leave letters to its viewer.
    """
    return _encoded(draw(drawing, lettering=lettering, dots_per_inch=dots_per_inch), dots_per_inch)


def draw(drawing: Drawing, *, lettering: Lettering, dots_per_inch: int = DOTS_PER_INCH) -> Image.Image:
    """Return the picture as pixels; see `to_png`."""
    scale = dots_per_inch / 25.4
    size = round(drawing.width * scale), round(drawing.height * scale)
    large = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), "#ffffff")
    pen = ImageDraw.Draw(large)
    for item in drawing.items:
        if isinstance(item, Fill):
            for outline in flattened(item.path):
                pen.polygon([(x * scale * _FINER, y * scale * _FINER) for x, y in outline], fill=item.colour)
        elif isinstance(item, Words):
            _write(pen, item, lettering, scale * _FINER)
    image = large.resize(size, Image.Resampling.LANCZOS)
    for item in drawing.items:
        if isinstance(item, Code):
            _print_code(image, item, scale)
    return image


def _write(pen: ImageDraw.ImageDraw, words: Words, lettering: Lettering, scale: float) -> None:
    font = lettering.font(bold=words.bold)
    if font is None:
        raise FontNotReadable("No Chinese font was found; name one with --font.")
    basic = ImageFont.Layout.BASIC
    face = ImageFont.truetype(str(font.path), words.size * scale, index=font.face, layout_engine=basic)
    start = lettering.start_of(words) * scale, words.y * scale
    pen.text(start, words.text, font=face, fill=words.colour, anchor="ls")


def _print_code(image: Image.Image, code: Code, scale: float) -> None:
    """Print whole pixels only: a module's edge between two pixels is what decoders stumble over."""
    count = len(code.rows)
    module = max(1, int(code.size * scale / count))
    left = round((code.x + code.size / 2) * scale - module * count / 2)
    top = round((code.y + code.size / 2) * scale - module * count / 2)
    modules = Image.new("1", (count, count), 1)
    modules.putdata([0 if is_dark else 1 for row in code.rows for is_dark in row])
    large = modules.resize((module * count, module * count), Image.Resampling.NEAREST)
    image.paste(large.convert("RGB"), (left, top))


def _encoded(image: Image.Image, dots_per_inch: int) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", dpi=(dots_per_inch, dots_per_inch), optimize=True)
    return out.getvalue()
