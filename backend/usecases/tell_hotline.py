"""To tell the 12345 hotline where complaints stand. What it does not take is told again, later and later."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

from backend.usecases.ports import Hotline, HotlineAway, HotlineNews

_AT_A_TIME: Final = 20
_FIRST_PAUSE_SECONDS: Final = 15
_LONGEST_PAUSE_SECONDS: Final = 3600


class HotlineNotes(Protocol):
    """What the hotline knows and what it does not. One value of it lives for one transaction."""

    def news(self, now: int, *, limit: int) -> list[HotlineNews]:
        """Return what the hotline does not know yet and may be told now."""
        ...

    def note_told(self, case: int, *, statements: int, order: str) -> bool:
        """Note that the hotline knows of so many statements; False when the number is another complaint's."""
        ...

    def note_not_told(self, case: int, *, retry_at: int) -> None:
        """Note that the hotline was not reached, and when it is tried again."""
        ...


def tell_hotline(notes: Callable[[], AbstractContextManager[HotlineNotes]], hotline: Hotline, *, now: int) -> int:
    """Tell the hotline what it does not know yet; return how many complaints it took.

    No transaction is open while the hotline is waited for. The complaint is kept whatever the hotline does: what
    is told is always where it stands now, so nothing is lost by a message that never arrived.
    """
    with notes() as found:
        waiting = found.news(now, limit=_AT_A_TIME)
    taken = 0
    for news in waiting:
        try:
            order = hotline.tell(news)
        except HotlineAway:
            order = ""
        with notes() as found:
            if order and found.note_told(news.case, statements=news.statements, order=order):
                taken += 1
            else:
                found.note_not_told(news.case, retry_at=now + pause_seconds(news.attempts))
    return taken


def pause_seconds(attempts: int) -> int:
    """Return how long to wait after so many attempts and one more: doubling from 15 seconds up to an hour."""
    return min(_FIRST_PAUSE_SECONDS << min(attempts, 12), _LONGEST_PAUSE_SECONDS)
