"""A lot that was given, weighed, taken, amended, disputed and ruled on, over real books."""

from __future__ import annotations

from custody_stories import NOON
from small_city import BINS, CREW, PARK, SmallCity, write_lifts

from backend.domain.layout import Kind
from backend.domain.types import AmendedField, AmendOp, DisputeOp, Ground, Role, device_id
from backend.domain.writer import JournalWriter

HOUR, DAY = 3_600, 86_400


class JudgedLot:
    """Five bins of residual waste (5010 g, estimated) given as 100 kg and taken, weighed, as 160 kg.

    The park proposes 120 kg an hour later and the crew approves two hours later. `dispute` and the other
    verbs go on from there.
    """

    def __init__(self, city: SmallCity) -> None:
        self.city = city
        self.truck = city.device(CREW, 7)
        self.gate = city.device(PARK, 7, Role.GATE)
        self.scale = city.device(PARK, 8, Role.SCALE)
        self.crew_office, self.park_office = city.registrars[CREW], city.registrars[PARK]
        city.record(*city.registrars.values())
        city.place_bins()
        self.lot = write_lifts(self.truck, 5)
        self.decline_seq = self.truck.write(
            Kind.DECLINE, bin=BINS[9], stream=4, reason=1, evidence=7, occurred_at=NOON + 400
        )
        self.given = give_mass(self.truck, self.lot, device_id(PARK, 0), 100_000)
        ticket = self.scale.write(
            Kind.WEIGH,
            lot=self.lot,
            gross=12_160_000,
            tare=12_000_000,
            net=160_000,
            ticket=5,
            calibration_until=NOON + DAY,
            occurred_at=NOON + 700,
        )
        self.take_seq = self.gate.write(
            Kind.TAKE,
            **self.given,
            grams=160_000,
            weigher=self.scale.device,
            weigh_seq=ticket,
            occurred_at=NOON + 800,
        )
        city.record(self.truck, self.gate, self.scale)
        self.recorded_at = city.clock.now

    def wait(self, seconds: int) -> int:
        self.city.clock.now += seconds
        return self.city.clock.now

    def amend_take(self, grams: int = 120_000) -> None:
        """Let the park propose other grams, an hour later, and the crew approve them after one more."""
        self.wait(HOUR)
        seq = self.gate.write(
            Kind.AMEND,
            op=AmendOp.PROPOSE,
            device=self.gate.device,
            seq=self.take_seq,
            field=AmendedField.GRAMS,
            value=grams,
        )
        self.city.record(self.gate)
        self.wait(HOUR)
        self.crew_office.write(Kind.AMEND, op=AmendOp.APPROVE, device=self.gate.device, seq=seq)
        self.city.record(self.crew_office)

    def dispute_take(self, claimed: int = 100_000) -> None:
        """Let the crew dispute the take's mass."""
        self.crew_office.write(
            Kind.DISPUTE,
            op=DisputeOp.OPEN,
            device=self.gate.device,
            seq=self.take_seq,
            rule=Ground.MASS,
            value=claimed,
        )
        self.city.record(self.crew_office)


def give_mass(writer: JournalWriter, lot: int, to: int, grams: int) -> dict[str, int]:
    """Give a lot away with a declared mass; return what the taker cites."""
    seq = writer.write(Kind.GIVE, lot=lot, to=to, grams=grams, occurred_at=NOON + 500)
    return {"lot": lot, "giver": writer.device, "give_seq": seq, "give_head": int.from_bytes(writer.head, "big")}
