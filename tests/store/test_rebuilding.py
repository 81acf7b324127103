"""Books rebuilt beside the served ones are the same, take their place at once, and leave nothing behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from custody_stories import blocks_of, story_named
from sqlalchemy import func, inspect, select, update
from store_support import books_of, dump, fold

from backend.domain.types import lot_text
from backend.store.books import BooksMoved
from backend.store.reading import Reader
from backend.store.rebuilding import BooksDiffer, books_digest, shadow_of, swap
from backend.store.session import Database
from backend.store.tables import AcceptedSegment, KnownDevice, LotRow, table_of

BLOCKS = blocks_of(story_named("street to park backwards"))


@pytest.fixture
def served(empty: Database) -> Database:
    empty.migrate()
    fold(books_of(empty), BLOCKS, size=1)
    return empty


def handed_in(database: Database) -> list[int]:
    with database.transaction(writes=False) as connection:
        return [
            connection.execute(select(func.count()).select_from(table_of(kind))).scalar_one()
            for kind in (AcceptedSegment, KnownDevice)
        ]


def digest(database: Database) -> str:
    with database.transaction(writes=False) as connection:
        return books_digest(connection)


class TestSwap:
    def test_puts_the_same_books_in_place(self, served: Database) -> None:
        before, kept, names = dump(served), handed_in(served), inspect(served.engine).get_table_names()
        expected = digest(served)
        with shadow_of(served) as shadow:
            assert not any(dump(shadow).values())
            fold(books_of(shadow), BLOCKS, size=1000)
            assert swap(served, shadow) == expected
        assert dump(served) == before
        assert handed_in(served) == kept
        assert sorted(inspect(served.engine).get_table_names()) == sorted(names)
        assert "rebuilt" not in inspect(served.engine).get_schema_names()
        if served.is_sqlite:
            assert [p.name for p in Path(str(served.url.database)).parent.glob("*rebuilt*")] == []
        assert served.schema_version() == served.newest_version()

    def test_refuses_books_that_differ(self, served: Database) -> None:
        lot = table_of(LotRow)
        with served.transaction() as connection:
            connection.execute(update(lot).values(grams=lot.c.grams + 1))
        before = dump(served)
        with shadow_of(served) as shadow:
            fold(books_of(shadow), BLOCKS, size=7)
            with pytest.raises(BooksDiffer):
                swap(served, shadow)
            assert dump(served) == before
            healed = swap(served, shadow, only_equal=False)
        assert digest(served) == healed
        assert dump(served) != before

    def test_waits_until_both_stand_on_one_block(self, served: Database) -> None:
        shorter = replace(BLOCKS, blocks=BLOCKS.blocks[:-1])
        before = dump(served)
        with shadow_of(served) as shadow:
            fold(books_of(shadow), shorter, size=5)
            assert swap(served, shadow) is None
            assert dump(served) == before
            fold(books_of(shadow), BLOCKS, after=shorter.head)
            assert swap(served, shadow) is not None

    def test_lets_whoever_follows_the_chain_go_on(self, served: Database) -> None:
        """A follower holds values of books that are no more; it must not write from them."""
        shorter = replace(BLOCKS, blocks=BLOCKS.blocks[:-5])
        following, expected = books_of(served), dump(served)
        following.roll_back(BLOCKS.head - 2)
        fold(following, replace(BLOCKS, blocks=BLOCKS.blocks[:-1]), after=BLOCKS.head - 2)
        with shadow_of(served) as shadow:
            fold(books_of(shadow), shorter, size=100)
            swap(served, shadow, only_equal=False)
        (last,) = BLOCKS.batches(1, after=BLOCKS.head - 1)
        with pytest.raises(BooksMoved):
            following.extend(last)
        fold(following, BLOCKS, size=2, after=following.known_headers()[-1].number)
        assert dump(served) == expected

    def test_is_read_from_at_once(self, served: Database) -> None:
        with shadow_of(served) as shadow:
            fold(books_of(shadow), BLOCKS, size=10)
            swap(served, shadow)
        with served.transaction(writes=False) as connection:
            lots = Reader(connection).lot_lines(after="", limit=10)
            assert lots
            assert Reader(connection).find_journey(lots[0].lot) is not None
            assert lot_text(int(lots[0].lot, 16)) == lots[0].lot

    def test_clears_what_a_killed_rebuild_left(self, served: Database) -> None:
        left = shadow_of(served)
        fold(books_of(left.__enter__()), BLOCKS, size=10)
        with shadow_of(served) as shadow:
            assert not any(dump(shadow).values())
        left.__exit__(None, None, None)
