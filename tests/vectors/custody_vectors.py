"""Stories of the custody rules, as vectors."""

from __future__ import annotations

from typing import Any

from custody_story import NETWORK, NOON, Story, changed
from device_stories import brought_and_handed_in, gaps, lost_phones, moved_away, passkeys, witnesses_and_forks
from handoff_stories import handoffs_in_part, mandates, mixed_loads, parts_and_products, tickets

from backend.domain.custody_state import LotStatus, State
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.mandates import is_named
from backend.domain.types import (
    Role,
    device_id,
    lot_id,
)
from backend.domain.writer import JournalWriter


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
        bytes.fromhex(data["assertion"]),
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
    story.record(changed(good, r=good.r ^ 1))
    story.record(changed(good, x=good.x ^ 1))
    story.record(changed(good, words=good.words[:-1]))
    story.record(changed(good, words=bytes(31) + b"\1"))
    story.record(changed(good, words=bytes([19, 1]) + bytes(29) + b"\1"))
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
    story.record(changed(second, first_seq=0))
    return story


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
    truck.write(Kind.WITHDRAW, lot=lot_id(truck.device, 1), undone_seq=4)  # nothing given
    give = truck.write(Kind.GIVE, lot=lot_id(truck.device, 1), to=device_id(3, 0))
    truck.write(Kind.LIFT, bin=1, stream=4, grams=10)  # lot is given
    truck.write(Kind.WITHDRAW, lot=lot_id(truck.device, 1), undone_seq=give)
    truck.write(Kind.LIFT, bin=1, stream=4, grams=10)  # it is back, and shut
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
    truck.write(Kind.MOVED, ledger=0)
    truck.write_words(bytes([99, 2]) + bytes(62))  # a kind not in the table
    truck.write_words(bytes([3, 1]) + bytes(30))  # a give of the wrong length
    lost.write(Kind.LOAD, lot=lot_id(lost.device, 1), stream=4)
    story.record_all(truck, lost)
    org.write(Kind.ENROL, device=device_id(3, 5), role=1, scheme=1)  # foreign organisation
    org.write(Kind.ENROL, device=device_id(2, 0), role=1, scheme=1)  # serial 0
    org.write(Kind.ENROL, device=device_id(2, 5), role=9, scheme=1)
    org.write(Kind.ENROL, device=device_id(2, 5), role=1, scheme=3)
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
    story = Story("too many steps that wait", "late")
    org = story.organisation(2)
    gate = story.enrol(org, 7, Role.GATE)
    story.record_all(org)
    for n in range(258):
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
            ["load", "lift", "give", "take", "withdraw", "merge", "close", "wild take", "split", "transform"],
            [4, 8, 5, 8, 2, 3, 1, 1, 2, 1],
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
            fitting = [w for w in devices if is_named(to, w.device)]
            w = rng.choice(fitting)
            cited = {"lot": lot, "giver": giver, "give_seq": seq, "give_head": head}
            turn = rng.random()
            if turn < 0.15:
                w.write(Kind.REFUSE, **cited)
                held[giver].add(lot)
            elif turn < 0.3:
                part = lot_id(w.device, rng.randrange(4, 9))
                w.write(Kind.TAKE, grams=rng.randrange(1, 30_000), into=part, **cited)
                held[w.device].add(part)
                held[giver].add(lot)
            else:
                named = rng.choice([0, 0, 0, 4])
                w.write(Kind.TAKE, grams=rng.randrange(1, 90_000), stream=named, **cited)
                held[w.device].add(lot)
        elif act == "wild take" and gives:
            lot, giver, seq, head, _ = rng.choice(gives)
            d.write(Kind.TAKE, lot=lot, giver=giver, give_seq=seq + rng.randrange(2), give_head=head, grams=5)
        elif act == "withdraw" and gives:
            lot, giver, seq, _, _ = gives.pop(rng.randrange(len(gives)))
            who = next(w for w in devices if w.device == giver)
            if rng.random() < 0.5:
                who.write(Kind.WITHDRAW, lot=lot, undone_seq=seq)
                held[giver].add(lot)
            else:
                to = rng.choice(devices).device
                seq = who.write(Kind.REDIRECT, lot=lot, give_seq=seq, to=to)
                gives.append((lot, giver, seq, int.from_bytes(who.head, "big"), to))
        elif act == "split":
            part = lot_id(d.device, rng.randrange(4, 9))
            d.write(Kind.SPLIT, lot=rng.choice(mine), into=part, stream=stream, grams=rng.randrange(0, 40_000))
            held[d.device].add(part)
        elif act == "transform":
            first = rng.randrange(10, 20)
            items = tuple({"lot": lot_id(d.device, first + i), "amount": 0} for i in range(2))
            d.write(Kind.TRANSFORM, items, lot=rng.choice(mine), outputs=2, loss=rng.choice([0, 900]))
        elif act == "merge":
            d.write(Kind.MERGE, lot=rng.choice(mine), into=own, stream=stream)
            held[d.device].add(own)
        elif act == "close":
            d.write(Kind.CLOSE, lot=rng.choice(mine), fate=rng.randrange(1, 5))
    while any(d.uncut for d in devices):
        d = rng.choice([d for d in devices if d.uncut])
        story.record(d.cut(rng.randrange(1, len(d.uncut) + 1)))
        if rng.random() < 0.2:
            story.settle(rng.choice(lots), rng.choice(devices).device, rng.randrange(1, 3))
    story.settle_all()
    return story


def network_json() -> dict[str, Any]:
    return {"chain_id": NETWORK.chain_id, "ledger": NETWORK.ledger.hex()}


def custody_vectors() -> dict[str, Any]:
    stories = [
        street_to_park(),
        street_to_park_backwards(),
        refusals(),
        strange_facts(),
        too_many_deferrals(),
        wrong_heads(),
        handoffs_in_part(),
        parts_and_products(),
        mixed_loads(),
        mandates(),
        tickets(),
        witnesses_and_forks(),
        lost_phones(),
        brought_and_handed_in(),
        gaps(),
        moved_away(),
        passkeys(),
        *(random_story(n) for n in range(24)),
    ]
    for story in stories:
        _check_conservation(story.state)
    return {"network": network_json(), "stories": [story.to_json() for story in stories]}


def _check_conservation(state: State) -> None:
    for stream, t in state.totals.items():
        held = sum(v.grams for v in state.lots.values() if v.stream == stream and v.status != LotStatus.PROMISED)
        assert t.lifted + t.gained == held + t.out + t.lost, (stream, t, held)
