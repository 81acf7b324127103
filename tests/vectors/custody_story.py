"""One story of the custody rules: what is recorded, what each entry is answered, the state in the end."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from state_dump import dump_state

from backend.domain import custody, custody_state, devices, steps
from backend.domain.custody_state import Recorded, Refused, Root, State
from backend.domain.devices import Witness
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.seal import CURVE_ORDER, SealProof, key_hash
from backend.domain.types import (
    Role,
    device_id,
    device_text,
    lot_text,
    organisation_text,
)
from backend.domain.writer import JournalWriter, SigningKey

NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
NOON = 1_772_337_600  # 2026-03-01 12:00 in Shanghai
HOUR = 3600


class Story:
    """Records a run of the custody rules as data."""

    def __init__(self, name: str, seed: str) -> None:
        self.name, self.rng = name, random.Random(seed)
        self.state = State(NETWORK)
        self.steps: list[dict[str, Any]] = []
        self.roots: list[dict[str, Any]] = []
        self.now = NOON

    def key(self) -> SigningKey:
        return SigningKey.from_secret(self.rng.randrange(1, CURVE_ORDER))

    def organisation(self, number: int, *, is_regulator: bool = False) -> JournalWriter:
        writer = JournalWriter(NETWORK, device_id(number, 1), self.key())
        root = Root(writer.device, key_hash(*writer.public), 1, False, is_regulator)
        self.state.roots[number] = root
        self.state.named_roots[root.device] = True
        self.roots.append(
            {
                "organisation": organisation_text(number),
                "device": device_text(root.device),
                "key_hash": f"{root.key_hash:040x}",
                "epoch": 1,
                "is_regulator": is_regulator,
            }
        )
        return writer

    def enrol(self, registrar: JournalWriter, serial: int, role: Role, not_after: int = 0) -> JournalWriter:
        device = device_id(registrar.device >> 40, serial)
        writer = JournalWriter(NETWORK, device, self.key())
        x, y = writer.public
        registrar.write(
            Kind.ENROL,
            device=device,
            role=role,
            scheme=1,
            not_after=not_after,
            x=x,
            y=y,
            occurred_at=self.now,
        )
        return writer

    def record(self, segment: Segment) -> Recorded | Refused:
        self.now += 7
        answer = custody.record_segment(self.state, segment, block_time=self.now)
        step: dict[str, Any] = {
            "record": segment_json(segment),
            "block_time": self.now,
        }
        if isinstance(answer, Refused):
            step |= {"refused": int(answer.reason), "forked_at": answer.forked_at}
        else:
            step |= {
                "outcomes": answer.outcomes.hex(),
                "head": answer.head.hex(),
                "settled": [settled_json(s) for s in answer.settled],
                "transcribed": [
                    [device_text(t.device), t.first_seq, t.outcomes.hex()] for t in answer.transcribed
                ],
                "closed_gap": answer.closed_gap,
            }
        self.steps.append(step)
        return answer

    def record_all(self, *writers: JournalWriter) -> None:
        for writer in writers:
            for segment in writer.cut_all():
                self.record(segment)

    def settle(self, lot: int, device: int, max_steps: int = 1) -> None:
        self.now += 7
        done = steps.settle(self.state, lot, device, block_time=self.now, max_steps=max_steps)
        self.steps.append(
            {
                "settle": lot_text(lot),
                "device": device_text(device),
                "max_steps": max_steps,
                "block_time": self.now,
                "settled": [settled_json(s) for s in done],
            }
        )

    def settle_all(self) -> None:
        while ready := [key for key in sorted(self.state.queues) if steps.is_ready(self.state, *key)]:
            for key in ready:
                self.settle(*key, 4)

    def witness(self, witness: Witness) -> None:
        """Show the ledger a sealed entry of somebody's journal."""
        answer = devices.record_witness(self.state, witness)
        w = witness
        step: dict[str, Any] = {
            "witness": {
                "device": device_text(w.device),
                "seq": w.seq,
                "before": w.before.hex(),
                "words": w.words.hex(),
                "key": {"x": f"{w.x:064x}", "y": f"{w.y:064x}"},
                "seal": {"r": f"{w.r:064x}", "s": f"{w.s:064x}"},
            },
            "block_time": self.now,
        }
        if isinstance(answer, Refused):
            step |= {"refused": int(answer.reason), "forked_at": answer.forked_at}
        else:
            step["head"] = answer.hex()
        self.steps.append(step)

    def prove_fork(self, device: int, one: SealProof, other: SealProof) -> None:
        """Show the ledger two seals of one seq."""
        is_shown = devices.prove_fork(self.state, device, one, other)
        self.steps.append(
            {
                "prove_fork": device_text(device),
                "seq": one.seq,
                "key": {"x": f"{one.x:064x}", "y": f"{one.y:064x}"},
                "heads": [{"head": p.head.hex(), "r": f"{p.r:064x}", "s": f"{p.s:064x}"} for p in (one, other)],
                "is_shown": is_shown,
                "block_time": self.now,
            }
        )

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "roots": self.roots, "steps": self.steps, "final": dump_state(self.state)}


def segment_json(segment: Segment) -> dict[str, Any]:
    return {
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
        "assertion": segment.assertion.hex(),
    }


def settled_json(s: custody_state.Settled) -> dict[str, Any]:
    return {"device": device_text(s.device), "seq": s.seq, "lot": lot_text(s.lot), "outcome": s.outcome}


def changed(segment: Segment, **change: Any) -> Segment:
    return replace(segment, **change)
