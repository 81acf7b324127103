"""Glyph outlines of an OpenType font, so that labels look the same on every screen and printer.

Reads what labels need and no more: single fonts and collections, TrueType (`glyf`) and PostScript (`CFF `)
outlines, `cmap` formats 4 and 12. No hinting, no kerning, no variations.

Source: OpenType 1.9; Adobe Technical Notes 5176 (CFF) and 5177 (Type 2 charstrings).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath

from backend.labels.shapes import Path, Step


class FontNotReadable(ValueError):
    """The file is not a font that labels can be drawn with."""


@dataclass(frozen=True)
class Glyph:
    """One character's shape: em = 1, baseline at 0, y upwards."""

    advance: float
    path: Path


class Font:
    """One face of a font file."""

    def __init__(self, path: FilePath, *, face: int = 0) -> None:
        self.path, self.face = path, face
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            start = 0
            if self._data[:4] == b"ttcf":
                (start,) = self._read(">I", 12 + 4 * face)
            (count,) = self._read(">H", start + 4)
            self._tables: dict[bytes, int] = {}
            for index in range(count):
                at = start + 12 + 16 * index
                (self._tables[self._data[at : at + 4]],) = self._read(">I", at + 8)
            (self.units_per_em,) = self._read(">H", self._tables[b"head"] + 18)
            (self._metrics,) = self._read(">H", self._tables[b"hhea"] + 34)
        except (OSError, ValueError, KeyError, struct.error) as error:
            raise FontNotReadable(f"{path}: {error}") from error
        if b"CFF " not in self._tables and b"glyf" not in self._tables:
            raise FontNotReadable(f"{path}: no outlines")
        self._known: dict[str, Glyph] = {}

    def has(self, character: str) -> bool:
        """Whether the font can show this character."""
        return ord(character) in self._glyph_numbers

    def glyph(self, character: str) -> Glyph:
        """Return the character's shape, or the font's empty box when it has none."""
        found = self._known.get(character)
        if found is None:
            number = self._glyph_numbers.get(ord(character), 0)
            hmtx = self._tables[b"hmtx"]
            (advance,) = self._read(">H", hmtx + 4 * min(number, self._metrics - 1))
            steps = self._charstrings.steps(number) if b"CFF " in self._tables else self._glyf(number)
            unit = 1 / self.units_per_em
            path = Path(tuple(steps)).moved(0, 0, scale_x=unit, scale_y=unit)
            found = self._known[character] = Glyph(advance * unit, path)
        return found

    def _read(self, form: str, offset: int) -> tuple[int, ...]:
        return struct.unpack_from(form, self._data, offset)

    @cached_property
    def _glyph_numbers(self) -> dict[int, int]:
        table = self._tables[b"cmap"]
        (count,) = self._read(">H", table + 2)
        numbers: dict[int, int] = {}
        for index in range(count):
            platform, encoding, offset = self._read(">HHI", table + 4 + 8 * index)
            if (platform == 0 and encoding != 5) or (platform == 3 and encoding in (1, 10)):
                (form,) = self._read(">H", table + offset)
                if form == 12:
                    numbers.update(self._cmap_12(table + offset))
                elif form == 4:
                    numbers = dict(self._cmap_4(table + offset)) | numbers
        return numbers

    def _cmap_12(self, start: int) -> Iterator[tuple[int, int]]:
        (groups,) = self._read(">I", start + 12)
        for index in range(groups):
            first, last, number = self._read(">III", start + 16 + 12 * index)
            yield from ((code, number + code - first) for code in range(first, last + 1))

    def _cmap_4(self, start: int) -> Iterator[tuple[int, int]]:
        (double,) = self._read(">H", start + 6)
        for index in range(double // 2):
            at = start + 14 + 2 * index
            (last,) = self._read(">H", at)
            (first,) = self._read(">H", at + double + 2)
            (delta,) = self._read(">H", at + 2 * double + 2)
            (reach,) = self._read(">H", at + 3 * double + 2)
            for code in range(first, min(last, 0xFFFE) + 1):
                number = code
                if reach:
                    (number,) = self._read(">H", at + 3 * double + 2 + reach + 2 * (code - first))
                    if number == 0:
                        continue
                if (number + delta) & 0xFFFF:
                    yield code, (number + delta) & 0xFFFF

    @cached_property
    def _charstrings(self) -> _Charstrings:
        return _Charstrings(self._data, self._tables[b"CFF "])

    def _glyf(self, number: int, depth: int = 0) -> list[Step]:
        (is_long,) = self._read(">H", self._tables[b"head"] + 50)
        loca, glyf = self._tables[b"loca"], self._tables[b"glyf"]
        if is_long:
            start, end = self._read(">II", loca + 4 * number)
        else:
            start, end = (2 * half for half in self._read(">HH", loca + 2 * number))
        if start == end or depth > 5:
            return []
        (contours,) = self._read(">h", glyf + start)
        if contours < 0:
            return list(self._composite(glyf + start + 10, depth))
        return self._simple(glyf + start + 10, contours)

    def _simple(self, at: int, contours: int) -> list[Step]:
        ends = self._read(f">{contours}H", at)
        (instructions,) = self._read(">H", at + 2 * contours)
        at += 2 * contours + 2 + instructions
        flags: list[int] = []
        while ends and len(flags) <= ends[-1]:
            flag = self._data[at]
            at += 1
            flags.append(flag)
            if flag & 8:
                flags += [flag] * self._data[at]
                at += 1
        axes: list[list[int]] = []
        for short, same in ((2, 16), (4, 32)):
            value, values = 0, []
            for flag in flags:
                if flag & short:
                    value += self._data[at] if flag & same else -self._data[at]
                    at += 1
                elif not flag & same:
                    value += self._read(">h", at)[0]
                    at += 2
                values.append(value)
            axes.append(values)
        steps: list[Step] = []
        begin = 0
        for end in ends:
            points = [(axes[0][i], axes[1][i], flags[i] & 1) for i in range(begin, end + 1)]
            steps += _quadratic_outline(points)
            begin = end + 1
        return steps

    def _composite(self, at: int, depth: int) -> Iterator[Step]:
        more = True
        while more:
            flags, number = self._read(">HH", at)
            dx, dy = self._read(">hh" if flags & 1 else ">bb", at + 4)
            at += 8 if flags & 1 else 6
            a, b, c, d = 1.0, 0.0, 0.0, 1.0
            if flags & 8:
                a = d = self._read(">h", at)[0] / 16384
                at += 2
            elif flags & 64:
                a, d = (v / 16384 for v in self._read(">hh", at))
                at += 4
            elif flags & 128:
                a, b, c, d = (v / 16384 for v in self._read(">hhhh", at))
                at += 8
            for kind, v in self._glyf(number, depth + 1):
                moved: list[float] = []
                for x, y in zip(v[::2], v[1::2], strict=True):
                    moved += [a * x + c * y + dx, b * x + d * y + dy]
                yield kind, tuple(moved)
            more = bool(flags & 32)


def _quadratic_outline(points: list[tuple[int, int, int]]) -> list[Step]:
    """Return one TrueType contour as cubics; two handles in a row have a point half-way between them."""
    full: list[tuple[float, float, int]] = []
    for index, point in enumerate(points):
        before = points[index - 1]
        if not before[2] and not point[2]:
            full.append(((before[0] + point[0]) / 2, (before[1] + point[1]) / 2, 1))
        full.append(point)
    first = next((index for index, point in enumerate(full) if point[2]), None)
    if first is None:
        return []
    full = full[first:] + full[: first + 1]
    x0, y0, _ = full[0]
    steps: list[Step] = [("M", (x0, y0))]
    handle: tuple[float, float] | None = None
    for x, y, on_curve in full[1:]:
        if not on_curve:
            handle = (x, y)
            continue
        if handle is None:
            steps.append(("L", (x, y)))
        else:
            hx, hy = handle
            curve = (
                x0 + 2 / 3 * (hx - x0),
                y0 + 2 / 3 * (hy - y0),
                x + 2 / 3 * (hx - x),
                y + 2 / 3 * (hy - y),
            )
            steps.append(("C", (*curve, x, y)))
        x0, y0, handle = x, y, None
    return [*steps, ("Z", ())]


class _Index:
    """A CFF INDEX: items by number, read when asked for."""

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self._data = data
        self.count = int.from_bytes(data[at : at + 2], "big")
        self._width = data[at + 2] if self.count else 0
        self._offsets = at + 3
        self._base = self._offsets + (self.count + 1) * self._width - 1
        self.end = self._base + self._offset(self.count) if self.count else at + 2

    def _offset(self, number: int) -> int:
        at = self._offsets + number * self._width
        return int.from_bytes(self._data[at : at + self._width], "big")

    def __getitem__(self, number: int) -> bytes:
        return self._data[self._base + self._offset(number) : self._base + self._offset(number + 1)]


def _dictionary(data: bytes) -> dict[int, list[int]]:
    """Return a CFF DICT; two-byte operators are 1200 + the second byte, real numbers (none is used) 0."""
    found: dict[int, list[int]] = {}
    operands: list[int] = []
    at = 0
    while at < len(data):
        byte = data[at]
        at += 1
        if byte <= 21:
            if byte == 12:
                byte, at = 1200 + data[at], at + 1
            found[byte], operands = operands, []
        elif byte == 28:
            operands.append(int.from_bytes(data[at : at + 2], "big", signed=True))
            at += 2
        elif byte == 29:
            operands.append(int.from_bytes(data[at : at + 4], "big", signed=True))
            at += 4
        elif byte == 30:
            while data[at] & 15 != 15 and data[at] >> 4 != 15:
                at += 1
            at += 1
            operands.append(0)
        elif byte <= 246:
            operands.append(byte - 139)
        else:
            high = (byte - 247) * 256 + 108 if byte <= 250 else -(byte - 251) * 256 - 108
            operands.append(high + data[at] if byte <= 250 else high - data[at])
            at += 1
    return found


class _Charstrings:
    """The outlines in a `CFF ` table."""

    def __init__(self, data: mmap.mmap, start: int) -> None:
        self._data, self._start = data, start
        names = _Index(data, start + data[start + 2])
        tops = _Index(data, names.end)
        strings = _Index(data, tops.end)
        self._global = _Index(data, strings.end)
        top = _dictionary(tops[0])
        self._glyphs = _Index(data, start + top[17][0])
        if 1236 in top:
            fonts = _Index(data, start + top[1236][0])
            self._locals = [self._local(_dictionary(fonts[i])) for i in range(fonts.count)]
            self._select: int | None = start + top[1237][0]
        else:
            self._locals, self._select = [self._local(top)], None

    def _local(self, font: dict[int, list[int]]) -> _Index | None:
        if 18 not in font:
            return None
        size, offset = font[18]
        at = self._start + offset
        private = _dictionary(self._data[at : at + size])
        return _Index(self._data, at + private[19][0]) if 19 in private else None

    def _font_of(self, number: int) -> int:
        if self._select is None:
            return 0
        at = self._select
        if self._data[at] == 0:
            return self._data[at + 1 + number]
        (count,) = struct.unpack_from(">H", self._data, at + 1)
        low, high = 0, count - 1
        while low < high:
            middle = (low + high + 1) // 2
            if struct.unpack_from(">H", self._data, at + 3 + 3 * middle)[0] <= number:
                low = middle
            else:
                high = middle - 1
        return self._data[at + 5 + 3 * low]

    def steps(self, number: int) -> list[Step]:
        """Return a glyph's outlines in font units."""
        run = _Charstring(self._global, self._locals[self._font_of(number)])
        run.execute(self._glyphs[number], 0)
        return run.finished()


class _Charstring:
    """Runs one Type 2 charstring."""

    def __init__(self, global_: _Index, local: _Index | None) -> None:
        self._global, self._local = global_, local
        self._stack: list[float] = []
        self._x = self._y = 0.0
        self._stems = 0
        self._steps: list[Step] = []

    def finished(self) -> list[Step]:
        if self._steps and self._steps[-1][0] != "Z":
            self._steps.append(("Z", ()))
        return self._steps

    def execute(self, code: bytes, depth: int) -> bool:
        """Run `code`; whether the glyph has ended."""
        if depth > 10:
            raise FontNotReadable("subroutines call each other without end")
        at = 0
        while at < len(code):
            byte = code[at]
            at += 1
            if byte == 28:
                self._stack.append(int.from_bytes(code[at : at + 2], "big", signed=True))
                at += 2
            elif byte == 255:
                self._stack.append(int.from_bytes(code[at : at + 4], "big", signed=True) / 65536)
                at += 4
            elif byte >= 247:
                sign, first = (1, 247) if byte <= 250 else (-1, 251)
                self._stack.append(sign * ((byte - first) * 256 + code[at] + 108))
                at += 1
            elif byte >= 32:
                self._stack.append(byte - 139)
            elif byte in (10, 29):
                index = self._global if byte == 29 else self._local
                if index is None:
                    raise FontNotReadable("a subroutine is missing")
                bias = 107 if index.count < 1240 else 1131 if index.count < 33900 else 32768
                if self.execute(index[int(self._stack.pop()) + bias], depth + 1):
                    return True
            elif byte == 11:
                return False
            elif byte == 14:
                return True
            elif byte in (19, 20):
                self._stems += len(self._stack) // 2
                at += (self._stems + 7) // 8
                self._stack.clear()
            else:
                if byte == 12:
                    byte, at = 1200 + code[at], at + 1
                self._draw(byte)
                self._stack.clear()
        return False

    def _draw(self, operator: int) -> None:
        s = self._stack
        if operator in (1, 3, 18, 23):
            self._stems += len(s) // 2
        elif operator == 21:
            self._move(s[-2], s[-1])
        elif operator == 22:
            self._move(s[-1], 0)
        elif operator == 4:
            self._move(0, s[-1])
        elif operator == 5:
            self._lines(s)
        elif operator in (6, 7):
            for index, value in enumerate(s):
                is_flat = (index % 2 == 0) == (operator == 6)
                self._line(value if is_flat else 0, 0 if is_flat else value)
        elif operator == 8:
            self._curves(s)
        elif operator == 24:
            self._curves(s[:-2])
            self._line(s[-2], s[-1])
        elif operator == 25:
            self._lines(s[:-6])
            self._curve(*s[-6:])
        elif operator in (26, 27):
            self._straight_curves(s, is_flat=operator == 27)
        elif operator in (30, 31):
            self._turning_curves(s, is_flat=operator == 31)
        elif operator == 1235:
            self._curves(s[:12])
        elif operator == 1234:
            self._curve(s[0], 0, s[1], s[2], s[3], 0)
            self._curve(s[4], 0, s[5], -s[2], s[6], 0)
        elif operator == 1236:
            self._curve(s[0], s[1], s[2], s[3], s[4], 0)
            self._curve(s[5], 0, s[6], s[7], s[8], -(s[1] + s[3] + s[7]))
        elif operator == 1237:
            dx, dy = s[0] + s[2] + s[4] + s[6] + s[8], s[1] + s[3] + s[5] + s[7] + s[9]
            self._curve(*s[:6])
            last_x, last_y = (s[10], -dy) if abs(dx) > abs(dy) else (-dx, s[10])
            self._curve(s[6], s[7], s[8], s[9], last_x, last_y)
        else:
            raise FontNotReadable(f"operator {operator} is not known")

    def _move(self, dx: float, dy: float) -> None:
        self.finished()
        self._x, self._y = self._x + dx, self._y + dy
        self._steps.append(("M", (self._x, self._y)))

    def _line(self, dx: float, dy: float) -> None:
        self._x, self._y = self._x + dx, self._y + dy
        self._steps.append(("L", (self._x, self._y)))

    def _lines(self, s: list[float]) -> None:
        for at in range(0, len(s) - 1, 2):
            self._line(s[at], s[at + 1])

    def _curve(self, ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> None:
        x1, y1 = self._x + ax, self._y + ay
        x2, y2 = x1 + bx, y1 + by
        self._x, self._y = x2 + cx, y2 + cy
        self._steps.append(("C", (x1, y1, x2, y2, self._x, self._y)))

    def _curves(self, s: list[float]) -> None:
        for at in range(0, len(s) - 5, 6):
            self._curve(*s[at : at + 6])

    def _straight_curves(self, s: list[float], *, is_flat: bool) -> None:
        """hhcurveto and vvcurveto: both ends point along one axis."""
        aside = s[0] if len(s) % 4 else 0
        for at in range(len(s) % 4, len(s), 4):
            a, bx, by, c = s[at : at + 4]
            if is_flat:
                self._curve(a, aside, bx, by, c, 0)
            else:
                self._curve(aside, a, bx, by, 0, c)
            aside = 0

    def _turning_curves(self, s: list[float], *, is_flat: bool) -> None:
        """hvcurveto and vhcurveto: each curve begins along one axis and ends along the other."""
        for at in range(0, len(s) - 3, 4):
            a, bx, by, c = s[at : at + 4]
            aside = s[-1] if len(s) - at == 5 else 0
            if is_flat:
                self._curve(a, 0, bx, by, aside, c)
            else:
                self._curve(0, a, bx, by, c, aside)
            is_flat = not is_flat
