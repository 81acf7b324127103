"""Moves and their sums follow the blocks, forwards and back; the table read from them is the domain's own."""

from __future__ import annotations

from custody_stories import FINALITY_DEPTH, Blocks, blocks_of, stories
from sqlalchemy import select
from store_support import books_of, dump, fold

from backend.domain.mass_balance import table_of
from backend.domain.mass_flows import Flow, Move
from backend.exchange.tolerance_file import load_tolerances
from backend.store.reading.balance import Asked, BalanceReader, move_of
from backend.store.session import Database
from backend.store.tables import MassMove
from backend.store.tables import table_of as rows_of

RULES = load_tolerances().rules
STORIES = sorted(stories(), key=lambda story: -len(story.steps))[:6]


def blocks_of_longest() -> Blocks:
    return blocks_of(STORIES[0])


def moves_in(database: Database) -> list[Move]:
    with database.transaction(writes=False) as connection:
        rows = connection.execute(select(rows_of(MassMove)).order_by("id")).all()
    return [move_of(row) for row in rows]


class TestTheBooks:
    def test_give_the_table_that_the_domain_gives(self, database: Database) -> None:
        for story in STORIES:
            books = books_of(database)
            books.drop()
            fold(books, blocks_of(story))
            moves = moves_in(database)
            assert moves
            with database.transaction(writes=False) as connection:
                reader = BalanceReader(connection, RULES)
                first = min(move.day for move in moves)
                # The next day, the last of its stretch of 32, the first of the next, and one long after.
                later = {first + 1, first | 31, (first | 31) + 1, first + 400}
                for day in {move.day for move in moves} | later:
                    assert reader.table(day) == table_of(moves, day, RULES)

    def test_follow_a_lot_whose_stock_is_no_longer_in_memory(self, database: Database) -> None:
        blocks = blocks_of_longest()
        fold(books_of(database), blocks)
        in_one_go = dump(database)
        books_of(database).drop()
        for batch in blocks.batches(1):
            books_of(database).extend(batch)  # as a server that is started again for each block
        assert {name: rows for name, rows in dump(database).items() if name.startswith("mass")} == {
            name: rows for name, rows in in_one_go.items() if name.startswith("mass")
        }

    def test_take_back_what_a_block_moved(self, database: Database) -> None:
        blocks = blocks_of_longest()
        batches = list(blocks.batches(1))
        books = books_of(database)
        found = []
        for batch in batches:
            books.extend(batch)
            found.append(dump(database))
        newest = batches[-1].headers[-1].number
        for back in range(1, FINALITY_DEPTH + 1):
            books.roll_back(newest - back)
            for name in ("mass_move", "mass_day", "mass_stretch", "opened_site"):
                assert dump(database)[name] == found[-1 - back][name]


class TestAFilter:
    def test_leaves_out_nothing_of_what_was_asked(self, database: Database) -> None:
        fold(books_of(database), blocks_of_longest())
        moves = moves_in(database)
        with database.transaction(writes=False) as connection:
            reader = BalanceReader(connection, RULES)
            days = reader.days()
            assert days is not None
            assert (days.first, days.last) == (min(m.day for m in moves), max(m.day for m in moves))
            for row in reader.table(days.last):
                place = row.key.place
                asked = Asked(place.organisation, place.site, row.key.stream)
                assert reader.table(days.last, asked) == [row]
                shown = reader.moves(days.last, asked)
                assert len(shown) == reader.count_moves(days.last, asked)
                lifted = reader.moves(days.last, asked, flow=Flow.LIFTED)
                assert sum(move.grams for move in lifted) == row.sum_of(Flow.LIFTED)

    def test_finds_nothing_in_empty_books(self, database: Database) -> None:
        with database.transaction(writes=False) as connection:
            assert BalanceReader(connection, RULES).days() is None
