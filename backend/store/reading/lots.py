"""Lots as they stand now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, exists, func, select

from backend.domain.custody_state import LotStatus
from backend.store.reading.entries import EntryReading
from backend.store.reading.runs import parts
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
_FIRST_WINDOW, _WINDOW_GROWS = 500, 4
"""In segments."""


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
        return self._views(self._by_newest(limit))

    def _by_newest(self, count: int, stream: int | None = None) -> list[str]:
        """Return the first so many lots in the order of the newest entries about them, and then of their ids.

        Read backwards from the newest segment, in windows that grow: the whole of the steps is never sorted.
        """
        found: dict[str, None] = {}
        end = (self._connection.execute(select(func.max(_STEPS.c.segment_id))).scalar_one() or 0) + 1
        window = _FIRST_WINDOW
        of_stream = [] if stream is None else [_LOTS.c.stream == stream]
        while end > 0 and len(found) < count:
            start = max(end - window, 0)
            steps = (
                select(_STEPS.c.lot, _STEPS.c.segment_id)
                .where(_STEPS.c.segment_id >= start, _STEPS.c.segment_id < end, _STEPS.c.lot.is_not(None))
                .subquery()
            )
            rows = self._connection.execute(
                select(steps.c.lot)
                .join(_LOTS, _LOTS.c.lot == steps.c.lot)
                .where(*of_stream)
                .order_by(steps.c.segment_id.desc(), steps.c.lot)
            )
            found.update(dict.fromkeys(rows.scalars()))
            end, window = start, window * _WINDOW_GROWS
        return list(found)[:count]

    def _views(self, lots: list[str]) -> list[LotView]:
        rows = {
            row.lot: row
            for part in parts(lots)
            for row in self._connection.execute(select(_LOTS).where(_LOTS.c.lot.in_(part)))
        }
        return [self._lot(rows[lot]) for lot in lots]

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
        """Return lots, those touched by the newest entries first; then those that no entry names by itself."""
        touched = self._by_newest(offset + limit, stream)
        found = touched[offset:]
        if len(touched) < offset + limit:
            of_stream = [] if stream is None else [_LOTS.c.stream == stream]
            is_named = exists().where(_STEPS.c.lot == _LOTS.c.lot)
            rest = (
                select(_LOTS.c.lot)
                .where(~is_named, *of_stream)
                .order_by(_LOTS.c.lot)
                .offset(max(offset - len(touched), 0))
                .limit(limit - len(found))
            )
            found += self._connection.execute(rest).scalars()
        return self._views(found)

    def lot_lines(self, *, after: str, limit: int) -> list[Row[Any]]:
        """Return lots in order of their id, after a given one."""
        rows = self._connection.execute(
            select(_LOTS).where(_LOTS.c.lot > after).order_by(_LOTS.c.lot).limit(limit)
        )
        return list(rows.all())
