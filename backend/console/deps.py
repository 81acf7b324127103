"""What the pages need of the rest of the system."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from backend.store.reading import Reader
from backend.store.slots import BookState
from backend.usecases.views import VerificationReport


@dataclass(frozen=True)
class ConsoleDeps:
    """The parts behind the pages.

    `read()` opens one reading transaction. `state()` returns a state of this caller's own: totals attach it
    to their transaction, so it must never be the one that the books fold with. `verify_entry` runs the
    verifier; None means that the entry is not on the ledger yet. `app_dist` is the folder with the built
    phone application.
    """

    read: Callable[[], AbstractContextManager[Reader]]
    state: Callable[[], BookState]
    base_url: str
    is_demo: bool
    verify_entry: Callable[[str, int], VerificationReport | None]
    app_dist: Path
