"""Many segments arrive at once: each is answered for itself, and all are kept in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from backend.domain.errors import DomainError
from backend.domain.journal import Network, first_head
from backend.domain.offered import Offered
from backend.domain.segment_bytes import Upload
from backend.usecases.accept_segment import Acceptance, accept
from backend.usecases.in_groups import InGroups
from backend.usecases.ports import Intake, KnownJournal

Answer = Acceptance | DomainError
"""A receipt, or the rule that said no."""

_REQUESTS_TOGETHER = 64


class Intakes(Protocol):
    """Where an intake comes from: each lives for one transaction."""

    def reading(self) -> AbstractContextManager[Intake]:
        """Return one to look things up in."""

    def writing(self) -> AbstractContextManager[Intake]:
        """Return one to keep things in; what was kept is on disk when it ends."""


@dataclass
class _HandedIn:
    """What one request brought, and its answers in the same order."""

    offered: list[Offered | DomainError]
    streams: Mapping[int, int] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    @property
    def readable(self) -> list[Offered]:
        """Those whose bytes are entries."""
        return [offered for offered in self.offered if isinstance(offered, Offered)]


class FrontDesk:
    """Takes uploads in from many threads; those that wait at the same time share one transaction."""

    def __init__(self, intakes: Intakes, network: Network, clock: Callable[[], int]) -> None:
        self._intakes, self._network, self._clock = intakes, network, clock
        # Two steps, so that one group is looked up and checked while the disk is busy with the one before it.
        self._checking = InGroups(self._check, jobs_max=_REQUESTS_TOGETHER)
        self._keeping = InGroups(self._keep, jobs_max=_REQUESTS_TOGETHER)

    def hand_in(self, uploads: Sequence[Upload]) -> list[Answer]:
        """Return the answer to each upload, in order; what was accepted is on disk.

        Heads are rolled and seals checked before the transaction, against what the journals end in then. The
        transaction asks again, and works out anew only what has changed in between.
        """
        handed_in = _HandedIn([self._offer(upload) for upload in uploads])
        if not handed_in.readable:
            return [offered for offered in handed_in.offered if isinstance(offered, DomainError)]
        self._checking.run(handed_in)
        self._keeping.run(handed_in)
        return handed_in.answers

    def _check(self, group: Sequence[_HandedIn]) -> None:
        readable = [offered for handed_in in group for offered in handed_in.readable]
        with self._intakes.reading() as intake:
            journals = intake.find_journals({offered.segment.device for offered in readable})
            streams = intake.find_streams(set[int]().union(*(offered.bins for offered in readable)))
        for handed_in in group:
            handed_in.streams = streams
            self._work_ahead(handed_in.readable, journals)

    def _offer(self, upload: Upload) -> Offered | DomainError:
        try:
            return Offered(upload, self._network)
        except DomainError as error:
            return error

    def _work_ahead(self, readable: Sequence[Offered], journals: Mapping[int, KnownJournal]) -> None:
        """Roll heads and check seals; an upload may go on where the one before it in the request ends."""
        ends: dict[int, tuple[int, bytes]] = {}
        for offered in readable:
            device = offered.segment.device
            journal = journals.get(device)
            if journal is None:
                continue
            start = (0, first_head(self._network, device))
            seq, head = ends.get(device) or journal.end or start
            if offered.segment.first_seq == 1:
                seq, head = start
            if offered.segment.first_seq == seq + 1:
                offered.is_sealed_after(head, origin=journal.device.origin)
                ends[device] = offered.last_seq, offered.heads_after(head)[-1]

    def _keep(self, group: Sequence[_HandedIn]) -> None:
        now = self._clock()
        offers = [offered for handed_in in group for offered in handed_in.readable]
        with self._intakes.writing() as intake:
            # All at once and in one order, so that two servers on one database never wait for each other.
            intake.hold_journals({offered.segment.device for offered in offers})
            for handed_in in group:
                handed_in.answers = [
                    self._answer(offered, intake, handed_in.streams, now) for offered in handed_in.offered
                ]

    @staticmethod
    def _answer(offered: Offered | DomainError, intake: Intake, streams: Mapping[int, int], now: int) -> Answer:
        if isinstance(offered, DomainError):
            return offered
        try:
            return accept(offered, intake=intake, now=now, streams=streams)
        except DomainError as error:  # raised before anything of it is written: its neighbours stand
            return error
