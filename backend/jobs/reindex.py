"""Rebuild the books from the chain alone, beside those that are served, and put them in their place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.chain.watcher import Watcher
from backend.domain.journal import Network
from backend.jobs.follow import Follower
from backend.store.books import BooksStore
from backend.store.rebuilding import shadow_of, swap
from backend.store.session import Database

_TRIES, _PAUSE_SECONDS = 200, 0.1


class ChainAway(Exception):
    """The chain did not answer, so nothing was put in place of the served books."""


class NeverLevel(Exception):
    """The served books and the rebuilt ones never stood on the same block; is the server following the chain?"""


@dataclass(frozen=True)
class Rebuilt:
    """The digest of the books, and how long they took from the first block to the newest."""

    digest: str
    seconds: float


def reindex(
    served: Database,
    network: Network,
    watcher: Watcher,
    *,
    on_progress: Callable[[int, int], None] = lambda _block, _head: None,
    only_equal: bool = True,
) -> Rebuilt:
    """Rebuild the books while the served ones are read and written, then swap them in one transaction.

    Raises:
        BooksDiffer: on the same block the two are not equal; the served ones stay.
        ChainAway, NeverLevel: the served ones stay.
    """
    with shadow_of(served) as shadow:
        follower = Follower(watcher, BooksStore(shadow, network), on_progress=on_progress)
        began = time.monotonic()
        for _ in range(_TRIES):
            follower.catch_up()
            if not follower.is_reachable:
                raise ChainAway("the chain does not answer")
            seconds = time.monotonic() - began
            digest = swap(served, shadow, only_equal=only_equal)
            if digest is not None:
                return Rebuilt(digest, seconds)
            # One of the two is a block ahead; whoever follows the chain for the server will have it soon.
            time.sleep(_PAUSE_SECONDS)
    raise NeverLevel("the served books did not get to the block of the rebuilt ones")
