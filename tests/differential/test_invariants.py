"""What holds of Python's state whatever arrives, and entries that once broke it."""

from __future__ import annotations

import pytest

from backend.domain.custody import record_segment
from backend.domain.custody_state import DeviceFlag, Recorded, Refused
from backend.domain.devices import NOTICE_SECONDS, record_witness
from backend.domain.layout import Kind
from backend.domain.types import Outcome, Refusal
from backend.domain.writer import JournalWriter
from tests.differential.hostile import HostileCity
from tests.differential.hostile_people import HostilePerson, Journal
from tests.differential.invariants import broken_invariants
from tests.differential.journals import NETWORK, NOON, City
from tests.differential.operations import apply

STEP = 25


class TestHostileCities:
    @pytest.mark.parametrize("seed", range(100, 106))
    def test_break_no_invariant_at_any_time(self, seed: int) -> None:
        city = HostileCity(seed)
        operations = city.run(700)
        states = city.world.fresh_states()
        for place, operation in enumerate(operations):
            apply(states, operation)
            if place % STEP == 0 or place == len(operations) - 1:
                broken = [line for state in states for line in broken_invariants(state)]
                assert broken == [], f"after {place + 1} operations of seed {seed}"

    def test_are_the_same_for_the_same_seed(self) -> None:
        assert HostileCity(7).run(300) == HostileCity(7).run(300)


class TestJournals:
    def test_may_turn_a_lot_into_nothing_and_are_told_that_it_is_invalid(self) -> None:
        city = City("nothing")
        seq = city.write(city.people[0], Kind.TRANSFORM, lot=1, outputs=1)
        state = city.fresh_state()
        for writer in (city.registrars[1].writer, city.people[0].writer):
            answer = record_segment(state, writer.cut(), block_time=NOON)
        assert isinstance(answer, Recorded)
        assert answer.outcomes[seq - 1] == Outcome.INVALID

    def test_pass_no_gap_in_which_a_witness_has_seen_them(self) -> None:
        city = City("gap")
        crew, registrar = city.people[0], city.registrars[1]
        journal = Journal(NETWORK, crew.id, crew.writer.key)
        for _ in range(4):
            journal.write(Kind.MARK)
        owner = HostilePerson(journal, crew.role)
        head = int.from_bytes(journal.head_at(2), "big")
        city.write(registrar, Kind.CLOSE_GAP, device=crew.id, from_seq=1, to_seq=2, head=head)
        state = city.fresh_state()
        assert isinstance(record_segment(state, registrar.writer.cut(), block_time=NOON), Recorded)
        assert record_witness(state, owner.witness(journal, 1)) == journal.head_at(1)
        behind = owner.cut(journal, 3, 4)
        assert record_segment(state, behind, block_time=NOON + NOTICE_SECONDS) == Refused(Refusal.GAP)
        # What was shown is handed in, and after it the journal goes on as ever.
        for segment in (owner.cut(journal, 1, 2), behind):
            assert isinstance(record_segment(state, segment, block_time=NOON + NOTICE_SECONDS), Recorded)
        assert not state.devices[crew.id].flags & DeviceFlag.PINNED

    def test_end_where_the_next_seq_would_not_fit(self) -> None:
        city = City("end")
        crew, last = city.people[0], (1 << 40) - 1
        writer = JournalWriter(NETWORK, crew.id, crew.writer.key, next_seq=last)
        writer.write(Kind.MARK)
        state = city.fresh_state()
        assert isinstance(record_segment(state, city.registrars[1].writer.cut(), block_time=NOON), Recorded)
        assert record_segment(state, writer.cut(), block_time=NOON) == Refused(Refusal.MALFORMED)
