"""The books: what the ledger says, in tables that people can query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from backend.domain.custody_state import QueueKey
from backend.domain.devices import find_device
from backend.domain.journal import Network
from backend.domain.steps import is_ready
from backend.domain.types import device_text, lot_text, organisation_of, organisation_text
from backend.store import bulk, lift_runs, mass_moves, placements, products, slots
from backend.store.bulk import delete_rows, insert_rows, replace_rows
from backend.store.intake import IntakeStore, upsert
from backend.store.session import Database
from backend.store.slots import BookState
from backend.store.tables import (
    AcceptedSegment,
    Block,
    CustodyStep,
    Disagreement,
    LedgerSegment,
    LiftRun,
    LotLink,
    LotRow,
    LotRun,
    MassDay,
    MassMove,
    MassStretch,
    OpenedSite,
    PlacedBin,
    Placement,
    ProductAmount,
    RefusedSegment,
    Slot,
    table_of,
)
from backend.usecases.accept_segment import receipt_id
from backend.usecases.fold_events import BookLines, Folder, SegmentLine, StepLine
from backend.usecases.ledger_events import Extend, Header, LedgerEvent, SegmentRecorded
from backend.usecases.ports import Accepted, KnownDevice

_BLOCKS, _SEGMENTS, _STEPS = table_of(Block), table_of(LedgerSegment), table_of(CustodyStep)
_LIFTS, _RUNS, _LOTS = table_of(LiftRun), table_of(LotRun), table_of(LotRow)
_LINKS = table_of(LotLink)
_REFUSED, _PLACED, _DISAGREEMENTS = table_of(RefusedSegment), table_of(PlacedBin), table_of(Disagreement)
_PLACEMENTS, _ACCEPTED = table_of(Placement), table_of(AcceptedSegment)

HEADERS_KEPT = 256
_OTHER_LARGE_TABLES = (table_of(Slot), _ACCEPTED)
_FEW_SEGMENTS_BITS = 8
_FLOWS = (table_of(OpenedSite), table_of(MassMove), table_of(MassDay), table_of(MassStretch))
_PRODUCTS = table_of(ProductAmount)
BOOK_TABLES = (
    *(_BLOCKS, _SEGMENTS, _STEPS, _LINKS, _LIFTS, _RUNS, _LOTS, _REFUSED, _PLACED, _DISAGREEMENTS),
    *_FLOWS,
    _PRODUCTS,
    _PLACEMENTS,
)


class BooksMoved(Exception):
    """New blocks do not go on from where the books stand: somebody else wrote, or swapped them. Ask again."""


class BooksStore:
    """The books of one ledger. One thread at a time may write."""

    def __init__(self, database: Database, network: Network) -> None:
        self.database, self.network = database, network
        self.state = BookState(network)
        self._moves = mass_moves.MassMoves()
        self._stands_on: bytes | None = None

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
        """Fold new blocks into the books, and move the cursor, in one transaction.

        Raises:
            BooksMoved: the blocks do not follow on the newest in the books.
        """
        times = {header.number: header.timestamp for header in batch.headers}
        try:
            with self.database.transaction() as connection:
                self._require_next(connection, batch)
                self.state.attach(connection)
                self.state.prepare({e.device for e in batch.events if isinstance(e, SegmentRecorded)})
                first_id = _next_segment_id(connection)
                folder, lots = Folder(self.state, first_id), set[int]()
                is_flushed = False
                for number, events in _by_block(batch.events):
                    if number > batch.finalized_number and not is_flushed:
                        # What is final need not be kept block by block: nobody goes back behind it.
                        self.state.write(connection)
                        is_flushed = True
                    folder.fold(events, times)
                    lots |= self.state.touched_lots()
                    self.state.end_block(number)
                    if is_flushed:
                        self.state.write(connection)
                self.state.write(connection)
                self._project_lots(connection, lots)
                self._write(connection, folder.lines)
                products.write(connection, self._moves.write(connection, folder.lines.facts))
                lift_runs.reshape(
                    connection,
                    before=first_id,
                    after=folder.next_segment_id,
                    fresh=[(line.id, line.event.words) for line in folder.lines.segments],
                )
                upsert(connection, _BLOCKS, [_block_row(header) for header in batch.headers])
                if folder.next_segment_id.bit_length() > max(first_id.bit_length(), _FEW_SEGMENTS_BITS):
                    bulk.learn_sizes(connection, (*BOOK_TABLES, *_OTHER_LARGE_TABLES))
                if batch.headers:
                    slots.prune(connection, min(batch.finalized_number, batch.headers[-1].number))
                    _prune_blocks(connection, batch)
            if batch.headers:
                self._stands_on = batch.headers[-1].hash
            self.state.make_room()
        except BaseException:
            self._forget()
            raise
        finally:
            self.state.attach(None)
        return folder.lines

    def _require_next(self, connection: Connection, batch: Extend) -> None:
        """Check that the blocks follow on the books, and forget what was read from books that are no more."""
        newest = connection.execute(select(_BLOCKS.c.hash).order_by(_BLOCKS.c.number.desc()).limit(1)).scalar()
        stands_on = None if newest is None else bytes.fromhex(newest)
        if stands_on != self._stands_on:
            self._forget()
        if stands_on is not None and batch.headers and batch.headers[0].parent_hash != stands_on:
            raise BooksMoved(f"Block {batch.headers[0].number} does not follow on the newest in the books.")

    def roll_back(self, ancestor: int) -> None:
        """Take back every block after the ancestor; what was handed in is queued for the chain again.

        A chain that goes back behind what it had called final leaves nothing to go back to: the books are
        then emptied, and folded again from the first block.
        """
        self._forget()
        with self.database.transaction() as connection:
            _queue_again(connection, ancestor)
            if ancestor < slots.pruned_to(connection):
                _empty(connection)
                return
            gone = select(_SEGMENTS.c.id).where(_SEGMENTS.c.block_number > ancestor)
            end = _next_segment_id(connection)
            left = connection.execute(
                select(func.max(_SEGMENTS.c.id)).where(_SEGMENTS.c.block_number <= ancestor)
            ).scalar_one()
            lift_runs.reshape(connection, before=end, after=(left or 0) + 1)
            mass_moves.roll_back(connection, ancestor)
            for table in (_RUNS, _LINKS, _STEPS):
                connection.execute(delete(table).where(table.c.segment_id.in_(gone)))
            connection.execute(
                update(_STEPS)
                .where(_STEPS.c.settled_block > ancestor)
                .values(**_outcome_columns(_STEPS.c.recorded_outcome), settled_block=None, settled_at=None)
            )
            for table in (_SEGMENTS, _REFUSED, _PLACED, _PLACEMENTS, _DISAGREEMENTS, _PRODUCTS):
                connection.execute(delete(table).where(table.c.block_number > ancestor))
            connection.execute(delete(_BLOCKS).where(_BLOCKS.c.number > ancestor))
            touched = slots.roll_back(connection, ancestor)
            self.state.attach(connection)
            self._project_lots(connection, touched)
            self.state.attach(None)
        self._forget()

    def drop(self) -> None:
        """Empty the books; what was handed in stays."""
        self._forget()
        with self.database.transaction() as connection:
            _empty(connection)

    def _forget(self) -> None:
        self.state.forget()
        self._moves.forget()

    def ready_queues(self) -> list[QueueKey]:
        """Return (lot, device) of the queues whose front anyone may now ask the ledger to judge."""
        state = self.reading_state()
        with self.database.transaction(writes=False) as connection:
            state.attach(connection)
            return sorted(key for key in slots.queues_kept(connection) if is_ready(state, *key))

    def _project_lots(self, connection: Connection, lots: Iterable[int]) -> None:
        rows: list[tuple[Any, ...]] = []
        gone: list[str] = []
        for lot_id in lots:
            lot = self.state.lots.get(lot_id)
            if lot is None:
                gone.append(lot_text(lot_id))
                continue
            give = self.state.gives.get(lot_id)
            rows.append(
                (
                    lot_text(lot_id),
                    device_text(lot.holder),
                    lot.grams,
                    lot.lifts,
                    lot.stream,
                    int(lot.status),
                    lot.pendings,
                    lot.shut,
                    lot.mixture,
                    None if give is None else device_text(give.to),
                    None if give is None else organisation_text(organisation_of(give.to)),
                    None if give is None else give.seq,
                    None if give is None else give.head13.hex(),
                )
            )
        replace_rows(connection, _LOTS, rows)
        delete_rows(connection, _LOTS, gone)

    def _write(self, connection: Connection, lines: BookLines) -> None:
        lifts_to = _lifts_so_far(connection)
        rows = []
        for line in lines.segments:
            lifts_to += line.lifts
            rows.append(_segment_row(line, lifts_to))
        insert_rows(connection, _SEGMENTS, rows)
        insert_rows(
            connection,
            _RUNS,
            [
                (lot_text(r.lot), r.segment_id, r.first_position, r.last_position, r.applied, r.grams)
                for r in lines.runs
            ],
        )
        insert_rows(connection, _STEPS, [_step_row(step) for step in lines.steps.values()])
        links = [
            {
                "lot": lot_text(link.lot),
                "into_lot": lot_text(link.into_lot),
                "device": device_text(link.device),
                "seq": link.seq,
                "segment_id": link.segment_id,
            }
            for link in lines.links
        ]
        for start in range(0, len(links), 1000):
            upsert(connection, _LINKS, links[start : start + 1000])
        for event, block_number, block_time in lines.settled:
            connection.execute(
                update(_STEPS)
                .where(_STEPS.c.device == device_text(event.device), _STEPS.c.seq == event.seq)
                .values(**_outcome_columns(event.outcome), settled_block=block_number, settled_at=block_time)
            )
        self._write_rare(connection, lines)
        _mark_recorded(connection, lines.segments)
        self._learn_devices(connection, lines)
        placements.write(connection, lines.placed)

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
        learnt: dict[int, KnownDevice] = {}
        for line in lines.devices:
            device = find_device(self.state, line.device)
            if device is None:
                continue
            origin = self.state.origins.get(line.device)
            learnt[line.device] = KnownDevice(
                line.device,
                device.key_hash,
                device.role,
                device.not_after,
                device.is_revoked,
                line.registrar,
                line.enrolled_seq,
                origin=None if origin is None else origin.digest,
            )
        intake.know_devices(learnt.values())
        for revoked in lines.revoked:
            intake.forget_trust(revoked)
        for replaced in lines.replaced:
            device = find_device(self.state, replaced)
            if device is not None:
                intake.end_device(replaced, device.not_after)


def _next_segment_id(connection: Connection) -> int:
    return (connection.execute(select(func.max(_SEGMENTS.c.id))).scalar_one() or 0) + 1


def _outcome_columns(byte: Any) -> dict[str, Any]:
    """Return the outcome and the flaw in a byte, be it a number or a column."""
    return {"outcome": byte % 16, "flaw": byte // 16}


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


def _lifts_so_far(connection: Connection) -> int:
    newest = select(_SEGMENTS.c.lifts_to).order_by(_SEGMENTS.c.id.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none() or 0


def _segment_row(line: SegmentLine, lifts_to: int) -> tuple[Any, ...]:
    event = line.event
    return (
        line.id,
        device_text(event.device),
        event.first_seq,
        line.last_seq,
        event.words,
        event.outcomes,
        line.prev_head,
        event.head,
        b"".join(v.to_bytes(32, "big") for v in (event.x, event.y, event.r, event.s)),
        event.assertion,
        event.place.block_number,
        event.place.block_hash.hex(),
        line.block_time,
        event.place.tx_hash.hex(),
        event.place.log_index,
        lifts_to,
    )


def _step_row(step: StepLine) -> tuple[Any, ...]:
    about_device, about_seq = (None, None) if step.about is None else step.about
    return (
        device_text(step.device),
        step.seq,
        step.kind,
        step.segment_id,
        None if step.lot is None else lot_text(step.lot),
        None if step.into_lot is None else lot_text(step.into_lot),
        *_outcome_columns(step.outcome).values(),
        step.recorded_outcome,
        step.settled_block,
        step.settled_at,
        None if about_device is None else device_text(about_device),
        about_seq,
    )


def _prune_blocks(connection: Connection, batch: Extend) -> None:
    keep_from = min(batch.finalized_number, batch.headers[-1].number - HEADERS_KEPT)
    connection.execute(delete(_BLOCKS).where(_BLOCKS.c.number < keep_from))


def _mark_recorded(connection: Connection, segments: Sequence[SegmentLine]) -> None:
    """Note how far each journal got; keep what others relayed, so that this server can go on from there."""
    intake = IntakeStore(connection)
    last_seqs: dict[int, int] = {}
    for line in segments:
        last_seqs[line.event.device] = line.last_seq
    intake.hold_journals(last_seqs)
    kept_to = {device: end[0] for device, end in intake.find_ends(last_seqs).items()}
    foreign: list[Accepted] = []
    for line in segments:
        event = line.event
        if event.first_seq > kept_to.get(event.device, 0):
            receipt = receipt_id(event.device, event.first_seq, line.last_seq, event.head)
            foreign.append(
                Accepted(receipt, event.segment, line.last_seq, line.prev_head, event.head, line.block_time)
            )
            kept_to[event.device] = line.last_seq
    intake.keep_recorded(foreign)
    intake.mark_recorded(last_seqs)


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
