"""The books: what the ledger says, in tables that people can query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from backend.domain.custody import find_device
from backend.domain.journal import Network, Segment
from backend.domain.settling import is_ready
from backend.domain.types import device_text, lot_text, organisation_of, organisation_text
from backend.store import slots
from backend.store.bulk import insert_lifts
from backend.store.intake import IntakeStore, upsert
from backend.store.session import Database
from backend.store.slots import BookState
from backend.store.tables import (
    AcceptedSegment,
    Block,
    CustodyStep,
    Disagreement,
    LedgerSegment,
    LiftRow,
    LotRow,
    LotRun,
    PlacedBin,
    RefusedSegment,
    table_of,
)
from backend.usecases.accept_segment import receipt_id
from backend.usecases.fold_events import BookLines, Folder, SegmentLine
from backend.usecases.ledger_events import Extend, Header, LedgerEvent
from backend.usecases.ports import Accepted, KnownDevice

_BLOCKS, _SEGMENTS, _STEPS = table_of(Block), table_of(LedgerSegment), table_of(CustodyStep)
_LIFTS, _RUNS, _LOTS = table_of(LiftRow), table_of(LotRun), table_of(LotRow)
_REFUSED, _PLACED, _DISAGREEMENTS = table_of(RefusedSegment), table_of(PlacedBin), table_of(Disagreement)
_ACCEPTED = table_of(AcceptedSegment)

HEADERS_KEPT = 256
BOOK_TABLES = (_BLOCKS, _SEGMENTS, _STEPS, _LIFTS, _RUNS, _LOTS, _REFUSED, _PLACED, _DISAGREEMENTS)


class BooksStore:
    """The books of one ledger. One thread at a time may write."""

    def __init__(self, database: Database, network: Network) -> None:
        self.database, self.network = database, network
        self.state = BookState(network)

    def reading_state(self) -> BookState:
        """Return the fold's state for one reader; attach it to the reader's transaction."""
        return BookState(self.network)

    def known_headers(self) -> list[Header]:
        """Return the newest headers that the books stand on, oldest first."""
        with self.database.transaction(writes=False) as connection:
            rows = connection.execute(select(_BLOCKS).order_by(_BLOCKS.c.number.desc()).limit(HEADERS_KEPT)).all()
        return [
            Header(row.number, bytes.fromhex(row.hash), bytes.fromhex(row.parent_hash), row.timestamp)
            for row in reversed(rows)
        ]

    def extend(self, batch: Extend) -> BookLines:
        """Fold new blocks into the books, and move the cursor, in one transaction."""
        times = {header.number: header.timestamp for header in batch.headers}
        try:
            with self.database.transaction() as connection:
                self.state.attach(connection)
                folder = Folder(self.state, self._next_segment_id(connection))
                for number, events in _by_block(batch.events):
                    folder.fold(events, times)
                    self._project_lots(connection, self.state.changed_lots())
                    self.state.write(connection, number)
                self._write(connection, folder.lines)
                upsert(connection, _BLOCKS, [_block_row(header) for header in batch.headers])
                if batch.headers:
                    slots.prune(connection, min(batch.finalized_number, batch.headers[-1].number))
                    _prune_blocks(connection, batch)
        except BaseException:
            self.state.forget()
            raise
        finally:
            self.state.attach(None)
        return folder.lines

    def roll_back(self, ancestor: int) -> None:
        """Take back every block after the ancestor; what was handed in is queued for the chain again.

        A chain that goes back behind what it had called final leaves nothing to go back to: the books are
        then emptied, and folded again from the first block.
        """
        self.state.forget()
        with self.database.transaction() as connection:
            _queue_again(connection, ancestor)
            if ancestor < slots.pruned_to(connection):
                _empty(connection)
                return
            gone = select(_SEGMENTS.c.id).where(_SEGMENTS.c.block_number > ancestor)
            for table in (_LIFTS, _RUNS, _STEPS):
                connection.execute(delete(table).where(table.c.segment_id.in_(gone)))
            connection.execute(
                update(_STEPS)
                .where(_STEPS.c.settled_block > ancestor)
                .values(outcome=_STEPS.c.recorded_outcome, settled_block=None)
            )
            for table in (_SEGMENTS, _REFUSED, _PLACED, _DISAGREEMENTS):
                connection.execute(delete(table).where(table.c.block_number > ancestor))
            connection.execute(delete(_BLOCKS).where(_BLOCKS.c.number > ancestor))
            touched = slots.roll_back(connection, ancestor)
            self.state.attach(connection)
            self._project_lots(connection, touched)
            self.state.attach(None)
        self.state.forget()

    def drop(self) -> None:
        """Empty the books; what was handed in stays."""
        self.state.forget()
        with self.database.transaction() as connection:
            _empty(connection)

    def ready_lots(self) -> list[int]:
        """Return lots with a waiting step that anyone may now ask the ledger to settle."""
        state = self.reading_state()
        with self.database.transaction(writes=False) as connection:
            state.attach(connection)
            return sorted(lot for lot in slots.lots_waited_for(connection) if is_ready(state, lot))

    def _next_segment_id(self, connection: Connection) -> int:
        return (connection.execute(select(func.max(_SEGMENTS.c.id))).scalar_one() or 0) + 1

    def _project_lots(self, connection: Connection, lots: Iterable[int]) -> None:
        rows, gone = [], []
        for lot_id in lots:
            lot = self.state.lots.get(lot_id)
            if lot is None:
                gone.append(lot_text(lot_id))
                continue
            give = self.state.gives.get(lot_id)
            rows.append(
                {
                    "lot": lot_text(lot_id),
                    "holder": device_text(lot.holder),
                    "grams": lot.grams,
                    "lifts": lot.lifts,
                    "stream": lot.stream,
                    "status": int(lot.status),
                    "pendings": lot.pendings,
                    "given_to": None if give is None else device_text(give.to),
                    "given_to_organisation": None if give is None else organisation_text(organisation_of(give.to)),
                    "give_seq": None if give is None else give.seq,
                    "give_head13": None if give is None else give.head13.hex(),
                }
            )
        for start in range(0, len(rows), 1000):
            upsert(connection, _LOTS, rows[start : start + 1000])
        for start in range(0, len(gone), 500):
            connection.execute(delete(_LOTS).where(_LOTS.c.lot.in_(gone[start : start + 500])))

    def _write(self, connection: Connection, lines: BookLines) -> None:
        _insert(connection, _SEGMENTS, [_segment_row(line) for line in lines.segments])
        insert_lifts(connection, lines.lifts)
        _insert(
            connection,
            _RUNS,
            [
                {
                    "lot": lot_text(run.lot),
                    "segment_id": run.segment_id,
                    "first_position": run.first_position,
                    "last_position": run.last_position,
                    "applied": run.applied,
                    "grams": run.grams,
                }
                for run in lines.runs
            ],
        )
        _insert(
            connection,
            _STEPS,
            [
                {
                    "device": device_text(step.device),
                    "seq": step.seq,
                    "kind": step.kind,
                    "segment_id": step.segment_id,
                    "lot": None if step.lot is None else lot_text(step.lot),
                    "into_lot": None if step.into_lot is None else lot_text(step.into_lot),
                    "outcome": step.outcome,
                    "recorded_outcome": step.recorded_outcome,
                    "settled_block": step.settled_block,
                }
                for step in lines.steps.values()
            ],
        )
        for event, block_number in lines.settled:
            connection.execute(
                update(_STEPS)
                .where(_STEPS.c.device == device_text(event.device), _STEPS.c.seq == event.seq)
                .values(outcome=event.outcome, settled_block=block_number)
            )
        self._write_rare(connection, lines)
        _mark_recorded(connection, lines.segments)
        self._learn_devices(connection, lines)

    def _write_rare(self, connection: Connection, lines: BookLines) -> None:
        _insert(
            connection,
            _REFUSED,
            [
                {
                    "device": device_text(event.device),
                    "first_seq": event.first_seq,
                    "reason": event.reason,
                    "block_number": event.place.block_number,
                    "tx_hash": event.place.tx_hash.hex(),
                }
                for event in lines.refused
            ],
        )
        placed = [
            {
                "number": placed_bin.number,
                "serial_digest": placed_bin.serial_digest.hex(),
                "site": device_text(event.site),
                "stream": placed_bin.stream,
                "placed_from": placed_bin.placed_from,
                "block_number": event.place.block_number,
                "tx_hash": event.place.tx_hash.hex(),
            }
            for event in lines.placed
            for placed_bin in event.bins
        ]
        for start in range(0, len(placed), 1000):
            upsert(connection, _PLACED, placed[start : start + 1000])
        _insert(
            connection,
            _DISAGREEMENTS,
            [
                {
                    "block_number": block_number,
                    "device": device_text(device),
                    "first_seq": seq,
                    "ledger": ledger,
                    "fold": fold,
                }
                for block_number, device, seq, ledger, fold in lines.disagreements
            ],
        )

    def _learn_devices(self, connection: Connection, lines: BookLines) -> None:
        """Devices enrolled through anybody's relay may hand in their entries here."""
        intake = IntakeStore(connection)
        for line in lines.devices:
            device = find_device(self.state, line.device)
            if device is None:
                continue
            intake.know_device(
                KnownDevice(
                    line.device,
                    device.key_hash,
                    device.role,
                    device.not_after,
                    device.is_revoked,
                    line.registrar,
                    line.enrolled_seq,
                )
            )
        for revoked in lines.revoked:
            intake.forget_trust(revoked)


def _empty(connection: Connection) -> None:
    for table in BOOK_TABLES:
        connection.execute(delete(table))
    slots.empty(connection)


def _by_block(events: Sequence[LedgerEvent]) -> Iterable[tuple[int, list[LedgerEvent]]]:
    block: list[LedgerEvent] = []
    for event in events:
        if block and block[-1].place.block_number != event.place.block_number:
            yield block[-1].place.block_number, block
            block = []
        block.append(event)
    if block:
        yield block[-1].place.block_number, block


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _block_row(header: Header) -> dict[str, Any]:
    return {
        "number": header.number,
        "hash": header.hash.hex(),
        "parent_hash": header.parent_hash.hex(),
        "timestamp": header.timestamp,
    }


def _segment_row(line: SegmentLine) -> dict[str, Any]:
    event = line.event
    return {
        "id": line.id,
        "device": device_text(event.device),
        "first_seq": event.first_seq,
        "last_seq": line.last_seq,
        "words": event.words,
        "outcomes": event.outcomes,
        "prev_head": line.prev_head,
        "head": event.head,
        "seal": b"".join(v.to_bytes(32, "big") for v in (event.x, event.y, event.r, event.s)),
        "block_number": event.place.block_number,
        "block_hash": event.place.block_hash.hex(),
        "block_time": line.block_time,
        "tx_hash": event.place.tx_hash.hex(),
        "log_index": event.place.log_index,
    }


def _prune_blocks(connection: Connection, batch: Extend) -> None:
    keep_from = min(batch.finalized_number, batch.headers[-1].number - HEADERS_KEPT)
    connection.execute(delete(_BLOCKS).where(_BLOCKS.c.number < keep_from))


def _mark_recorded(connection: Connection, segments: Sequence[SegmentLine]) -> None:
    """Note how far each journal got; keep what others relayed, so that this server can go on from there."""
    intake = IntakeStore(connection)
    kept_to: dict[int, int] = {}
    foreign: list[Accepted] = []
    for line in segments:
        event = line.event
        if event.device not in kept_to:
            intake.hold_journal(event.device)
            end = intake.find_end(event.device)
            kept_to[event.device] = 0 if end is None else end[0]
        if event.first_seq == kept_to[event.device] + 1:
            segment = Segment(event.device, event.first_seq, event.words, event.x, event.y, event.r, event.s)
            receipt = receipt_id(event.device, event.first_seq, line.last_seq, event.head)
            foreign.append(Accepted(receipt, segment, line.last_seq, line.prev_head, event.head, line.block_time))
            kept_to[event.device] = line.last_seq
    intake.keep_all(foreign)
    ends: dict[str, int] = {}
    for line in segments:
        device = device_text(line.event.device)
        ends[device] = max(ends.get(device, 0), line.last_seq)
    for device, last_seq in ends.items():
        connection.execute(
            update(_ACCEPTED)
            .where(
                _ACCEPTED.c.device == device,
                _ACCEPTED.c.last_seq <= last_seq,
                _ACCEPTED.c.state != "recorded",
            )
            .values(state="recorded")
        )


def _queue_again(connection: Connection, ancestor: int) -> None:
    rows = connection.execute(
        select(_SEGMENTS.c.device, func.min(_SEGMENTS.c.first_seq).label("first_seq"))
        .where(_SEGMENTS.c.block_number > ancestor)
        .group_by(_SEGMENTS.c.device)
    ).all()
    for row in rows:
        connection.execute(
            update(_ACCEPTED)
            .where(_ACCEPTED.c.device == row.device, _ACCEPTED.c.last_seq >= row.first_seq)
            .values(state="queued")
        )
