"""Rebuild everything from the chain and compare: every seal, head, outcome, and the conservation of grams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Root, State
from backend.domain.journal import Segment
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.settling import settle
from backend.domain.types import Outcome, Stream, device_text, lot_text
from backend.usecases.ledger_events import (
    LedgerEvent,
    OrganisationCreated,
    RegistrarProposed,
    RegistrarReplaced,
    SegmentRecorded,
    StepSettled,
)
from backend.usecases.views import StreamTotals

LotLine = tuple[str, int, int, int, int]
"""(holder, grams, lifts, stream, status)"""
DeviceLine = tuple[int, str]
"""(last seq, head)"""


@dataclass
class Audit:
    """What an audit found; `faults` are lines for people, empty when all holds."""

    segments: int = 0
    entries: int = 0
    lifts: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    lots: dict[str, LotLine] = field(default_factory=dict)
    devices: dict[str, DeviceLine] = field(default_factory=dict)
    totals: list[StreamTotals] = field(default_factory=list)


class Auditor:
    """Folds the chain's events with every check on; give it the events in order, then ask for the audit."""

    def __init__(self, state: State) -> None:
        self.state, self.audit = state, Audit()
        self._settled: list[StepSettled] = []
        self._tx: bytes | None = None
        self._block_time = 0

    def take(self, events: Iterable[LedgerEvent], block_times: Mapping[int, int]) -> None:
        """Check more events; all events of a transaction must come in one call."""
        for event in events:
            if event.place.tx_hash != self._tx:
                self._settle_left_over()
                self._tx, self._block_time = event.place.tx_hash, block_times[event.place.block_number]
            match event:
                case SegmentRecorded():
                    self._segment(event)
                case StepSettled():
                    self._settled.append(event)
                case OrganisationCreated():
                    self.state.roots[event.organisation] = Root(event.registrar, event.key_hash, 1)
                    self.state.named_roots[event.registrar] = True
                case RegistrarProposed():
                    self.state.named_roots[event.registrar] = True
                case RegistrarReplaced():
                    root = Root(event.registrar, event.key_hash, event.epoch)
                    self.state.roots[event.organisation] = root
                case _:
                    pass

    def finish(self) -> Audit:
        """Return what was found, with the books as the chain alone gives them."""
        self._settle_left_over()
        audit, state = self.audit, self.state
        audit.lots = {
            lot_text(lot): (device_text(v.holder), v.grams, v.lifts, v.stream, int(v.status))
            for lot, v in state.lots.items()
        }
        audit.devices = {
            device_text(device): (v.next_seq - 1, v.head.hex()) for device, v in state.devices.items()
        }
        held: dict[int, int] = {}
        for lot in state.lots.values():
            held[lot.stream] = held.get(lot.stream, 0) + lot.grams
        for stream, t in sorted(state.totals.items()):
            line = StreamTotals(stream, t.lifted, t.gained, held.get(stream, 0), t.out, t.lost)
            audit.totals.append(line)
            if line.lifted + line.gained != line.held + line.out + line.lost:
                audit.faults.append(f"grams of stream {Stream(stream).name.lower()} are not conserved: {line}")
        return audit

    def _fault(self, event: SegmentRecorded | StepSettled, text: str) -> None:
        seq = event.first_seq if isinstance(event, SegmentRecorded) else event.seq
        place = f"block {event.place.block_number}, device {device_text(event.device)}, seq {seq}"
        self.audit.faults.append(f"{place}: {text}")

    def _segment(self, event: SegmentRecorded) -> None:
        segment = Segment(event.device, event.first_seq, event.words, event.x, event.y, event.r, event.s)
        answer = record_segment(self.state, segment, block_time=self._block_time)
        settled, self._settled = self._settled, []
        if not isinstance(answer, Recorded):
            self._fault(event, f"recorded, but the rules refuse it: {answer.reason.name.lower()}")
            return
        if answer.head != event.head:
            self._fault(event, f"head {event.head.hex()} should be {answer.head.hex()}")
        if answer.outcomes != event.outcomes:
            self._fault(event, f"outcomes {event.outcomes.hex()} should be {answer.outcomes.hex()}")
        found = [(s.device, s.seq, s.lot, s.outcome) for s in settled]
        expected = [(s.device, s.seq, s.lot, int(s.outcome)) for s in answer.settled]
        if found != expected:
            self._fault(event, f"settled {found} should be {expected}")
        audit = self.audit
        audit.segments += 1
        audit.entries += len(event.outcomes)
        audit.lifts += _count_lifts(event.words)
        for outcome in Outcome:
            count = event.outcomes.count(outcome)
            if count:
                audit.outcomes[outcome] = audit.outcomes.get(outcome, 0) + count

    def _settle_left_over(self) -> None:
        waiting, self._settled = self._settled, []
        while waiting:
            done = settle(self.state, waiting[0].lot, block_time=self._block_time, max_steps=1)
            count = max(len(done), 1)
            found = [(s.device, s.seq, s.outcome) for s in waiting[:count]]
            expected = [(s.device, s.seq, int(s.outcome)) for s in done]
            if found != expected:
                self._fault(waiting[0], f"settled {found} should be {expected}")
            waiting = waiting[count:]


def _count_lifts(words: bytes) -> int:
    count, offset = 0, 0
    while offset < len(words):
        if words[offset] == Kind.LIFT:
            count, offset = count + 1, offset + WORD_BYTES
        else:
            offset += words[offset + 1] * WORD_BYTES
    return count


def compare_lots(audit: Audit, served: Mapping[str, LotLine]) -> list[str]:
    """Return where served lots differ from the chain's, one line each."""
    return _compare("lot", audit.lots, served)


def compare_devices(audit: Audit, served: Mapping[str, DeviceLine]) -> list[str]:
    """Return where served journals differ from the chain's, one line each."""
    return _compare("device", audit.devices, served)


def _compare(name: str, chain: Mapping[str, object], served: Mapping[str, object]) -> list[str]:
    lines = []
    for key in sorted(chain.keys() | served.keys()):
        if key not in served:
            lines.append(f"{name} {key}: on the chain {chain[key]}, not served")
        elif key not in chain:
            lines.append(f"{name} {key}: served {served[key]}, not on the chain")
        elif chain[key] != served[key]:
            lines.append(f"{name} {key}: on the chain {chain[key]}, served {served[key]}")
    return lines
