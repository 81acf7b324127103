"""How things reach the ledger: late, in halves, twice, forged, by way of others, and over gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.domain.custody_state import DeviceFlag
from backend.domain.devices import NOTICE_SECONDS, find_device
from backend.domain.journal import MAX_SEGMENT_ENTRIES, Segment, first_head
from backend.domain.passkey import SoftwarePasskey
from backend.domain.seal import CURVE_ORDER, SealProof
from tests.differential.hostile_devices import WildDevices
from tests.differential.hostile_people import HostilePerson, Journal, sealed_segment
from tests.differential.operations import Operation, ProveFork, Record, Settle, Show

_MAX_SEQ = (1 << 40) - 1


class WildUploads(WildDevices):
    """What arrives, and when; `carry_out` tells the city what the ledger said."""

    carry_out: Callable[[Operation], None]

    def upload(self, person: HostilePerson) -> None:
        """Send the next part of a journal as it ought to be, in whatever length."""
        segment = self._next_segment(person, self.rng.choice([1, 2, 3, 8, 20, 60, MAX_SEGMENT_ENTRIES]))
        if segment is not None:
            self.carry_out(Record(self.block_time, segment, person.ledger))

    def flush(self, person: HostilePerson) -> None:
        for _ in range(20):
            segment = self._next_segment(person, MAX_SEGMENT_ENTRIES)
            if segment is None:
                return
            before = self.next_seq_of(person)
            self.carry_out(Record(self.block_time, segment, person.ledger))
            if self.next_seq_of(person) == before:
                return

    def _next_segment(self, person: HostilePerson, longest: int) -> Segment | None:
        first_seq = self.next_seq_of(person)
        known = find_device(self.state_of(person), person.id)
        journal = person.journal if known is None else person.journal_from(first_seq, known.head)
        if person.lost_to >= first_seq and self.chance(0.8):
            first_seq = person.lost_to + 1
        last_seq = min(first_seq + longest - 1, journal.last_seq)
        if last_seq < first_seq or not journal.holds(first_seq):
            return None
        return person.cut(journal, first_seq, last_seq)

    # --- what ought not to arrive ---

    def wild_upload(self, person: HostilePerson) -> None:
        """Send a segment with something wrong with it."""
        segment = self._next_segment(person, self.rng.choice([1, 2, 5, 30]))
        if segment is None:
            return
        wrong = self.rng.choice(
            [
                *(self._replayed, self._overlapping, self._ahead, self._forged, self._with_other_key),
                *(self._with_high_s, self._malformed, self._from_nobody, self._misasserted, self._of_other_seq),
            ]
        )
        ledger = person.ledger if self.chance(0.95) else 1 - person.ledger
        self.carry_out(Record(self.block_time, wrong(person, segment), ledger))

    def _replayed(self, person: HostilePerson, segment: Segment) -> Segment:
        last_seq = self.next_seq_of(person) - 1
        if last_seq < person.journal.start_seq:
            return segment
        first_seq = self.rng.randint(person.journal.start_seq, last_seq)
        return person.cut(person.journal, first_seq, last_seq)

    def _overlapping(self, person: HostilePerson, segment: Segment) -> Segment:
        journal, next_seq = person.journal, self.next_seq_of(person)
        if not (journal.holds(next_seq - 1) and journal.holds(next_seq)):
            return replace(segment, first_seq=0)
        return person.cut(journal, next_seq - 1, self.rng.randint(next_seq, journal.last_seq))

    def _ahead(self, person: HostilePerson, segment: Segment) -> Segment:
        journal, next_seq = person.journal, self.next_seq_of(person)
        if not journal.holds(next_seq + 1) or self.chance(0.2):
            return replace(segment, first_seq=self.rng.choice([_MAX_SEQ, segment.first_seq + 1]))
        first_seq = self.rng.randint(next_seq + 1, journal.last_seq)
        return person.cut(journal, first_seq, journal.last_seq if self.chance(0.5) else first_seq)

    def _forged(self, _person: HostilePerson, segment: Segment) -> Segment:
        rng = self.rng
        wrong = rng.choice(
            [
                *({"r": segment.r ^ 1}, {"s": segment.s ^ 1}, {"r": 0}, {"s": 0}, {"s": CURVE_ORDER}),
                *({"r": rng.getrandbits(256), "s": rng.getrandbits(256)}, {"r": (1 << 256) - 1}),
                *({"r": segment.s, "s": segment.r}, {"words": segment.words[:-1] + b"\x7f"}),
            ]
        )
        return replace(segment, **wrong)

    def _with_other_key(self, person: HostilePerson, segment: Segment) -> Segment:
        x, y = self.any_person().writer.public
        return replace(segment, x=x, y=y) if self.chance(0.7) else replace(segment, y=CURVE_ORDER - segment.y % 9)

    def _with_high_s(self, _person: HostilePerson, segment: Segment) -> Segment:
        return replace(segment, s=CURVE_ORDER - segment.s)

    def _malformed(self, _person: HostilePerson, segment: Segment) -> Segment:
        lift = b"\x01" + bytes(31)
        words = self.rng.choice(
            [
                *(b"", segment.words + b"\x01", segment.words[:-1], bytes([3, 0]) + bytes(30)),
                *(bytes([7, 9]) + bytes(30), lift * 257, segment.words + bytes([4, 2]) + bytes(30)),
                lift * 256 + bytes([18, 2]) + bytes(62),
            ]
        )
        return replace(segment, words=words)

    def _from_nobody(self, _person: HostilePerson, segment: Segment) -> Segment:
        return replace(segment, device=self.rng.choice([0, 900 << 40 | 1, self.rng.getrandbits(64)]))

    def _misasserted(self, person: HostilePerson, segment: Segment) -> Segment:
        """Break what a passkey signed, or put an assertion on a raw seal."""
        if person.passkey is None:
            return replace(segment, assertion=self.rng.choice([b"\0", self.rng.randbytes(120)]))
        broken = bytearray(segment.assertion)
        turn = self.rng.randint(0, 3)
        if turn == 0:
            return replace(segment, assertion=b"")
        if turn == 1:
            foreign = replace(person, passkey=SoftwarePasskey(person.writer.key, "https://bins.example.net"))
            if person.journal.holds(segment.first_seq):
                return foreign.cut(person.journal, segment.first_seq, segment.first_seq)
        if turn == 2:
            broken[2 + 32] &= self.rng.choice([0xFE, 0xFB])
        else:
            broken[self.rng.randrange(len(broken))] ^= 1 << self.rng.randrange(8)
        return replace(segment, assertion=bytes(broken))

    def _of_other_seq(self, person: HostilePerson, segment: Segment) -> Segment:
        """Seal a head that belongs to another seq, or to the beginning of another device's journal."""
        journal, first_seq = person.journal, segment.first_seq
        if not journal.holds(first_seq):
            return segment
        head = journal.head_at(first_seq) if self.chance(0.5) else first_head(self.network, self.any_person().id)
        proof = person.seal(first_seq + 1, head)
        return sealed_segment(person.id, first_seq, journal.entry(first_seq), proof)

    # --- by way of others ---

    def show(self, person: HostilePerson) -> None:
        """Carry up one sealed entry of somebody's journal or branch, or something that looks like one."""
        rng = self.rng
        journal = rng.choice([person.journal, *person.branches])
        if journal.last_seq < journal.start_seq:
            return
        ahead = [seq for seq in range(self.next_seq_of(person), journal.last_seq + 1) if journal.holds(seq)]
        seq = rng.choice(ahead) if ahead and self.chance(0.8) else rng.randint(journal.start_seq, journal.last_seq)
        self._show(person, journal, seq)
        known = self.state_of(person).devices.get(person.id)
        if known is not None and known.flags & DeviceFlag.PINNED and self.chance(0.6):
            seq = self.state_of(person).pins[person.id].seq + rng.choice([-1, 0, 0, 1])
            journal = rng.choice([person.journal, *person.branches])
            if journal.holds(seq):
                self._show(person, journal, seq)

    def _show(self, person: HostilePerson, journal: Journal, seq: int) -> None:
        rng, witness = self.rng, person.witness(journal, seq)
        words = witness.words
        turn = rng.randint(0, 24)
        x, y = self.any_person().writer.public
        wrongs = [
            *({"words": words * 2}, {"words": b""}, {"words": words[:-1]}, {"device": 900 << 40 | 2}),
            *({"x": x, "y": y}, {"r": witness.r ^ 1}, {"seq": seq + 1}, {"before": bytes(32)}),
            *({"assertion": witness.assertion + b"\0"}, {"s": CURVE_ORDER - witness.s}),
        ]
        if turn < len(wrongs):
            witness = replace(witness, **wrongs[turn])
        self.carry_out(Show(self.block_time, witness, person.ledger))

    def prove_fork(self, person: HostilePerson) -> None:
        """Show two heads of a person's journals for one seq, or something that is no proof."""
        rng, journal = self.rng, person.journal
        pairs = [
            (seq, journal.head_at(seq), branch.head_at(seq))
            for branch in person.branches
            for seq in range(branch.start_seq, branch.last_seq + 1)
            if journal.holds(seq)
        ]
        if pairs and self.chance(0.7):
            seq, one, other = rng.choice(pairs)
            proofs = [person.seal(seq, one), person.seal(seq, other)]
        elif journal.entries:
            seq = rng.randint(journal.start_seq, journal.last_seq)
            proofs = [person.seal(seq, journal.head_at(seq)) for _ in range(2)]
            if self.chance(0.7):
                proofs[1] = self._no_proof(person, proofs[1])
        else:
            return
        rng.shuffle(proofs)
        device = self.any_person().id if self.chance(0.05) else person.id
        x, y = proofs[0].x, proofs[0].y
        one, other = (replace(proof, x=x, y=y) for proof in proofs)
        self.carry_out(ProveFork(self.block_time, device, one, other, person.ledger))

    def _no_proof(self, person: HostilePerson, proof: SealProof) -> SealProof:
        """Return another head under a seal that does not cover it, or under somebody else's."""
        head = self.rng.randbytes(32)
        if self.chance(0.5):
            return replace(proof, head=head)
        other = self.any_person().seal(proof.seq, head)
        return replace(other, seq=proof.seq)

    def settle(self) -> None:
        """Ask for a queue to be judged: mostly one that is there."""
        rng = self.rng
        ledger = rng.choice([0, 0, 1])
        queues = list(self.states[ledger].queues)
        lot, device = rng.getrandbits(96), self.any_person().id
        if queues and self.chance(0.9):
            lot, device = rng.choice(queues)
        self.carry_out(Settle(self.block_time, lot, device, rng.choice([0, 1, 1, 2, 3, 16, 100]), ledger))

    def pass_time(self) -> None:
        """Let a block come: mostly seconds later, now and then after hours or days."""
        turn = self.rng.random()
        if turn < 0.9:
            self.block_time += self.rng.randint(1, 12)
        elif turn < 0.975:
            self.block_time += self.rng.randint(600, 20_000)
        else:
            self.block_time += NOTICE_SECONDS + self.rng.randint(-2, 2)
        self.clock = max(self.clock, self.block_time - 600)
