"""Devices under review: revoked, forked, expired, moved, with losses; and what registrars do about them."""

from __future__ import annotations

from backend.domain.custody_state import State
from backend.domain.devices import find_device
from backend.domain.layout import Kind
from backend.domain.passkey import SoftwarePasskey
from backend.domain.types import Role, Scheme, Verdict, device_id, organisation_of
from backend.domain.writer import SigningKey
from tests.differential.hostile_mandates import GRANTERS, WildMandates
from tests.differential.hostile_people import HostilePerson, Journal

ORIGIN = "https://bins.example.org"
MAX_TRANSCRIBED_WORDS = 249
PROPOSED_SERIAL = 77
"""The device that ActorRegistry has named for an organisation without putting it in place."""


class WildDevices(WildMandates):
    """What registrars write, and what becomes of the devices."""

    states: list[State]
    block_time: int
    next_serials: dict[int, int]

    def person(self, organisation: int, serial: int, role: Role, *, is_passkey: bool = False) -> HostilePerson:
        key = SigningKey.from_secret(self.rng.randrange(1, 1 << 250))
        writer = Journal(self.network, device_id(organisation, serial), key)
        passkey = SoftwarePasskey(key, ORIGIN) if is_passkey else None
        return HostilePerson(writer, role, passkey=passkey, haste=self.rng.choice([0.05, 0.3, 0.6, 0.9]))

    def _person(self, organisation: int, serial: int, role: Role) -> HostilePerson:
        return self.person(organisation, serial, role, is_passkey=role != Role.REGISTRAR and serial % 5 == 3)

    def enrol(
        self, registrar: HostilePerson, person: HostilePerson, not_after: int = 0, replaced: int = 0
    ) -> None:
        x, y = person.writer.public
        scheme, origin = Scheme.RAW, 0
        if person.passkey is not None:
            scheme, origin = Scheme.WEBAUTHN, person.passkey.origin_digest
        fields = {"device": person.id, "role": person.role, "scheme": scheme, "origin": origin, "x": x, "y": y}
        fields["not_after"] = not_after
        if replaced:
            self.write(registrar, Kind.ROTATE, replaced=replaced, **fields)
        else:
            self.write(registrar, Kind.ENROL, **fields)

    def any_registrar(self, organisation: int) -> HostilePerson:
        """Return a registrar of an organisation, its root or one that the root enrolled."""
        others = [p for p in self.people if p.role == Role.REGISTRAR and p.id >> 40 == organisation]
        return self.rng.choice([self.registrars[organisation], self.registrars[organisation], *others])

    def registrar_for(self, target: int) -> HostilePerson:
        """Return somebody to act on a device: mostly its own registrar, else another, or no registrar at all."""
        organisation = int(organisation_of(target))
        if organisation in self.registrars and self.chance(0.85):
            return self.any_registrar(organisation)
        if self.chance(0.4):
            return self.any_person()
        return self.any_registrar(self.rng.choice(list(self.registrars)))

    # --- enrolling ---

    def new_device(self, person: HostilePerson) -> None:
        """Enrol somebody new, now and then only for some hours, or in place of a device that was there."""
        rng, organisation = self.rng, person.id >> 40
        self.next_serials[organisation] = serial = self.next_serials.get(organisation, 100) + 1
        role = rng.choice(list(Role))
        new = self.person(organisation, serial, role, is_passkey=self.chance(0.3))
        not_after = rng.choice([0, 0, self.block_time + rng.randint(-100, 40_000), 0xFFFFFFFF])
        replaced = person.id if self.chance(0.25) else 0
        self.enrol(self.registrar_for(person.id), new, not_after, replaced)
        self.people.append(new)
        if self.chance(0.15):
            self.enrol(self.any_registrar(organisation), new)

    def wild_enrol(self, person: HostilePerson) -> None:
        """Enrol what cannot be, or twice."""
        rng, organisation = self.rng, person.id >> 40
        x, y = person.writer.public
        fields = {"device": device_id(organisation, 60 + rng.randint(0, 2)), "x": x, "y": y}
        fields |= {"role": 1, "scheme": 1}
        wrong = rng.choice(
            [
                *({"device": person.id}, {"device": organisation << 40}, {"device": rng.getrandbits(64)}),
                *({"role": 0}, {"role": 6}, {"scheme": 0}, {"scheme": 3}, {"not_after": 1 << 32}),
                *({"device": device_id(organisation, PROPOSED_SERIAL)}, {"x": rng.getrandbits(256)}, {}),
            ]
        )
        registrar = self.registrar_for(person.id)
        if self.chance(0.4):
            replaced = rng.choice(
                [person.id, registrar.id, registrar.id, self.any_person().id, organisation << 40]
            )
            self.write(registrar, Kind.ROTATE, replaced=replaced, **(fields | wrong))
        else:
            self.write(registrar, Kind.ENROL, **(fields | wrong))

    def revoke_device(self, person: HostilePerson) -> None:
        self.write(self.registrar_for(person.id), Kind.REVOKE, device=person.id, reason=1)
        if self.chance(0.1):
            registrar = self.any_registrar(person.id >> 40)
            self.write(registrar, Kind.REVOKE, device=self.rng.choice([registrar.id, person.id, 0]))

    def attest(self, person: HostilePerson) -> None:
        site = device_id(person.id >> 40, self.rng.randint(0, 3))
        registrar, number, digest = self.registrar_for(person.id), self.rng.randint(0, 5), self.rng.getrandbits(9)
        if self.chance(0.5):
            self.write(registrar, Kind.SITE, site=site, site_kind=number, digest=digest)
        else:
            self.write(registrar, Kind.PLACE, site=site, count=number, digest=digest)

    def move_away(self, person: HostilePerson) -> None:
        """Close the journal for another ledger, or for what is none."""
        own, next_ = (int.from_bytes(state.network.ledger, "big") for state in self.states)
        ledger = self.rng.choice([next_] * 6 + [own, 0, 0xABCDEF, self.rng.getrandbits(160)])
        self.write(person, Kind.MOVED, ledger=ledger)
        if ledger == next_ and person.ledger == 0 and self.chance(0.9):
            self.flush(person)
            self._go_on_in_the_next(person)

    def move_registrar(self, _person: HostilePerson) -> None:
        """Close a root registrar's journal, so that somebody can act on devices in the next ledger."""
        self.move_away(self.rng.choice(list(self.registrars.values())))

    def _go_on_in_the_next(self, person: HostilePerson) -> None:
        """Begin the journal's second part, in the new ledger, where the first was closed."""
        known = self.states[0].devices.get(person.id)
        if known is None or person.id not in self.states[0].moves:
            return
        start = {"next_seq": known.next_seq, "head": known.head}
        person.writer = Journal(self.states[1].network, person.id, person.writer.key, **start)
        person.branches, person.lost_to, person.ledger = [], 0, 1

    # --- losing, forking, and coming back ---

    def next_seq_of(self, person: HostilePerson) -> int:
        """Return the seq that the ledger waits for; 1 for somebody it does not know yet."""
        known = find_device(self.state_of(person), person.id)
        return known.next_seq if known else 1

    def state_of(self, person: HostilePerson) -> State:
        """Return the state of the ledger in which a person's journal goes on."""
        return self.states[person.ledger]

    def lose_some(self, person: HostilePerson) -> None:
        """Lose what was not uploaded up to some seq, and have a registrar announce the gap."""
        next_seq, last_seq = self.next_seq_of(person), person.journal.last_seq
        if not person.journal.holds(next_seq):
            return
        to_seq = self.rng.randint(next_seq, last_seq)
        head = int.from_bytes(person.journal.head_at(to_seq), "big")
        from_seq = next_seq
        turn = self.rng.randint(0, 9)
        if turn == 0:
            from_seq = self.near(next_seq, 40)
        elif turn == 1:
            to_seq = self.near(to_seq, 40)
        elif turn == 2:
            head ^= 1
        registrar = self.registrar_for(person.id)
        self.write(registrar, Kind.CLOSE_GAP, device=person.id, from_seq=from_seq, to_seq=to_seq, head=head)
        registrar.haste = 0.9
        if turn > 1:
            person.lost_to = to_seq
        if self.chance(0.1):
            self.write(registrar, Kind.CLOSE_GAP, device=registrar.id, from_seq=1, to_seq=2)

    def fork(self, person: HostilePerson) -> None:
        """Keep a second journal from here on, and write different things into both."""
        branch = person.journal.branch()
        person.branches.append(branch)
        main, person.writer = person.writer, branch
        for _ in range(self.rng.randint(1, 3)):
            self.rng.choice([self.wild_give, self.anything, self.wild_close, self._lift])(person)
        person.writer = main if self.chance(0.6) else branch
        if person.writer is branch:
            person.branches.append(main)
            person.branches.remove(branch)
        for _ in range(self.rng.randint(1, 3)):
            self.rng.choice([self.wild_give, self.anything, self._lift])(person)

    def transcribe(self, _person: HostilePerson) -> None:
        """Bring entries of a device under review back, mostly with leave, often with something wrong."""
        rng = self.rng
        reviewed = [p for p in self.people if p.id in self.state_of(p).seen]
        person = rng.choice(reviewed) if reviewed and self.chance(0.9) else self.any_person()
        journal = rng.choice([person.journal, *person.branches])
        seen = self.state_of(person).seen.get(person.id)
        first_seq = max((seen.seq if seen else 0) + 1, journal.start_seq)
        if self.chance(0.1):
            first_seq = max(first_seq - 1, journal.start_seq)
        last_seq = min(first_seq + rng.randint(0, 6), journal.last_seq)
        words = journal.run(first_seq, last_seq) if last_seq >= first_seq else b""
        if not words or len(words) > MAX_TRANSCRIBED_WORDS * 32:
            return
        self._release(person, last_seq, journal.head_at(last_seq))
        self._write_transcription(person, first_seq, last_seq, journal, words)

    def _release(self, person: HostilePerson, last_seq: int, head: bytes) -> None:
        if self.chance(0.15):
            return
        releasers = [p for p in (*self.people, *self.registrars.values()) if p.role in GRANTERS]
        regulators = [p for p in releasers if self.roots[p.id >> 40].is_regulator]
        releaser = self.rng.choice(regulators if self.chance(0.6) else releasers)
        if self.chance(0.1):
            releaser = self.any_person()
        head17 = int.from_bytes(head[:17], "big") ^ (1 if self.chance(0.08) else 0)
        verdict = Verdict.RELEASED if self.chance(0.9) else self.rng.randint(0, 5)
        self.write(releaser, Kind.ACKNOWLEDGE, device=person.id, seq=last_seq, head17=head17, verdict=verdict)
        if self.chance(0.8):
            self.flush(releaser)

    def _write_transcription(
        self, person: HostilePerson, first_seq: int, last_seq: int, journal: Journal, words: bytes
    ) -> None:
        proof = person.seal(last_seq, journal.head_at(last_seq))
        fields = {"device": person.id, "first_seq": first_seq}
        fields |= {"x": proof.x, "y": proof.y, "r": proof.r, "s": proof.s}
        fields["before"] = int.from_bytes(journal.head_at(first_seq - 1), "big")
        items = [{"word": int.from_bytes(words[at : at + 32], "big")} for at in range(0, len(words), 32)]
        turn = self.rng.randint(0, 15)
        if turn == 0:
            fields["s"] ^= 2
        elif turn == 1:
            fields["x"] ^= 1
        elif turn == 2:
            items[0]["word"] = 9 << 248 | 255 << 240
        elif turn == 3:
            fields["first_seq"] = self.near(first_seq, 40)
        registrar = self.registrar_for(person.id)
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            self.write(registrar, Kind.TRANSCRIBED, tuple(items), **fields)
        if self.chance(0.6):
            self.flush(registrar)
