"""Rebuild everything from the chain and check it: every seal, head and outcome, and the conservation of grams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backend.domain.custody import record_segment, statement_of
from backend.domain.custody_state import Device, DeviceFlag, LotStatus, Recorded, Refused, Settled, State
from backend.domain.devices import find_device, mark_forked, record_witness
from backend.domain.errors import MalformedSegment
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.lifts import Lifts, bin_of, bins_in, entries_of
from backend.domain.moving import origin_of
from backend.domain.seal import key_hash
from backend.domain.steps import settle
from backend.domain.types import device_text, lot_text
from backend.usecases.audit_faults import Fault, FaultKind, Value
from backend.usecases.audit_records import NO_RECORD, record_digest
from backend.usecases.audit_seals import SealCheck, check_seals
from backend.usecases.audit_tally import Tally, count_outcomes, name_of, outcome_value
from backend.usecases.fold_registry import fold_registry
from backend.usecases.ledger_events import (
    BinsPlaced,
    EntriesTranscribed,
    ForkShown,
    GapClosed,
    LedgerEvent,
    LogPlace,
    SegmentRecorded,
    SegmentRefused,
    SiteOpened,
    StepSettled,
    WitnessShown,
    packed_bins,
)
from backend.usecases.views import StreamTotals

LotLine = tuple[str, int, int, int, int]
"""(holder, grams, lifts, stream, status)"""
DeviceLine = tuple[int, str]
"""(last seq, head)"""
_FAULTS_KEPT = 100_000
_RECORDED = {"answer": "recorded"}
_SUMS = 1 << 64


@dataclass
class Audit:
    """What an audit found, and the books as the chain alone gives them."""

    tally: Tally = field(default_factory=Tally)
    faults: list[Fault] = field(default_factory=list)
    lots: dict[str, LotLine] = field(default_factory=dict)
    devices: dict[str, DeviceLine] = field(default_factory=dict)
    totals: list[StreamTotals] = field(default_factory=list)


@dataclass
class _Waiting:
    """What the ledger told of a segment before it told of the segment itself."""

    settled: list[StepSettled] = field(default_factory=list)
    transcribed: list[EntriesTranscribed] = field(default_factory=list)
    gap: GapClosed | None = None


class Auditor:
    """Folds the chain's events and checks each; give it the events in order, then ask for the audit.

    The fold takes each head as the ledger told it, so that one altered word is one fault and not a thousand.
    Whether heads and seals are right is asked apart: `take_checks` hands the questions out, `blame` takes the
    answers; what nobody took is answered at the end.

    `records` is a digest of all that was recorded of each device, `bins` counts lifts of each bin. A caller that
    keeps them elsewhere may empty `bins` at any time.
    """

    def __init__(self, state: State, tally: Tally | None = None, records: dict[int, bytes] | None = None) -> None:
        self.state, self.tally = state, tally or Tally()
        self.faults: list[Fault] = []
        self.records = {} if records is None else records
        self.bins: Counter[int] = Counter()
        self._checks: list[SealCheck] = []
        self._told = _Waiting()
        self._place = LogPlace(0, b"", b"", 0)
        self._block_time = 0

    def take(self, events: Iterable[LedgerEvent], block_times: Mapping[int, int]) -> None:
        """Check more events; all events of a transaction must come in one call."""
        for event in events:
            if event.place.tx_hash != self._place.tx_hash:
                self._end_transaction()
                self._block_time = block_times[event.place.block_number]
            self._place = event.place
            self._one(event)
        self._end_transaction()

    def take_checks(self) -> list[SealCheck]:
        """Return the questions about seals that came up since the last time."""
        checks, self._checks = self._checks, []
        return checks

    def blame(self, faults: Iterable[Fault]) -> None:
        """Write down what is wrong; of very many faults only the count is kept."""
        for fault in faults:
            if len(self.faults) < _FAULTS_KEPT:
                self.faults.append(fault)
            else:
                self.tally.faults_not_kept += 1

    def finish(self) -> Audit:
        """Return what was found so far, with the books as the chain alone gives them."""
        self.blame(check_seals(self.take_checks()))
        state = self.state
        audit = Audit(self.tally)
        held: dict[int, int] = {}
        for lot, v in state.lots.items():
            audit.lots[lot_text(lot)] = (device_text(v.holder), v.grams, v.lifts, int(v.stream), int(v.status))
            if v.status != LotStatus.PROMISED:
                held[v.stream] = held.get(v.stream, 0) + v.grams
        audit.devices = {device_text(d): (v.next_seq - 1, v.head.hex()) for d, v in state.devices.items()}
        for stream, t in sorted(state.totals.items()):
            audit.totals.append(StreamTotals(int(stream), t.lifted, t.gained, held.get(stream, 0), t.out, t.lost))
        unequal = [_not_conserved(line) for line in audit.totals if not is_conserved(line)]
        audit.faults = sorted([*self.faults, *unequal], key=lambda fault: fault.place)
        return audit

    # --- one event ---------------------------------------------------------------------------------------

    def _one(self, event: LedgerEvent) -> None:
        match event:
            case SegmentRecorded():
                self._segment(event)
            case StepSettled():
                self._told.settled.append(event)
                count_outcomes(self.tally.settled, bytes([event.outcome & 0xFF]))
            case EntriesTranscribed():
                self._told.transcribed.append(event)
                count_outcomes(self.tally.transcribed, event.outcomes)
            case GapClosed():
                self._told.gap = event
                self.tally.gaps_closed += 1
            case WitnessShown():
                self._end_transaction()
                self._witness(event)
            case ForkShown():
                self._end_transaction()
                self._fork(event)
            case SegmentRefused():
                self._end_transaction()
                self.tally.count_refusal(event.reason)
            case SiteOpened():
                self._attested(event.site, Kind.SITE, event.site_kind, event.digest)
                self.tally.sites += 1
            case BinsPlaced():
                digest = placement_digest(event)
                self._attested(event.site, Kind.PLACE, len(event.bins), digest)
                self.tally.bins_placed += len(event.bins)
            case _:
                fold_registry(self.state, event)

    def _fault(self, kind: FaultKind, device: int, seq: int, expected: Value, found: Value) -> None:
        place = self._place
        self.blame([Fault(kind, expected, found, place.block_number, place.log_index, device, seq)])

    def _segment(self, event: SegmentRecorded) -> None:
        """1. The key, 2. questions for the seal, 3. the rules' own answer, 4. held against the ledger's."""
        told, self._told = self._told, _Waiting()
        self._count(event)
        device = find_device(self.state, event.device)
        # 1.
        if device is not None:
            key = key_hash(event.x, event.y)
            if key != device.key_hash:
                keys = ({"key": f"{which:040x}"} for which in (device.key_hash, key))
                self._fault(FaultKind.KEY, event.device, event.first_seq, *keys)
            # 2.
            check = self._check_of(event, device)
        # 3.
        answer = record_segment(self.state, event.segment, block_time=self._block_time, trusted_head=event.head)
        if not isinstance(answer, Recorded) or device is None:
            refusal = {"refusal": name_of(answer.reason)} if isinstance(answer, Refused) else None
            self._fault(FaultKind.REFUSED, event.device, event.first_seq, refusal, _RECORDED)
            return
        self._checks.append(check)
        # 4.
        self._compare(event, answer, told)

    def _count(self, event: SegmentRecorded) -> None:
        tally = self.tally
        tally.segments += 1
        tally.count_seal(event.assertion)
        tally.entries += len(event.outcomes)
        count_outcomes(tally.outcomes, event.outcomes)
        before = self.records.get(event.device, NO_RECORD)
        self.records[event.device] = record_digest(before, event.first_seq, event.words, event.outcomes)
        lifted = bins_lifted(event.words)
        tally.lifts += len(lifted)
        self.bins.update(lifted)

    def _check_of(self, event: SegmentRecorded, device: Device) -> SealCheck:
        gap = self.state.gaps.get(event.device)
        before = device.head if gap is None or event.first_seq == device.next_seq else gap.head
        origin = origin_of(self.state, event.device).digest if device.flags & DeviceFlag.PASSKEY else None
        pin = None
        if device.flags & DeviceFlag.PINNED:
            shown = self.state.pins[event.device]
            if event.first_seq <= shown.seq < event.first_seq + len(event.outcomes):
                pin = (shown.seq, shown.head27)
        place, network = event.place, self.state.network
        return SealCheck(
            network, place.block_number, place.log_index, event.segment, before, event.head, origin, pin
        )

    def _compare(self, event: SegmentRecorded, answer: Recorded, told: _Waiting) -> None:
        if answer.outcomes != event.outcomes:
            self._compare_outcomes(
                FaultKind.OUTCOME, event.device, event.first_seq, answer.outcomes, event.outcomes
            )
        self._compare_settled(event.device, event.first_seq, answer.settled, told.settled)
        gap = None if told.gap is None else (told.gap.from_seq, told.gap.to_seq)
        if gap != answer.closed_gap:
            self._fault(FaultKind.GAP, event.device, event.first_seq, gap_value(answer.closed_gap), gap_value(gap))
        expected = {(t.device, t.first_seq): t.outcomes for t in answer.transcribed}
        found = {(t.device, t.first_seq): t.outcomes for t in told.transcribed}
        for device, seq in sorted(expected.keys() | found.keys()):
            pair = expected.get((device, seq), b""), found.get((device, seq), b"")
            self._compare_outcomes(FaultKind.TRANSCRIBED, device, seq, *pair)

    def _compare_outcomes(
        self, kind: FaultKind, device: int, first_seq: int, expected: bytes, found: bytes
    ) -> None:
        for at in range(max(len(expected), len(found))):
            ours = expected[at] if at < len(expected) else None
            theirs = found[at] if at < len(found) else None
            if ours != theirs:
                self._fault(kind, device, first_seq + at, outcome_value(ours), outcome_value(theirs))

    def _compare_settled(
        self, device: int, seq: int, expected: Sequence[Settled], found: Sequence[StepSettled]
    ) -> None:
        ours = [(s.device, s.seq, s.lot, s.outcome) for s in expected]
        theirs = [(s.device, s.seq, s.lot, s.outcome) for s in found]
        if ours != theirs:
            self._fault(FaultKind.SETTLED, device, seq, settled_value(ours), settled_value(theirs))

    def _end_transaction(self) -> None:
        """Steps that somebody asked the ledger to settle, outside any segment; nothing else is told there."""
        told, self._told = self._told, _Waiting()
        for lost in told.transcribed:
            self._compare_outcomes(FaultKind.TRANSCRIBED, lost.device, lost.first_seq, b"", lost.outcomes)
        if told.gap is not None:
            gap = told.gap
            self._fault(
                FaultKind.GAP, gap.device, gap.from_seq, gap_value(None), gap_value((gap.from_seq, gap.to_seq))
            )
        waiting = told.settled
        while waiting:
            first = waiting[0]
            done = settle(self.state, first.lot, first.device, block_time=self._block_time, max_steps=1)
            count = max(len(done), 1)
            self._compare_settled(first.device, first.seq, done, waiting[:count])
            waiting = waiting[count:]

    # --- what others show --------------------------------------------------------------------------------

    def _witness(self, event: WitnessShown) -> None:
        w = event.witness
        self.tally.witnesses += 1
        self.tally.count_seal(w.assertion)
        answer = record_witness(self.state, w)
        if isinstance(answer, Refused):
            self._fault(FaultKind.WITNESS, w.device, w.seq, {"refusal": name_of(answer.reason)}, _RECORDED)

    def _fork(self, event: ForkShown) -> None:
        self.tally.forks += 1
        mark_forked(self.state, event.device)

    def _attested(self, site: int, kind: Kind, number: int, digest: bytes) -> None:
        """What the registry of bins tells, a registrar has sealed before."""
        if statement_of(kind, site, number, int.from_bytes(digest, "big")) not in self.state.attested:
            place = self._place
            fault = Fault(
                FaultKind.PLACE,
                {"sealed_digest": digest.hex()},
                None,
                place.block_number,
                place.log_index,
                subject=f"site {device_text(site)}",
            )
            self.blame([fault])


def bins_lifted(words: bytes) -> list[int]:
    """Return the bin of each lift among a segment's entries, in their order."""
    try:
        entries = entries_of(words)
    except MalformedSegment:
        return []
    if isinstance(entries, Lifts):
        return bins_in(entries.words)
    return [bin_of(entry) for entry in entries if entry[0] == Kind.LIFT]


def placement_digest(event: BinsPlaced) -> bytes:
    """Return the digest that a registrar seals of bins."""
    return keccak256(packed_bins(event.bins))


def settled_value(settled: Iterable[tuple[int, int, int, int]]) -> Value:
    """Return settled steps: device, seq, lot and outcome byte of each."""
    lines = [f"{device_text(d)} {seq} {lot_text(lot)} {outcome:02x}" for d, seq, lot, outcome in settled]
    return {"settled": "; ".join(lines)} if lines else None


def gap_value(gap: tuple[int, int] | None) -> Value:
    """Return a closed gap by its ends."""
    return None if gap is None else {"from_seq": gap[0], "to_seq": gap[1]}


def is_conserved(line: StreamTotals) -> bool:
    """Say whether all grams of a stream are accounted for; its sums count modulo 2^64, as the ledger's do."""
    return (line.lifted + line.gained - line.held - line.out - line.lost) % _SUMS == 0


def _not_conserved(line: StreamTotals) -> Fault:
    came, went = line.lifted + line.gained, line.held + line.out + line.lost
    grams = ({"grams_in": str(came)}, {"grams_accounted": str(went)})
    return Fault(FaultKind.CONSERVATION, *grams, subject=f"stream {line.stream}")
