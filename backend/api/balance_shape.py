"""A row of the mass balance as programs read it: the same named figures in JSON and in CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from backend.domain.mass_balance import FATES, IN, OUT, Row, RowKey, row_of
from backend.domain.mass_flows import Flow, Move, Place
from backend.domain.types import device_text, lot_text, organisation_text

_FLOWS: Final = (*IN, *OUT, *FATES, Flow.LOSS)
Figure = int | str | bool | None


def figures_of(row: Row) -> dict[str, Figure]:
    """Return a row's figures by name, in the order of the columns."""
    place = row.key.place
    late_out = sum(row.late.get(flow, 0) for flow in (*OUT, *FATES, Flow.LOSS))
    return {
        "organisation": organisation_text(place.organisation),
        "site": device_text(place.site) if place.site else None,
        "stream": row.key.stream,
        "opening_grams": row.opening,
        **{f"{flow.name.lower()}_grams": row.flows.get(flow, 0) for flow in _FLOWS},
        "closing_grams": row.closing,
        "error_grams": row.error,
        "error_ppm": row.error_ppm,
        "difference_grams": row.difference,
        "beyond_tolerance": row.beyond,
        "missing_receipts": row.missing_facts,
        "late_facts": row.late_facts,
        "late_in_grams": sum(row.late.get(flow, 0) for flow in IN),
        "late_out_grams": late_out,
        "is_red": row.is_red,
    }


COLUMNS: Final = tuple(figures_of(row_of(RowKey(Place(0, 0), 0), 0, opening=0, lines=())))


def csv_of(rows: Iterable[Row]) -> str:
    """Return the rows as CSV (RFC 4180) with a heading; what is not known is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in figures_of(row).items()} for row in rows)
    return text.getvalue()


def _cell(value: Figure) -> Figure:
    return int(value) if isinstance(value, bool) else value


def move_shape(move: Move) -> dict[str, Any]:
    """Return one of the facts behind a figure."""
    return {
        "device": device_text(move.device),
        "seq": move.seq,
        "lot": lot_text(move.lot),
        "flow": move.flow.name.lower(),
        "grams": move.grams,
        "lot_change_grams": move.delta,
        "given_grams": move.given if move.flow == Flow.TAKEN else None,
        "occurred_at": move.occurred_at,
        "is_late": move.recorded_day > move.day,
    }
