"""Queries for pages and programs: rows in, views out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from backend.domain.custody_state import LotStatus
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.types import Outcome
from backend.store.slots import BookState
from backend.store.tables import (
    AcceptedSegment,
    BinLabel,
    Block,
    CollectionPoint,
    CustodyStep,
    Disagreement,
    KnownDevice,
    LedgerSegment,
    LiftRow,
    LotRow,
    LotRun,
    OrganisationName,
    PlacedBin,
    SiteName,
    Slot,
    table_of,
)
from backend.usecases.views import (
    BinTrace,
    BinView,
    DeviceView,
    EntryView,
    Following,
    IncomingLot,
    Journey,
    JourneyStep,
    LiftView,
    LotView,
    Name,
    OrganisationView,
    SiteView,
    StreamTotals,
    StreetRow,
    StreetSummary,
)

_SEGMENTS, _ACCEPTED, _BLOCKS = table_of(LedgerSegment), table_of(AcceptedSegment), table_of(Block)
_STEPS, _RUNS, _LIFTS, _LOTS = table_of(CustodyStep), table_of(LotRun), table_of(LiftRow), table_of(LotRow)
_BINS, _POINTS, _PLACED = table_of(BinLabel), table_of(CollectionPoint), table_of(PlacedBin)
_ORGANISATIONS, _SITES, _SLOTS = table_of(OrganisationName), table_of(SiteName), table_of(Slot)
_DISAGREEMENTS, _DEVICES = table_of(Disagreement), table_of(KnownDevice)

_MOST_LOTS_IN_A_JOURNEY = 2000
_ENDS = (Kind.TAKE, Kind.CLOSE)


class Reader:
    """Reads the books within one transaction. `finality_depth` blocks on top make a block final."""

    def __init__(self, connection: Connection, *, finality_depth: int = 0) -> None:
        self._connection = connection
        self._finality_depth = finality_depth
        self._organisations: dict[str, OrganisationView] = {}
        self._head: int | None = None

    # --- names ---------------------------------------------------------------------------------------

    def organisation(self, organisation: str) -> OrganisationView:
        """Return an organisation; one without a name is shown by its id."""
        if not self._organisations:
            for row in self._connection.execute(select(_ORGANISATIONS)):
                name = Name(row.name_zh, row.name_en)
                self._organisations[row.organisation] = OrganisationView(row.organisation, name, row.part)
        known = self._organisations.get(organisation)
        if known is None:
            known = OrganisationView(
                organisation, Name(f"机构 {organisation}", f"organisation {organisation}"), ""
            )
        return known

    def organisations(self) -> list[OrganisationView]:
        """Return all organisations with a name."""
        self.organisation("")
        return list(self._organisations.values())

    def sites(self) -> list[SiteView]:
        """Return all sites with a name."""
        return [_site(row) for row in self._connection.execute(select(_SITES).order_by(_SITES.c.site))]

    def find_site(self, site: str) -> SiteView | None:
        """Return a site."""
        row = self._connection.execute(select(_SITES).where(_SITES.c.site == site)).one_or_none()
        return None if row is None else _site(row)

    # --- entries -------------------------------------------------------------------------------------

    def head_number(self) -> int:
        """Return the number of the newest block in the books."""
        if self._head is None:
            self._head = self._connection.execute(select(func.max(_BLOCKS.c.number))).scalar_one() or 0
        return self._head

    def following(self) -> Following:
        """Return how far the books are."""
        newest = self._connection.execute(select(_BLOCKS).order_by(_BLOCKS.c.number.desc()).limit(1)).one_or_none()
        count = self._count
        return Following(
            None if newest is None else newest.number,
            None if newest is None else newest.timestamp,
            count(_ACCEPTED, _ACCEPTED.c.state != "recorded"),
            count(_DISAGREEMENTS),
            count(_LIFTS),
            count(_SEGMENTS),
        )

    def _count(self, table: Any, *where: Any) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def find_entry(self, device: str, seq: int) -> EntryView | None:
        """Return an entry that was handed in or recorded."""
        row = self._connection.execute(
            select(_SEGMENTS).where(
                _SEGMENTS.c.device == device, _SEGMENTS.c.first_seq <= seq, _SEGMENTS.c.last_seq >= seq
            )
        ).one_or_none()
        if row is not None:
            return self._recorded_entry(row, seq - row.first_seq)
        row = self._connection.execute(
            select(_ACCEPTED).where(
                _ACCEPTED.c.device == device, _ACCEPTED.c.first_seq <= seq, _ACCEPTED.c.last_seq >= seq
            )
        ).one_or_none()
        return None if row is None else self._queued_entry(row, seq - row.first_seq)

    def _queued_entry(self, row: Row[Any], position: int) -> EntryView:
        return self._entry(row, position, state=row.state, received_at=row.received_at)

    def _recorded_entry(self, row: Row[Any], position: int) -> EntryView:
        seq = row.first_seq + position
        received_at = self._connection.execute(
            select(_ACCEPTED.c.received_at).where(
                _ACCEPTED.c.device == row.device,
                _ACCEPTED.c.first_seq <= seq,
                _ACCEPTED.c.last_seq >= seq,
            )
        ).scalar_one_or_none()
        is_final = row.block_number <= self.head_number() - self._finality_depth
        outcome = self._connection.execute(
            select(_STEPS.c.outcome).where(_STEPS.c.device == row.device, _STEPS.c.seq == seq)
        ).scalar_one_or_none()
        return self._entry(
            row,
            position,
            state="finalized" if is_final else "included",
            received_at=received_at,
            recorded_at=row.block_time,
            outcome=row.outcomes[position] if outcome is None else outcome,
            tx_hash=row.tx_hash,
            block_number=row.block_number,
            block_hash=row.block_hash,
        )

    def _entry(self, row: Row[Any], position: int, **known: Any) -> EntryView:
        entry = read_entry(split_entries(row.words)[position])
        values: dict[str, Any] = {
            "received_at": None,
            "recorded_at": None,
            "outcome": None,
            "tx_hash": None,
            "block_number": None,
            "block_hash": None,
        }
        return EntryView(
            device=row.device,
            seq=row.first_seq + position,
            kind=entry.kind,
            kind_name=Kind(entry.kind).name.lower() if entry.is_well_formed else "unknown",
            fields=entry.fields,
            organisation=self.organisation(row.device[:6]),
            occurred_at=entry.fields["occurred_at"],
            segment_first_seq=row.first_seq,
            segment_last_seq=row.last_seq,
            **{**values, **known},
        )

    def _segment(self, segment_id: int) -> Row[Any]:
        return self._connection.execute(select(_SEGMENTS).where(_SEGMENTS.c.id == segment_id)).one()

    # --- lots ----------------------------------------------------------------------------------------

    def find_lot(self, lot: str) -> LotView | None:
        """Return a lot as it stands now."""
        row = self._connection.execute(select(_LOTS).where(_LOTS.c.lot == lot)).one_or_none()
        return None if row is None else self._lot(row)

    def _lot(self, row: Row[Any]) -> LotView:
        to = row.given_to_organisation
        return LotView(
            row.lot,
            row.stream,
            row.status,
            row.holder,
            self.organisation(row.holder[:6]),
            row.grams,
            row.lifts,
            None if to is None else self.organisation(to),
        )

    def newest_lots(self, limit: int) -> list[LotView]:
        """Return the lots touched by the newest entries."""
        newest = (
            select(_STEPS.c.lot, func.max(_STEPS.c.segment_id).label("newest"))
            .where(_STEPS.c.lot.is_not(None))
            .group_by(_STEPS.c.lot)
            .subquery()
        )
        rows = self._connection.execute(
            select(_LOTS)
            .join(newest, newest.c.lot == _LOTS.c.lot)
            .order_by(newest.c.newest.desc(), _LOTS.c.lot)
            .limit(limit)
        )
        return [self._lot(row) for row in rows]

    def incoming_lots(self, organisation: str) -> list[IncomingLot]:
        """Return the lots given to an organisation and not taken yet."""
        rows = self._connection.execute(
            select(_LOTS)
            .where(_LOTS.c.given_to_organisation == organisation, _LOTS.c.status == int(LotStatus.GIVEN))
            .order_by(_LOTS.c.lot)
        ).all()
        lots = []
        for row in rows:
            give = self.find_entry(row.holder, row.give_seq)
            if give is None:
                continue
            lots.append(
                IncomingLot(
                    row.lot,
                    row.stream,
                    row.grams,
                    row.lifts,
                    row.holder,
                    row.give_seq,
                    self.head_after(row.holder, row.give_seq).hex(),
                    give.occurred_at,
                    self.organisation(row.holder[:6]),
                )
            )
        return lots

    def head_after(self, device: str, seq: int) -> bytes:
        """Return the journal's head after an entry that was recorded."""
        from backend.domain.journal import next_head

        row = self._connection.execute(
            select(_SEGMENTS).where(
                _SEGMENTS.c.device == device, _SEGMENTS.c.first_seq <= seq, _SEGMENTS.c.last_seq >= seq
            )
        ).one()
        head: bytes = row.prev_head
        for entry in split_entries(row.words)[: seq - row.first_seq + 1]:
            head = next_head(head, entry)
        return head

    def find_journey(self, lot: str) -> Journey | None:
        """Return a lot's journey both ways: every lot that went into it, and every lot it went into."""
        view = self.find_lot(lot)
        if view is None:
            return None
        came_from = self._closure([lot], forwards=False)
        became = self._closure([lot], forwards=True)
        steps = self._steps_of([*came_from, lot, *became])
        ends = tuple(
            step
            for step in steps
            if step.entry.kind in _ENDS and step.entry.outcome == Outcome.APPLIED
            if step.lot == lot or step.lot in became
        )
        return Journey(view, tuple(came_from), tuple(became), tuple(steps), ends)

    def _closure(self, lots: Sequence[str], *, forwards: bool) -> list[str]:
        """Follow applied merges from these lots, nearest first."""
        mine, other = (_STEPS.c.lot, _STEPS.c.into_lot) if forwards else (_STEPS.c.into_lot, _STEPS.c.lot)
        seen, found, front = set(lots), list[str](), list(lots)
        while front and len(found) < _MOST_LOTS_IN_A_JOURNEY:
            rows = self._connection.execute(
                select(other)
                .where(
                    mine.in_(front[:500]),
                    _STEPS.c.kind == int(Kind.MERGE),
                    _STEPS.c.outcome == int(Outcome.APPLIED),
                )
                .distinct()
            ).scalars()
            front = front[500:]
            for lot in sorted(rows):
                if lot not in seen:
                    seen.add(lot)
                    found.append(lot)
                    front.append(lot)
        return found

    def _steps_of(self, lots: Sequence[str]) -> list[JourneyStep]:
        steps: list[JourneyStep] = []
        for start in range(0, len(lots), 400):
            part = lots[start : start + 400]
            rows = self._connection.execute(
                select(_STEPS).where(or_(_STEPS.c.lot.in_(part), _STEPS.c.into_lot.in_(part)))
            ).all()
            steps += [self._step(row) for row in rows]
            runs = self._connection.execute(select(_RUNS).where(_RUNS.c.lot.in_(part))).all()
            steps += [self._run(row) for row in runs]
        unique = {(s.entry.device, s.entry.seq): s for s in steps}
        return sorted(unique.values(), key=lambda s: (s.entry.occurred_at, s.entry.device, s.entry.seq))

    def _step(self, row: Row[Any]) -> JourneyStep:
        segment = self._segment(row.segment_id)
        entry = self._recorded_entry(segment, row.seq - segment.first_seq)
        other = entry.fields.get("to") or entry.fields.get("giver")
        return JourneyStep(
            entry,
            row.lot or "",
            row.into_lot,
            entry.fields.get("net", entry.fields.get("grams")),
            None if not other else self.organisation(f"{other:016x}"[:6]),
        )

    def _run(self, row: Row[Any]) -> JourneyStep:
        entry = self._recorded_entry(self._segment(row.segment_id), row.first_position)
        return JourneyStep(entry, row.lot, None, row.grams, None, lifts=row.applied)

    # --- bins ----------------------------------------------------------------------------------------

    def find_bin(self, number: str) -> BinView | None:
        """Return a bin by its number."""
        return self._find_bin(_BINS.c.number == number)

    def find_bin_by_digest(self, serial_digest: str) -> BinView | None:
        """Return a bin by the digest of its label's serial."""
        return self._find_bin(_BINS.c.serial_digest == serial_digest)

    def _find_bin(self, where: Any) -> BinView | None:
        rows = self._bin_rows(where)
        return rows[0] if rows else None

    def _bin_rows(self, where: Any) -> list[BinView]:
        rows = self._connection.execute(
            select(
                _BINS,
                _POINTS.c.name_zh.label("point_zh"),
                _POINTS.c.name_en.label("point_en"),
                _PLACED.c.number.label("placed_number"),
            )
            .outerjoin(_POINTS, _POINTS.c.id == _BINS.c.point_id)
            .outerjoin(_PLACED, _PLACED.c.serial_digest == _BINS.c.serial_digest)
            .where(where)
            .order_by(_BINS.c.point_id, _BINS.c.stream, _BINS.c.number)
        ).all()
        sites = {row.site: self.find_site(row.site) for row in rows}
        return [
            BinView(
                row.number,
                row.serial_digest,
                row.stream,
                sites[row.site],
                None if row.point_zh is None else Name(row.point_zh, row.point_en or row.point_zh),
                row.placed_from,
                row.placed_number is not None and row.placed_number == int(row.number, 16),
            )
            for row in rows
        ]

    def find_bin_trace(self, number: str, *, limit: int = 30) -> BinTrace | None:
        """Return a bin's newest lifts and where their lots went."""
        bin_view = self.find_bin(number)
        if bin_view is None:
            return None
        lifts = self._lifts_of(number, limit=limit)
        journeys: dict[str, Journey] = {}
        for lift in lifts:
            if lift.lot is not None and lift.lot not in journeys:
                journey = self.find_journey(lift.lot)
                if journey is not None:
                    journeys[lift.lot] = journey
        return BinTrace(bin_view, tuple(lifts), journeys)

    def _lifts_of(self, number: str, *, limit: int) -> list[LiftView]:
        rows = self._connection.execute(
            select(_LIFTS.c.segment_id, _LIFTS.c.position)
            .where(_LIFTS.c.bin == int(number, 16))
            .order_by(_LIFTS.c.segment_id.desc(), _LIFTS.c.position.desc())
            .limit(limit)
        ).all()
        return [self._lift(row.segment_id, row.position) for row in rows]

    def _lift(self, segment_id: int, position: int) -> LiftView:
        entry = self._recorded_entry(self._segment(segment_id), position)
        lot = self._connection.execute(
            select(_RUNS.c.lot).where(
                _RUNS.c.segment_id == segment_id,
                _RUNS.c.first_position <= position,
                _RUNS.c.last_position >= position,
            )
        ).scalar_one_or_none()
        f = entry.fields
        number = f"{f['bin']:010x}"
        known = (
            self._connection.execute(select(_PLACED.c.stream).where(_PLACED.c.number == f["bin"]))
            .scalars()
            .first()
        )
        flags = ("unknown-bin",) if known is None else ("wrong-stream",) if known != f["stream"] else ()
        return LiftView(entry, number, lot, f["stream"], f["grade"], f["basis"], f["grams"], flags)

    def lifts_in_lot(self, lot: str, *, limit: int) -> list[LiftView]:
        """Return the lifts that went into a lot, oldest first."""
        runs = self._connection.execute(
            select(_RUNS).where(_RUNS.c.lot == lot).order_by(_RUNS.c.segment_id, _RUNS.c.first_position)
        ).all()
        lifts: list[LiftView] = []
        for run in runs:
            for position in range(run.first_position, run.last_position + 1):
                if len(lifts) == limit:
                    return lifts
                lifts.append(self._lift(run.segment_id, position))
        return lifts

    def street(self, site: str) -> list[StreetRow]:
        """Return the bins of a site, each with its newest lift."""
        codes: dict[str, str] = {
            row.number: row.code or ""
            for row in self._connection.execute(
                select(_BINS.c.number, _POINTS.c.code)
                .outerjoin(_POINTS, _POINTS.c.id == _BINS.c.point_id)
                .where(_BINS.c.site == site)
            )
        }
        rows = []
        for view in self._bin_rows(_BINS.c.site == site):
            lifts = self._lifts_of(view.number, limit=1)
            count = self._count(_LIFTS, _LIFTS.c.bin == int(view.number, 16))
            rows.append(StreetRow(view, codes[view.number], count, lifts[0] if lifts else None))
        return rows

    # --- for auditors --------------------------------------------------------------------------------

    def lot_lines(self, *, after: str, limit: int) -> list[Row[Any]]:
        """Return lots in order of their id, after a given one."""
        rows = self._connection.execute(
            select(_LOTS).where(_LOTS.c.lot > after).order_by(_LOTS.c.lot).limit(limit)
        )
        return list(rows.all())

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

    # --- totals --------------------------------------------------------------------------------------

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

    def bins(self, site: str | None = None) -> Iterable[BinView]:
        """Return all bins, or those of a site."""
        return self._bin_rows(_BINS.c.site == site if site else _BINS.c.number.is_not(None))

    # --- for the pages -------------------------------------------------------------------------------

    def devices(self) -> list[DeviceView]:
        """Return all enrolled devices, by organisation and role."""
        recorded: dict[str, int] = {
            row.device: row.last_seq
            for row in self._connection.execute(
                select(_SEGMENTS.c.device, func.max(_SEGMENTS.c.last_seq).label("last_seq")).group_by(
                    _SEGMENTS.c.device
                )
            )
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

    def streets(self) -> list[StreetSummary]:
        """Return the sites that have bins, with how many."""
        rows = self._connection.execute(
            select(
                _BINS.c.site,
                func.count(func.distinct(_BINS.c.point_id)).label("points"),
                func.count().label("bins"),
            )
            .group_by(_BINS.c.site)
            .order_by(_BINS.c.site)
        )
        found = [(self.find_site(row.site), row.points, row.bins) for row in rows]
        return [StreetSummary(site, points, bins) for site, points, bins in found if site is not None]

    def count_lots(self, stream: int | None = None) -> int:
        """Return how many lots there are, of one stream or of all."""
        return self._count(_LOTS, *([] if stream is None else [_LOTS.c.stream == stream]))

    def lots_page(self, *, offset: int, limit: int, stream: int | None = None) -> list[LotView]:
        """Return lots, those touched by the newest entries first."""
        newest = (
            select(_STEPS.c.lot, func.max(_STEPS.c.segment_id).label("newest"))
            .where(_STEPS.c.lot.is_not(None))
            .group_by(_STEPS.c.lot)
            .subquery()
        )
        query = select(_LOTS).outerjoin(newest, newest.c.lot == _LOTS.c.lot)
        if stream is not None:
            query = query.where(_LOTS.c.stream == stream)
        order = (func.coalesce(newest.c.newest, 0).desc(), _LOTS.c.lot)
        rows = self._connection.execute(query.order_by(*order).offset(offset).limit(limit))
        return [self._lot(row) for row in rows]

    def lifts_in_lots(self, lots: Sequence[str], *, offset: int, limit: int) -> list[LiftView]:
        """Return a page of the lifts that went into these lots, oldest first."""
        lifts: list[LiftView] = []
        for run in self._runs_of(lots):
            count = run.last_position - run.first_position + 1
            if offset >= count:
                offset -= count
                continue
            for position in range(run.first_position + offset, run.last_position + 1):
                if len(lifts) == limit:
                    return lifts
                lifts.append(self._lift(run.segment_id, position))
            offset = 0
        return lifts

    def count_lifts_in_lots(self, lots: Sequence[str]) -> int:
        """Return how many lifts name these lots, whatever the ledger answered."""
        return sum(run.last_position - run.first_position + 1 for run in self._runs_of(lots))

    def _runs_of(self, lots: Sequence[str]) -> list[Row[Any]]:
        runs: list[Row[Any]] = []
        for start in range(0, len(lots), 500):
            part = lots[start : start + 500]
            runs += self._connection.execute(select(_RUNS).where(_RUNS.c.lot.in_(part))).all()
        return sorted(runs, key=lambda run: (run.segment_id, run.first_position))


def _site(row: Row[Any]) -> SiteView:
    return SiteView(
        row.site,
        row.kind,
        row.organisation,
        Name(row.name_zh, row.name_en),
        row.parent,
        row.lat,
        row.lng,
        row.facts,
    )
