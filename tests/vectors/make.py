"""Writes the vectors that bind Python, TypeScript and Solidity: `python tests/vectors/make.py [--check]`.

Everything is drawn from fixed seeds, so a run that changes nothing in the rules changes no byte.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from backend.domain import custody, custody_state, settling
from backend.domain.custody_state import Recorded, Refused, Root, State
from backend.domain.journal import (
    Network,
    Segment,
    first_head,
    next_head,
    pack_entry_with_items,
    read_entry,
    split_entries,
)
from backend.domain.layout import LAYOUTS, Kind
from backend.domain.merkle import lift_path, lifts_root
from backend.domain.seal import CURVE_ORDER, domain_separator, key_hash, seal_digest
from backend.domain.types import (
    Role,
    device_id,
    device_text,
    lot_id,
    lot_text,
    organisation_text,
)
from backend.domain.writer import JournalWriter, SigningKey

HERE = Path(__file__).parent
NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
NOON = 1_772_337_600  # 2026-03-01 12:00 in Shanghai


def network_json() -> dict[str, Any]:
    return {"chain_id": NETWORK.chain_id, "ledger": NETWORK.ledger.hex()}


def words_vectors() -> dict[str, Any]:
    rng = random.Random("words")
    cases = []
    for kind, layout in LAYOUTS.items():
        for fill in ("zero", "full", "random"):
            names = [(n, b) for word in layout.words for n, b in word if n not in ("kind", "words")]
            pick = {"zero": lambda _: 0, "full": lambda b: (1 << b) - 1, "random": rng.getrandbits}[fill]
            fields = {name: pick(bits) for name, bits in names}
            items: tuple[dict[str, int], ...] = ()
            if layout.repeated is not None:
                items = tuple({n: pick(b) for n, b in layout.repeated} for _ in range(2))
            packed = pack_entry_with_items(kind, fields, items)
            cases.append(
                {
                    "name": f"{kind.name.lower()} {fill}",
                    "kind": int(kind),
                    "fields": {k: str(v) for k, v in read_entry(packed).fields.items()},
                    "items": [{k: str(v) for k, v in item.items()} for item in items],
                    "words": packed.hex(),
                }
            )
    lift = pack_entry_with_items(Kind.LIFT, {"bin": 1, "stream": 4, "grams": 35_000}, ())
    unknown = bytes([99, 2]) + bytes(62)
    malformed = [
        ("empty", b""),
        ("not whole words", lift + b"\0"),
        ("declares zero words", bytes([2, 0]) + bytes(30)),
        ("overruns the end", bytes([3, 4]) + bytes(30)),
        ("overruns after good entries", lift + bytes([4, 3]) + bytes(62)),
        ("257 entries", lift * 257),
    ]
    return {
        "layouts": {
            kind.name.lower(): {
                "kind": int(kind),
                "words": [[[n, b] for n, b in word] for word in layout.words],
                "repeated": None if layout.repeated is None else [[n, b] for n, b in layout.repeated],
            }
            for kind, layout in LAYOUTS.items()
        },
        "entries": cases,
        "segments": [
            {"name": "lifts", "words": (lift * 3).hex(), "entries": [32] * 3},
            {
                "name": "unknown kind between lifts",
                "words": (lift + unknown + lift).hex(),
                "entries": [32, 64, 32],
            },
            {"name": "256 entries", "words": (lift * 256).hex(), "entries": [32] * 256},
        ],
        "malformed": [{"name": name, "words": words.hex()} for name, words in malformed],
    }


def heads_vectors() -> dict[str, Any]:
    rng = random.Random("heads")
    cases = []
    for n in range(6):
        device = device_id(rng.randrange(1, 1 << 24), rng.randrange(1, 1 << 40))
        words = _random_journal(rng, device, 3 + 4 * n)
        head = first_head(NETWORK, device)
        heads = [head]
        for entry in split_entries(words):
            head = next_head(head, entry)
            heads.append(head)
        cases.append({"device": device_text(device), "words": words.hex(), "heads": [h.hex() for h in heads]})
    return {"network": network_json(), "journals": cases}


def _random_journal(rng: random.Random, device: int, count: int) -> bytes:
    out = b""
    for _ in range(count):
        kind = rng.choice([Kind.LIFT, Kind.LIFT, Kind.LIFT, Kind.LOAD, Kind.GIVE, Kind.TAKE, Kind.MARK])
        fields = {
            name: rng.getrandbits(bits)
            for word in LAYOUTS[kind].words
            for name, bits in word
            if name not in ("kind", "words")
        }
        out += pack_entry_with_items(kind, fields, ())
    return out


def seals_vectors() -> dict[str, Any]:
    rng = random.Random("seals")
    cases = []
    for n in range(24):
        key = SigningKey.from_secret(rng.randrange(1, CURVE_ORDER))
        device = device_id(rng.randrange(1, 1 << 24), rng.randrange(1, 1 << 40))
        seq, head = rng.randrange(1, 1 << 40), rng.randbytes(32)
        digest = seal_digest(NETWORK, device=device, seq=seq, head=head)
        r, s = key.sign(digest)
        x, y = key.public
        case = {
            "name": "low s",
            "device": device_text(device),
            "seq": seq,
            "head": head.hex(),
            "digest": digest.hex(),
            "x": f"{x:064x}",
            "y": f"{y:064x}",
            "key_hash": f"{key_hash(x, y):040x}",
            "r": f"{r:064x}",
            "s": f"{s:064x}",
            "is_valid": True,
        }
        flaw = n % 8
        if flaw == 1:
            case |= {"name": "high s", "s": f"{CURVE_ORDER - s:064x}"}
        elif flaw == 2:
            case |= {"name": "another seq", "seq": seq ^ 1, "is_valid": False}
            case["digest"] = seal_digest(NETWORK, device=device, seq=seq ^ 1, head=head).hex()
        elif flaw == 3:
            case |= {"name": "s is zero", "s": "0" * 64, "is_valid": False}
        elif flaw == 4:
            case |= {"name": "r is the order", "r": f"{CURVE_ORDER:064x}", "is_valid": False}
        elif flaw == 5:
            case |= {"name": "key is not on the curve", "y": f"{y ^ 1:064x}", "is_valid": False}
            case["key_hash"] = f"{key_hash(x, y ^ 1):040x}"
        elif flaw == 6:
            other = SigningKey.from_secret(rng.randrange(1, CURVE_ORDER)).public
            case |= {
                "name": "another key",
                "x": f"{other[0]:064x}",
                "y": f"{other[1]:064x}",
                "is_valid": False,
            }
            case["key_hash"] = f"{key_hash(*other):040x}"
        cases.append(case)
    return {
        "network": network_json(),
        "domain_separator": domain_separator(NETWORK).hex(),
        "seals": cases,
    }


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

    def organisation(self, number: int) -> JournalWriter:
        writer = JournalWriter(NETWORK, device_id(number, 1), self.key())
        root = Root(writer.device, key_hash(*writer.public), 1)
        self.state.roots[number] = root
        self.state.named_roots[root.device] = True
        self.roots.append(
            {
                "organisation": organisation_text(number),
                "device": device_text(root.device),
                "key_hash": f"{root.key_hash:040x}",
                "epoch": 1,
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
            step["refused"] = int(answer.reason)
        else:
            step |= {
                "outcomes": answer.outcomes.hex(),
                "head": answer.head.hex(),
                "settled": [settled_json(s) for s in answer.settled],
            }
        self.steps.append(step)
        return answer

    def record_all(self, *writers: JournalWriter) -> None:
        for writer in writers:
            for segment in writer.cut_all():
                self.record(segment)

    def settle(self, lot: int, max_steps: int = 1) -> None:
        self.now += 7
        done = settling.settle(self.state, lot, block_time=self.now, max_steps=max_steps)
        self.steps.append(
            {
                "settle": lot_text(lot),
                "max_steps": max_steps,
                "block_time": self.now,
                "settled": [settled_json(s) for s in done],
            }
        )

    def settle_all(self) -> None:
        while ready := [lot for lot in sorted(self.state.lots) if settling.is_ready(self.state, lot)]:
            for lot in ready:
                self.settle(lot, 4)

    def to_json(self) -> dict[str, Any]:
        s = self.state
        return {
            "name": self.name,
            "roots": self.roots,
            "steps": self.steps,
            "final": {
                "devices": {
                    device_text(d): {
                        "next_seq": v.next_seq,
                        "head": v.head.hex(),
                        "role": int(v.role),
                        "is_revoked": v.is_revoked,
                    }
                    for d, v in sorted(s.devices.items())
                },
                "desks": {device_text(d): [v.lot_serial, v.open_deferrals] for d, v in sorted(s.desks.items())},
                "lots": {
                    lot_text(lot): {
                        "holder": device_text(v.holder),
                        "grams": v.grams,
                        "lifts": v.lifts,
                        "stream": v.stream,
                        "status": int(v.status),
                        "pendings": v.pendings,
                        "last_seq": v.last_seq,
                        "taken": v.taken,
                    }
                    for lot, v in sorted(s.lots.items())
                },
                "totals": {str(k): list(v) for k, v in sorted(s.totals.items())},
                "day_totals": [
                    {"organisation": organisation_text(o), "day": d, "stream": t, "grams": list(v)}
                    for (o, d, t), v in sorted(s.day_totals.items())
                ],
            },
        }


def segment_json(segment: Segment) -> dict[str, Any]:
    return {
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
    }


def settled_json(s: custody_state.Settled) -> dict[str, Any]:
    return {"device": device_text(s.device), "seq": s.seq, "lot": lot_text(s.lot), "outcome": int(s.outcome)}


def street_to_park() -> Story:
    """The plain journey, every journal in the best order."""
    story = Story("street to park in order", "street")
    crew_org, station_org, park_org = (story.organisation(n) for n in (2, 3, 4))
    truck = story.enrol(crew_org, 7, Role.CREW)
    station = story.enrol(station_org, 7, Role.GATE)
    park = story.enrol(park_org, 7, Role.GATE)
    story.record_all(crew_org, station_org, park_org)
    lot = lot_id(truck.device, 1)
    truck.write(Kind.LOAD, lot=lot, stream=4, occurred_at=story.now)
    for n in range(5):
        truck.write(
            Kind.LIFT, bin=100 + n, stream=4, grade=1, basis=1, occurred_at=story.now + n, grams=30_000 + n
        )
    give_seq = truck.write(Kind.GIVE, lot=lot, grams=150_010, to=device_id(3, 0), last_seq=6, lifts=5)
    give_head = int.from_bytes(truck.head, "big")
    station.write(Kind.TAKE, lot=lot, grams=150_010, give_seq=give_seq, giver=truck.device, give_head=give_head)
    into = lot_id(station.device, 1)
    station.write(Kind.MERGE, lot=lot, into=into, stream=4, grams=150_010)
    give_seq = station.write(Kind.GIVE, lot=into, grams=150_010, to=park.device)
    give_head = int.from_bytes(station.head, "big")
    weigh = park.write(Kind.WEIGH, lot=into, gross=15_148_000, tare=15_000_000, net=148_000, ticket=1)
    park.write(
        Kind.TAKE,
        lot=into,
        grams=148_000,
        give_seq=give_seq,
        giver=station.device,
        give_head=give_head,
        weigh_seq=weigh,
        weigher=park.device,
    )
    park.write(Kind.CLOSE, lot=into, grams=148_000, fate=4)
    park.write(Kind.SHIFT_END)
    story.record_all(truck, station, park)
    return story


def street_to_park_backwards() -> Story:
    """The same facts, the park first, the truck last: everything waits, then settles."""
    forward = street_to_park()
    story = Story("street to park backwards", "street")
    story.roots, story.state.roots = forward.roots, forward.state.roots
    story.state.named_roots = forward.state.named_roots
    segments = [_segment_from(step["record"]) for step in forward.steps]
    for segment in (*segments[:3], *reversed(segments[3:])):
        story.record(segment)
    story.settle_all()
    return story


def _segment_from(data: dict[str, Any]) -> Segment:
    return Segment(
        int(data["device"], 16),
        data["first_seq"],
        bytes.fromhex(data["words"]),
        *(int(data["key"][k], 16) for k in "xy"),
        *(int(data["seal"][k], 16) for k in "rs"),
    )


def refusals() -> Story:
    story = Story("refused outright", "refused")
    org = story.organisation(2)
    truck = story.enrol(org, 7, Role.CREW)
    truck.write(Kind.SHIFT_END)
    first = truck.cut()
    story.record(first)  # unknown device: its enrolment has not come
    story.record_all(org)
    good = first
    story.record(_with(good, r=good.r ^ 1))
    story.record(_with(good, x=good.x ^ 1))
    story.record(_with(good, words=good.words[:-1]))
    story.record(_with(good, words=bytes(31) + b"\1"))
    story.record(_with(good, words=bytes([19, 1]) + bytes(29) + b"\1"))
    truck.write(Kind.SHIFT_END, lifts=1)
    second = truck.cut()
    story.record(second)  # gap
    story.record(good)
    story.record(good)  # already recorded
    both = JournalWriter(NETWORK, truck.device, truck.key)
    both.write(Kind.SHIFT_END)
    both.write(Kind.SHIFT_END, lifts=1)
    story.record(both.cut())  # overlap
    story.record(second)
    story.record(_with(second, first_seq=0))
    return story


def _with(segment: Segment, **change: Any) -> Segment:
    return Segment(**{**segment.__dict__, **change})


def strange_facts() -> Story:
    story = Story("strange facts are recorded with their outcome", "strange")
    org, other = story.organisation(2), story.organisation(3)
    truck = story.enrol(org, 7, Role.CREW)
    lost = story.enrol(org, 8, Role.CREW)
    expired = story.enrol(org, 9, Role.CREW, not_after=NOON - 1)
    story.record_all(org, other)
    truck.write(Kind.LIFT, bin=1, stream=4, grams=10)  # no lot
    truck.write(Kind.LOAD, lot=lot_id(truck.device, 0), stream=4)  # serial 0
    truck.write(Kind.LOAD, lot=lot_id(lost.device, 1), stream=4)  # another device's lot
    truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=5)  # no such stream
    truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=4)
    truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=3)  # other stream
    truck.write(Kind.LIFT, bin=1, stream=3, grams=10)  # wrong stream
    truck.write(Kind.LIFT, bin=1, stream=4, grams=(1 << 32) - 1)
    truck.write(Kind.GIVE, lot=lot_id(truck.device, 1), to=truck.device)  # to itself
    truck.write(Kind.GIVE, lot=lot_id(truck.device, 1), to=7)  # to nobody
    truck.write(Kind.GIVE, lot=lot_id(truck.device, 9), to=device_id(3, 0))  # no such lot
    truck.write(Kind.WITHDRAW, lot=lot_id(truck.device, 1), give_seq=4)  # nothing given
    give = truck.write(Kind.GIVE, lot=lot_id(truck.device, 1), to=device_id(3, 0))
    truck.write(Kind.LIFT, bin=1, stream=4, grams=10)  # lot is given
    truck.write(Kind.WITHDRAW, lot=lot_id(truck.device, 1), give_seq=give)
    truck.write(Kind.LIFT, bin=1, stream=4, grams=10)  # and back
    truck.write(Kind.WEIGH, gross=5, tare=2, net=3)  # a crew phone is no scale
    truck.write(Kind.ENROL, device=device_id(2, 99), role=1, scheme=1)  # a crew phone is no registrar
    truck.write(Kind.MERGE, lot=lot_id(truck.device, 1), into=lot_id(truck.device, 1), stream=4)
    truck.write(Kind.CLOSE, lot=lot_id(truck.device, 1), fate=9)
    truck.write(Kind.CLOSE, lot=lot_id(truck.device, 1), fate=3)
    truck.write(Kind.CLOSE, lot=lot_id(truck.device, 1), fate=3)  # closed already
    truck.write(Kind.MARK, block=1, hash=2)
    truck.write(Kind.ANCHOR, schema=1, digest=2)
    truck.write(Kind.ACKNOWLEDGE, device=1, seq=2)
    truck.write(Kind.DECLINE, bin=5, stream=4, reason=1)
    truck.write(Kind.SPLIT, lot=1)
    truck.write(Kind.MOVED, ledger=5)
    truck.write_words(bytes([99, 2]) + bytes(62))  # a kind not in the table
    truck.write_words(bytes([3, 1]) + bytes(30))  # a give of the wrong length
    lost.write(Kind.LOAD, lot=lot_id(lost.device, 1), stream=4)
    story.record_all(truck, lost)
    org.write(Kind.ENROL, device=device_id(3, 5), role=1, scheme=1)  # foreign organisation
    org.write(Kind.ENROL, device=device_id(2, 0), role=1, scheme=1)  # serial 0
    org.write(Kind.ENROL, device=device_id(2, 5), role=9, scheme=1)
    org.write(Kind.ENROL, device=device_id(2, 5), role=1, scheme=2)
    org.write(Kind.ENROL, device=device_id(2, 5), role=1, scheme=1, not_after=1 << 32)
    org.write(Kind.ENROL, device=truck.device, role=1, scheme=1)  # an id is never reused
    org.write(Kind.ENROL, device=org.device, role=1, scheme=1)
    org.write(Kind.REVOKE, device=org.device)  # itself
    org.write(Kind.REVOKE, device=device_id(2, 77))  # unknown
    org.write(Kind.REVOKE, device=device_id(3, 1))  # foreign
    org.write(Kind.REVOKE, device=lost.device)
    org.write(Kind.SITE, site=device_id(2, 1), site_kind=1, digest=11)
    org.write(Kind.SITE, site=device_id(3, 1), site_kind=1, digest=11)
    org.write(Kind.PLACE, site=device_id(2, 1), count=3, digest=12)
    story.record_all(org)
    lost.write(Kind.LIFT, bin=1, stream=4, grams=10)
    expired.write(Kind.LOAD, lot=lot_id(expired.device, 1), stream=4)
    story.record_all(lost, expired)
    return story


def too_many_deferrals() -> Story:
    story = Story("the sixty-fifth step that waits is late", "late")
    org = story.organisation(2)
    gate = story.enrol(org, 7, Role.GATE)
    story.record_all(org)
    for n in range(66):
        gate.write(Kind.TAKE, lot=lot_id(device_id(3, 3), n + 1), grams=5, give_seq=n + 1, giver=device_id(3, 3))
    story.record_all(gate)
    return story


def wrong_heads() -> Story:
    """Takes that cite another head or were not meant for the taker, before and after the give."""
    story = Story("takes that do not fit their give", "wrong heads")
    a_org, b_org, c_org = (story.organisation(n) for n in (2, 3, 4))
    a, b, b2, c = (story.enrol(o, n, Role.GATE) for o, n in ((a_org, 7), (b_org, 7), (b_org, 8), (c_org, 7)))
    story.record_all(a_org, b_org, c_org)
    gives = {}
    for n in range(1, 5):
        a.write(Kind.LOAD, lot=lot_id(a.device, n), stream=3)
        a.write(Kind.LIFT, bin=n, stream=3, grams=1000)
        seq = a.write(Kind.GIVE, lot=lot_id(a.device, n), to=b.device if n % 2 else device_id(3, 0))
        gives[n] = (seq, int.from_bytes(a.head, "big"))

    def take(who: JournalWriter, n: int, head: int) -> None:
        who.write(
            Kind.TAKE,
            lot=lot_id(a.device, n),
            grams=900,
            give_seq=gives[n][0],
            giver=a.device,
            give_head=head,
        )

    take(b, 1, 5)  # wrong head, before the give
    b.write(Kind.MERGE, lot=lot_id(a.device, 1), into=lot_id(b.device, 1), stream=3)
    b.write(Kind.GIVE, lot=lot_id(b.device, 1), to=c.device)
    take(b2, 3, gives[3][1])  # given to b, not to b2
    take(c, 2, gives[2][1])  # given to another organisation
    story.record_all(b, b2, c)
    story.record_all(a)
    story.settle_all()
    take(b, 2, 5)  # wrong head, after the give
    take(b, 2, gives[2][1])
    take(b2, 2, gives[2][1])  # taken already
    take(b2, 4, gives[4][1])
    b.write(Kind.LOAD, lot=lot_id(b.device, 2), stream=4)
    b.write(Kind.MERGE, lot=lot_id(a.device, 2), into=lot_id(b.device, 2), stream=4)  # streams differ
    b.write(Kind.MERGE, lot=lot_id(a.device, 2), into=lot_id(b.device, 3), stream=3)
    story.record_all(b, b2)
    story.settle_all()
    return story


def random_story(n: int) -> Story:
    """Three organisations doing likely and unlikely things, delivered in any order and any cutting."""
    story = Story(f"random {n}", f"random {n}")
    rng = story.rng
    orgs = [story.organisation(number) for number in (2, 3, 4)]
    devices = [story.enrol(org, serial, Role.GATE) for org in orgs for serial in (7, 8)]
    story.record_all(*orgs)
    lots = [lot_id(d.device, serial) for d in devices for serial in (1, 2, 3)]
    gives: list[tuple[int, int, int, int, int]] = []  # lot, giver, seq, head, to
    held: dict[int, set[int]] = {d.device: set() for d in devices}
    for _ in range(60):
        d = rng.choice(devices)
        mine = sorted(held[d.device]) or lots
        act = rng.choices(
            ["load", "lift", "give", "take", "withdraw", "merge", "close", "wild take"],
            [4, 8, 5, 8, 1, 3, 1, 1],
        )[0]
        own = lot_id(d.device, rng.randrange(1, 4))
        stream = rng.choice([3, 4, 4, 4])
        if act == "load":
            d.write(Kind.LOAD, lot=own, stream=stream)
            held[d.device].add(own)
        elif act == "lift":
            for _ in range(rng.randrange(1, 4)):
                d.write(Kind.LIFT, bin=rng.getrandbits(40), stream=stream, grams=rng.randrange(1, 60_000))
        elif act == "give":
            lot, to = rng.choice(mine), rng.choice(devices).device
            to = to if rng.random() < 0.5 else device_id(to >> 40, 0)
            seq = d.write(Kind.GIVE, lot=lot, to=to)
            gives.append((lot, d.device, seq, int.from_bytes(d.head, "big"), to))
            held[d.device].discard(lot)
        elif act == "take" and gives:
            lot, giver, seq, head, to = gives.pop(rng.randrange(len(gives)))
            fitting = [w for w in devices if settling.is_named(to, w.device)]
            w = rng.choice(fitting)
            w.write(Kind.TAKE, lot=lot, giver=giver, give_seq=seq, give_head=head, grams=rng.randrange(1, 90_000))
            held[w.device].add(lot)
        elif act == "wild take" and gives:
            lot, giver, seq, head, _ = rng.choice(gives)
            d.write(Kind.TAKE, lot=lot, giver=giver, give_seq=seq + rng.randrange(2), give_head=head, grams=5)
        elif act == "withdraw" and gives:
            lot, giver, seq, _, _ = gives.pop(rng.randrange(len(gives)))
            next(w for w in devices if w.device == giver).write(Kind.WITHDRAW, lot=lot, give_seq=seq)
            held[giver].add(lot)
        elif act == "merge":
            d.write(Kind.MERGE, lot=rng.choice(mine), into=own, stream=stream)
            held[d.device].add(own)
        elif act == "close":
            d.write(Kind.CLOSE, lot=rng.choice(mine), fate=rng.randrange(1, 5))
    while any(d.uncut for d in devices):
        d = rng.choice([d for d in devices if d.uncut])
        story.record(d.cut(rng.randrange(1, len(d.uncut) + 1)))
        if rng.random() < 0.2:
            story.settle(rng.choice(lots), rng.randrange(1, 3))
    story.settle_all()
    return story


def custody_vectors() -> dict[str, Any]:
    stories = [
        street_to_park(),
        street_to_park_backwards(),
        refusals(),
        strange_facts(),
        too_many_deferrals(),
        wrong_heads(),
        *(random_story(n) for n in range(24)),
    ]
    for story in stories:
        _check_conservation(story.state)
    return {"network": network_json(), "stories": [story.to_json() for story in stories]}


def _check_conservation(state: State) -> None:
    for stream, t in state.totals.items():
        held = sum(lot.grams for lot in state.lots.values() if lot.stream == stream)
        assert t.lifted + t.gained == held + t.out + t.lost, (stream, t, held)


def merkle_vectors() -> dict[str, Any]:
    rng = random.Random("merkle")
    cases = []
    for count in (0, 1, 2, 3, 4, 5, 8, 13, 33):
        words = [bytes([1]) + rng.randbytes(31) for _ in range(count)]
        case: dict[str, Any] = {"lifts": [w.hex() for w in words], "root": lifts_root(words).hex()}
        if count:
            index = rng.randrange(count)
            path = lift_path(words, index)
            case |= {"index": index, "path": [{"right": right, "sibling": s.hex()} for right, s in path]}
        cases.append(case)
    return {"trees": cases}


VECTORS = {
    "words.json": words_vectors,
    "heads.json": heads_vectors,
    "seals.json": seals_vectors,
    "custody.json": custody_vectors,
    "merkle.json": merkle_vectors,
}


def main() -> int:
    stale = []
    for name, build in VECTORS.items():
        text = json.dumps(build(), indent=1) + "\n"
        path = HERE / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    if stale:
        print(f"stale vectors: {', '.join(stale)}; run python tests/vectors/make.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
