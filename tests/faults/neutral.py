"""What a day comes to, in words that know no block, transaction or server's clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from backend.domain.journal import Network, Segment, split_entries
from backend.domain.types import Outcome, device_text
from backend.store.reading import Reader
from backend.store.slots import BookState
from backend.store.tables import (
    AcceptedSegment,
    CustodyStep,
    Disagreement,
    Evidence,
    KnownDevice,
    LedgerSegment,
    LotLink,
    LotRow,
    LotRun,
    table_of,
)

_ACCEPTED, _RECORDED, _STEPS = table_of(AcceptedSegment), table_of(LedgerSegment), table_of(CustodyStep)
_RUNS = table_of(LotRun)


def neutral_export(connection: Connection, network: Network) -> list[str]:
    """Return a line for each entry handed in, each recorded, each document, device, lot and stream, in order.

    What the ledger once refused and has recorded since is not a fact of the day but of how it got there.
    """
    return sorted(json.dumps(line) for line in _lines(connection, network))


def recorded_lines(segments: Iterable[Segment]) -> list[str]:
    """Return the export's lines of entries that the ledger has recorded and applied, were it these segments'."""
    return sorted(
        json.dumps(["recorded", device_text(s.device), seq, word.hex(), int(Outcome.APPLIED)])
        for s in segments
        for seq, word in enumerate(split_entries(s.words), s.first_seq)
    )


def is_settled(connection: Connection) -> bool:
    """Say whether nothing waits: neither for the ledger nor on it."""
    waiting = select(func.count()).where(_ACCEPTED.c.state != "recorded")
    deferred = select(func.count()).where(_STEPS.c.outcome == Outcome.DEFERRED)
    return not connection.execute(waiting).scalar_one() and not connection.execute(deferred).scalar_one()


def _lines(connection: Connection, network: Network) -> Iterator[list[Any]]:
    for row in connection.execute(select(_ACCEPTED)):
        for seq, word in enumerate(split_entries(row.words), row.first_seq):
            yield ["handed in", row.device, seq, word.hex(), row.state]
    steps = {(row.device, row.seq): row for row in connection.execute(select(_STEPS))}
    for row in connection.execute(select(_RECORDED)):
        for offset, word in enumerate(split_entries(row.words)):
            step = steps.get((row.device, row.first_seq + offset))
            outcome = row.outcomes[offset] if step is None else step.outcome + 16 * step.flaw
            yield ["recorded", row.device, row.first_seq + offset, word.hex(), outcome]
    lifted = select(_RUNS.c.lot, func.sum(_RUNS.c.applied), func.sum(_RUNS.c.grams)).group_by(_RUNS.c.lot)
    yield from (["lifted into", *row] for row in connection.execute(lifted))
    for model, without in (
        (Evidence, ()),
        (KnownDevice, ()),
        (LotRow, ()),
        (LotLink, ("segment_id",)),
        (Disagreement, ("id", "block_number")),
    ):
        table = table_of(model)
        columns = [column for column in table.columns if column.name not in without]
        for row in connection.execute(select(*columns)):
            yield [table.name, *(value.hex() if isinstance(value, bytes) else value for value in row)]
    for line in Reader(connection).totals(BookState(network)):
        yield ["totals", line.stream, line.lifted, line.gained, line.held, line.out, line.lost]
