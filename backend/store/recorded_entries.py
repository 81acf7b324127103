"""Many recorded entries at once, each cut out of its segment by the database where it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.usecases.views import EntryView, OrganisationView

_PLACES_A_QUERY = 400
_WHOLE = -1
# The arrival is that of the last segment handed in that begins at or before the entry, if it holds it.
_ENTRIES_AT = """
WITH asked (id, position, word) AS (VALUES {asked})
SELECT asked.id, asked.position, s.device, s.first_seq, s.last_seq, s.block_number, s.block_hash, s.block_time,
       s.tx_hash, substr(s.outcomes, asked.position + 1, 1) AS outcome,
       CASE WHEN asked.word < 0 THEN s.words ELSE substr(s.words, asked.word * 32 + 1, 32) END AS words,
       (SELECT CASE WHEN a.last_seq >= s.first_seq + asked.position THEN a.received_at END
          FROM accepted_segment a
         WHERE a.device = s.device AND a.first_seq <= s.first_seq + asked.position
         ORDER BY a.first_seq DESC LIMIT 1) AS received_at
  FROM asked JOIN ledger_segment s ON s.id = asked.id
"""


class EntryPlace(NamedTuple):
    """An entry of a recorded segment.

    `is_plain`: the segment holds nothing but lifts, so the position says which word it is. `answer` is the
    (outcome, flaw) of a step that may have settled since; a lift's stands with its segment.
    """

    segment_id: int
    position: int
    is_plain: bool = False
    answer: tuple[int, int] | None = None


class EntryReader:
    """Reads recorded entries within one transaction; blocks up to `final_to` are final."""

    def __init__(
        self, connection: Connection, *, organisation: Callable[[str], OrganisationView], final_to: int
    ) -> None:
        self._connection, self._organisation, self._final_to = connection, organisation, final_to

    def views(self, places: Sequence[EntryPlace]) -> list[EntryView]:
        """Return the entries at these places, in their order."""
        rows = {(row.id, row.position): row for row in self._rows(places)}
        return [self._view(rows[place.segment_id, place.position], place) for place in places]

    def _rows(self, places: Sequence[EntryPlace]) -> Iterator[Any]:
        for start in range(0, len(places), _PLACES_A_QUERY):
            asked = ",".join(
                f"({place.segment_id},{place.position},{place.position if place.is_plain else _WHOLE})"
                for place in places[start : start + _PLACES_A_QUERY]
            )
            yield from self._connection.exec_driver_sql(_ENTRIES_AT.format(asked=asked))

    def _view(self, row: Any, place: EntryPlace) -> EntryView:
        words = bytes(row.words)
        entry = read_entry(words if place.is_plain else split_entries(words)[place.position])
        byte = bytes(row.outcome)[0]
        outcome, flaw = (byte & 0xF, byte >> 4) if place.answer is None else place.answer
        seq = row.first_seq + place.position
        return EntryView(
            device=row.device,
            seq=seq,
            kind=entry.kind,
            kind_name=Kind(entry.kind).name.lower() if entry.is_well_formed else "unknown",
            fields=entry.fields,
            organisation=self._organisation(row.device[:6]),
            occurred_at=entry.fields["occurred_at"],
            segment_first_seq=row.first_seq,
            segment_last_seq=row.last_seq,
            state="finalized" if row.block_number <= self._final_to else "included",
            received_at=row.received_at,
            recorded_at=row.block_time,
            outcome=outcome,
            flaw=flaw,
            tx_hash=row.tx_hash,
            block_number=row.block_number,
            block_hash=row.block_hash,
            blocks_to_final=max(row.block_number - self._final_to, 0),
        )
