"""All that pages and programs ask of the books: rows in, views out."""

from __future__ import annotations

from sqlalchemy import func, select

from backend.domain.types import bin_text
from backend.store.lift_runs import count_lifts
from backend.store.reading.bins import BinReading
from backend.store.slots import BookState
from backend.store.tables import (
    AcceptedSegment,
    Block,
    Disagreement,
    KnownDevice,
    LedgerSegment,
    LotRow,
    table_of,
)
from backend.usecases.audit_records import NO_RECORD, record_digest
from backend.usecases.views import (
    DeviceView,
    Following,
    StreamTotals,
)

_SEGMENTS = table_of(LedgerSegment)
_ACCEPTED = table_of(AcceptedSegment)
_BLOCKS = table_of(Block)
_LOTS = table_of(LotRow)
_DISAGREEMENTS = table_of(Disagreement)
_DEVICES = table_of(KnownDevice)
_ROWS_A_READ = 200


class Reader(BinReading):
    """Reads the books within one transaction."""

    def present(self, now: int) -> int:
        """Return the present as the books see it: the clock, or the newest block where that is ahead of it."""
        newest = self._connection.execute(select(func.max(_BLOCKS.c.timestamp))).scalar_one()
        return max(now, newest or 0)

    def following(self) -> Following:
        """Return how far the books are."""
        newest = self._connection.execute(select(_BLOCKS).order_by(_BLOCKS.c.number.desc()).limit(1)).one_or_none()
        segment = self._connection.execute(
            select(_SEGMENTS.c.id, _SEGMENTS.c.lifts_to).where(
                _SEGMENTS.c.id == select(func.max(_SEGMENTS.c.id)).scalar_subquery()
            )
        ).one_or_none()
        count = self._count
        return Following(
            None if newest is None else newest.number,
            None if newest is None else newest.timestamp,
            # Two ranges of an index: what is recorded, which is nearly all, is not looked at.
            count(_ACCEPTED, _ACCEPTED.c.state < "recorded") + count(_ACCEPTED, _ACCEPTED.c.state > "recorded"),
            count(_DISAGREEMENTS),
            0 if segment is None else segment.lifts_to,
            0 if segment is None else segment.id,
        )

    def totals(self, state: BookState) -> list[StreamTotals]:
        """Return, per stream, lifted + gained = held + out + lost."""
        state.attach(self._connection)
        try:
            held: dict[int, int] = {
                row.stream: int(row.grams)
                for row in self._connection.execute(
                    select(_LOTS.c.stream, func.sum(_LOTS.c.grams).label("grams")).group_by(_LOTS.c.stream)
                )
            }
            return [
                StreamTotals(stream, t.lifted, t.gained, held.get(stream, 0), t.out, t.lost)
                for stream, t in state.totals.items()
            ]
        finally:
            state.attach(None)

    def devices(self) -> list[DeviceView]:
        """Return all enrolled devices, by organisation and role."""
        # Of each journal the last segment is sought: a maximum over all would read every one.
        newest = _SEGMENTS.alias()
        last_seq = (
            select(newest.c.last_seq)
            .where(newest.c.device == _DEVICES.c.device)
            .order_by(newest.c.first_seq.desc())
            .limit(1)
            .scalar_subquery()
        )
        recorded: dict[str, int] = {
            device: seq
            for device, seq in self._connection.execute(select(_DEVICES.c.device, last_seq))
            if seq is not None
        }
        rows = self._connection.execute(
            select(_DEVICES).order_by(_DEVICES.c.organisation, _DEVICES.c.role, _DEVICES.c.device)
        )
        return [
            DeviceView(
                row.device,
                self.organisation(row.organisation),
                row.role,
                row.not_after,
                row.is_revoked,
                row.registrar is None or (row.enrolled_seq or 0) <= recorded.get(row.registrar, 0),
                recorded.get(row.device, 0),
            )
            for row in rows
        ]

    def device_lines(
        self, state: BookState, *, after: str, limit: int
    ) -> tuple[list[tuple[str, int, str]], str | None]:
        """Return (device, last seq, head) of journals on the ledger, and where the next page begins."""
        statement = select(_DEVICES.c.device).where(_DEVICES.c.device > after)
        keys = self._connection.execute(statement.order_by(_DEVICES.c.device).limit(limit)).scalars().all()
        state.attach(self._connection)
        lines = []
        for device in keys:
            known = state.devices.get(int(device, 16))
            if known is not None:
                lines.append((device, known.next_seq - 1, known.head.hex()))
        state.attach(None)
        return lines, keys[-1] if len(keys) == limit else None

    def journal_lines(self, *, after: str, limit: int) -> tuple[list[tuple[str, str]], str | None]:
        """Return (device, digest of all that was recorded of it), and where the next page begins."""
        statement = select(_SEGMENTS.c.device).where(_SEGMENTS.c.device > after).distinct()
        devices = self._connection.execute(statement.order_by(_SEGMENTS.c.device).limit(limit)).scalars().all()
        if not devices:
            return [], None
        rows = self._connection.execute(
            select(_SEGMENTS.c.device, _SEGMENTS.c.first_seq, _SEGMENTS.c.words, _SEGMENTS.c.outcomes)
            .where(_SEGMENTS.c.device > after, _SEGMENTS.c.device <= devices[-1])
            .order_by(_SEGMENTS.c.device, _SEGMENTS.c.first_seq)
            .execution_options(yield_per=_ROWS_A_READ)
        )
        digests = dict.fromkeys(devices, NO_RECORD)
        for row in rows:
            said = bytes(row.words), bytes(row.outcomes)
            digests[row.device] = record_digest(digests[row.device], row.first_seq, *said)
        lines = [(device, digest.hex()) for device, digest in digests.items()]
        return lines, devices[-1] if len(devices) == limit else None

    def bin_lines(self, *, after: int) -> tuple[list[tuple[str, int]], str | None]:
        """Return (bin, how many lifts are found of it), and where the next page begins."""
        lines, upto = count_lifts(self._connection, after=after)
        return [(bin_text(number), lifts) for number, lifts in lines], None if upto is None else bin_text(upto)
