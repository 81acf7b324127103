"""What stands where on a bin's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import qrcode  # type: ignore[import-untyped]
from qrcode.constants import ERROR_CORRECT_Q  # type: ignore[import-untyped]

from backend.domain.label import LabelSerial, human_readable, label_url
from backend.domain.types import BinNumber, Stream, bin_text
from backend.labels.icons import icon
from backend.labels.lettering import Lettering
from backend.labels.shapes import Code, Drawing, Fill, Item, Words, rectangle
from backend.labels.streams import SIGNS

WIDTH_MM: Final = 99.1
HEIGHT_MM: Final = 67.7
"""The usual eight-up sticker, so plain paper and ready-cut sheets both serve."""

_INK, _QUIET_INK, _PAPER = "#1a1a1a", "#5f6368", "#ffffff"
_MARGIN = 3.4
_SMALLEST_MM = 1.9


@dataclass(frozen=True)
class BinLabel:
    """What a label says."""

    number: BinNumber
    serial: LabelSerial
    stream: Stream
    point_zh: str
    point_en: str = ""


def bin_code(number: BinNumber) -> str:
    """Return a bin number in groups that can be read out over the phone: `3f2 09b 71c4`."""
    text = bin_text(number)
    return f"{text[:3]} {text[3:6]} {text[6:]}"


def qr_rows(text: str) -> tuple[tuple[bool, ...], ...]:
    """Return the modules of a QR code without its quiet zone; a quarter of it may be lost (level Q)."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=0)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def draw_label(label: BinLabel, *, base_url: str, lettering: Lettering) -> Drawing:
    """Return the whole label: stream, code, place, bin code and the code's text.

    Raises:
        BadBaseUrl: labels cannot carry that address.
    """
    sign = SIGNS[label.stream]
    panel_width, panel_height = 45.0, 43.0
    items: list[Item] = [
        Fill(rectangle(_MARGIN, _MARGIN, panel_width, panel_height, radius=2.4), sign.colour),
        *icon(
            label.stream,
            x=_MARGIN + (panel_width - 20) / 2,
            y=_MARGIN + 3.2,
            size=20,
            ink=_PAPER,
            ground=sign.colour,
        ),
    ]
    middle = _MARGIN + panel_width / 2
    items += [
        Words(sign.zh, middle, _MARGIN + 33.2, 8.8, _PAPER, bold=True, anchor="middle"),
        Words(sign.en, middle, _MARGIN + 39.4, 4.0, _PAPER, anchor="middle"),
    ]
    items.append(_code(label, base_url=base_url, right=WIDTH_MM - _MARGIN, top=_MARGIN, side=panel_height))
    items += _place(label, lettering=lettering, top=_MARGIN + panel_height)
    return Drawing(width=WIDTH_MM, height=HEIGHT_MM, items=tuple(items))


def _code(label: BinLabel, *, base_url: str, right: float, top: float, side: float) -> Code:
    """Return the code in the middle of its square.

    Its quiet zone of four modules is the white around it: 1.5 inside the square, the rest beyond.
    """
    rows = qr_rows(label_url(label.serial, base_url=base_url))
    module = side / (len(rows) + 3)
    inset = 1.5 * module
    return Code(rows, x=right - side + inset, y=top + inset, size=module * len(rows))


def _place(label: BinLabel, *, lettering: Lettering, top: float) -> list[Item]:
    right = WIDTH_MM - _MARGIN
    code = bin_code(label.number)
    code_width = lettering.width(code, size=5.4, bold=True)
    room = right - _MARGIN - code_width - 4
    items: list[Item] = [
        Words("桶号 Bin", right, top + 5.2, 2.5, _QUIET_INK, anchor="end"),
        Words(code, right, top + 10.9, 5.4, _INK, bold=True, anchor="end"),
        Fill(rectangle(_MARGIN, top + 13.9, right - _MARGIN, 0.25), "#c9ccd1"),
        Words(human_readable(label.serial), _MARGIN, top + 17.6, 2.4, _QUIET_INK),
        Words("环链 Huanlian，扫码查去向", right, top + 17.6, 2.4, _QUIET_INK, anchor="end"),
    ]
    lines, size = fitted(label.point_zh, lettering=lettering, width=room)
    english = lettering.size_that_fits(label.point_en, size=2.9, width=room) if label.point_en else 0
    if len(lines) == 1 and english >= _SMALLEST_MM:
        items.append(Words(label.point_en, _MARGIN, top + 10.9, english, _QUIET_INK))
        first = top + 6.2
    else:
        first = top + 7.4 - (len(lines) - 1) * size * 0.62 + size * 0.3
    items += [
        Words(line, _MARGIN, first + row * size * 1.24, size, _INK, bold=True) for row, line in enumerate(lines)
    ]
    return items


def fitted(text: str, *, lettering: Lettering, width: float) -> tuple[list[str], float]:
    """Return the lines of a name and the largest letters in which it has room; what has none ends in `…`."""
    for size, count in ((4.4, 1), (4.0, 2), (3.4, 2), (2.8, 3), (2.3, 4), (_SMALLEST_MM, 5)):
        lines = wrapped(text, lettering=lettering, size=size, width=width, lines=count)
        if lettering.width(lines[-1], size=size, bold=True) <= width:
            return lines, size
    while lettering.width(lines[-1] + "…", size=size, bold=True) > width:
        lines[-1] = lines[-1][:-1]
    return [*lines[:-1], lines[-1] + "…"], size


def wrapped(text: str, *, lettering: Lettering, size: float, width: float, lines: int) -> list[str]:
    """Return `text` in as few lines as hold it at `size`; the last takes the rest, whatever its length."""
    found: list[str] = []
    rest = text.strip() or " "
    while len(found) < lines - 1 and lettering.width(rest, size=size, bold=True) > width:
        end = next(
            n
            for n in range(len(rest), 0, -1)
            if n == 1 or lettering.width(rest[:n], size=size, bold=True) <= width
        )
        space = rest.rfind(" ", 1, end + 1)
        if space > 0 and rest[end : end + 1].isascii():
            end = space
        found.append(rest[:end].strip())
        rest = rest[end:].strip()
    return [*found, rest]
