"""Stories of lots that are taken in part, split, transformed, mixed, taken on mandates, and weighed."""

from __future__ import annotations

from custody_story import HOUR, NOON, Story

from backend.domain.layout import Kind
from backend.domain.types import (
    MandateOp,
    Role,
    device_id,
    lot_id,
)
from backend.domain.writer import JournalWriter


def handoffs_in_part() -> Story:
    """A park takes six tonnes of nine, refuses another load, and a third is sent elsewhere; the giver first."""
    story = Story("in part, refused, redirected", "in part")
    haul, east, west = (story.organisation(n) for n in (2, 3, 4))
    truck = story.enrol(haul, 7, Role.CREW)
    park, plant = story.enrol(east, 7, Role.GATE), story.enrol(west, 7, Role.GATE)
    story.record_all(haul, east, west)
    lots = [lot_id(truck.device, n) for n in (1, 2, 3)]
    heads = []
    for lot in lots:
        truck.write(Kind.LOAD, lot=lot, stream=4)
        truck.write(Kind.LIFT, bin=7, stream=4, grams=9_000_000)
        seq = truck.write(Kind.GIVE, lot=lot, to=park.device)
        heads.append((seq, int.from_bytes(truck.head, "big")))

    def cite(n: int) -> dict[str, int]:
        return {"lot": lots[n], "giver": truck.device, "give_seq": heads[n][0], "give_head": heads[n][1]}

    park.write(Kind.TAKE, grams=6_000_000, into=lot_id(park.device, 1), **cite(0))
    park.write(Kind.CLOSE, lot=lot_id(park.device, 1), fate=4)
    park.write(Kind.REFUSE, reason=3, **cite(1))
    rest = []
    for lot in lots[:2]:
        seq = truck.write(Kind.GIVE, lot=lot, to=plant.device)  # waits for the park's answer
        rest.append((lot, seq, int.from_bytes(truck.head, "big")))
    seq = truck.write(Kind.REDIRECT, lot=lots[2], give_seq=heads[2][0], to=plant.device)
    rest.append((lots[2], seq, int.from_bytes(truck.head, "big")))
    truck.write(Kind.GIVE, lot=lots[2], to=park.device)  # given already: waits, and becomes a conflict
    for lot, seq, head in rest:
        plant.write(Kind.TAKE, lot=lot, giver=truck.device, give_seq=seq, give_head=head, grams=3_000_000)
    story.record_all(truck, plant, park)
    story.settle_all()
    return story


def parts_and_products() -> Story:
    """A station splits and transforms lots that it has not got yet on the ledger."""
    story = Story("split and transformed while waiting", "parts")
    haul, station_org = story.organisation(2), story.organisation(3)
    truck, station = story.enrol(haul, 7, Role.CREW), story.enrol(station_org, 7, Role.GATE)
    story.record_all(haul, station_org)
    lot = lot_id(truck.device, 1)
    truck.write(Kind.LOAD, lot=lot, stream=3)
    truck.write(Kind.LIFT, bin=7, stream=3, grams=10_000)
    seq = truck.write(Kind.GIVE, lot=lot, to=station.device)
    head = int.from_bytes(truck.head, "big")
    own = [lot_id(station.device, n) for n in range(1, 12)]
    station.write(Kind.TAKE, lot=lot, giver=truck.device, give_seq=seq, give_head=head, grams=10_000)
    station.write(Kind.SPLIT, lot=lot, into=own[0], grams=4_000, stream=3)
    station.write(Kind.SPLIT, lot=lot, into=own[1], grams=9_000, stream=3)  # more than is left
    station.write(Kind.SPLIT, lot=lot, into=own[1], grams=1, stream=3)  # opened already
    station.write(Kind.SPLIT, lot=lot, into=own[2], grams=1, stream=4)  # another stream
    outputs = ({"lot": own[3], "amount": 2_000, "product": 5}, {"lot": own[4], "amount": 3_500, "product": 6})
    measure = {"lot": 0, "amount": 77, "product": 90}
    station.write(Kind.TRANSFORM, (*outputs, measure), lot=own[0], outputs=2, loss=1_500, is_gain=1)
    station.write(Kind.TRANSFORM, outputs[:1], lot=lot, outputs=1)  # lots that were opened
    station.write(Kind.TRANSFORM, ({"lot": own[5], "amount": 5},), lot=lot, outputs=1)  # does not add up
    station.write(Kind.TRANSFORM, ({"lot": own[6], "amount": 6_000},), lot=lot, outputs=2)  # fewer than it says
    station.write(Kind.CLOSE, lot=own[3], fate=1)
    station.write(Kind.CLOSE, lot=own[1], fate=2)
    station.write(Kind.MERGE, lot=own[4], into=own[7], stream=3)
    story.record_all(station)
    station.write(Kind.LOAD, lot=own[7], stream=3)
    station.write(Kind.LIFT, bin=1, stream=3, grams=3)
    station.write(Kind.CLOSE, lot=own[7], fate=3)
    station.write(Kind.TAKE, lot=own[8], grams=700, stream=1)  # from somebody who is not registered
    station.write(Kind.TAKE, lot=own[8], grams=700, stream=1)
    station.write(Kind.TAKE, lot=own[9], grams=700)
    station.write(Kind.GIVE, lot=own[8], to=0)  # to somebody who is not registered
    story.record_all(station, truck)
    story.settle_all()
    return story


def mixed_loads() -> Story:
    """What is lifted into a lot of another stream bars it from being taken as anything cleaner."""
    story = Story("mixed loads", "mixed")
    haul, park_org = story.organisation(2), story.organisation(3)
    truck, park = story.enrol(haul, 7, Role.CREW), story.enrol(park_org, 7, Role.GATE)
    story.record_all(haul, park_org)
    gives = []
    for n, (stream, others) in enumerate([(3, ()), (3, (4,)), (4, (3, 1)), (4, (2,)), (2, (4,)), (1, ())], 1):
        lot = lot_id(truck.device, n)
        truck.write(Kind.LOAD, lot=lot, stream=stream)
        for other in (stream, *others):
            truck.write(Kind.LIFT, bin=n, stream=other, grams=1_000)
        seq = truck.write(Kind.GIVE, lot=lot, to=park.device)
        gives.append(
            {"lot": lot, "give_seq": seq, "giver": truck.device, "give_head": int.from_bytes(truck.head, "big")}
        )
    story.record_all(truck)
    for n, wanted in [
        (0, 1),
        (0, 3),
        (1, 3),
        (1, 0),
        (1, 4),
        (2, 3),
        (2, 0),
        (3, 4),
        (3, 2),
        (4, 4),
        (4, 0),
        (5, 2),
    ]:
        park.write(Kind.TAKE, grams=1_500, stream=wanted, **gives[n])
    story.record_all(park)
    return story


def mandates() -> Story:
    """A carrier takes for a district, within its mandate and beyond it in every way."""
    story = Story("mandates", "mandates")
    giver_org, district, carrier, other = (story.organisation(n) for n in (2, 3, 4, 5))
    giver = story.enrol(giver_org, 7, Role.GATE)
    office = story.enrol(district, 7, Role.OFFICE)
    agents = [story.enrol(carrier, 7, Role.GATE), story.enrol(other, 7, Role.GATE)]
    crew = story.enrol(carrier, 8, Role.CREW)
    story.record_all(giver_org, district, carrier, other)
    until, site = NOON + HOUR, device_id(2, 9)

    def grant(who: JournalWriter, to: int, **limits: int) -> tuple[int, int]:
        fields = {
            "op": MandateOp.GRANT,
            "to": to,
            "grams": 20_000,
            "until": until,
            "streams": 1 << 4,
            "site": site,
        }
        return who.device, who.write(Kind.MANDATE, **{**fields, **limits})

    whole = grant(office, device_id(4, 0), depth=1)
    narrow = grant(office, agents[0].device)
    revoked = grant(office, agents[0].device)
    sub = grant(agents[0], agents[1].device, parent=whole[0], parent_seq=whole[1])
    deep = grant(agents[1], crew.device, parent=sub[0], parent_seq=sub[1])
    too_deep = grant(agents[0], agents[1].device, parent=narrow[0], parent_seq=narrow[1])
    grant(crew, agents[0].device)  # a crew phone grants nothing
    grant(office, 5)
    office.write(Kind.MANDATE, op=MandateOp.REVOKE, parent=office.device, parent_seq=revoked[1])
    office.write(Kind.MANDATE, op=MandateOp.REVOKE, parent=office.device, parent_seq=99)
    office.write(Kind.MANDATE, op=MandateOp.REVOKE, parent=agents[0].device, parent_seq=1)
    office.write(Kind.MANDATE, op=9)
    gives = []
    for n in range(1, 13):
        lot = lot_id(giver.device, n)
        giver.write(Kind.LOAD, lot=lot, stream=3 if n == 5 else 4)
        giver.write(Kind.LIFT, bin=n, stream=3 if n == 5 else 4, grams=9_000)
        seq = giver.write(Kind.GIVE, lot=lot, to=agents[0].device if n == 12 else device_id(3, 0))
        head = int.from_bytes(giver.head, "big")
        gives.append({"lot": lot, "give_seq": seq, "giver": giver.device, "give_head": head})

    def take(who: JournalWriter, n: int, mandate: tuple[int, int], **change: int) -> None:
        cited = {
            "principal": mandate[0],
            "mandate_seq": mandate[1],
            "site": site,
            "occurred_at": until,
            "grams": 9_000,
        }
        who.write(Kind.TAKE, **{**gives[n], **cited, **change})

    first, second = agents
    take(first, 0, whole)
    take(first, 1, (office.device, 77))  # a mandate that nobody knows: it waits
    take(first, 2, revoked)
    take(first, 3, whole, occurred_at=until + 1)
    take(first, 4, whole)  # another stream
    take(first, 5, whole, site=site + 1)
    take(first, 5, whole, grams=11_001)
    take(second, 6, whole)  # names somebody else
    take(second, 6, sub)
    take(second, 7, too_deep)
    take(crew, 8, deep)  # one level more than the mandate allows
    take(first, 9, whole, grams=9_000)  # 18,000 of 20,000 are gone
    take(first, 11, whole)  # the give is not to the principal
    story.record_all(first, second, crew)
    story.record_all(giver)
    story.record_all(office)
    story.settle_all()
    return story


def tickets() -> Story:
    story = Story("weigh tickets", "tickets")
    org = story.organisation(2)
    scale, crew = story.enrol(org, 7, Role.SCALE), story.enrol(org, 8, Role.CREW)
    story.record_all(org)

    def weigh(who: JournalWriter, ticket: int, **change: int) -> None:
        fields = {"gross": 9, "tare": 4, "net": 5, "occurred_at": NOON, "calibration_until": NOON}
        who.write(Kind.WEIGH, ticket=ticket, **{**fields, **change})

    weigh(crew, 1)
    weigh(scale, 0)
    weigh(scale, 5)
    weigh(scale, 6, net=6)
    weigh(scale, 6)
    weigh(scale, 6)
    weigh(scale, 3)
    weigh(scale, 9)
    weigh(scale, 10, calibration_until=NOON - 1)
    weigh(scale, 11)
    story.record_all(scale, crew)
    return story
