"""Entries that the ledger keeps without effect, and segments that it does not keep."""

from __future__ import annotations

from backend.domain.custody import record_segment
from backend.domain.custody_state import LotStatus, Mandate, Recorded, Refused, Root, State, Step
from backend.domain.devices import mark_forked, revoke
from backend.domain.journal import MAX_SEQ, Network
from backend.domain.layout import Kind
from backend.domain.mandates import MAX_MANDATE_LEVELS, find_authority
from backend.domain.seal import key_hash
from backend.domain.types import (
    Fate,
    Flaw,
    Outcome,
    Refusal,
    Role,
    Scheme,
    Stream,
    Verdict,
    device_id,
    flaw_of,
    lot_id,
    site_id,
)
from backend.domain.writer import JournalWriter, SigningKey

NETWORK = Network(31337, b"\x01" * 20)
NOON = 1_772_337_600
CREW, STATION = 2, 3
REGULATOR = 4


class Town:
    """A crew, a station and a regulator, each with its registrar and a device."""

    def __init__(self) -> None:
        self.state = State(NETWORK)
        self.registrars: dict[int, JournalWriter] = {}
        self.devices: dict[int, JournalWriter] = {}
        for organisation in (CREW, STATION, REGULATOR):
            registrar = JournalWriter(NETWORK, device_id(organisation, 1), SigningKey.from_secret(organisation))
            root = Root(registrar.device, key_hash(*registrar.public), 1, False, organisation == REGULATOR)
            self.state.roots[organisation] = root
            self.state.named_roots[registrar.device] = True
            device = JournalWriter(NETWORK, device_id(organisation, 7), SigningKey.fresh())
            x, y = device.public
            registrar.write(Kind.ENROL, device=device.device, role=Role.GATE, scheme=Scheme.RAW, x=x, y=y)
            self.registrars[organisation], self.devices[organisation] = registrar, device
            self.outcomes(registrar)

    def answer(self, writer: JournalWriter) -> Recorded | Refused:
        return record_segment(self.state, writer.cut(), block_time=NOON)

    def outcomes(self, writer: JournalWriter) -> list[int]:
        answer = self.answer(writer)
        assert isinstance(answer, Recorded)
        return [byte & 0xF for byte in answer.outcomes]

    def transcribe(self, organisation: int, words: bytes, *, first_seq: int, before: bytes) -> int:
        """Return the outcome of a registrar's copy of what its device has sealed."""
        device = JournalWriter(
            NETWORK,
            self.devices[organisation].device,
            self.devices[organisation].key,
            next_seq=first_seq,
            head=before,
        )
        for start in range(0, len(words), 32):
            device.uncut.append(words[start : start + 32])
        items = tuple({"word": int.from_bytes(words[i : i + 32], "big")} for i in range(0, len(words), 32))
        x, y = device.public
        self.registrars[organisation].write(
            Kind.TRANSCRIBED,
            items,
            device=device.device,
            first_seq=first_seq,
            before=int.from_bytes(before, "big"),
            x=x,
            y=y,
            r=1,
            s=1,
        )
        return self.outcomes(self.registrars[organisation])[0]


class TestSegment:
    def test_is_malformed_when_no_seq_is_left_behind_it(self) -> None:
        town = Town()
        device = town.devices[CREW]
        last = JournalWriter(NETWORK, device.device, device.key, next_seq=MAX_SEQ)
        last.write(Kind.SHIFT_END)
        answer = town.answer(last)
        assert isinstance(answer, Refused)
        assert answer.reason == Refusal.MALFORMED


class TestInvalidEntry:
    def test_is_a_take_into_somebody_elses_lot(self) -> None:
        town = Town()
        crew, station = town.devices[CREW], town.devices[STATION]
        station.write(
            Kind.TAKE,
            lot=lot_id(crew.device, 1),
            giver=crew.device,
            give_seq=1,
            grams=5,
            stream=Stream.FOOD,
            into=lot_id(crew.device, 2),
        )
        assert town.outcomes(station) == [Outcome.INVALID]

    def test_is_a_gap_of_the_registrars_own(self) -> None:
        town = Town()
        registrar = town.registrars[CREW]
        registrar.write(Kind.CLOSE_GAP, device=registrar.device, from_seq=2, to_seq=3)
        assert town.outcomes(registrar) == [Outcome.INVALID]

    def test_is_a_copy_of_words_that_are_no_entries(self) -> None:
        cut_short = bytes([Kind.GIVE]) + bytes(31)
        assert Town().transcribe(CREW, cut_short, first_seq=1, before=bytes(32)) == Outcome.INVALID

    def test_is_a_copy_beyond_the_last_seq(self) -> None:
        words = (bytes([Kind.LIFT]) + bytes(31)) * 2
        assert Town().transcribe(CREW, words, first_seq=MAX_SEQ, before=bytes(32)) == Outcome.INVALID


class TestRefuse:
    def test_conflicts_when_the_lot_was_given_to_another(self) -> None:
        town = Town()
        crew, other = town.devices[CREW], town.devices[REGULATOR]
        lot = lot_id(crew.device, 1)
        crew.write(Kind.LOAD, lot=lot, stream=Stream.FOOD)
        crew.write(Kind.LIFT, bin=5, stream=Stream.FOOD, grams=80)
        give_seq = crew.write(Kind.GIVE, lot=lot, grams=80, last_seq=2, to=device_id(STATION, 0))
        assert town.outcomes(crew) == [Outcome.APPLIED] * 3
        give_head = int.from_bytes(crew.head, "big")
        other.write(Kind.REFUSE, lot=lot, grams=80, giver=crew.device, give_seq=give_seq, give_head=give_head)
        assert town.outcomes(other) == [Outcome.CONFLICT]
        assert town.state.lots[lot].status == LotStatus.GIVEN


class TestWithdraw:
    def test_gives_up_a_take_that_waits(self) -> None:
        town = Town()
        crew, station = town.devices[CREW], town.devices[STATION]
        lot = lot_id(crew.device, 1)
        seq = station.write(Kind.TAKE, lot=lot, giver=crew.device, give_seq=1, grams=5, stream=Stream.FOOD)
        station.write(Kind.WITHDRAW, lot=lot, undone_seq=seq)
        answer = town.answer(station)
        assert isinstance(answer, Recorded)
        assert list(answer.outcomes) == [Outcome.DEFERRED, Outcome.APPLIED]
        assert [(s.device, s.seq, s.lot, s.outcome) for s in answer.settled] == [
            (station.device, seq, lot, Outcome.CONFLICT)
        ]
        assert not town.state.expected
        assert not town.state.queues

    def test_gives_up_a_step_that_waits_behind_another(self) -> None:
        town = Town()
        crew, station = town.devices[CREW], town.devices[STATION]
        lot = lot_id(crew.device, 1)
        station.write(Kind.TAKE, lot=lot, giver=crew.device, give_seq=1, grams=5, stream=Stream.FOOD)
        seq = station.write(Kind.CLOSE, lot=lot, fate=Fate.ENERGY)
        station.write(Kind.WITHDRAW, lot=lot, undone_seq=seq)
        assert town.outcomes(station) == [Outcome.DEFERRED, Outcome.DEFERRED, Outcome.APPLIED]
        (left,) = town.state.queues[lot, station.device]
        assert left.kind == Kind.TAKE
        assert len(town.state.expected) == 1


class TestTranscription:
    def test_gives_a_registrars_kinds_no_effect(self) -> None:
        town = Town()
        registrar, device, inspector = town.registrars[CREW], town.devices[CREW], town.registrars[REGULATOR]
        registrar.write(Kind.REVOKE, device=device.device)
        before = int.from_bytes(device.head, "big")
        device.write(Kind.SITE, site=site_id(CREW, 1), digest=1)
        lost = device.cut()
        head17 = int.from_bytes(device.head[:17], "big")
        inspector.write(Kind.ACKNOWLEDGE, device=device.device, seq=1, verdict=Verdict.RELEASED, head17=head17)
        words = [lost.words[start : start + 32] for start in range(0, len(lost.words), 32)]
        items = tuple({"word": int.from_bytes(word, "big")} for word in words)
        seal = {"x": lost.x, "y": lost.y, "r": lost.r, "s": lost.s}
        registrar.write(Kind.TRANSCRIBED, items, device=device.device, first_seq=1, before=before, **seal)
        assert town.outcomes(inspector) == [Outcome.APPLIED]
        answer = town.answer(registrar)
        assert isinstance(answer, Recorded)
        assert list(answer.outcomes) == [Outcome.APPLIED] * 2
        assert [list(t.outcomes) for t in answer.transcribed] == [[Outcome.QUARANTINED]]
        assert not town.state.attested

    def test_counts_no_entry_that_the_journal_hands_in_as_well(self) -> None:
        town = Town()
        registrar, device, inspector = town.registrars[CREW], town.devices[CREW], town.registrars[REGULATOR]
        registrar.write(Kind.REVOKE, device=device.device)
        before = int.from_bytes(device.head, "big")
        device.write(Kind.LOAD, lot=lot_id(device.device, 1), stream=Stream.FOOD)
        device.write(Kind.LIFT, bin=1, stream=Stream.FOOD, grams=500)
        lost = device.cut()
        head17 = int.from_bytes(device.head[:17], "big")
        inspector.write(Kind.ACKNOWLEDGE, device=device.device, seq=2, verdict=Verdict.RELEASED, head17=head17)
        items = tuple(
            {"word": int.from_bytes(lost.words[i : i + 32], "big")} for i in range(0, len(lost.words), 32)
        )
        seal = {"x": lost.x, "y": lost.y, "r": lost.r, "s": lost.s}
        registrar.write(Kind.TRANSCRIBED, items, device=device.device, first_seq=1, before=before, **seal)
        town.outcomes(inspector)
        answer = town.answer(registrar)
        assert isinstance(answer, Recorded)
        assert [list(t.outcomes) for t in answer.transcribed] == [[Outcome.APPLIED] * 2]
        again = record_segment(town.state, lost, block_time=NOON)
        assert isinstance(again, Recorded)
        assert list(again.outcomes) == [Outcome.QUARANTINED] * 2
        assert town.state.totals[Stream.FOOD].lifted == 500


class TestReview:
    def test_keeps_the_seq_of_the_first_revocation(self) -> None:
        town = Town()
        device = town.devices[CREW]
        revoke(town.state, device.device)
        first = town.state.seen[device.device]
        device.write(Kind.SHIFT_END)
        town.outcomes(device)
        revoke(town.state, device.device)
        assert town.state.seen[device.device] == first

    def test_has_nothing_to_mark_of_a_device_that_is_unknown(self) -> None:
        town = Town()
        known = dict(town.state.devices)
        mark_forked(town.state, device_id(CREW, 99))
        assert town.state.devices == known
        assert not town.state.seen


class TestMandates:
    def test_of_more_levels_than_are_read_are_refused(self) -> None:
        agents = [device_id(number, 7) for number in range(10, 11 + MAX_MANDATE_LEVELS)]
        state = State(NETWORK)
        for level, (principal, agent) in enumerate(zip(agents[1:], agents[:-1], strict=True)):
            parent = agents[level + 2] if level + 2 < len(agents) else device_id(99, 7)
            state.mandates[principal, 1] = Mandate(
                agent, 1000, NOON + 1, 255, 0xFFFF, False, 0, parent=parent, parent_seq=1
            )
        take = Step(Kind.TAKE, 1, principal=agents[1], mandate_seq=1, grams=5, occurred_at=NOON)
        answer = find_authority(state, agents[0], take, stream=Stream.FOOD)
        assert answer == (Outcome.CONFLICT, Flaw.MANDATE_DEPTH)


class TestPackedNumbers:
    def test_hold_the_flaw_above_the_outcome(self) -> None:
        assert flaw_of(Flaw.MANDATE_DEPTH << 4 | Outcome.CONFLICT) == Flaw.MANDATE_DEPTH

    def test_name_a_site_by_its_organisation(self) -> None:
        assert site_id(3, 5) == 3 << 40 | 5
