"""Runs hold every lift once, whatever way the books grew or shrank, and answer for any bin."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import delete, select

from backend.domain.journal import pack_entry, split_entries
from backend.domain.layout import Kind
from backend.store.bulk import insert_rows
from backend.store.lift_runs import count_lifts, find_lifts, keys_of, reshape, runs_before, tail_before
from backend.store.session import Database
from backend.store.tables import LedgerSegment, LiftRun, table_of

_SEGMENTS, _RUNS = table_of(LedgerSegment), table_of(LiftRun)
LARGEST_BIN = (1 << 40) - 1
BINS = (1, 2, 3, 77, 1 << 39, LARGEST_BIN - 1, LARGEST_BIN)


def some_words(chance: random.Random, *, entries: int) -> bytes:
    """Lifts of few bins, so that each has many, with other entries among them now and then."""
    words = []
    for _ in range(entries):
        if chance.random() < 0.02:
            words.append(pack_entry(Kind.ANCHOR, digest=1 << 248))  # a word that begins as a lift does
        words.append(pack_entry(Kind.LIFT, bin=chance.choice(BINS), stream=4, grams=1))
    return b"".join(words[:256])


def segments(count: int, *, entries: int = 3, seed: int = 1) -> list[tuple[int, bytes]]:
    chance = random.Random(seed)
    return [(id_, some_words(chance, entries=entries)) for id_ in range(1, count + 1)]


def store(database: Database, some: Sequence[tuple[int, bytes]]) -> None:
    rows = [(id_, f"{id_:016x}", 1, 1, words, b"", b"", b"", b"", b"", 1, "", 0, "", 0, 0) for id_, words in some]
    with database.transaction() as connection:
        insert_rows(connection, _SEGMENTS, rows)


def grow(database: Database, before: int, some: Sequence[tuple[int, bytes]]) -> None:
    store(database, some)
    with database.transaction() as connection:
        reshape(connection, before=before, after=before + len(some), fresh=some)


def shrink(database: Database, before: int, after: int) -> None:
    with database.transaction() as connection:
        reshape(connection, before=before, after=after)
        connection.execute(delete(_SEGMENTS).where(_SEGMENTS.c.id >= after))


def rows(database: Database) -> list[tuple[int, int, int, bytes]]:
    with database.transaction(writes=False) as connection:
        return sorted((r.level, r.number, r.first_bin, bytes(r.packed)) for r in connection.execute(select(_RUNS)))


def truth(some: Sequence[tuple[int, bytes]]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {number: [] for number in (*BINS, 5)}
    for id_, words in some:
        for position, entry in enumerate(split_entries(words)):
            if entry[0] == Kind.LIFT:
                found[int.from_bytes(entry[1:6], "big")].append((id_, position))
    return found


def found_in(database: Database) -> dict[int, list[tuple[int, int]]]:
    with database.transaction(writes=False) as connection:
        return find_lifts(connection, [*BINS, 5])


class TestRuns:
    @pytest.mark.parametrize("end", [1, 2, 16, 17, 255, 256, 4095, 4096, 70_000, 1 << 18])
    def test_cover_each_segment_but_the_last_few_once(self, end: int) -> None:
        at = 0
        for run in runs_before(end):
            assert run.first == at
            at = run.end
        assert at == tail_before(end)
        assert end - at < 16
        assert len(runs_before(end)) <= 3 * 15 + end // 65_536

    @pytest.mark.parametrize("seed", range(4))
    def test_are_the_same_however_the_books_came_to_be(self, database: Database, seed: int) -> None:
        chance, all_segments = random.Random(seed), segments(700, seed=seed)
        end = 1
        for _ in range(25):
            if chance.random() < 0.3:
                less = chance.randrange(1, end + 1)
                shrink(database, end, less)
                end = less
            more = min(chance.choice((1, 3, 15, 40, 300)), 701 - end)
            grow(database, end, all_segments[end - 1 : end - 1 + more])
            end += more
            assert found_in(database) == truth(all_segments[: end - 1])
        grown = rows(database)
        shrink(database, end, 1)
        assert rows(database) == []
        grow(database, 1, all_segments[: end - 1])
        assert rows(database) == grown

    def test_of_segments_without_lifts_have_no_rows(self, database: Database) -> None:
        some = [(id_, pack_entry(Kind.MARK, block=id_)) for id_ in range(1, 40)]
        grow(database, 1, some)
        assert rows(database) == []
        shrink(database, 40, 18)
        assert set(map(len, found_in(database).values())) == {0}

    def test_split_no_bin_between_rows(self, database: Database) -> None:
        some = segments(300, entries=40)
        grow(database, 1, some)
        assert found_in(database) == truth(some)
        kept = [(level, number, first) for level, number, first, _ in rows(database)]
        assert len(kept) == len(set(kept))

    def test_reach_the_largest_of_everything(self) -> None:
        words = pack_entry(Kind.LIFT, bin=LARGEST_BIN, stream=4, grams=1) * 256
        keys = keys_of([(65_535, words)], first=0)
        assert int(keys[-1]) == (1 << 64) - 1
        assert len(set(keys.tolist())) == 256

    def test_vanish_with_their_transaction(self, database: Database) -> None:
        def fail() -> None:
            with database.transaction() as connection:
                reshape(connection, before=1, after=33, fresh=segments(32))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert rows(database) == []


class TestCounting:
    @pytest.mark.parametrize("rows_a_count", [1, 3, 500])
    @pytest.mark.parametrize("count", [0, 5, 40, 300])
    def test_counts_each_bin_once_over_all_pages(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, rows_a_count: int, count: int
    ) -> None:
        monkeypatch.setattr("backend.store.lift_runs._ROWS_A_COUNT", rows_a_count)
        some = segments(count, entries=12)
        grow(database, 1, some)
        expected: Counter[int] = Counter()
        for _, words in some:
            expected.update(int.from_bytes(e[1:6], "big") for e in split_entries(words) if e[0] == Kind.LIFT)
        found: list[tuple[int, int]] = []
        after = -1
        with database.transaction(writes=False) as connection:
            while True:
                page, upto = count_lifts(connection, after=after)
                found += page
                if upto is None:
                    break
                after = upto
        assert found == sorted(expected.items())
