"""Turns two stable readings of one vehicle into a weigh entry, sealed by the scale's own key."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rfc8785

from backend.domain.errors import DomainError
from backend.domain.journal import (
    Network,
    Segment,
    evidence_digest,
    first_head,
    next_head,
    pack_entry,
    read_entry,
)
from backend.domain.layout import Kind
from backend.domain.types import device_text, lot_text
from backend.domain.weighing import net_mass
from backend.domain.writer import JournalWriter, SigningKey
from backend.exchange.scales.sics import Weight
from backend.exchange.scales.ticket_log import LogDamaged, TicketLog

Evidence = dict[tuple[int, int], tuple[bytes, str]]


class NotOnTheScale(DomainError):
    """A vehicle is weighed a second time that was not weighed a first time."""

    slug = "not-weighed-before"
    title = "This vehicle has not been weighed before"

    def __init__(self, *, vehicle: int) -> None:
        super().__init__(f"Vehicle {device_text(vehicle)} has no first weighing.")
        self.vehicle = vehicle


class WeighedBefore(DomainError):
    """A vehicle is weighed a first time again, though its first weighing still waits for the second."""

    slug = "weighed-before"
    title = "This vehicle's first weighing is still open"

    def __init__(self, *, vehicle: int, lot: int) -> None:
        super().__init__(f"Vehicle {device_text(vehicle)} was weighed for lot {lot_text(lot)} already.")
        self.vehicle, self.lot = vehicle, lot


class UnusableReading(DomainError):
    """A reading that no ticket can be made of: still moving, or below zero."""

    slug = "unusable-reading"
    title = "This reading cannot go on a ticket"

    def __init__(self, weight: Weight) -> None:
        super().__init__(f"{weight.answer!r} is not a stable mass from zero up.")
        self.weight = weight


@dataclass(frozen=True)
class ScaleIdentity:
    """Whose tickets these are, and under which calibration (an id, and the instant until which it holds)."""

    network: Network
    device: int
    serial: str
    calibration: int
    calibration_until: int


@dataclass(frozen=True)
class Weighing:
    """A vehicle's first weighing, waiting for its second."""

    vehicle: int
    lot: int
    grams: int
    at: int
    answer: str


@dataclass(frozen=True)
class SealedTicket:
    """A ticket that is in the scale's journal. `is_calibrated` is what the ledger will say of it later."""

    seq: int
    number: int
    lot: int
    gross_grams: int
    tare_grams: int
    net_grams: int
    is_calibrated: bool


@dataclass(frozen=True)
class _Unsent:
    """A ticket that the server has not confirmed, and what its seal and its evidence need."""

    seq: int
    head_before: bytes
    words: bytes
    salt: bytes
    document: str


class ScaleGateway:
    """One scale's journal: opens weighings, seals tickets, and keeps what is not handed in yet.

    An expired calibration does not stop the lorry: the ticket says so itself, and the ledger finds it flawed.
    """

    def __init__(
        self,
        identity: ScaleIdentity,
        key: SigningKey,
        log: TicketLog,
        *,
        fresh_salt: Callable[[], bytes] = lambda: secrets.token_bytes(16),
    ) -> None:
        """Continue where the log ends.

        Raises:
            LogDamaged: the log is another scale's, or its tickets do not follow each other.
        """
        self.identity, self._key, self._log, self._fresh_salt = identity, key, log, fresh_salt
        self.open: dict[int, Weighing] = {}
        self.last_number, self.kept_seq = 0, 0
        self._next_seq, self._head = 1, first_head(identity.network, identity.device)
        self._waiting: list[_Unsent] = []
        whose = self._whose(key)
        if not log.records:
            log.append(whose)
        if log.records[0] != whose:
            raise LogDamaged(log.path, "it was begun by another scale, key or ledger")
        for record in log.records[1:]:
            self._replay(record)

    def _whose(self, key: SigningKey) -> dict[str, Any]:
        network = self.identity.network
        return {
            "type": "journal",
            "chain_id": network.chain_id,
            "ledger": network.ledger.hex(),
            "device": device_text(self.identity.device),
            "key": f"{key.public[0]:064x}",
        }

    def weigh_first(self, *, vehicle: int, lot: int, weight: Weight, now: int) -> Weighing:
        """Open a weighing; a vehicle has at most one.

        Raises:
            WeighedBefore: its first weighing is still open.
            UnusableReading: the reading moves or is below zero.
        """
        if vehicle in self.open:
            raise WeighedBefore(vehicle=vehicle, lot=self.open[vehicle].lot)
        _require_usable(weight)
        self._record(
            {
                "type": "first",
                "vehicle": device_text(vehicle),
                "lot": lot_text(lot),
                "grams": weight.grams,
                "at": now,
                "answer": weight.answer,
            }
        )
        return self.open[vehicle]

    def weigh_second(self, *, vehicle: int, weight: Weight, now: int) -> SealedTicket:
        """Close a vehicle's weighing with a sealed ticket; full and empty may come in either order.

        Raises:
            NotOnTheScale: it has no first weighing.
            UnusableReading: the reading moves or is below zero.
        """
        first = self.open.get(vehicle)
        if first is None:
            raise NotOnTheScale(vehicle=vehicle)
        _require_usable(weight)
        gross, tare = max(first.grams, weight.grams), min(first.grams, weight.grams)
        document = rfc8785.dumps(
            {
                "type": "weighing",
                "scale": self.identity.serial,
                "first": {"answer": first.answer, "at": first.at},
                "second": {"answer": weight.answer, "at": now},
            }
        )
        salt = self._fresh_salt()
        words = pack_entry(
            Kind.WEIGH,
            occurred_at=now,
            lot=first.lot,
            net=net_mass(gross_grams=gross, tare_grams=tare),
            ticket=self.last_number + 1,
            gross=gross,
            tare=tare,
            vehicle=vehicle,
            calibration=self.identity.calibration,
            calibration_until=self.identity.calibration_until,
            evidence=evidence_digest(salt, document),
        )
        seq = self._next_seq
        self._record(
            {
                "type": "ticket",
                "seq": seq,
                "words": words.hex(),
                "salt": salt.hex(),
                "document": document.decode(),
            }
        )
        return SealedTicket(
            seq=seq,
            number=self.last_number,
            lot=first.lot,
            gross_grams=gross,
            tare_grams=tare,
            net_grams=gross - tare,
            is_calibrated=now <= self.identity.calibration_until,
        )

    def waiting(self) -> list[tuple[Segment, Evidence]]:
        """Return the tickets that are not kept yet, oldest first, one segment each.

        The cut is always the same, so a segment that was handed in before a crash is recognised when it
        comes again and never overlaps what the ledger has.
        """
        return [self._cut(unsent) for unsent in self._waiting]

    def _cut(self, unsent: _Unsent) -> tuple[Segment, Evidence]:
        writer = JournalWriter(
            self.identity.network,
            self.identity.device,
            self._key,
            next_seq=unsent.seq,
            head=unsent.head_before,
        )
        writer.write_words(unsent.words)
        return writer.cut(), {(self.identity.device, unsent.seq): (unsent.salt, unsent.document)}

    def mark_kept(self, seq: int) -> None:
        """Remember that the server keeps the journal up to a seq, so that it is not handed in again."""
        self._record({"type": "kept", "seq": seq})

    def _record(self, record: dict[str, Any]) -> None:
        self._log.append(record)
        self._replay(record)

    def _replay(self, record: dict[str, Any]) -> None:
        """Take up one line of the log; what was just written and what is read at the start go the same way."""
        try:
            kind = record["type"]
            if kind == "first":
                weighing = Weighing(
                    int(record["vehicle"], 16),
                    int(record["lot"], 16),
                    record["grams"],
                    record["at"],
                    record["answer"],
                )
                if weighing.vehicle in self.open:
                    raise ValueError("a vehicle is weighed a first time twice")
                self.open[weighing.vehicle] = weighing
            elif kind == "ticket":
                self._take_up_ticket(record)
            elif kind == "kept":
                self.kept_seq = max(self.kept_seq, record["seq"])
                self._waiting = [unsent for unsent in self._waiting if unsent.seq > self.kept_seq]
            else:
                raise ValueError(f"no record is called {kind!r}")
        except (KeyError, TypeError, ValueError) as error:
            raise LogDamaged(self._log.path, f"a record cannot be read: {error}") from error

    def _take_up_ticket(self, record: dict[str, Any]) -> None:
        words = bytes.fromhex(record["words"])
        fields = read_entry(words).fields
        if record["seq"] != self._next_seq or fields["ticket"] != self.last_number + 1:
            raise ValueError(f"ticket {fields['ticket']} at seq {record['seq']} does not follow")
        salt = bytes.fromhex(record["salt"])
        del self.open[fields["vehicle"]]
        self._waiting.append(_Unsent(self._next_seq, self._head, words, salt, record["document"]))
        self._head = next_head(self._head, words)
        self._next_seq += 1
        self.last_number = fields["ticket"]


def _require_usable(weight: Weight) -> None:
    if not weight.is_stable or weight.grams < 0:
        raise UnusableReading(weight)
