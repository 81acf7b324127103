"""Runs of lifts, and lists that are too long for one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row

from backend.store.recorded_entries import EntryPlace
from backend.store.tables import (
    LedgerSegment,
    table_of,
)

_SEGMENTS = table_of(LedgerSegment)

ENTRIES_IN_SEGMENT = (_SEGMENTS.c.last_seq - _SEGMENTS.c.first_seq + 1).label("entries")


def parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut a long list into parts that a statement can name."""
    return (values[start : start + 400] for start in range(0, len(values), 400))


def is_whole(run: Row[Any]) -> bool:
    """Say whether a run is all of its segment, which then holds nothing but lifts."""
    return bool(run.last_position - run.first_position + 1 == run.entries)


def first_of(run: Row[Any]) -> EntryPlace:
    """Return where the run's first lift is."""
    return EntryPlace(run.segment_id, run.first_position, is_whole(run))
