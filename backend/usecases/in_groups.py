"""Group commit: what waits at the same time is done together, so that one query, or one fsync, serves many."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Job = TypeVar("Job")


class _Ticket(Generic[Job]):
    """A job, and what became of it."""

    def __init__(self, job: Job) -> None:
        self.job, self.is_done = job, False
        self.error: BaseException | None = None


class InGroups(Generic[Job]):
    """Does jobs of many threads one group after another; while one is done, the next gathers.

    Whoever comes first takes everything that waits along with its own job. No thread of our own, and under no
    load no delay.
    """

    def __init__(self, do: Callable[[Sequence[Job]], None], *, jobs_max: int) -> None:
        """`do` does a group of jobs, all or none; what it raises is raised to each of them."""
        self._do, self._jobs_max = do, jobs_max
        self._waiting: deque[_Ticket[Job]] = deque()
        self._turn = threading.Lock()

    def run(self, job: Job) -> None:
        """Return once the job is done."""
        ticket = _Ticket(job)
        self._waiting.append(ticket)
        with self._turn:
            while not ticket.is_done:
                self._do_next()
        if ticket.error is not None:
            raise ticket.error

    def _do_next(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._jobs_max))]
        error: BaseException | None = None
        try:
            self._do([ticket.job for ticket in group])
        except BaseException as raised:
            error = raised
        for ticket in group:
            ticket.error, ticket.is_done = error, True
