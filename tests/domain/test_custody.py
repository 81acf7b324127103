"""The custody rules hold whatever arrives first, and no gram appears or disappears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from custody_stories import NETWORK, NOON, replay, stories
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from backend.domain.custody import record_segment
from backend.domain.custody_state import LotStatus, Recorded, Root, State, Totals
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.steps import is_ready, settle
from backend.domain.types import Outcome, Role, device_id, lot_id, outcome_of
from backend.domain.writer import JournalWriter, SigningKey

CREW, STATION, PARK = 2, 3, 4


def held_of(state: State, stream: int) -> int:
    lots = (lot for lot in state.lots.values() if lot.status != LotStatus.PROMISED)
    return sum(lot.grams for lot in lots if lot.stream == stream)


def require_conserved(state: State) -> None:
    for stream in {lot.stream for lot in state.lots.values()} | set(state.totals):
        t = state.totals.get(stream, Totals())
        assert t.lifted + t.gained == held_of(state, stream) + t.out + t.lost


def settle_all(state: State) -> Iterator[Any]:
    while ready := [key for key in sorted(state.queues) if is_ready(state, *key)]:
        for key in ready:
            yield from settle(state, *key, block_time=NOON, max_steps=3)


@dataclass
class Town:
    """Two trucks, a station and a park, whose journals are written once and delivered in any order."""

    state: State = field(default_factory=lambda: State(NETWORK))
    outcomes: dict[tuple[int, int], int] = field(default_factory=dict)
    devices: dict[str, JournalWriter] = field(default_factory=dict)
    enrolments: list[Segment] = field(default_factory=list)

    def __post_init__(self) -> None:
        secret = 1
        for organisation, names in ((CREW, ("truck", "truck2")), (STATION, ("station",)), (PARK, ("park",))):
            registrar = JournalWriter(NETWORK, device_id(organisation, 1), SigningKey.from_secret(secret))
            for serial, name in enumerate(names, 7):
                secret += 1
                writer = JournalWriter(NETWORK, device_id(organisation, serial), KEYS[secret])
                x, y = writer.public
                registrar.write(Kind.ENROL, device=writer.device, role=Role.GATE, scheme=1, x=x, y=y)
                self.devices[name] = writer
            self.state.roots[organisation] = Root(registrar.device, key_hash(*registrar.public), 1)
            self.enrolments.append(registrar.cut())
            secret += 1

    def record(self, segment: Segment) -> None:
        answer = record_segment(self.state, segment, block_time=NOON)
        assert isinstance(answer, Recorded), answer
        for offset, outcome in enumerate(answer.outcomes):
            self.outcomes[segment.device, segment.first_seq + offset] = outcome
        self._note(answer.settled)
        require_conserved(self.state)

    def _note(self, settled: Any) -> None:
        for step in settled:
            self.outcomes[step.device, step.seq] = step.outcome

    def finish(self) -> None:
        self._note(settle_all(self.state))
        require_conserved(self.state)


# Shrinking a day of entries takes minutes and says little more than the day itself.
SHORT = (Phase.explicit, Phase.reuse, Phase.generate)
KEYS = {n: SigningKey.from_secret(1000 + n) for n in range(12)}


@st.composite
def journals(draw: st.DrawFn) -> dict[str, JournalWriter]:
    """Write a day of lots that nobody contests: no order of upload may change how it ends."""
    devices = Town().devices
    station, park = devices["station"], devices["park"]
    coming: list[tuple[int, int, JournalWriter, int, bytes]] = []
    for name in ("truck", "truck2"):
        truck = devices[name]
        for serial in range(1, draw(st.integers(1, 3)) + 1):
            lot, stream = lot_id(truck.device, serial), draw(st.integers(3, 4))
            truck.write(Kind.LOAD, lot=lot, stream=stream)
            is_mixed = False
            for _ in range(draw(st.integers(0, 4))):
                # Now and then a lift of another stream, which makes the lot a mixed one.
                wrong = draw(st.integers(0, 9)) == 0
                is_mixed = is_mixed or wrong
                grams = draw(st.integers(0, 90_000))
                truck.write(Kind.LIFT, bin=serial, stream=7 - stream if wrong else stream, grams=grams)
            to = draw(st.sampled_from([station.device, device_id(STATION, 0)]))
            seq = truck.write(Kind.GIVE, lot=lot, to=to)
            coming.append((lot, 4 if is_mixed else stream, truck, seq, truck.head))
            if draw(st.integers(0, 5)) == 0:
                truck.write(Kind.LIFT, bin=1, stream=stream, grams=5)  # too late: it is given
    own = 0
    into: dict[int, int] = {}
    for lot, stream, giver, seq, head in draw(st.permutations(coming)):
        if draw(st.integers(0, 7)) == 0:
            continue  # never arrives
        _take(draw, station, lot, giver, seq, head, stream=stream)
        fate = draw(st.sampled_from(["hold", "merge", "merge", "close", "on"]))
        if fate == "merge":
            if stream not in into:
                own += 1
                into[stream] = lot_id(station.device, own)
            station.write(Kind.MERGE, lot=lot, into=into[stream], stream=stream)
        elif fate == "close":
            station.write(Kind.CLOSE, lot=lot, fate=draw(st.integers(1, 4)))
        elif fate == "on":
            _send_on(draw, station, park, lot)
        if stream in into and draw(st.booleans()):
            _send_on(draw, station, park, into.pop(stream))
    for lot in into.values():
        if draw(st.booleans()):
            _send_on(draw, station, park, lot)
    return devices


def _send_on(draw: st.DrawFn, station: JournalWriter, park: JournalWriter, lot: int) -> None:
    seq = station.write(Kind.GIVE, lot=lot, to=draw(st.sampled_from([park.device, device_id(PARK, 0)])))
    head = station.head
    if draw(st.integers(0, 4)):
        _take(draw, park, lot, station, seq, head)
        if draw(st.booleans()):
            park.write(Kind.CLOSE, lot=lot, fate=draw(st.integers(1, 4)))


def _take(
    draw: st.DrawFn, who: JournalWriter, lot: int, giver: JournalWriter, seq: int, head: bytes, *, stream: int = 0
) -> None:
    who.write(
        Kind.TAKE,
        lot=lot,
        grams=draw(st.integers(0, 400_000)),
        give_seq=seq,
        giver=giver.device,
        stream=stream,
        give_head=int.from_bytes(head, "big"),
    )


def _deliver(written: dict[str, JournalWriter], draw: st.DrawFn | None) -> Town:
    """Record the same entries in any order and any cutting; without a draw, in the order of the facts."""
    town = Town()
    for segment in town.enrolments:
        town.record(segment)
    left: dict[str, list[bytes]] = {}
    for name, writer in written.items():
        left[name] = list(writer.uncut)
    copies = town.devices
    while any(left.values()):
        names = [name for name, words in left.items() if words]
        name = draw(st.sampled_from(names)) if draw else names[0]
        count = draw(st.integers(1, len(left[name]))) if draw else len(left[name])
        for words in left[name][:count]:
            copies[name].write_words(words)
        del left[name][:count]
        town.record(copies[name].cut())
        if draw and draw(st.integers(0, 3)) == 0 and town.state.queues:
            key = draw(st.sampled_from(sorted(town.state.queues)))
            town._note(settle(town.state, *key, block_time=NOON, max_steps=1))
    town.finish()
    return town


class TestAnyOrder:
    @settings(max_examples=120, phases=SHORT)
    @given(journals(), st.data())
    def test_and_any_cutting_end_in_the_same_custody(
        self, written: dict[str, JournalWriter], data: st.DataObject
    ) -> None:
        expected, found = _deliver(written, None), _deliver(written, data.draw)
        assert found.state.lots == expected.state.lots
        assert found.state.gives == expected.state.gives
        assert found.state.totals == expected.state.totals
        assert found.state.day_totals == expected.state.day_totals
        assert found.state.devices == expected.state.devices
        assert found.outcomes == expected.outcomes
        assert not found.state.queues
        assert not found.state.expected
        assert {desk.open_deferrals for desk in found.state.desks.values()} <= {0}


class TestConservation:
    @pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
    def test_holds_after_every_step_of_every_story(self, story: Any) -> None:
        state = story.fresh_state()
        for step in story.steps:
            replay(state, step)
            require_conserved(state)

    @pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
    def test_day_totals_add_up_to_the_totals(self, story: Any) -> None:
        sums: dict[str, list[int]] = {}
        for key, grams in story.final["day_totals"].items():
            stream = key.split(":")[2]
            before = sums.get(stream, [0, 0, 0, 0])
            sums[stream] = [a + b for a, b in zip(before, grams, strict=True)]
        assert sums == story.final["totals"]


class TestRules:
    """The few that the stories do not reach."""

    def write(self, *acts: Any) -> tuple[Town, list[int]]:
        town = Town()
        for segment in town.enrolments:
            town.record(segment)
        truck = town.devices["truck"]
        for kind, fields in acts:
            truck.write(kind, **fields)
        town.record(truck.cut())
        return town, [town.outcomes[truck.device, seq] for seq in range(1, len(acts) + 1)]

    def test_a_lot_never_passes_48_bits_of_grams(self) -> None:
        truck = device_id(CREW, 7)
        lot = lot_id(truck, 1)
        lift = (Kind.LIFT, {"bin": 1, "stream": 4, "grams": (1 << 32) - 1})
        town, outcomes = self.write((Kind.LOAD, {"lot": lot, "stream": 4}), lift)
        assert outcomes == [Outcome.APPLIED, Outcome.APPLIED]
        state = town.state
        state.lots[lot] = state.lots[lot]._replace(grams=(1 << 48) - 1 - 5)
        for grams, expected in ((6, Outcome.INVALID), (5, Outcome.APPLIED), (1, Outcome.INVALID)):
            town.devices["truck"].write(Kind.LIFT, bin=1, stream=4, grams=grams)
            answer = record_segment(state, town.devices["truck"].cut(), block_time=NOON)
            assert isinstance(answer, Recorded)
            assert list(answer.outcomes) == [expected]
        assert state.lots[lot].grams == (1 << 48) - 1

    def test_a_lot_that_came_back_takes_nothing_more(self) -> None:
        town = Town()
        for segment in town.enrolments:
            town.record(segment)
        truck, station = town.devices["truck"], town.devices["station"]
        lot = lot_id(truck.device, 1)
        truck.write(Kind.LOAD, lot=lot, stream=4)
        truck.write(Kind.LIFT, bin=1, stream=4, grams=10)
        seq = truck.write(Kind.GIVE, lot=lot, to=station.device)
        head = int.from_bytes(truck.head, "big")
        station.write(Kind.TAKE, lot=lot, grams=10, give_seq=seq, giver=truck.device, give_head=head)
        back = station.write(Kind.GIVE, lot=lot, to=truck.device)
        head = int.from_bytes(station.head, "big")
        truck.write(Kind.TAKE, lot=lot, grams=10, give_seq=back, giver=station.device, give_head=head)
        lift = truck.write(Kind.LIFT, bin=1, stream=4, grams=10)
        load = truck.write(Kind.LOAD, lot=lot, stream=4)
        for segment in (truck.cut(3), station.cut(), truck.cut()):
            town.record(segment)
        town.finish()
        assert town.state.lots[lot].holder == truck.device
        assert town.state.lots[lot].status == LotStatus.HELD
        assert town.outcomes[truck.device, lift] == Outcome.CONFLICT
        assert town.outcomes[truck.device, load] == Outcome.CONFLICT

    @pytest.mark.parametrize(
        ("role", "gross", "tare", "net", "expected"),
        [
            (Role.SCALE, 10, 4, 6, Outcome.APPLIED),
            (Role.GATE, 10, 10, 0, Outcome.APPLIED),
            (Role.SCALE, 10, 4, 7, Outcome.INVALID),
            (Role.SCALE, 4, 10, 6, Outcome.INVALID),
            (Role.CREW, 10, 4, 6, Outcome.INVALID),
            (Role.OFFICE, 10, 4, 6, Outcome.INVALID),
        ],
    )
    def test_a_weighing_adds_up_and_is_a_scales(
        self, role: Role, gross: int, tare: int, net: int, expected: Outcome
    ) -> None:
        town = Town()
        for segment in town.enrolments:
            town.record(segment)
        truck = town.devices["truck"]
        town.state.devices[truck.device] = town.state.devices[truck.device]._replace(role=role)
        truck.write(Kind.WEIGH, gross=gross, tare=tare, net=net, ticket=1)
        town.record(truck.cut())
        assert outcome_of(town.outcomes[truck.device, 1]) == expected

    def test_a_registrar_of_an_earlier_epoch_is_none(self) -> None:
        town = Town()
        for segment in town.enrolments:
            town.record(segment)
        state = town.state
        old = JournalWriter(NETWORK, device_id(CREW, 1), SigningKey.from_secret(1))
        state.devices[old.device] = state.devices[old.device]._replace(head=old.head, next_seq=1)
        state.roots[CREW] = state.roots[CREW]._replace(device=device_id(CREW, 2), epoch=2)
        old.write(Kind.ENROL, device=device_id(CREW, 99), role=1, scheme=1)
        old.write(Kind.REVOKE, device=device_id(CREW, 7))
        old.write(Kind.SITE, site=device_id(CREW, 1), site_kind=1)
        town.record(old.cut())
        assert [town.outcomes[old.device, seq] for seq in (1, 2, 3)] == [Outcome.INVALID] * 3
        assert device_id(CREW, 99) not in state.devices
