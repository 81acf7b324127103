"""Anchors what was said in complaints, from time to time."""

from __future__ import annotations

from collections.abc import Callable

from backend.store.complaints import ComplaintStore
from backend.store.intake import IntakeStore
from backend.store.session import Database
from backend.usecases.anchor_statements import Notary, anchor_statements

PERIOD_SECONDS = 2.0


class AnchorJob:
    """One device's journal, and the statements that it holds the digests of.

    `is_level` says whether the books are as far as the chain: behind it, as after a restored copy, the end of the
    device's own journal may not be known yet, and what were sealed then would be a fork of it.
    """

    def __init__(
        self, database: Database, notary: Notary, now: Callable[[], int], is_level: Callable[[], bool]
    ) -> None:
        self._database, self._notary, self._now, self._is_level = database, notary, now, is_level

    def run_once(self) -> int:
        """Anchor what waits; return how many statements that were."""
        with self._database.transaction(writes=False) as connection:
            if not ComplaintStore(connection).unanchored():
                return 0
        if not self._is_level():
            return 0
        with self._database.transaction() as connection:
            return anchor_statements(
                ComplaintStore(connection), IntakeStore(connection), self._notary, now=self._now()
            )
