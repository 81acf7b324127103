from __future__ import annotations

from dataclasses import replace

import pytest
from custody_stories import NOON

from backend.domain.inspection_statements import Candidates, UnreadableInspection
from backend.domain.journal import pack_entry_with_items, split_entries
from backend.domain.layout import Kind
from backend.domain.types import Outcome, lot_id, site_id
from backend.usecases.candidates import CandidateReader
from backend.usecases.inspections import read_items
from backend.usecases.ledger_events import (
    BinsPlaced,
    LedgerEvent,
    LogPlace,
    PlacedBinEvent,
    SegmentRecorded,
    SiteOpened,
)

DAY, NEXT_DAY = "2026-03-01", "2026-03-02"
FIRST, SECOND = site_id(2, 1), site_id(2, 2)
DEVICE = 2 << 40 | 7
TIMES = {number: NOON + number for number in range(1, 5)} | {number: NOON + 86_400 for number in range(5, 9)}


def place(number: int) -> LogPlace:
    return LogPlace(number, b"", b"", 0)


def placed(block: int, site: int, *numbers: int) -> BinsPlaced:
    return BinsPlaced(place(block), site, tuple(PlacedBinEvent(n, bytes(32), 4, 0) for n in numbers))


def loaded(block: int, *serials: int, outcome: int = Outcome.APPLIED) -> SegmentRecorded:
    words = b"".join(
        pack_entry_with_items(Kind.LOAD, {"lot": lot_id(DEVICE, serial), "stream": 4, "occurred_at": NOON}, ())
        for serial in serials
    )
    count = len(split_entries(words))
    return SegmentRecorded(place(block), DEVICE, 1, b"", 0, 0, 0, 0, words, bytes([outcome]) * count)


EVENTS: list[LedgerEvent] = [
    SiteOpened(place(1), SECOND, 1, bytes(32)),
    SiteOpened(place(1), FIRST, 1, bytes(32)),
    placed(2, FIRST, 30, 10, 20),
    loaded(3, 2, 1),
    loaded(4, 9, outcome=Outcome.CONFLICT),
    placed(5, SECOND, 20, 40),
    loaded(6, 1, 3),
    placed(7, FIRST, 50),
]


def items_of(candidates: Candidates, list_block: int = 8, site: str = "", day: str = "") -> tuple[int, ...]:
    reader = CandidateReader(candidates, list_block=list_block, site=site, day=day)
    for event in EVENTS:
        reader.take([event], TIMES)
    return reader.items


class TestCandidates:
    def test_are_the_bins_placed_so_far_in_one_order(self) -> None:
        assert items_of(Candidates.BINS) == (10, 20, 30, 40, 50)
        assert items_of(Candidates.BINS, list_block=4) == (10, 20, 30)

    def test_of_a_site_are_those_whose_last_place_it_is(self) -> None:
        assert items_of(Candidates.BINS, site=f"{FIRST:016x}") == (10, 30, 50)
        assert items_of(Candidates.BINS, list_block=4, site=f"{FIRST:016x}") == (10, 20, 30)

    def test_are_the_sites_opened_so_far(self) -> None:
        assert items_of(Candidates.SITES) == (FIRST, SECOND)

    def test_are_the_lots_that_were_loaded_on_a_day_and_applied(self) -> None:
        assert items_of(Candidates.LOTS, day=DAY) == (lot_id(DEVICE, 1), lot_id(DEVICE, 2))
        assert items_of(Candidates.LOTS, day=NEXT_DAY) == (lot_id(DEVICE, 1), lot_id(DEVICE, 3))
        assert items_of(Candidates.LOTS, day=NEXT_DAY, list_block=5) == ()


class TestAPublishedList:
    def test_is_read_item_by_item(self) -> None:
        assert read_items(Candidates.BINS, ["0000000001", "00000000ff"]) == (1, 255)

    @pytest.mark.parametrize(
        "lines", [["1"], ["00000000FF"], ["00000000ff", "0000000001"], ["0000000001", "0000000001"], [""]]
    )
    def test_is_refused_when_it_is_not_in_its_one_form(self, lines: list[str]) -> None:
        with pytest.raises(UnreadableInspection):
            read_items(Candidates.BINS, lines)


def test_lists_do_not_depend_on_how_blocks_are_batched() -> None:
    reader = CandidateReader(Candidates.BINS, list_block=8)
    reader.take(EVENTS, TIMES)
    assert reader.items == items_of(Candidates.BINS)
    moved = [replace(EVENTS[2], place=place(8)) if n == 2 else event for n, event in enumerate(EVENTS)]
    later = CandidateReader(Candidates.BINS, list_block=7)
    later.take(moved, TIMES)
    assert later.items == (20, 40, 50)
