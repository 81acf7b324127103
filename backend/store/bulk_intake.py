"""The intake for many segments at once: asks for all their journals together, and writes them together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection

from backend.store.bins_by_heart import BinsByHeart
from backend.store.intake import IntakeStore
from backend.store.session import Database
from backend.usecases.ports import Accepted, Intake, KnownDevice, KnownJournal


class Intakes:
    """Where an intake comes from: each lives for one transaction."""

    def __init__(self, database: Database) -> None:
        self._database, self._bins = database, BinsByHeart()

    @contextmanager
    def reading(self) -> Iterator[Intake]:
        """Yield one to look things up in."""
        with self._database.transaction(writes=False) as connection:
            yield QuickIntake(connection, self._bins)

    @contextmanager
    def writing(self) -> Iterator[Intake]:
        """Yield one to keep things in; they are on disk when it ends."""
        with self._database.transaction() as connection:
            intake = BulkIntake(connection)
            yield intake
            intake.write()


class QuickIntake(IntakeStore):
    """An intake that need not ask for every bin."""

    def __init__(self, connection: Connection, bins: BinsByHeart) -> None:
        super().__init__(connection)
        self._bins = bins

    def find_streams(self, bins: Collection[int]) -> dict[int, int]:
        """Return the stream of each of these bins that exists."""
        return self._bins.find(bins, super().find_streams)


class BulkIntake(IntakeStore):
    """An intake that knows the journals it holds by heart; nobody else writes to them meanwhile."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._held: dict[int, KnownJournal | None] = {}
        self._unwritten: list[Accepted] = []

    def hold_journals(self, devices: Collection[int]) -> None:
        """Let nobody else write to these journals until the transaction ends, and look where they end."""
        super().hold_journals(devices)
        self._held.update(dict.fromkeys(devices))
        self._held.update(self.find_journals(devices))

    def hold_journal(self, device: int) -> None:
        """Let nobody else write to this journal until the transaction ends."""
        if device not in self._held:
            self.hold_journals([device])

    def find_device(self, device: int) -> KnownDevice | None:
        """Return a device whose enrolment has been seen."""
        if device not in self._held:
            return super().find_device(device)
        journal = self._held[device]
        return None if journal is None else journal.device

    def find_end(self, device: int) -> tuple[int, bytes] | None:
        """Return (last seq, head) of what is kept of a journal."""
        journal = self._held.get(device)
        return super().find_end(device) if journal is None else journal.end

    def find_covering(self, device: int, from_seq: int, to_seq: int) -> Sequence[Accepted]:
        """Return the kept segments that hold any of these entries, oldest first."""
        self.write()
        return super().find_covering(device, from_seq, to_seq)

    def keep(self, accepted: Accepted) -> None:
        """Keep a segment and queue it for the chain, in the order in which they come."""
        self._unwritten.append(accepted)
        self.remember_lot(accepted)
        device = accepted.segment.device
        journal = self._held.get(device)
        if journal is not None:
            self._held[device] = replace(journal, end=(accepted.last_seq, accepted.head))

    def know_device(self, device: KnownDevice) -> None:
        """Remember a device that a registrar enrolled."""
        super().know_device(device)
        if device.device in self._held:
            self._held[device.device] = KnownJournal(device, super().find_end(device.device))

    def forget_trust(self, device: int) -> None:
        """Remember that a device was revoked."""
        super().forget_trust(device)
        journal = self._held.get(device)
        if journal is not None:
            self._held[device] = replace(journal, device=replace(journal.device, is_revoked=True))

    def write(self) -> None:
        """Write what is kept so far."""
        segments, self._unwritten = self._unwritten, []
        self.keep_all(segments)
