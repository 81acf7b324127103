"""The ledger and its twin in Python: whatever happens to one happens to the other, and both must say the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Root, State, Step
from backend.domain.devices import Witness, prove_fork, record_witness
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.seal import SealProof, key_hash
from backend.domain.steps import settle
from backend.domain.types import organisation_of

EVENTS = ("SegmentRecorded", "SegmentRefused", "Settled", "Transcribed", "GapClosed", "Witnessed", "Forked")


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def as_segment(s: Segment) -> tuple[Any, ...]:
    return (s.device, s.first_seq, word(s.x), word(s.y), word(s.r), word(s.s), s.words, s.assertion)


@dataclass
class Twin:
    """`ledger` on the chain, `state` in Python."""

    chain: Any
    ledger: Any
    state: State
    now: int
    seen_outcomes: dict[int, int] = field(default_factory=dict)
    _by_topic: dict[bytes, Any] = field(default_factory=dict)

    @classmethod
    def on(cls, chain: Any, ledger: Any, before: Twin | None = None) -> Twin:
        network = Network(chain.w3.eth.chain_id, bytes.fromhex(ledger.address[2:]))
        now = max(chain.w3.eth.get_block("latest")["timestamp"], before.now if before else 0)
        if before is None:
            return cls(chain, ledger, State(network), now)
        state = State(network, before.state.roots, before.state.named_roots, predecessor=before.state)
        return cls(chain, ledger, state, now)

    def found(self, root: int, public: tuple[int, int]) -> None:
        organisation = organisation_of(root)
        key = key_hash(*public)
        self.chain.send(self.chain.registry.functions.createOrganisation(organisation, bytes(32), root, key))
        self.state.roots[organisation] = Root(root, key, 1)
        self.state.named_roots[root] = True

    def stand(self, organisation: int, *, suspended: bool = False, regulator: bool = False) -> None:
        call = self.chain.registry.functions
        self.chain.send(call.setRegulator(organisation, regulator))
        standing = call.suspendOrganisation if suspended else call.resumeOrganisation
        self.chain.send(standing(organisation))
        root = self.state.roots[organisation]
        self.state.roots[organisation] = root._replace(is_suspended=suspended, is_regulator=regulator)

    def wait(self, seconds: int) -> None:
        self.now += seconds

    def _mine(self, call: Any) -> list[tuple[Any, ...]]:
        self.now = max(self.now + 1, self.chain.w3.eth.get_block("latest")["timestamp"] + 1)
        self.chain.at(self.now)
        receipt = self.chain.send(call)
        self.gas = receipt["gasUsed"]
        logs = (self._events()[bytes(log["topics"][0])].process_log(log) for log in receipt["logs"])
        return [(log["event"], log["args"]) for log in logs]

    def _events(self) -> dict[bytes, Any]:
        if not self._by_topic:
            events = (getattr(self.ledger.events, name)() for name in EVENTS)
            self._by_topic = {bytes.fromhex(event.topic[2:]): event for event in events}
        return self._by_topic

    def record(self, *segments: Segment) -> list[Any]:
        logs = self._mine(self.ledger.functions.record([as_segment(s) for s in segments]))
        said = [(name, *_plain(name, args)) for name, args in logs]
        wanted: list[tuple[Any, ...]] = []
        answers = []
        for segment in segments:
            answer = record_segment(self.state, segment, block_time=self.now)
            answers.append(answer)
            if isinstance(answer, Recorded):
                if answer.closed_gap:
                    wanted.append(("GapClosed", segment.device, *answer.closed_gap))
                wanted += [("Settled", *s) for s in answer.settled]
                wanted += [("Transcribed", *t) for t in answer.transcribed]
                wanted.append(("SegmentRecorded", segment.device, segment.first_seq, answer.head, answer.outcomes))
                settled = [s.outcome for s in answer.settled]
                for byte in (*answer.outcomes, *settled):
                    self.seen_outcomes[byte] = self.seen_outcomes.get(byte, 0) + 1
            else:
                if answer.forked_at is not None:
                    wanted.append(("Forked", segment.device, answer.forked_at))
                wanted.append(("SegmentRefused", segment.device, segment.first_seq, int(answer.reason)))
        assert _in_treaty_order(said) == wanted
        return answers

    def settle(self, lot: int, device: int, max_steps: int) -> None:
        logs = self._mine(self.ledger.functions.settle(lot, device, max_steps))
        done = settle(self.state, lot, device, block_time=self.now, max_steps=max_steps)
        assert [_plain(name, args) for name, args in logs] == [tuple(s) for s in done]

    def witness(self, w: Witness) -> Any:
        shown = (w.device, w.seq, w.before, word(w.x), word(w.y), word(w.r), word(w.s), w.words, w.assertion)
        logs = self._mine(self.ledger.functions.witness(shown))
        answer = record_witness(self.state, w)
        said = [(name, *_plain(name, args)) for name, args in logs]
        if isinstance(answer, bytes):
            assert said == [("Witnessed", w.device, w.seq)]
            return answer
        forked = [] if answer.forked_at is None else [("Forked", w.device, answer.forked_at)]
        assert said == [*forked, ("SegmentRefused", w.device, w.seq, int(answer.reason))]
        return answer

    def prove_fork(self, device: int, one: SealProof, other: SealProof) -> bool:
        heads = [(p.head, word(p.r), word(p.s), p.assertion) for p in (one, other)]
        logs = self._mine(self.ledger.functions.proveFork(device, one.seq, word(one.x), word(one.y), *heads))
        shown = prove_fork(self.state, device, one, other)
        assert [name for name, _ in logs] == ["Forked"] * shown
        return shown

    # --- comparing everything ---

    def compare(self) -> None:
        view, state = self.ledger.functions, self.state
        for device, known in state.devices.items():
            wanted = [known.key_hash, known.next_seq, known.not_after, known.role, int(known.flags), known.epoch]
            assert view.deviceOf(device).call() == wanted
            assert view.headOf(device).call() == known.head
            seen = state.seen.get(device)
            assert view.seenOf(device).call() == [seen is not None, *(seen or (0, 0))]
            desk = state.desks.get(device)
            assert view.deskOf(device).call() == ([*desk] if desk else [0, 0, 0])
            assert view.movedTo(device).call()[2:].lower() == (
                f"{state.moves[device].ledger:040x}" if device in state.moves else 40 * "0"
            )
            gap = state.gaps.get(device)
            assert view.gapOf(device).call() == ([*gap] if gap else [0, 0, bytes(32)])
            assert view.originOf(device).call() == (state.origins[device].digest if device in state.origins else 0)
        for device, pin in state.pins.items():
            assert view.pinOf(device).call() == [*pin]
        for lot_id, lot in state.lots.items():
            found = view.lotOf(lot_id).call()
            names = ("holder", "grams", "lifts", "stream", "status", "pendings", "last_seq", "shut", "mixture")
            assert dict(zip(names, found, strict=True)) == lot._asdict(), f"{lot_id:024x}"
            give = state.gives.get(lot_id)
            assert view.giveOf(lot_id).call() == ([*give] if give else [0, 0, 0, bytes(13)])
            for device in state.devices:
                steps = state.queues.get((lot_id, device), ())
                assert view.queueOf(lot_id, device).call() == [packed(step) for step in steps]
        for (lot_id, device), steps in state.queues.items():
            assert view.queueOf(lot_id, device).call() == [packed(step) for step in steps]
        for key, expected in state.expected.items():
            assert view.expectedOf(*key).call() == expected.device
        for (device, seq), mandate in state.mandates.items():
            assert view.mandateOf(device, seq).call() == [*mandate]
        for device, seq, head17, by in state.releases:
            assert view.releaseOf(device, seq, head17.to_bytes(17, "big"), by).call()
        for stream in range(1, 5):
            assert view.totalsOf(stream).call() == [*state.totals.get(stream, (0, 0, 0, 0))]
        for (organisation, day, stream), sums in state.day_totals.items():
            assert view.dayTotalsOf(organisation, day, stream).call() == [*sums]
        for statement in state.attested:
            assert view.attested(statement).call()


def packed(step: Step) -> list[int]:
    """Return a waiting step as the treaty packs it: words a, b and c."""
    head13 = int.from_bytes(step.head13, "big")
    a = _pack((step.kind, 8), (step.seq, 40), *_own_fields(step, head13))
    if step.kind not in (Kind.TAKE, Kind.REFUSE):
        return [a, 0, 0]
    b = _pack((head13, 104), (step.principal, 64), (step.mandate_seq, 40), (step.occurred_at, 40))
    return [a, b, _pack((step.site, 64)) if step.principal else 0]


def _own_fields(s: Step, head13: int) -> list[tuple[int, int]]:
    return {
        Kind.GIVE: [(s.to, 64), (head13, 104)],
        Kind.REDIRECT: [(s.to, 64), (head13, 104), (s.give_seq, 40)],
        Kind.WITHDRAW: [(s.give_seq, 40)],
        Kind.MERGE: [(s.into_serial, 32)],
        Kind.SPLIT: [(s.into_serial, 32), (s.grams, 48), (s.stream, 8)],
        Kind.CLOSE: [(s.fate, 8)],
        Kind.TRANSFORM: [(s.into_serial, 32), (s.outputs, 8), (s.grams, 48), (s.loss, 48), (int(s.is_gain), 8)],
        Kind.TAKE: [(s.giver, 64), (s.give_seq, 40), (s.grams, 48), (s.stream, 8), (s.into_serial, 32)],
        Kind.REFUSE: [(s.giver, 64), (s.give_seq, 40)],
    }[Kind(s.kind)]


def _pack(*fields: tuple[int, int]) -> int:
    value, left = 0, 256
    for number, bits in fields:
        left -= bits
        value |= number << left
    return value


def _plain(name: str, args: Any) -> tuple[Any, ...]:
    return {
        "SegmentRecorded": lambda a: (a["device"], a["firstSeq"], a["head"], a["outcomes"]),
        "SegmentRefused": lambda a: (a["device"], a["firstSeq"], a["reason"]),
        "Settled": lambda a: (a["device"], a["seq"], a["lot"], a["outcome"]),
        "Transcribed": lambda a: (a["device"], a["firstSeq"], a["outcomes"]),
        "GapClosed": lambda a: (a["device"], a["fromSeq"], a["toSeq"]),
        "Witnessed": lambda a: (a["device"], a["seq"]),
        "Forked": lambda a: (a["device"], a["seq"]),
    }[name](args)


def _in_treaty_order(said: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Python keeps a segment's `Settled` apart from its `Transcribed`; the chain tells them as they happen."""
    ordered: list[tuple[Any, ...]] = []
    settled: list[tuple[Any, ...]] = []
    transcribed: list[tuple[Any, ...]] = []
    for event in said:
        if event[0] == "Settled":
            settled.append(event)
        elif event[0] == "Transcribed":
            transcribed.append(event)
        else:
            if event[0] == "SegmentRecorded":
                ordered += settled + transcribed
                settled, transcribed = [], []
            ordered.append(event)
    return ordered + settled + transcribed
