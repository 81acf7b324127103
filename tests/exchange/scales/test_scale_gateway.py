"""Two stable readings become one sealed ticket, and numbers neither skip nor repeat over any crash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from custody_stories import NETWORK
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Root, State
from backend.domain.errors import FieldOutOfRange
from backend.domain.journal import Network, evidence_digest, read_entry
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.seal import key_hash
from backend.domain.types import Flaw, Role, device_id, flaw_of, lot_id, outcome_of
from backend.domain.weighing import tickets_of
from backend.domain.writer import JournalWriter, SigningKey
from backend.exchange.scales.gateway import (
    NotOnTheScale,
    ScaleGateway,
    ScaleIdentity,
    UnusableReading,
    WeighedBefore,
)
from backend.exchange.scales.sics import Weight
from backend.exchange.scales.ticket_log import LogDamaged, TicketLog

SCALE, REGISTRAR = device_id(3, 5), device_id(3, 1)
KEY = SigningKey.from_secret(77)
LOT, VEHICLE, OTHER_VEHICLE = lot_id(device_id(2, 1), 1), device_id(2, 90), device_id(2, 91)
NOW, UNTIL = 1_700_000_000, 1_800_000_000
IDENTITY = ScaleIdentity(NETWORK, SCALE, "B123456789", 42, UNTIL)


def stable(kilograms: int) -> Weight:
    return Weight(kilograms * 1_000, True, f"S S {kilograms:10d} kg")


@contextmanager
def gateway(path: Path, identity: ScaleIdentity = IDENTITY, key: SigningKey = KEY) -> Iterator[ScaleGateway]:
    with TicketLog(path) as log:
        yield ScaleGateway(identity, key, log, fresh_salt=lambda: b"s" * 16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tickets.jsonl"


def weigh(scale: ScaleGateway, gross: int, tare: int, at: int = NOW, vehicle: int = VEHICLE) -> None:
    scale.weigh_first(vehicle=vehicle, lot=LOT, weight=stable(gross), now=at)
    scale.weigh_second(vehicle=vehicle, weight=stable(tare), now=at + 600)


def on_the_ledger(scale: ScaleGateway) -> list[RecordedEntry]:
    """Let the ledger's own rules record everything that waits; return the tickets as the books see them."""
    registrar = JournalWriter(NETWORK, REGISTRAR, SigningKey.from_secret(3))
    state = State(
        NETWORK, roots={3: Root(REGISTRAR, key_hash(*registrar.public), 1)}, named_roots={REGISTRAR: True}
    )
    x, y = KEY.public
    registrar.write(Kind.ENROL, device=SCALE, role=Role.SCALE, scheme=1, x=x, y=y)
    assert isinstance(record_segment(state, registrar.cut(), block_time=NOW), Recorded)
    found = []
    for order, (segment, _) in enumerate(scale.waiting()):
        answer = record_segment(state, segment, block_time=NOW)
        assert isinstance(answer, Recorded)
        entry_id, byte = EntryId(SCALE, segment.first_seq), answer.outcomes[0]
        entry = read_entry(segment.words)
        found.append(RecordedEntry(entry_id, entry, outcome_of(byte), NOW, order, flaw_of(byte)))
    return found


class TestATicket:
    def test_holds_both_readings_and_is_sound_to_ledger_and_books(self, path: Path) -> None:
        with gateway(path) as scale:
            opened = scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=stable(18_240), now=NOW)
            assert (opened.grams, opened.at, scale.open) == (18_240_000, NOW, {VEHICLE: opened})
            made = scale.weigh_second(vehicle=VEHICLE, weight=stable(8_120), now=NOW + 600)
            assert (made.seq, made.number, made.lot, made.is_calibrated) == (1, 1, LOT, True)
            assert (made.gross_grams, made.tare_grams, made.net_grams) == (18_240_000, 8_120_000, 10_120_000)
            assert scale.open == {}
            (ticket,) = tickets_of(on_the_ledger(scale)).values()
        assert ticket.is_sound
        assert (ticket.vehicle, ticket.calibration, ticket.calibration_until) == (VEHICLE, 42, UNTIL)
        assert (ticket.number, ticket.net_grams, ticket.occurred_at) == (1, 10_120_000, NOW + 600)

    def test_carries_what_the_indicator_said_as_evidence(self, path: Path) -> None:
        with gateway(path) as scale:
            weigh(scale, 18_240, 8_120)
            ((segment, evidence),) = scale.waiting()
        salt, document = evidence[SCALE, 1]
        assert read_entry(segment.words).fields["evidence"] == evidence_digest(salt, document.encode())
        assert json.loads(document) == {
            "type": "weighing",
            "scale": "B123456789",
            "first": {"answer": "S S      18240 kg", "at": NOW},
            "second": {"answer": "S S       8120 kg", "at": NOW + 600},
        }

    def test_takes_the_heavier_reading_as_gross_when_a_vehicle_leaves_loaded(self, path: Path) -> None:
        with gateway(path) as scale:
            scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=stable(8_120), now=NOW)
            made = scale.weigh_second(vehicle=VEHICLE, weight=stable(18_240), now=NOW)
        assert (made.gross_grams, made.tare_grams) == (18_240_000, 8_120_000)

    def test_after_the_calibrations_end_is_made_and_found_flawed(self, path: Path) -> None:
        with gateway(path) as scale:
            scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=stable(2), now=UNTIL + 1)
            assert scale.weigh_second(vehicle=VEHICLE, weight=stable(1), now=UNTIL + 1).is_calibrated is False
            (ticket,) = tickets_of(on_the_ledger(scale)).values()
        assert (ticket.is_sound, ticket.flaw) == (False, Flaw.CALIBRATION_EXPIRED)

    @pytest.mark.parametrize("weight", [Weight(5, False, "S D"), Weight(-1, True, "S S")])
    def test_is_not_made_of_a_moving_or_negative_reading(self, path: Path, weight: Weight) -> None:
        with gateway(path) as scale:
            with pytest.raises(UnusableReading):
                scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=weight, now=NOW)
            scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=stable(9), now=NOW)
            with pytest.raises(UnusableReading) as raised:
                scale.weigh_second(vehicle=VEHICLE, weight=weight, now=NOW)
            assert raised.value.weight == weight
            assert (scale.last_number, len(scale.open)) == (0, 1)

    def test_uses_no_number_when_it_cannot_be_packed(self, path: Path) -> None:
        with gateway(path) as scale:
            scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=stable(1), now=NOW)
            with pytest.raises(FieldOutOfRange):
                scale.weigh_second(vehicle=VEHICLE, weight=stable(2**48), now=NOW)
            assert scale.weigh_second(vehicle=VEHICLE, weight=stable(2), now=NOW).number == 1

    def test_needs_one_first_weighing(self, path: Path) -> None:
        with gateway(path) as scale:
            with pytest.raises(NotOnTheScale):
                scale.weigh_second(vehicle=VEHICLE, weight=stable(1), now=NOW)
            scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=stable(1), now=NOW)
            with pytest.raises(WeighedBefore) as raised:
                scale.weigh_first(vehicle=VEHICLE, lot=LOT + 1, weight=stable(1), now=NOW)
            assert (raised.value.vehicle, raised.value.lot) == (VEHICLE, LOT)

    def test_has_a_fresh_salt(self, path: Path) -> None:
        with TicketLog(path) as log:
            scale = ScaleGateway(IDENTITY, KEY, log)
            weigh(scale, 2, 1)
            weigh(scale, 2, 1)
            salts = [salt for _, evidence in scale.waiting() for salt, _ in evidence.values()]
        assert len({*salts}) == 2
        assert {len(salt) for salt in salts} == {16}


class TestARestart:
    def test_goes_on_with_the_next_number_the_open_weighings_and_the_same_seals(self, path: Path) -> None:
        with gateway(path) as scale:
            weigh(scale, 18_240, 8_120)
            weigh(scale, 17_000, 8_000)
            scale.mark_kept(1)
            scale.weigh_first(vehicle=OTHER_VEHICLE, lot=LOT, weight=stable(9), now=NOW)
            before, opened = scale.waiting(), scale.open
        with gateway(path) as scale:
            assert (scale.waiting(), scale.open, scale.kept_seq) == (before, opened, 1)
            made = scale.weigh_second(vehicle=OTHER_VEHICLE, weight=stable(4), now=NOW)
            assert (made.seq, made.number) == (3, 3)
            assert [segment.first_seq for segment, _ in scale.waiting()] == [2, 3]

    @settings(max_examples=30)
    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), min_size=1, max_size=8))
    def test_anywhere_leaves_no_number_out_and_gives_none_twice(
        self, tmp_path_factory: pytest.TempPathFactory, story: list[tuple[bool, int]]
    ) -> None:
        path = tmp_path_factory.mktemp("scale") / "tickets.jsonl"
        shown: list[int] = []
        for has_power_cut, torn in story:
            with gateway(path) as scale:
                vehicle = next(iter(scale.open), None)
                if vehicle is None:
                    scale.weigh_first(vehicle=VEHICLE, lot=LOT, weight=stable(9), now=NOW)
                else:
                    shown.append(scale.weigh_second(vehicle=vehicle, weight=stable(4), now=NOW).number)
            if has_power_cut:
                # What was being written when the power failed is half there; nobody was told of it.
                whole = path.read_bytes()
                path.write_bytes(whole + whole.splitlines(keepends=True)[-1].rstrip(b"\n")[:torn])
        with gateway(path) as scale:
            assert shown == list(range(1, scale.last_number + 1))
            numbers = [entry.fields["ticket"] for entry in on_the_ledger(scale)]
            assert numbers == shown

    def test_refuses_the_log_of_another_scale_key_or_ledger(self, path: Path) -> None:
        with gateway(path):
            pass
        others = (
            (ScaleIdentity(NETWORK, SCALE + 1, "B", 1, 1), KEY),
            (ScaleIdentity(Network(NETWORK.chain_id + 1, NETWORK.ledger), SCALE, "B", 1, 1), KEY),
            (IDENTITY, SigningKey.from_secret(78)),
        )
        for identity, key in others:
            with pytest.raises(LogDamaged, match="another scale"), gateway(path, identity, key):
                pass

    def test_takes_another_indicator_and_calibration_over(self, path: Path) -> None:
        with gateway(path) as scale:
            weigh(scale, 2, 1)
        with gateway(path, ScaleIdentity(NETWORK, SCALE, "NEW", 43, UNTIL + 1)) as scale:
            weigh(scale, 2, 1)
            fields = [read_entry(segment.words).fields for segment, _ in scale.waiting()]
        assert [(told["ticket"], told["calibration"]) for told in fields] == [(1, 42), (2, 43)]

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda lines: [lines[0], lines[2]],
            lambda lines: [*lines, lines[1], lines[1]],
            lambda lines: [*lines, lines[1], lines[2]],
            lambda lines: [*lines, '{"type":"other"}'],
            lambda lines: [*lines, '{"kind":"first"}'],
            lambda lines: [*lines, '{"type":"ticket","seq":3,"words":"zz"}'],
            lambda lines: [*lines, '{"type":"kept","seq":"1"}'],
            lambda lines: [*lines, lines[2].replace('"seq":1', '"seq":3')],
        ],
        ids=["missing", "first twice", "ticket twice", "unknown", "nameless", "no hex", "no number", "renumbered"],
    )
    def test_refuses_a_log_whose_records_do_not_follow(
        self, path: Path, spoil: Callable[[list[str]], list[str]]
    ) -> None:
        with gateway(path) as scale:
            weigh(scale, 2, 1)
            weigh(scale, 2, 1)
        lines = path.read_text().splitlines()
        path.write_text("\n".join(spoil(lines)) + "\n")
        with pytest.raises(LogDamaged), gateway(path):
            pass
