"""What transformations made and what closed lots left as: written with the blocks they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.types import Outcome, device_text, lot_text, organisation_text
from backend.store.bulk import insert_rows
from backend.store.mass_moves import Worked
from backend.store.tables import CustodyStep, LedgerSegment, MassMove, ProductAmount, table_of

_PRODUCTS, _MOVES = table_of(ProductAmount), table_of(MassMove)
_STEPS, _SEGMENTS = table_of(CustodyStep), table_of(LedgerSegment)
_ROWS_A_READ = 400
MADE = 0
"""`fate` of what a transformation made: its lots have yet to go anywhere."""

Row = tuple[Any, ...]


def write(connection: Connection, worked: Sequence[Worked]) -> None:
    """Add what these entries made, or ended."""
    rows = [row for one in worked for row in _rows(one)]
    insert_rows(connection, _PRODUCTS, rows)


def _rows(worked: Worked) -> Iterator[Row]:
    fact, move = worked.fact, worked.move
    where = (organisation_text(move.place.organisation), device_text(move.place.site), move.stream)
    when = (fact.entry.fields["occurred_at"], move.day)
    return _amounts(fact.device, fact.seq, fact.entry, abs(move.delta), (*where, *when), worked.block_number)


def _amounts(device: int, seq: int, entry: Any, grams: int, shared: Row, block_number: int) -> Iterator[Row]:
    """Yield a row an item of a transformation, or the one of a closed lot; 0 signed grams are the lot's own."""
    fields = entry.fields
    key, source = (device_text(device), seq), lot_text(fields["lot"])
    if entry.kind == Kind.CLOSE:
        amount = fields["grams"] or grams
        yield (*key, 0, source, source, *shared, fields["product"], amount, fields["fate"], block_number)
        return
    for place, item in enumerate(entry.items):
        lot = lot_text(item["lot"]) if item["lot"] else ""
        yield (*key, place, source, lot, *shared, item["product"], item["amount"], MADE, block_number)


def fill(connection: Connection) -> None:
    """Write down what the recorded entries made and ended, for the migration that brings the table."""
    rows = list[Row]()
    for step, move in _applied(connection):
        entry = read_entry(split_entries(bytes(step.words))[step.seq - step.first_seq])
        shared = (move.organisation, move.site, move.stream, entry.fields["occurred_at"], move.day)
        rows += _amounts(int(step.device, 16), step.seq, entry, abs(move.delta), shared, move.block_number)
    insert_rows(connection, _PRODUCTS, rows)


def _applied(connection: Connection) -> Iterable[tuple[Any, Any]]:
    """Yield each applied transformation or closing with the last of its moves; brought entries have no step."""
    steps = connection.execute(
        select(_STEPS.c.device, _STEPS.c.seq, _STEPS.c.lot, _SEGMENTS.c.first_seq, _SEGMENTS.c.words)
        .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
        .where(_STEPS.c.kind.in_((int(Kind.TRANSFORM), int(Kind.CLOSE))), _STEPS.c.outcome == int(Outcome.APPLIED))
        .execution_options(yield_per=_ROWS_A_READ)
    )
    for step in steps:
        move = connection.execute(
            select(_MOVES)
            .where(_MOVES.c.lot == step.lot, _MOVES.c.device == step.device, _MOVES.c.seq == step.seq)
            .order_by(_MOVES.c.id.desc())
            .limit(1)
        ).one_or_none()
        if move is not None:
            yield step, move
