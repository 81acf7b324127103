"""Every journey's grams close at every site and day; without any one of its receipts they do not."""

from __future__ import annotations

import pytest
from folding import go_as_told, go_reversed
from mass_run import MassRun, is_take
from story import Story, read_stories
from telling import Telling, tell

from backend.domain.custody_state import LotStatus
from backend.domain.journal import Network
from backend.domain.mass_balance import Row, table_of
from backend.domain.mass_flows import Applied, Held, MassFlows, Move, unexplained

NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
STORIES = read_stories()
each_story = pytest.mark.parametrize("story", STORIES, ids=[story.slug for story in STORIES])


def run_of(telling: Telling, *, is_reversed: bool = False) -> MassRun:
    run = MassRun(telling.fresh_state(), telling.fresh_state())
    (go_reversed if is_reversed else go_as_told)(run, telling)
    return run


def moves_of(facts: list[Applied]) -> tuple[MassFlows, list[Move]]:
    flows = MassFlows({}, {})
    return flows, [move for fact in facts for move in flows.apply(fact)]


def held_in(run: MassRun) -> dict[int, Held]:
    return {
        lot: Held(slot.holder, slot.grams, slot.stream)
        for lot, slot in run.state.lots.items()
        if slot.status != LotStatus.PROMISED
    }


def red_rows(moves: list[Move]) -> list[Row]:
    return [row for day in sorted({move.day for move in moves}) for row in table_of(moves, day) if row.is_red]


@each_story
class TestAJourneysGrams:
    @pytest.mark.parametrize("is_reversed", [False, True])
    def test_are_the_ledgers_own_lot_by_lot(self, story: Story, is_reversed: bool) -> None:
        run = run_of(tell(story, NETWORK), is_reversed=is_reversed)
        flows, _ = moves_of(run.facts)
        held = held_in(run)
        assert {lot: stock.grams for lot, stock in flows.stocks.items()} == {
            lot: held[lot].grams for lot in flows.stocks
        }
        assert all(lot in flows.stocks for lot, slot in held.items() if slot.grams)

    def test_close_on_every_day_whatever_the_order_of_upload(self, story: Story) -> None:
        for is_reversed in (False, True):
            _, moves = moves_of(run_of(tell(story, NETWORK), is_reversed=is_reversed).facts)
            assert moves
            assert red_rows(moves) == []

    def test_do_not_close_without_any_one_of_the_receipts(self, story: Story) -> None:
        run = run_of(tell(story, NETWORK))
        facts = run.facts
        for take in filter(is_take, facts):
            flows, moves = moves_of([fact for fact in facts if fact is not take])
            moves += unexplained(moves, flows.stocks, held_in(run))
            assert red_rows(moves), take
