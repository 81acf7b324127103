"""Counts new lifts for the indicators; never while somebody waits for a page."""

from __future__ import annotations

import structlog

from backend.store.lift_tallies import TallyStore, count
from backend.store.session import Database

log = structlog.get_logger("tally")


class Tally:
    """Counts each recorded segment once; all over again when the chain replaced what was counted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run_once(self) -> int:
        """Count what is new; return how many segments that were.

        Reading locks nothing; each few hundred segments are written in one short transaction. What comes in
        meanwhile is for the next time.
        """
        segments, is_done = 0, False
        while not is_done:
            counted, is_done = self._count()
            segments += counted
        return segments

    def _count(self) -> tuple[int, bool]:
        """Count until all is counted, or until a bin was placed that these counts do not know: then begin anew."""
        with self._database.transaction(writes=False) as connection:
            store = TallyStore(connection)
            counted_to, _, placed_block = store.counted_to()
            if (
                counted_to == store.newest_segment()
                and placed_block == store.newest_placement()
                and store.stands()
            ):
                return 0, True
            stands, placed, newest = store.stands(), store.placed(), store.newest_segment()
        with self._database.transaction() as connection:
            store = TallyStore(connection)
            if not stands:
                log.info("counting again from the first day: blocks were replaced, or a bin was placed late")
                store.forget()
            segment_id, block_hash, _ = store.counted_to()
            store.keep_placed(placed)
            store.keep_pass(segment_id, block_hash, placed.newest_block)
        segments = 0
        while True:
            with self._database.transaction(writes=False) as connection:
                store = TallyStore(connection)
                if store.newest_placement() != placed.newest_block:
                    return segments, False
                counted_to = store.counted_to()[0]
                rows = store.segments_after(counted_to) if counted_to < newest else []
            if not rows:
                return segments, True
            counted = count(rows, placed)
            with self._database.transaction() as connection:
                store = TallyStore(connection)
                store.add(counted)
                store.keep_pass(rows[-1].id, rows[-1].block_hash, placed.newest_block)
            segments += len(rows)
