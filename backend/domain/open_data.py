"""The lifts of one day as a table that anybody can compute from the ledger, byte for byte.

The day is that of the block, in Asia/Shanghai, so a past day never changes. When a lift happened by its device's
clock is a column: what a phone without signal brought a day late is told apart from what happened that day.
A row names an organisation and a bin, never a device: a crew member's work is not a public figure.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import rfc8785

from backend.domain.days import day_of
from backend.domain.journal import split_entries
from backend.domain.layout import Kind
from backend.domain.lifts import bin_of, lifted_at, stream_of
from backend.domain.parquet import write_parquet
from backend.domain.types import (
    Flaw,
    Outcome,
    Stream,
    bin_text,
    flaw_of,
    organisation_of,
    organisation_text,
)

FORMAT: Final = "huanlian-open-data-1"
_KINDS: Final[dict[str, type[str | int]]] = {
    "organisation": str,
    "bin": str,
    "stream": str,
    "occurred_date": str,
    "lifts": int,
    "grams": int,
    "lots": int,
    "mixed": int,
    "not_applied": int,
}
COLUMNS: Final = tuple(_KINDS)
ANCHOR_SCHEMA: Final = 1
"""`schema` of an anchor whose digest is the SHA-256 of a day's CSV; its subject is the date as yyyymmdd."""

_STREAMS: Final = {int(stream): stream.name.lower() for stream in Stream}
_GRAMS_BYTES, _LOT_BYTES = slice(13, 17), slice(9, 21)
_EPOCH = datetime.date(1970, 1, 1).toordinal()


@dataclass
class Row:
    """What one organisation lifted of one stream from one bin on one date.

    `lots` are the lots that applied lifts went into. `mixed` of them were of another stream than their lot;
    `not_applied` were recorded without effect, and their grams count nowhere.
    """

    lifts: int = 0
    grams: int = 0
    lots: set[int] = field(default_factory=set)
    mixed: int = 0
    not_applied: int = 0


RowKey = tuple[str, str, str, str]
"""(organisation, bin, stream, occurred date)"""


class DayTable:
    """The table while it is added up."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, Row] = {}
        self.transcribed = 0
        """Entries that a registrar brought of a lost journal: what they tell is not in the table."""

    def add(self, device: int, words: bytes, outcomes: bytes, open_lot: int | None) -> None:
        """Add a recorded segment; `open_lot` is where the device's lifts went before it."""
        organisation = organisation_text(organisation_of(device))
        for entry, byte in zip(split_entries(words), outcomes, strict=True):
            if entry[0] == Kind.LIFT:
                self._add_lift(self._row(organisation, entry), entry, byte, open_lot)
            elif byte & 0xF == Outcome.APPLIED:
                self.transcribed += entry[0] == Kind.TRANSCRIBED
                open_lot = _lot_after(entry, open_lot)

    def _row(self, organisation: str, lift: bytes) -> Row:
        stream = _STREAMS.get(stream_of(lift), "unknown")
        key = (organisation, bin_text(bin_of(lift)), stream, _date_text(lifted_at(lift)))
        return self.rows.setdefault(key, Row())

    @staticmethod
    def _add_lift(row: Row, lift: bytes, byte: int, lot: int | None) -> None:
        if byte & 0xF != Outcome.APPLIED or lot is None:
            row.not_applied += 1
            return
        row.lifts += 1
        row.grams += int.from_bytes(lift[_GRAMS_BYTES], "big")
        row.lots.add(lot)
        row.mixed += flaw_of(byte) == Flaw.MIXED

    @property
    def lifts(self) -> int:
        """How many lifts counted."""
        return sum(row.lifts for row in self.rows.values())

    @property
    def grams(self) -> int:
        """The grams of the lifts that counted."""
        return sum(row.grams for row in self.rows.values())

    @property
    def bins(self) -> set[str]:
        """The bins with a lift that counted."""
        return {key[1] for key, row in self.rows.items() if row.lifts}

    def lines(self) -> list[list[str | int]]:
        """Return the rows in their one order."""
        return [
            [*key, row.lifts, row.grams, len(row.lots), row.mixed, row.not_applied]
            for key, row in sorted(self.rows.items())
        ]

    def csv(self) -> bytes:
        """Return the table as CSV (RFC 4180, but lines end in LF): no field ever needs quotes."""
        lines: Iterable[list[str | int] | tuple[str, ...]] = [COLUMNS, *self.lines()]
        return "".join(",".join(map(str, line)) + "\n" for line in lines).encode()

    def json(self, *, date: str, chain_id: int, ledger: str) -> bytes:
        """Return the table as canonical JSON (RFC 8785), with the digest of the CSV in it."""
        return rfc8785.dumps(
            {
                "format": FORMAT,
                "chain_id": chain_id,
                "ledger": ledger,
                "date": date,
                "time_zone": "Asia/Shanghai",
                "columns": list(COLUMNS),
                "rows": self.lines(),
                "lifts": self.lifts,
                "grams": self.grams,
                "transcribed_left_out": self.transcribed,
                "csv_sha256": hashlib.sha256(self.csv()).hexdigest(),
            }
        )

    def parquet(self, *, date: str, chain_id: int, ledger: str) -> bytes:
        """Return the table as a Parquet file, with the digest of the CSV that its rows give in its metadata."""
        about = {
            "format": FORMAT,
            "chain_id": str(chain_id),
            "ledger": ledger,
            "date": date,
            "time_zone": "Asia/Shanghai",
            "csv_sha256": hashlib.sha256(self.csv()).hexdigest(),
        }
        return write_parquet(_KINDS, self.lines(), about)


def open_lot_after(device_lot: int | None, words: bytes, outcomes: bytes) -> int | None:
    """Return the lot that a journal's next lifts go into after a segment."""
    for entry, byte in zip(split_entries(words), outcomes, strict=True):
        if byte & 0xF == Outcome.APPLIED:
            device_lot = _lot_after(entry, device_lot)
    return device_lot


def anchor_subject(date: str) -> int:
    """Return the subject of a day's anchor: its date as yyyymmdd."""
    return int(date.replace("-", ""))


def _lot_after(applied: bytes, lot: int | None) -> int | None:
    return int.from_bytes(applied[_LOT_BYTES], "big") if applied[0] == Kind.LOAD else lot


def _date_text(seconds: int) -> str:
    """Return the date in Asia/Shanghai; nothing where a device's clock shows a year that has no four digits."""
    ordinal = _EPOCH + day_of(seconds)
    return datetime.date.fromordinal(ordinal).isoformat() if ordinal <= datetime.date.max.toordinal() else ""
