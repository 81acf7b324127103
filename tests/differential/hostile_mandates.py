"""Takes for somebody else: on chains of mandates up to five long, each with at most one thing wrong."""

from __future__ import annotations

from backend.domain.layout import Kind
from backend.domain.types import MandateOp, Role
from tests.differential.hostile_people import HostilePerson
from tests.differential.hostile_steps import MAX_GRAMS, WildSteps

GRANTERS = (Role.GATE, Role.OFFICE, Role.REGISTRAR)
WRONGS = ("foreign", "ended", "expired", "stream", "site", "grams", "depth", "unknown", "other principal")


class WildMandates(WildSteps):
    """What people delegate, and how they overstep it."""

    def flush(self, person: HostilePerson) -> None:
        """Hand in all that a person has not handed in yet."""
        raise NotImplementedError

    def wild_mandate(self, person: HostilePerson) -> None:
        """Grant or revoke nearly anything."""
        rng = self.rng
        if person.mandates and self.chance(0.3):
            seq = rng.choice(person.mandates) if self.chance(0.8) else rng.randint(0, 99)
            self.revoke_mandate(person, seq, parent=person.id if self.chance(0.8) else self.any_person().id)
            return
        seq = self.write(
            person, Kind.MANDATE, op=rng.choice([1, 1, 1, 0, 3, 255]), to=self.any_receiver(person),
            grams=rng.randint(0, 99_999), until=self.clock + rng.randint(-50, 5000), depth=rng.randint(0, 4),
            streams=rng.getrandbits(6), site=rng.choice([0, 0, 7]),
        )  # fmt: skip
        person.mandates.append(seq)

    def revoke_mandate(self, person: HostilePerson, seq: int, *, parent: int) -> None:
        self.write(person, Kind.MANDATE, op=MandateOp.REVOKE, parent=parent, parent_seq=seq)

    def take_for_another(self, giver: HostilePerson) -> None:
        """Give to a principal, and have the last of a chain of agents take."""
        rng = self.rng
        granters = [p for p in self.people if p.role in GRANTERS and p is not giver]
        if len(granters) < 5:
            return
        if not giver.lots or self.chance(0.6):
            self._unattested(giver)  # one lot that is surely there
            lot = giver.lots[-1]
        else:
            lot = rng.choice(giver.lots)
        known = self.lots[lot]
        taker = rng.choice([p for p in self.people if p is not giver])
        # Long chains are rare: everybody on one must have handed in the grant before the take is judged.
        chain = rng.sample(granters, rng.choice([1, 1, 1, 1, 2, 2, 3, 4, 4, 5]))
        chain = [person for person in chain if person is not taker] or [chain[0]]
        wrong = rng.choice(WRONGS) if self.chance(0.55) else ""
        broken = rng.randrange(len(chain))
        parent, parent_seq, grants = 0, 0, []
        for place, granter in enumerate(chain):
            agent = chain[place + 1] if place + 1 < len(chain) else taker
            is_broken = wrong if place == broken else ""
            levels_below = len(chain) - 1 - place
            to = rng.choice([agent.id, agent.id >> 40 << 40])
            seq = self.write(
                granter, Kind.MANDATE, op=MandateOp.GRANT,
                to=self.any_receiver(granter) if is_broken == "foreign" else to,
                grams=max(known.grams - 1, 0) if is_broken == "grams" else MAX_GRAMS - rng.randint(0, 9),
                until=self.clock - 20 if is_broken == "expired" else self.clock + 100_000,
                depth=max(levels_below - 1, 0) if is_broken == "depth" else levels_below,
                streams=30 & ~(1 << known.stream) if is_broken == "stream" else 31,
                site=8 if is_broken == "site" else rng.choice([0, 7]),
                parent=parent, parent_seq=parent_seq,
            )  # fmt: skip
            granter.mandates.append(seq)
            grants.append((granter, seq))
            parent, parent_seq = granter.id, seq
        if wrong == "ended":
            granter, seq = grants[broken]
            self.revoke_mandate(granter, seq, parent=granter.id)
        top = self.any_person() if wrong == "other principal" else chain[0]
        give_seq = self.write(giver, Kind.GIVE, lot=lot, to=rng.choice([top.id, top.id >> 40 << 40]), grams=1)
        stream = known.stream if not known.mixture else 2
        if stream != known.stream and wrong == "":
            stream = 0
        fields = {"lot": lot, "giver": giver.id, "give_seq": give_seq, "grams": known.grams, "stream": stream}
        fields |= {"give_head": int.from_bytes(giver.writer.head, "big"), "site": 7, "principal": chain[-1].id}
        fields["mandate_seq"] = parent_seq + 5 if wrong == "unknown" else parent_seq
        into = taker.new_lot() if self.chance(0.2) else 0
        self.write(taker, Kind.TAKE, into=into, **fields)
        if not wrong and not into:
            giver.lots.remove(lot)
            if giver.open_lot == lot:
                giver.open_lot = None
            taker.lots.append(lot)
            self.lots[lot] = known._replace(holder=taker.id)
        if self.chance(0.8):
            # Left to chance, one of so many journals is nearly always late.
            for person in (*chain, giver, taker):
                self.flush(person)
