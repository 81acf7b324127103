"""Honest journals may arrive in any order and any pieces; where an order decides, both orders are shown here."""

from __future__ import annotations

import random
from typing import Any

import pytest

from backend.domain.custody import record_segment
from backend.domain.custody_state import DeviceFlag, LotStatus, Recorded, Refused, State
from backend.domain.devices import NOTICE_SECONDS, prove_fork
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.seal import SealProof, seal_digest
from backend.domain.types import Flaw, Outcome, Refusal, Role, Verdict, flaw_of, outcome_of
from backend.domain.writer import JournalWriter
from tests.differential.arrival import cut_at_random, record_all, record_one, settle_all, shuffled
from tests.differential.hostile_people import Journal
from tests.differential.journals import NETWORK, NOON, City, HonestCity, Person
from tests.differential.operations import dump

AT = NOON + 5000
ACTS = 150


class TestHonestJournals:
    @pytest.mark.parametrize("seed", range(40))
    def test_end_in_the_same_custody_in_any_order_and_any_pieces(self, seed: int) -> None:
        city = HonestCity(seed)
        city.live(ACTS)
        journals = [(writer, list(writer.uncut)) for writer in city.all_writers()]
        rng = random.Random(seed)
        ends = []
        for _ in range(4):
            writers = [_rewritten(*journal) for journal in journals]
            state = city.fresh_state()
            outcomes = _deliver(state, shuffled(cut_at_random(writers, rng), rng), rng)
            ends.append((outcomes, dump(state)))
            _require_truth(city, state)
            assert not [byte for byte in outcomes.values() if outcome_of(byte) in (Outcome.DEFERRED, Outcome.LATE)]
        assert all(end == ends[0] for end in ends[1:])


def _rewritten(writer: JournalWriter, entries: list[bytes]) -> JournalWriter:
    """Return a journal with the same entries, of which nothing is cut yet."""
    again = JournalWriter(writer.network, writer.device, writer.key)
    for words in entries:
        again.write_words(words)
    return again


def _deliver(state: State, order: list[Segment], rng: random.Random) -> dict[tuple[int, int], int]:
    """Record segments, now and then with everything settled in between, and settle all.

    Those of devices that are not enrolled yet are sent again, as phones do.
    """
    settles = rng.choice([0, 0.1, 1])
    outcomes: dict[tuple[int, int], int] = {}
    while order:
        waiting = []
        for segment in order:
            known = state.devices.get(segment.device)
            is_early = segment.first_seq > (known.next_seq if known else 1)
            is_root = any(root.device == segment.device for root in state.roots.values())
            if is_early or (known is None and not is_root):
                waiting.append(segment)
            else:
                outcomes |= record_one(state, segment, AT)
            if rng.random() < settles:
                settle_all(state, outcomes, AT)
        assert len(waiting) < len(order)
        order = waiting
    settle_all(state, outcomes, AT)
    return outcomes


def _require_truth(city: HonestCity, state: State) -> None:
    """Every lot that somebody believes to hold is held by them, and is what they believe it to be."""
    for person in city.people:
        for lot in person.lots:
            truth, kept = city.lots[lot], state.lots[lot]
            assert (kept.holder, kept.grams, kept.stream) == (person.id, truth.grams, truth.stream)
            assert kept.status == LotStatus.HELD
    assert state.queues == {}


class Scene:
    """A few people whose segments are recorded in the order that a test says."""

    def __init__(self) -> None:
        self.city = City("scene")
        people = self.city.people
        self.giver, self.other_giver, self.gate, self.office = people[0], people[1], people[8], people[11]
        self.taker, self.other_taker, self.stranger = people[6], people[7], people[12]
        self.registrar = self.city.registrars[2]
        """Of the takers' organisation."""

    def lot(self, person: Person, grams: int = 100) -> int:
        """Return a lot that somebody holds."""
        lot = person.new_lot()
        self.city.write(person, Kind.TAKE, lot=lot, grams=grams, stream=1)
        return lot

    def give(self, giver: Person, lot: int, to: int) -> dict[str, int]:
        """Have somebody give a lot; return what an answer to it cites."""
        seq = self.city.write(giver, Kind.GIVE, lot=lot, to=to)
        head = int.from_bytes(giver.writer.head, "big")
        return {"lot": lot, "giver": giver.id, "give_seq": seq, "give_head": head}

    def enrolments(self) -> list[Segment]:
        return [s for registrar in self.city.registrars.values() for s in registrar.writer.cut_all()]


def _cut(person: Person) -> Segment:
    """Return all that a person has written since the last time."""
    return person.writer.cut()


def _told(outcomes: dict[tuple[int, int], int], person: Person, seq: int) -> tuple[Outcome, Flaw]:
    byte = outcomes[person.id, seq]
    return outcome_of(byte), flaw_of(byte)


APPLIED, CONFLICT = (Outcome.APPLIED, Flaw.NONE), (Outcome.CONFLICT, Flaw.NONE)
DEFERRED, QUARANTINED = (Outcome.DEFERRED, Flaw.NONE), (Outcome.QUARANTINED, Flaw.NONE)
INVALID, LATE = (Outcome.INVALID, Flaw.NONE), (Outcome.LATE, Flaw.NONE)


class Orders:
    """The same segments in one order and in another, each from nothing."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._first = scene.enrolments()

    def judge(self, *order: Segment) -> dict[tuple[int, int], int]:
        """Record one segment after the other, with everything settled in between; return the last outcomes."""
        state, outcomes = self.scene.city.fresh_state(), {}
        for segment in (*self._first, *order):
            outcomes |= record_all(state, [segment], AT)
        return outcomes


class TestTheFirstRecordedWins:
    @pytest.mark.parametrize("kind", [Kind.TAKE, Kind.REFUSE])
    def test_of_two_answers_to_one_give(self, kind: Kind) -> None:
        scene = Scene()
        lot = scene.lot(scene.giver)
        cited = scene.give(scene.giver, lot, scene.taker.id >> 40 << 40)
        one, other = scene.taker, scene.other_taker
        seq = scene.city.write(one, kind, **cited)
        other_seq = scene.city.write(other, Kind.TAKE, **cited)
        orders, give, first, second = Orders(scene), _cut(scene.giver), _cut(one), _cut(other)
        for order in ([give, first, second], [first, give, second], [first, second, give]):
            outcomes = orders.judge(*order)
            assert _told(outcomes, one, seq) == APPLIED
            assert _told(outcomes, other, other_seq)[0] in (Outcome.CONFLICT, Outcome.DEFERRED)
        outcomes = orders.judge(second, first, give)
        assert (_told(outcomes, one, seq), _told(outcomes, other, other_seq)) == (CONFLICT, APPLIED)

    def test_of_a_named_taker_and_a_stranger_who_goes_on(self) -> None:
        scene = Scene()
        lot = scene.lot(scene.giver)
        cited = scene.give(scene.giver, lot, scene.taker.id)
        seq = scene.city.write(scene.taker, Kind.TAKE, **cited)
        strange = scene.city.write(scene.stranger, Kind.TAKE, **cited)
        further = scene.give(scene.stranger, lot, scene.giver.id)["give_seq"]
        orders, give, take, stranger = Orders(scene), _cut(scene.giver), _cut(scene.taker), _cut(scene.stranger)
        in_time, late = orders.judge(give, stranger, take), orders.judge(give, take, stranger)
        assert _told(in_time, scene.taker, seq) == _told(late, scene.taker, seq) == APPLIED
        assert (_told(in_time, scene.stranger, strange), _told(in_time, scene.stranger, further)) == (
            CONFLICT,
        ) * 2
        assert (_told(late, scene.stranger, strange), _told(late, scene.stranger, further)) == (DEFERRED,) * 2

    @pytest.mark.parametrize("undoing", [Kind.WITHDRAW, Kind.REDIRECT])
    @pytest.mark.parametrize("answer", [Kind.TAKE, Kind.REFUSE])
    def test_of_undoing_a_give_and_answering_it(self, undoing: Kind, answer: Kind) -> None:
        scene = Scene()
        lot = scene.lot(scene.giver)
        cited = scene.give(scene.giver, lot, scene.taker.id)
        give = _cut(scene.giver)
        if undoing == Kind.WITHDRAW:
            undone = scene.city.write(scene.giver, undoing, lot=lot, undone_seq=cited["give_seq"])
        else:
            to = scene.stranger.id
            undone = scene.city.write(scene.giver, undoing, lot=lot, give_seq=cited["give_seq"], to=to)
        seq = scene.city.write(scene.taker, answer, **cited)
        orders, undo, take = Orders(scene), _cut(scene.giver), _cut(scene.taker)
        outcomes = orders.judge(give, take, undo)
        assert (_told(outcomes, scene.taker, seq), _told(outcomes, scene.giver, undone)) == (APPLIED, CONFLICT)
        outcomes = orders.judge(give, undo, take)
        assert (_told(outcomes, scene.taker, seq), _told(outcomes, scene.giver, undone)) == (DEFERRED, APPLIED)

    @pytest.mark.parametrize("answer", [Kind.TAKE, Kind.REFUSE])
    def test_of_a_give_and_giving_up_the_answer_to_it(self, answer: Kind) -> None:
        scene = Scene()
        lot = scene.lot(scene.giver)
        cited = scene.give(scene.giver, lot, scene.taker.id)
        seq = scene.city.write(scene.taker, answer, **cited)
        given_up = scene.city.write(scene.taker, Kind.WITHDRAW, lot=lot, undone_seq=seq)
        orders, give, take = Orders(scene), _cut(scene.giver), _cut(scene.taker)
        outcomes = orders.judge(give, take)
        assert (_told(outcomes, scene.taker, seq), _told(outcomes, scene.taker, given_up)) == (APPLIED, CONFLICT)
        outcomes = orders.judge(take, give)
        assert (_told(outcomes, scene.taker, seq), _told(outcomes, scene.taker, given_up)) == (CONFLICT, APPLIED)

    def test_of_a_mandate_revoked_and_a_take_on_it(self) -> None:
        scene = Scene()
        mandate_seq = self._grant(scene, grams=1000)
        granted = _cut(scene.office)
        scene.city.write(scene.office, Kind.MANDATE, op=2, parent=scene.office.id, parent_seq=mandate_seq)
        cited = scene.give(scene.giver, scene.lot(scene.giver), scene.office.id)
        mandated = {"principal": scene.office.id, "mandate_seq": mandate_seq}
        seq = scene.city.write(scene.stranger, Kind.TAKE, grams=60, **cited, **mandated)
        orders, revoked, give, take = Orders(scene), _cut(scene.office), _cut(scene.giver), _cut(scene.stranger)
        assert _told(orders.judge(granted, give, take, revoked), scene.stranger, seq) == APPLIED
        ended = (Outcome.CONFLICT, Flaw.MANDATE_ENDED)
        assert _told(orders.judge(granted, revoked, give, take), scene.stranger, seq) == ended

    def test_of_two_takes_that_a_mandate_has_grams_for_once(self) -> None:
        scene = Scene()
        mandate_seq = self._grant(scene, grams=100)
        takers = [scene.city.people[12], scene.city.people[13]]
        seqs = []
        for taker in takers:
            cited = scene.give(scene.giver, scene.lot(scene.giver), scene.office.id)
            mandated = {"principal": scene.office.id, "mandate_seq": mandate_seq}
            seqs.append(scene.city.write(taker, Kind.TAKE, grams=60, **cited, **mandated))
        orders, before = Orders(scene), [_cut(scene.office), _cut(scene.giver)]
        takes = [_cut(taker) for taker in takers]
        used_up = (Outcome.CONFLICT, Flaw.MANDATE_GRAMS)
        outcomes = orders.judge(*before, *takes)
        assert [_told(outcomes, *pair) for pair in zip(takers, seqs, strict=True)] == [APPLIED, used_up]
        outcomes = orders.judge(*before, *takes[::-1])
        assert [_told(outcomes, *pair) for pair in zip(takers, seqs, strict=True)] == [used_up, APPLIED]

    def _grant(self, scene: Scene, *, grams: int) -> int:
        to = scene.stranger.id >> 40 << 40
        rest = {"until": NOON * 2, "streams": 31, "depth": 0}
        return scene.city.write(scene.office, Kind.MANDATE, op=1, to=to, grams=grams, **rest)

    def test_of_what_waits_while_there_is_room_and_what_comes_late(self) -> None:
        scene = Scene()
        lot = scene.lot(scene.giver)
        seqs = [
            scene.city.write(scene.taker, Kind.TAKE, grams=100, **scene.give(scene.giver, lot, scene.taker.id))
        ]
        for _ in range(17):
            into = scene.taker.new_lot()
            seqs.append(scene.city.write(scene.taker, Kind.SPLIT, lot=lot, into=into, grams=1, stream=1))
        orders, give, steps = Orders(scene), _cut(scene.giver), _cut(scene.taker)
        outcomes = orders.judge(give, steps)
        assert [_told(outcomes, scene.taker, seq) for seq in seqs] == [APPLIED] * 18
        outcomes = orders.judge(steps, give)
        assert [_told(outcomes, scene.taker, seq) for seq in seqs] == [APPLIED] * 16 + [LATE] * 2

    def test_of_two_merges_that_together_are_too_heavy(self) -> None:
        scene = Scene()
        into, merges = scene.taker.new_lot(), []
        for giver in (scene.giver, scene.other_giver):
            cited = scene.give(giver, scene.lot(giver), scene.taker.id)
            scene.city.write(scene.taker, Kind.TAKE, grams=(1 << 48) - 1, **cited)
            merges.append(scene.city.write(scene.taker, Kind.MERGE, lot=cited["lot"], into=into, stream=1))
        orders, takes = Orders(scene), _cut(scene.taker)
        gives = [_cut(scene.giver), _cut(scene.other_giver)]
        outcomes = orders.judge(takes, *gives)
        assert [_told(outcomes, scene.taker, seq) for seq in merges] == [APPLIED, INVALID]
        outcomes = orders.judge(takes, *gives[::-1])
        assert [_told(outcomes, scene.taker, seq) for seq in merges] == [INVALID, APPLIED]

    def test_of_two_enrolments_of_one_device(self) -> None:
        scene = Scene()
        root = scene.registrar
        second = scene.city.newcomer(2, 50, Role.REGISTRAR)
        scene.city.enrol(root, second)
        orders = Orders(scene)
        seqs = []
        for registrar in (root, second):
            scene.city.enrol(registrar, scene.city.newcomer(2, 60, Role.CREW))
            seqs.append((registrar, registrar.writer.next_seq - 1))
        segments = [_cut(root), _cut(second)]
        assert [_told(orders.judge(*segments), *seq) for seq in seqs] == [APPLIED, CONFLICT]
        assert [_told(orders.judge(*segments[::-1]), *seq) for seq in seqs] == [CONFLICT, APPLIED]


class TestWhatCountsDependsOnWhenItIsRecorded:
    def test_before_a_revocation_or_after(self) -> None:
        scene = Scene()
        seq = scene.city.write(scene.taker, Kind.MARK)
        orders, mark = Orders(scene), _cut(scene.taker)
        scene.city.write(scene.registrar, Kind.REVOKE, device=scene.taker.id)
        revocation = _cut(scene.registrar)
        assert _told(orders.judge(mark, revocation), scene.taker, seq) == APPLIED
        assert _told(orders.judge(revocation, mark), scene.taker, seq) == QUARANTINED

    def test_before_a_device_expires_or_after(self) -> None:
        scene = Scene()
        newcomer = scene.city.newcomer(2, 50, Role.CREW)
        x, y = newcomer.writer.public
        expiring = {"device": newcomer.id, "role": 1, "scheme": 1, "x": x, "y": y, "not_after": AT}
        scene.city.write(scene.registrar, Kind.ENROL, **expiring)
        seq = scene.city.write(newcomer, Kind.MARK)
        enrolments, mark = scene.enrolments(), _cut(newcomer)
        for block_time, expected in ((AT, APPLIED), (AT + 1, QUARANTINED)):
            outcomes = record_all(scene.city.fresh_state(), [*enrolments, mark], block_time)
            assert _told(outcomes, newcomer, seq) == expected

    def test_before_a_fork_is_shown_or_after(self) -> None:
        scene = Scene()
        seq = scene.city.write(scene.taker, Kind.MARK)
        mark, enrolments = _cut(scene.taker), scene.enrolments()
        proofs = [_sealed(scene.taker, 9, bytes([n]) * 32) for n in (1, 2)]
        state = scene.city.fresh_state()
        outcomes = record_all(state, [*enrolments, mark], AT)
        assert prove_fork(state, scene.taker.id, *proofs)
        assert _told(outcomes, scene.taker, seq) == APPLIED
        state = scene.city.fresh_state()
        record_all(state, enrolments, AT)
        assert prove_fork(state, scene.taker.id, *proofs)
        outcomes = record_all(state, [mark], AT)
        assert _told(outcomes, scene.taker, seq) == (Outcome.QUARANTINED, Flaw.FORKED)

    def test_of_a_lot_before_its_journal_moves_or_after(self) -> None:
        """The lot comes over while the old ledger has it in the hands of the journal that moved."""
        scene = Scene()
        cited = scene.give(scene.giver, scene.lot(scene.giver), scene.taker.id)
        scene.city.write(scene.taker, Kind.TAKE, grams=100, **cited)
        new = Network(NETWORK.chain_id, bytes([7]) * 20)
        scene.city.write(scene.taker, Kind.MOVED, ledger=int.from_bytes(new.ledger, "big"))
        enrolments, give, before = scene.enrolments(), _cut(scene.giver), _cut(scene.taker)
        there = JournalWriter(
            new,
            scene.taker.id,
            scene.taker.writer.key,
            next_seq=scene.taker.writer.next_seq,
            head=scene.taker.writer.head,
        )
        seq = there.write(Kind.CLOSE, lot=cited["lot"], fate=1)
        after = there.cut()
        for order, expected in (([give, before, after], APPLIED), ([before, after, give], CONFLICT)):
            old = scene.city.fresh_state()
            ledger = State(new, roots=old.roots, named_roots=old.named_roots, predecessor=old)
            record_all(old, enrolments, AT)
            outcomes: dict[tuple[int, int], int] = {}
            for segment in order:
                outcomes |= record_all(ledger if segment is after else old, [segment], AT)
            assert _told(outcomes, scene.taker, seq) == expected

    def test_before_a_release_or_after(self) -> None:
        scene = Scene()
        journal = Journal(scene.city.network, scene.taker.id, scene.taker.writer.key)
        seq = journal.write(Kind.GIVE, lot=1, to=scene.stranger.id)
        proof = _sealed(scene.taker, seq, journal.head)
        orders = Orders(scene)
        scene.city.write(scene.registrar, Kind.REVOKE, device=scene.taker.id)
        rest = {"x": proof.x, "y": proof.y, "r": proof.r, "s": proof.s}
        rest |= {"first_seq": seq, "before": int.from_bytes(journal.head_at(0), "big")}
        words = journal.entry(seq)
        items = tuple({"word": int.from_bytes(words[at : at + 32], "big")} for at in range(0, len(words), 32))
        brought = scene.city.write(scene.registrar, Kind.TRANSCRIBED, items, device=scene.taker.id, **rest)
        releaser = scene.city.people[17]
        head17 = int.from_bytes(journal.head[:17], "big")
        release = {"device": scene.taker.id, "seq": seq, "head17": head17, "verdict": Verdict.RELEASED}
        scene.city.write(releaser, Kind.ACKNOWLEDGE, **release)
        run, leave = _cut(scene.registrar), _cut(releaser)
        assert _told(orders.judge(leave, run), scene.registrar, brought) == APPLIED
        assert _told(orders.judge(run, leave), scene.registrar, brought) == QUARANTINED

    @pytest.mark.parametrize("change", [{"epoch": 2}, {"is_suspended": True}])
    def test_before_an_organisation_stands_otherwise_or_after(self, change: dict[str, Any]) -> None:
        scene = Scene()
        enrolments = scene.enrolments()
        scene.city.enrol(scene.registrar, scene.city.newcomer(2, 60, Role.CREW))
        seq, enrolment = scene.registrar.writer.next_seq - 1, _cut(scene.registrar)
        for is_changed, expected in ((False, APPLIED), (True, INVALID)):
            state = scene.city.fresh_state()
            record_all(state, enrolments, AT)
            if is_changed:
                state.roots[2] = state.roots[2]._replace(**change)
            assert _told(record_all(state, [enrolment], AT), scene.registrar, seq) == expected

    def test_of_what_was_thought_lost_before_the_gap_is_closed_or_after(self) -> None:
        scene = Scene()
        scene.city.write(scene.taker, Kind.MARK)
        lost, head = _cut(scene.taker), int.from_bytes(scene.taker.writer.head, "big")
        scene.city.write(scene.taker, Kind.MARK)
        rest = _cut(scene.taker)
        scene.city.write(scene.registrar, Kind.CLOSE_GAP, device=scene.taker.id, from_seq=1, to_seq=1, head=head)
        enrolments = scene.enrolments()
        in_time, late = scene.city.fresh_state(), scene.city.fresh_state()
        record_all(in_time, [*enrolments, lost, rest], AT + NOTICE_SECONDS)
        assert in_time.devices[scene.taker.id].flags & DeviceFlag.ANNOUNCED
        record_all(late, enrolments, AT)
        closed = record_segment(late, rest, block_time=AT + NOTICE_SECONDS)
        assert isinstance(closed, Recorded)
        assert closed.closed_gap == (1, 1)
        assert record_segment(late, lost, block_time=AT + NOTICE_SECONDS) == Refused(Refusal.ALREADY_RECORDED)


def _sealed(person: Person, seq: int, head: bytes) -> SealProof:
    digest = seal_digest(person.writer.network, device=person.id, seq=seq, head=head)
    return SealProof(seq, head, *person.writer.public, *person.writer.key.sign(digest))
