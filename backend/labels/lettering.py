"""Which font labels are written in, and how wide a line of it is.

Decision: docs/decisions/0003-label-font.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final
from unicodedata import east_asian_width

from backend.labels.opentype import Font, FontNotReadable
from backend.labels.shapes import Path, Words, joined

Face = tuple[str, int]
"""A font file and the number of the face in it."""

KNOWN_FONTS: Final[tuple[tuple[Face, Face], ...]] = (
    (
        ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
        ("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc", 2),
    ),
    (
        ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
        ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc", 2),
    ),
    (
        ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
        ("/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc", 2),
    ),
    (
        ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
        ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ),
    (
        ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
        ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
    ),
    (("C:/Windows/Fonts/msyh.ttc", 0), ("C:/Windows/Fonts/msyhbd.ttc", 0)),
    (("C:/Windows/Fonts/simhei.ttf", 0), ("C:/Windows/Fonts/simhei.ttf", 0)),
    (
        ("/System/Library/Fonts/STHeiti Light.ttc", 1),
        ("/System/Library/Fonts/STHeiti Medium.ttc", 1),
    ),
)
"""Regular and bold, best first: Noto has simplified, traditional and Hong Kong characters in both weights."""

_SAMPLE: Final = "环链厨余a0"


@dataclass(frozen=True)
class Lettering:
    """The label font in two weights; `None` when this machine has none."""

    regular: Font | None
    bold: Font | None

    def font(self, *, bold: bool) -> Font | None:
        """Return the font of a weight."""
        return self.bold if bold else self.regular

    def width(self, text: str, *, size: float, bold: bool = False) -> float:
        """Return the length of a line; an estimate by character class when there is no font."""
        font = self.font(bold=bold)
        if font is None:
            return sum(1.0 if east_asian_width(c) in "WFA" else 0.6 for c in text) * size
        return sum(font.glyph(c).advance for c in text) * size

    def size_that_fits(self, text: str, *, size: float, width: float, bold: bool = False) -> float:
        """Return `size`, or the smaller one at which the line is not longer than `width`."""
        found = self.width(text, size=size, bold=bold)
        return size if found <= width else size * width / found

    def missing(self, text: str) -> set[str]:
        """Return the characters that would print as empty boxes."""
        return {c for c in text if self.regular is not None and not c.isspace() and not self.regular.has(c)}

    def start_of(self, words: Words) -> float:
        """Return where the line begins, wherever it is anchored."""
        if words.anchor == "start":
            return words.x
        width = self.width(words.text, size=words.size, bold=words.bold)
        return words.x - (width if words.anchor == "end" else width / 2)

    def outline(self, words: Words) -> Path | None:
        """Return the line as shapes; `None` when there is no font."""
        font = self.font(bold=words.bold)
        if font is None:
            return None
        x = self.start_of(words)
        paths = []
        for character in words.text:
            glyph = font.glyph(character)
            paths.append(glyph.path.moved(x, words.y, scale_x=words.size, scale_y=-words.size))
            x += glyph.advance * words.size
        return joined(paths)


def find_lettering(wanted: FilePath | None = None) -> Lettering:
    """Return the font in `wanted`, else the first known one on this machine, else none.

    Raises:
        FontNotReadable: `wanted` cannot be read or has no Chinese.
    """
    if wanted is not None:
        for face in (2, 0) if wanted.suffix.lower() in (".ttc", ".otc") else (0,):
            font = _open((str(wanted), face))
            if font is not None:
                return Lettering(regular=font, bold=font)
        raise FontNotReadable(f"{wanted} is not a font with Chinese characters.")
    return first_lettering(KNOWN_FONTS)


def first_lettering(pairs: Iterable[tuple[Face, Face]]) -> Lettering:
    """Return the first pair that this machine has; the regular weight stands in for a missing bold."""
    for regular_face, bold_face in pairs:
        regular = _open(regular_face)
        if regular is not None:
            return Lettering(regular=regular, bold=_open(bold_face) or regular)
    return Lettering(regular=None, bold=None)


def _open(face: Face) -> Font | None:
    path, number = face
    try:
        font = Font(FilePath(path), face=number)
        return font if all(font.has(c) for c in _SAMPLE) else None
    except FontNotReadable:
        return None
