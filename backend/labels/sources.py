"""Where the bins whose labels are printed come from: a CSV file, or the books."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from backend.domain.errors import DomainError
from backend.domain.label import LabelSerial, label_serial, serial_of
from backend.domain.types import BinNumber, SiteId, Stream
from backend.labels.layout import BinLabel
from backend.labels.streams import SIGNS

COLUMNS: Final = ("number", "serial", "stream", "point")
_STREAMS: Final = {
    **{stream.name.lower(): stream for stream in Stream},
    **{str(int(stream)): stream for stream in Stream},
    **{sign.zh: stream for stream, sign in SIGNS.items()},
}


class BinSource(Protocol):
    """Placed bins with their serials; the books fulfil it."""

    def bins(self, *, site: SiteId | None) -> Iterable[BinLabel]:
        """Yield the bins of a site, or of all sites, in the order in which labels are wanted."""


class BadLabelRow(DomainError):
    """A row of a label list cannot be printed."""

    slug = "bad-label-row"
    title = "A row of the label list cannot be read"

    def __init__(self, *, line: int, column: str, reason: str) -> None:
        super().__init__(f"Line {line}, column {column}: {reason}")
        self.line, self.column, self.reason = line, column, reason


def read_label_list(path: Path) -> list[BinLabel]:
    """Return the bins of a CSV file with the columns number, serial, stream, point and perhaps point_en.

    All or nothing: half a set of labels would leave bins without one and nobody the wiser.

    Raises:
        BadLabelRow: the first row that cannot be read, or that names a bin or serial again.
    """
    labels: list[BinLabel] = []
    seen: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        for column in COLUMNS:
            if column not in (rows.fieldnames or ()):
                raise BadLabelRow(line=1, column=column, reason="the column is missing")
        for row in rows:
            label = _read_row({key: value or "" for key, value in row.items() if key}, rows.line_num)
            for column, value in (("number", f"{label.number:010x}"), ("serial", label.serial.hex())):
                if value in seen:
                    reason = f"{value} is on line {seen[value]} already"
                    raise BadLabelRow(line=rows.line_num, column=column, reason=reason)
                seen[value] = rows.line_num
            labels.append(label)
    return labels


def _read_row(row: Mapping[str, str], line: int) -> BinLabel:
    stream = _STREAMS.get(row["stream"].strip().lower())
    if stream is None:
        names = ", ".join(s.name.lower() for s in Stream)
        raise BadLabelRow(line=line, column="stream", reason=f"{row['stream']!r} is none of {names}")
    if not row["point"].strip():
        raise BadLabelRow(line=line, column="point", reason="the collection point has no name")
    return BinLabel(
        number=_number(row["number"].strip(), line),
        serial=_serial(row["serial"].strip(), line),
        stream=stream,
        point_zh=row["point"],
        point_en=row.get("point_en", ""),
    )


def _number(text: str, line: int) -> BinNumber:
    digits = text.replace(" ", "").lower()
    if len(digits) != 10 or not set(digits) <= set("0123456789abcdef"):
        raise BadLabelRow(line=line, column="number", reason=f"{text!r} is not 10 hex digits")
    return BinNumber(int(digits, 16))


def _serial(text: str, line: int) -> LabelSerial:
    """Read 32 hex digits or the 30 characters of an asset number."""
    try:
        return serial_of(text) if len(text) == 30 else label_serial(bytes.fromhex(text))
    except (ValueError, DomainError) as error:
        raise BadLabelRow(line=line, column="serial", reason=str(error)) from error
