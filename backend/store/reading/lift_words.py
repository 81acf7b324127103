"""The words of lifts at known places, cut out by the database: many segments are touched, few bytes read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from backend.domain.journal import split_entries
from backend.store.lift_runs import LiftPlace

_PLACES_A_QUERY = 1000
# Where every entry is one word, the position says which.
_WORDS_AT = """
WITH asked (id, position) AS (VALUES {asked})
SELECT asked.id, asked.position, s.device, s.first_seq, s.block_time,
       substr(s.outcomes, asked.position + 1, 1) AS outcome,
       length(s.words) = 32 * (s.last_seq - s.first_seq + 1) AS is_plain,
       CASE WHEN length(s.words) = 32 * (s.last_seq - s.first_seq + 1)
            THEN substr(s.words, asked.position * 32 + 1, 32) ELSE s.words END AS words
  FROM asked JOIN ledger_segment s ON s.id = asked.id
"""


class LiftWord(NamedTuple):
    """A recorded lift: where it stands, its word, the ledger's answer, and its block's time."""

    segment_id: int
    position: int
    device: str
    seq: int
    word: bytes
    answer: int
    recorded_at: int


def lift_words(connection: Connection, places: Sequence[LiftPlace]) -> Iterator[LiftWord]:
    """Yield the lifts at these places, in no order."""
    for start in range(0, len(places), _PLACES_A_QUERY):
        asked = ",".join(f"({id_},{position})" for id_, position in places[start : start + _PLACES_A_QUERY])
        for row in connection.exec_driver_sql(_WORDS_AT.format(asked=asked)):
            words = bytes(row.words)
            word = words if row.is_plain else split_entries(words)[row.position]
            seq, answer = row.first_seq + row.position, bytes(row.outcome)[0]
            yield LiftWord(row.id, row.position, row.device, seq, word, answer, row.block_time)
