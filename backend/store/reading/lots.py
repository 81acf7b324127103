"""Lots as they stand now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from backend.domain.custody_state import LotStatus
from backend.store.reading.entries import EntryReading
from backend.store.tables import (
    CustodyStep,
    LotRow,
    table_of,
)
from backend.usecases.views import (
    IncomingLot,
    LotView,
)

_STEPS = table_of(CustodyStep)
_LOTS = table_of(LotRow)


class LotReading(EntryReading):
    """Reads lots."""

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
            row.mixture,
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
                    row.mixture,
                )
            )
        return lots

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

    def lot_lines(self, *, after: str, limit: int) -> list[Row[Any]]:
        """Return lots in order of their id, after a given one."""
        rows = self._connection.execute(
            select(_LOTS).where(_LOTS.c.lot > after).order_by(_LOTS.c.lot).limit(limit)
        )
        return list(rows.all())
