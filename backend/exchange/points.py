"""Collection points out of somebody's table: every row is imported or refused, and says why.

What is refused: a row that is not a point (no code, no name, no stream), one that says it twice, and one
whose times are wrong, since times decide a day's plan. What is imported with a warning: a row whose position
is wrong. A truck still stops there, so the point is kept *without* position; nothing is swapped by guess.

Nothing here reads a file or a clock.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from typing import Final, Protocol

from backend.domain.types import Stream
from backend.exchange.mapping import WORLD, ColumnMapping
from backend.exchange.tables import Row, Table

NAME_CHARACTERS_MAX: Final = 500
LAST_HOUR: Final = 29
"""A service day ends before six the next morning: 2410 is ten past midnight, 3000 is a mistake."""

MESSAGES: Final[Mapping[str, tuple[str, str]]] = {
    "wrong-cell-count": (
        "本行有 {value} 格，表头有 {other} 格",
        "the row has {value} cells, the header {other}",
    ),
    "exact-duplicate": ("与第 {other} 行完全相同", "the same as line {other}, cell by cell"),
    "duplicate-code": ("编号 {value} 已在第 {other} 行出现", "code {value} is on line {other} already"),
    "blank": ("必填项为空", "a value is needed here"),
    "too-long": ("超过 {other} 个字符", "longer than {other} characters"),
    "control-character": ("含有控制字符", "holds a control character"),
    "stream-unknown": ("未知的类别“{value}”", "{value!r} is no stream that the mapping knows"),
    "stream-ignored": ("类别“{value}”未导入", "{value!r} is known but not imported"),
    "time-not-readable": ("无法识别的时间“{value}”", "{value!r} is no time of day"),
    "leaves-before-arrives": (
        "离开时间 {value} 早于到达时间 {other}",
        "leaves at {value}, before it arrives at {other}",
    ),
    "coordinates-incomplete": (
        "只有一个坐标，未导入位置",
        "one of two coordinates is blank; imported without position",
    ),
    "coordinates-not-a-number": (
        "坐标“{value}”不是数字，未导入位置",
        "{value!r} is no number; imported without position",
    ),
    "coordinates-zero": ("坐标为 0,0，未导入位置", "the position is 0,0; imported without position"),
    "coordinates-swapped": (
        "经纬度疑似颠倒（{value}），未导入位置",
        "latitude and longitude look swapped ({value}); imported without position",
    ),
    "coordinates-outside": (
        "坐标（{value}）不在该来源的范围内，未导入位置",
        "the position ({value}) is outside this source's area; imported without position",
    ),
}
"""Reason code → Chinese and English."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_CLOCK: Final = re.compile(r"([0-9]{1,2}):?([0-9]{2})(?::([0-9]{2}))?")


@dataclass(frozen=True)
class CollectionPoint:
    """One place where bins stand or a truck stops. Times are seconds after midnight of the service day."""

    source: str
    code: str
    name_zh: str
    name_zh_hans: str
    name_en: str
    address: str
    district: str
    lat: float | None
    lng: float | None
    streams: tuple[Stream, ...]
    route: str
    truck: str
    arrives_at: int | None
    leaves_at: int | None
    line: int


@dataclass(frozen=True)
class Note:
    """What is wrong with one cell, in two languages."""

    line: int
    column: str
    code: str
    value: str
    zh: str
    en: str


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not imported, and every reason found."""

    line: int
    reasons: tuple[Note, ...]


@dataclass(frozen=True)
class PointsRead:
    """What became of a table's rows: `rows == len(points) + len(refused)`."""

    rows: int
    points: tuple[CollectionPoint, ...]
    refused: tuple[RefusedRow, ...]
    warnings: tuple[Note, ...]

    def refused_by_reason(self) -> dict[str, int]:
        """Return how many rows were refused, by their first reason."""
        return dict(Counter(row.reasons[0].code for row in self.refused).most_common())

    def warned_by_reason(self) -> dict[str, int]:
        """Return how many warnings there are of each kind."""
        return dict(Counter(note.code for note in self.warnings).most_common())


@dataclass(frozen=True)
class SinkCounts:
    """What an import changed."""

    added: int
    changed: int
    unchanged: int


class PointSink(Protocol):
    """Where imported points go; the books fulfil it."""

    def import_points(self, points: Sequence[CollectionPoint]) -> SinkCounts:
        """Keep the points; one known by (source, code) is updated, so a second import adds nothing."""


def read_points(table: Table, mapping: ColumnMapping) -> PointsRead:
    """Return the points of a table and the rows that are none.

    Raises:
        BadMapping: the table lacks a column that the mapping names.
    """
    mapping.require_columns(table.header)
    reader = _Reader(table.header, mapping)
    points: list[CollectionPoint] = []
    refused: list[RefusedRow] = []
    for row in table.rows:
        point = reader.read(row)
        if point is None:
            refused.append(RefusedRow(row.line, tuple(reader.reasons)))
        else:
            points.append(point)
    return PointsRead(len(table.rows), tuple(points), tuple(refused), tuple(reader.warnings))


def parse_clock(text: str) -> int | None:
    """Return seconds after midnight of `1630`, `930`, `16:30` or `16:30:15`; `None` when it is no time.

    Hours run on past midnight: 2410 is 00:10 of the next day.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    if hours > LAST_HOUR or minutes > 59 or seconds > 59:
        return None
    return hours * 3600 + minutes * 60 + seconds


def clock_text(seconds: int) -> str:
    """Return `16:30`, or `24:10` for ten past midnight."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"


class _Reader:
    """Reads one row after another and remembers what it has seen."""

    def __init__(self, header: Sequence[str], mapping: ColumnMapping) -> None:
        self._header, self._mapping = header, mapping
        self._where = {name: number for number, name in enumerate(header)}
        self._rows: dict[tuple[str, ...], int] = {}
        self._codes: dict[str, int] = {}
        self._row = Row(0, ())
        self.reasons: list[Note] = []
        self.warnings: list[Note] = []

    def read(self, row: Row) -> CollectionPoint | None:
        """Return the row's point, or `None` with its `reasons`."""
        self._row, self.reasons = row, []
        warned = len(self.warnings)
        point = self._point() if self._is_whole_and_new() else None
        if self.reasons:
            del self.warnings[warned:]
            return None
        return point

    def _is_whole_and_new(self) -> bool:
        cells = self._row.cells
        if len(cells) != len(self._header):
            self._refuse("", "wrong-cell-count", str(len(cells)), other=len(self._header))
        elif cells in self._rows:
            self._refuse("", "exact-duplicate", "", other=self._rows[cells])
        else:
            self._rows[cells] = self._row.line
        return not self.reasons

    def _point(self) -> CollectionPoint | None:
        code = self._code()
        names = {name: self._text(name) for name in ("name_zh", "name_zh_hans", "name_en", "address", "district")}
        if not names["name_zh"].strip():
            self._refuse("name_zh", "blank", "")
        streams = self._streams()
        arrives_at, leaves_at = self._time("arrives_at"), self._time("leaves_at")
        if arrives_at is not None and leaves_at is not None and leaves_at < arrives_at:
            other = clock_text(arrives_at)
            self._refuse("leaves_at", "leaves-before-arrives", clock_text(leaves_at), other=other)
        route, truck = self._text("route"), self._text("truck")
        if self.reasons:
            return None
        self._codes[code] = self._row.line
        lat, lng = self._position()
        return CollectionPoint(
            source=self._mapping.source,
            code=code,
            name_zh=names["name_zh"],
            name_zh_hans=names["name_zh_hans"],
            name_en=names["name_en"],
            address=names["address"],
            district=names["district"],
            lat=lat,
            lng=lng,
            streams=streams,
            route=route,
            truck=truck,
            arrives_at=arrives_at,
            leaves_at=leaves_at,
            line=self._row.line,
        )

    def _code(self) -> str:
        parts = self._cells("code")
        if not any(part.strip() for part in parts):
            self._refuse("code", "blank", "")
            return ""
        if self._mapping.code_is_digest:
            code = sha256("\x1f".join(parts).encode()).hexdigest()[:16]
        else:
            code = self._text("code").strip()
        if code in self._codes:
            self._refuse("code", "duplicate-code", code, other=self._codes[code])
        return code

    def _streams(self) -> tuple[Stream, ...]:
        text = self._text("streams")
        if not self._mapping.columns.get("streams"):
            return self._mapping.stream_default
        found: set[Stream] = set()
        values = [value.strip() for value in text.split(self._mapping.stream_separator)]
        for value in filter(None, values):
            if value not in self._mapping.stream_values:
                self._refuse("streams", "stream-unknown", value)
                continue
            stream = self._mapping.stream_values[value]
            if stream is None:
                self._warn("streams", "stream-ignored", value)
            else:
                found.add(stream)
        if not found and not self.reasons:
            if self._mapping.stream_default and not any(values):
                return self._mapping.stream_default
            self._refuse("streams", "blank", text)
        return tuple(sorted(found))

    def _time(self, name: str) -> int | None:
        text = self._text(name)
        if not text.strip():
            return None
        seconds = parse_clock(text)
        if seconds is None:
            self._refuse(name, "time-not-readable", text)
        return seconds

    def _position(self) -> tuple[float, float] | tuple[None, None]:
        lat_text, lng_text = self._text("lat").strip(), self._text("lng").strip()
        if not lat_text and not lng_text:
            return None, None
        value = f"{lat_text}, {lng_text}"
        if not lat_text or not lng_text:
            self._warn("lng" if lat_text else "lat", "coordinates-incomplete", value)
            return None, None
        lat, lng = _number(lat_text), _number(lng_text)
        if lat is None or lng is None:
            self._warn("lat" if lat is None else "lng", "coordinates-not-a-number", value)
            return None, None
        bounds = self._mapping.bounds
        if lat == 0 and lng == 0:
            self._warn("lat", "coordinates-zero", value)
        elif not WORLD.hold(lat=lat, lng=lng) or not bounds.hold(lat=lat, lng=lng):
            is_swapped = WORLD.hold(lat=lng, lng=lat) and bounds.hold(lat=lng, lng=lat)
            self._warn("lat", "coordinates-swapped" if is_swapped else "coordinates-outside", value)
        else:
            return lat, lng
        return None, None

    def _cells(self, name: str) -> list[str]:
        return [self._row.cells[self._where[column]] for column in self._mapping.columns.get(name, ())]

    def _text(self, name: str) -> str:
        """Return a field byte for byte, or its columns joined; long or unprintable text is refused."""
        cells = self._cells(name)
        text = cells[0] if len(cells) == 1 else self._mapping.join.join(cell for cell in cells if cell.strip())
        if len(text) > NAME_CHARACTERS_MAX:
            self._refuse(name, "too-long", text[:20], other=NAME_CHARACTERS_MAX)
        elif _CONTROL.search(text):
            self._refuse(name, "control-character", _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))
        return text

    def _refuse(self, name: str, code: str, value: str, *, other: object = "") -> None:
        self.reasons.append(self._note(name, code, value, other))

    def _warn(self, name: str, code: str, value: str) -> None:
        self.warnings.append(self._note(name, code, value, ""))

    def _note(self, name: str, code: str, value: str, other: object) -> Note:
        zh, en = (text.format(value=value, other=other) for text in MESSAGES[code])
        column = "+".join(self._mapping.columns.get(name, ())) or name
        return Note(self._row.line, column, code, value, zh, en)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None
