from __future__ import annotations

import hashlib
import json

import pytest
import rfc8785
from custody_stories import NETWORK, NOON

from backend.domain.layout import Kind
from backend.domain.open_data import COLUMNS, DayTable, anchor_subject, open_lot_after
from backend.domain.types import Outcome, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

TRUCK, OTHER = device_id(2, 7), device_id(2, 8)
BIN = 0xABCDEF0123
APPLIED, MIXED, INVALID = 0x01, 0x11, int(Outcome.INVALID)


def words_of(*entries: dict[str, int], device: int = TRUCK) -> bytes:
    writer = JournalWriter(NETWORK, device, SigningKey.from_secret(7))
    for entry in entries:
        writer.write(**{"occurred_at": NOON, **entry})
    return writer.cut().words


def load(serial: int = 1) -> dict[str, int]:
    return {"kind": Kind.LOAD, "lot": lot_id(TRUCK, serial), "stream": 3}


def lift(grams: int = 1000, *, stream: int = 3, **more: int) -> dict[str, int]:
    return {"kind": Kind.LIFT, "bin": BIN, "stream": stream, "grams": grams, "basis": 1, **more}


def rows(table: DayTable) -> list[list[str | int]]:
    return table.lines()


class TestDayTable:
    def test_adds_up_what_an_organisation_lifted_from_a_bin(self) -> None:
        table = DayTable()
        words = words_of(load(), lift(1000), lift(500), load(2), lift(7))
        table.add(TRUCK, words, bytes([APPLIED] * 5), None)
        table.add(OTHER, words_of(lift(90), device=OTHER), bytes([APPLIED]), lot_id(OTHER, 1))
        assert rows(table) == [["000002", "abcdef0123", "food", "2026-03-01", 4, 1597, 3, 0, 0]]
        assert (table.lifts, table.grams, table.bins) == (4, 1597, {"abcdef0123"})

    def test_counts_but_does_not_weigh_what_had_no_effect(self) -> None:
        table = DayTable()
        table.add(TRUCK, words_of(lift(1000), lift(3, stream=9)), bytes([INVALID, INVALID]), None)
        assert rows(table) == [
            ["000002", "abcdef0123", "food", "2026-03-01", 0, 0, 0, 0, 1],
            ["000002", "abcdef0123", "unknown", "2026-03-01", 0, 0, 0, 0, 1],
        ]
        assert table.bins == set()

    def test_does_not_follow_a_load_that_had_no_effect(self) -> None:
        table = DayTable()
        words = words_of(load(2), lift())
        table.add(TRUCK, words, bytes([Outcome.CONFLICT, APPLIED]), lot_id(TRUCK, 1))
        assert next(iter(table.rows.values())).lots == {lot_id(TRUCK, 1)}
        assert open_lot_after(lot_id(TRUCK, 1), words, bytes([Outcome.CONFLICT, APPLIED])) == lot_id(TRUCK, 1)
        assert open_lot_after(None, words, bytes([APPLIED, APPLIED])) == lot_id(TRUCK, 2)

    def test_tells_mixed_lifts_and_days_by_the_devices_clock(self) -> None:
        table = DayTable()
        # 00:00 in Shanghai is 16:00 UTC of the day before.
        midnight = NOON - 12 * 3600
        entries = [load(), lift(occurred_at=midnight), lift(occurred_at=midnight - 1), lift(stream=4)]
        table.add(TRUCK, words_of(*entries), bytes([APPLIED, APPLIED, APPLIED, MIXED]), None)
        assert [(row[2], row[3], row[7]) for row in rows(table)] == [
            ("food", "2026-02-28", 0),
            ("food", "2026-03-01", 0),
            ("residual", "2026-03-01", 1),
        ]

    def test_has_no_date_for_a_year_beyond_four_digits(self) -> None:
        table = DayTable()
        last = 253402271999  # 9999-12-31 23:59:59 in Shanghai
        entries = [load(), lift(occurred_at=last), lift(occurred_at=last + 1)]
        table.add(TRUCK, words_of(*entries), bytes([APPLIED] * 3), None)
        assert [row[3] for row in rows(table)] == ["", "9999-12-31"]

    def test_says_how_many_transcriptions_it_leaves_out(self) -> None:
        table = DayTable()
        entry = {"kind": Kind.TRANSCRIBED, "device": OTHER, "first_seq": 1}
        words = words_of(entry, entry, {"kind": Kind.SHIFT_END})
        table.add(TRUCK, words, bytes([APPLIED, int(Outcome.QUARANTINED), APPLIED]), None)
        assert (table.transcribed, rows(table)) == (1, [])

    def test_is_the_same_bytes_in_whatever_order_it_came(self) -> None:
        segments = [
            (device, words_of(lift(grams, bin=number), device=device), bytes([APPLIED]), lot_id(device, 1))
            for device, grams, number in ((TRUCK, 5, 9), (device_id(1, 1), 6, 9), (OTHER, 7, 2))
        ]
        tables = DayTable(), DayTable()
        for table, listed in zip(tables, (segments, segments[::-1]), strict=True):
            for segment in listed:
                table.add(*segment)
        assert tables[0].csv() == tables[1].csv()
        assert tables[0].csv().decode().splitlines() == [
            ",".join(COLUMNS),
            "000001,0000000009,food,2026-03-01,1,6,1,0,0",
            "000002,0000000002,food,2026-03-01,1,7,1,0,0",
            "000002,0000000009,food,2026-03-01,1,5,1,0,0",
        ]

    def test_is_canonical_json_that_names_its_csv(self) -> None:
        table = DayTable()
        table.add(TRUCK, words_of(lift()), bytes([APPLIED]), lot_id(TRUCK, 1))
        made = table.json(date="2026-03-01", chain_id=1, ledger="aa" * 20)
        found = json.loads(made)
        assert rfc8785.dumps(found) == made
        assert found["csv_sha256"] == hashlib.sha256(table.csv()).hexdigest()
        assert [",".join(map(str, row)) for row in found["rows"]] == table.csv().decode().splitlines()[1:]

    def test_names_no_device(self) -> None:
        table = DayTable()
        table.add(TRUCK, words_of(load(), lift()), bytes([APPLIED, APPLIED]), None)
        made = table.csv() + table.json(date="2026-03-01", chain_id=1, ledger="aa" * 20)
        assert f"{TRUCK:016x}".encode() not in made


@pytest.mark.parametrize(("date", "subject"), [("2026-03-01", 20260301), ("0999-12-31", 9991231)])
def test_an_anchors_subject_is_the_date(date: str, subject: int) -> None:
    assert anchor_subject(date) == subject
