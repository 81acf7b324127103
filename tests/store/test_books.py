"""The books say what the chain says, however it came: in one batch or many, straight or by way of a reorg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from custody_stories import (
    NETWORK,
    NOON,
    BlockWriter,
    Story,
    blocks_of,
    created,
    recorded,
    replay,
    stories,
    story_named,
)
from sqlalchemy import func, select
from state_dump import dump_state
from store_support import books_of, dump, fold

from backend.domain import custody_state
from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, State
from backend.domain.journal import first_head
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.steps import is_ready
from backend.domain.types import Outcome, device_id, device_text, lot_id, lot_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.books import BooksMoved
from backend.store.bulk import learn_sizes
from backend.store.intake import IntakeStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.store.tables import Block, KnownDevice, LedgerSegment, Slot, table_of
from backend.usecases.ledger_events import Extend, Header

SOME = ("street to park backwards", "random 14", "random 18")


def some_stories() -> Sequence[Story]:
    return [story_named(name) for name in SOME]


def ids(story: Story) -> str:
    return story.name


class TestExtend:
    @pytest.mark.parametrize("story", stories(), ids=ids)
    def test_agrees_with_the_ledger_on_every_story(self, database: Database, story: Story) -> None:
        fold(books_of(database), blocks_of(story), size=7)
        with database.transaction(writes=False) as connection:
            lots = Reader(connection).lot_lines(after="", limit=1000)
            found = {r.lot: (r.holder, r.grams, r.lifts, r.stream, r.status, r.pendings) for r in lots}
        assert found == {lot: tuple(values[:6]) for lot, values in story.final["lots"].items()}

    @pytest.mark.parametrize("story", some_stories(), ids=ids)
    @pytest.mark.parametrize("size", [3, 1000])
    def test_in_batches_of_any_size_gives_the_same_books(self, empty: Database, story: Story, size: int) -> None:
        empty.migrate()
        books, blocks = books_of(empty), blocks_of(story)
        fold(books, blocks, size=1)
        expected = dump(empty)
        books.drop()
        assert not any(dump(empty).values())
        fold(books, blocks, size=size)
        assert dump(empty) == expected

    @pytest.mark.parametrize("story", some_stories(), ids=ids)
    def test_goes_on_after_a_restart_at_any_block(self, database: Database, story: Story) -> None:
        blocks = blocks_of(story)
        for batch in blocks.batches(1):
            books = books_of(database)  # a new process remembers nothing
            known = [header.number for header in books.known_headers()]
            assert known == list(range(1, batch.headers[0].number))
            assert books.extend(batch).disagreements == []
        expected = dump(database)
        books_of(database).drop()
        fold(books_of(database), blocks, size=1000)
        assert dump(database) == expected

    def test_stays_as_it_was_when_a_batch_fails(self, database: Database) -> None:
        books, blocks = books_of(database), blocks_of(story_named("random 14"))
        batches = list(blocks.batches(4))
        books.extend(batches[0])
        before = dump(database)
        torn = replace(batches[1], headers=(*batches[1].headers[:-1], replace(batches[1].headers[-1], hash=None)))  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            books.extend(torn)
        assert dump(database) == before
        for batch in batches[1:]:
            assert books.extend(batch).disagreements == []

    def test_takes_no_blocks_that_do_not_follow(self, database: Database) -> None:
        books, blocks = books_of(database), blocks_of(story_named("random 14"))
        batches = list(blocks.batches(2))
        books.extend(batches[0])
        before = dump(database)
        with pytest.raises(BooksMoved):
            books.extend(batches[2])
        with pytest.raises(BooksMoved):
            books.extend(batches[0])
        assert dump(database) == before

    def test_goes_on_where_another_writer_stopped(self, database: Database) -> None:
        blocks = blocks_of(story_named("random 14"))
        one, other = books_of(database), books_of(database)
        for number, batch in enumerate(blocks.batches(3)):
            assert (one, other)[number % 2].extend(batch).disagreements == []
        found = dump(database)
        one.drop()
        fold(one, blocks, size=1000)
        assert dump(database) == found

    def test_writes_down_where_our_fold_and_the_ledger_differ(self, database: Database) -> None:
        blocks = blocks_of(story_named("street to park in order"))
        books = books_of(database)
        header, events = blocks.blocks[-1]
        lie = replace(events[-1], outcomes=bytes(len(events[-1].outcomes) - 1) + bytes([Outcome.LATE]))  # type: ignore[union-attr, call-arg]
        fold(books, replace(blocks, blocks=blocks.blocks[:-1]), size=100)
        lines = books.extend(Extend((header,), (*events[:-1], lie), 0))
        assert len(lines.disagreements) == 1
        with database.transaction(writes=False) as connection:
            assert Reader(connection).following().disagreements == 1
        books.roll_back(header.number - 1)
        with database.transaction(writes=False) as connection:
            assert Reader(connection).following().disagreements == 0


class TestRollBack:
    @pytest.mark.parametrize("story", some_stories(), ids=ids)
    def test_to_any_block_and_folding_again_gives_the_same_books(self, database: Database, story: Story) -> None:
        books, blocks = books_of(database), blocks_of(story)
        fold(books, blocks, size=1)
        expected = dump(database)
        for ancestor in range(blocks.head - 1, -2, -7):
            books.roll_back(ancestor)
            known = books.known_headers()
            after = known[-1].number if known else -1
            assert after <= ancestor
            fold(books, blocks, size=4, after=after)
            assert dump(database) == expected

    @pytest.mark.parametrize("story", some_stories(), ids=ids)
    def test_leaves_what_a_shorter_chain_would_have_given(self, database: Database, story: Story) -> None:
        blocks = blocks_of(story)
        for ancestor in (blocks.head - 1, blocks.head - 2):
            shorter = replace(blocks, blocks=tuple(b for b in blocks.blocks if b[0].number <= ancestor))
            books = books_of(database)
            fold(books, blocks, size=1)
            books.roll_back(ancestor)
            found = dump(database)
            books.drop()
            fold(books, shorter, size=1)
            expected = dump(database)
            # Old values of slots that a longer chain had made final are gone for good.
            for table in expected:
                if table != "slot":
                    assert found[table] == expected[table], table
            books.drop()

    @pytest.mark.parametrize("depth", [1, 2, 3, 10, 60])
    def test_follows_another_branch_of_any_depth(self, database: Database, depth: int) -> None:
        """Deeper than finality as well: a devnet calls final what an operator may still replace."""
        writer, registrar, truck = BlockWriter(), *_people()
        story = [created(_root(registrar))]
        registrar.write(Kind.ENROL, device=truck.device, role=1, scheme=1, **_key(truck))
        state = _state(registrar)
        writer.block(NOON, story)
        writer.block(NOON + 1, [_answer(state, registrar)])
        lot = lot_id(truck.device, 1)
        truck.write(Kind.LOAD, lot=lot, stream=4)
        for number in range(70):
            truck.write(Kind.LIFT, bin=number, stream=4, grams=1)
            writer.block(NOON + 2 + number, [_answer(state, truck)])
        old = writer.done()
        books = books_of(database)
        fold(books, old, size=9)
        ancestor = old.head - depth
        kept = tuple(b for b in old.blocks if b[0].number <= ancestor)
        new = BlockWriter(b"another branch", first=ancestor + 1, parent=kept[-1][0].hash)
        for number in range(depth + 2):
            new.block(NOON + 500 + number)
        branch = replace(old, blocks=(*kept, *new.done().blocks))
        books.roll_back(ancestor)
        known = books.known_headers()
        fold(books, branch, size=9, after=known[-1].number if known else -1)
        found = dump(database)
        assert found["lot"][0][0] == lot_text(lot)
        books.drop()
        fold(books, branch, size=1000)
        expected = dump(database)
        for table in expected:
            assert found[table] == expected[table] or table == "slot", table
        with database.transaction(writes=False) as connection:
            state_now = books.reading_state()
            state_now.attach(connection)
            assert state_now.lots[lot].lifts == 70 - depth
            assert state_now.devices[truck.device].next_seq == 72 - depth

    def test_queues_what_was_handed_in_again(self, database: Database) -> None:
        from backend.store.outbox import Outbox

        story = story_named("street to park in order")
        books, blocks = books_of(database), blocks_of(story)
        fold(books, blocks, size=1)
        outbox = Outbox(database)
        assert outbox.queued(100) == []
        books.roll_back(blocks.head - 1)
        assert [(q.segment.device, q.segment.first_seq) for q in outbox.queued(100)] == [
            (int(story.steps[-1]["record"]["device"], 16), story.steps[-1]["record"]["first_seq"])
        ]
        fold(books, blocks, after=blocks.head - 1)
        assert outbox.queued(100) == []


def _people() -> tuple[JournalWriter, JournalWriter]:
    registrar = JournalWriter(NETWORK, device_id(2, 1), SigningKey.from_secret(1))
    return registrar, JournalWriter(NETWORK, device_id(2, 7), SigningKey.from_secret(7))


def _key(writer: JournalWriter) -> dict[str, int]:
    return dict(zip("xy", writer.public, strict=True))


def _root(registrar: JournalWriter) -> dict[str, object]:
    return {
        "organisation": "000002",
        "device": device_text(registrar.device),
        "key_hash": f"{key_hash(*registrar.public):040x}",
    }


def _state(registrar: JournalWriter) -> State:
    state = State(NETWORK)
    state.roots[2] = custody_state.Root(registrar.device, key_hash(*registrar.public), 1)
    state.named_roots[registrar.device] = True
    return state


def _answer(state: State, writer: JournalWriter) -> object:
    segment = writer.cut()
    answer = record_segment(state, segment, block_time=NOON)
    assert isinstance(answer, Recorded)
    return recorded(segment, answer.head, answer.outcomes)


class TestSlots:
    def test_are_pruned_down_to_what_a_rollback_may_need(self, database: Database) -> None:
        books, blocks = books_of(database), blocks_of(story_named("random 14"))
        fold(books, blocks, size=1)
        books.extend(_empty_block(blocks.blocks[-1][0], final=blocks.head))
        slot = table_of(Slot)
        with database.transaction(writes=False) as connection:
            doubled = connection.execute(
                select(slot.c.name, slot.c.key).group_by(slot.c.name, slot.c.key).having(func.count() > 1)
            ).all()
            gone = connection.execute(select(slot.c.key).where(slot.c.value.is_(None))).all()
        assert doubled == []
        assert gone == []

    @pytest.mark.parametrize("story", stories()[:12], ids=ids)
    def test_hold_the_state_of_the_rules(self, database: Database, story: Story) -> None:
        books = books_of(database)
        fold(books, blocks_of(story), size=3)
        with database.transaction(writes=False) as connection:
            state = books.reading_state()
            state.attach(connection)
            assert dump_state(state) == story.final

    def test_hold_numbers_of_their_full_width(self, database: Database) -> None:
        """Ids and totals go up to 64 bits and more; no database may see them as signed integers."""
        books = books_of(database)
        device, lot = (1 << 64) - 1, (1 << 96) - 1
        with database.transaction() as connection:
            books.state.attach(connection)
            state = books.state
            state.lots[lot] = custody_state.Lot(
                device, (1 << 48) - 1, (1 << 32) - 1, 4, 2, 0xFFFF, (1 << 40) - 1, True, 30
            )
            state.gives[lot] = custody_state.Give(device, (1 << 40) - 1, (1 << 48) - 1, b"\xff" * 13)
            state.totals[4] = custody_state.Totals(*[(1 << 64) - 1] * 4)
            state.devices[device] = custody_state.Device(
                (1 << 160) - 1, 1 << 40, (1 << 32) - 1, 5, 255, 255, b"\xff" * 32
            )
            step = custody_state.Step(
                4, (1 << 40) - 1, device, b"\xff" * 13, (1 << 40) - 1, device, (1 << 48) - 1, 4, (1 << 32) - 1,
                16, (1 << 48) - 1, True, 4, device, (1 << 40) - 1, device, (1 << 40) - 1,
            )  # fmt: skip
            state.queues[lot, device] = (step, step)
            key = (device, (1 << 40) - 1, (1 << 24) - 1, lot)
            state.expected[key] = custody_state.Expected(device)
            state.mandates[device, (1 << 40) - 1] = custody_state.Mandate(
                device, (1 << 48) - 1, (1 << 40) - 1, 255, 0xFFFF, True, device, device, (1 << 40) - 1
            )
            state.releases[device, (1 << 40) - 1, (1 << 136) - 1, (1 << 24) - 1] = True
            state.pins[device] = custody_state.Pin((1 << 40) - 1, b"\xff" * 27)
            state.gaps[device] = custody_state.Gap((1 << 40) - 1, (1 << 40) - 1, b"\xff" * 32)
            state.origins[device] = custody_state.Origin(device)
            state.moves[device] = custody_state.Moved((1 << 160) - 1)
            expected = [dict(m.items()) for m in state._maps]
            books._project_lots(connection, [lot])
            state.end_block(1)
            state.write(connection)
            state.attach(None)
        fresh = books.reading_state()
        with database.transaction(writes=False) as connection:
            fresh.attach(connection)
            assert [dict(m.items()) for m in fresh._maps] == expected
            view = Reader(connection).find_lot(lot_text(lot))
            assert view is not None
            assert (view.holder, view.grams) == ("ff" * 8, (1 << 48) - 1)


def _empty_block(after: Header, *, final: int) -> Extend:
    return Extend((Header(after.number + 1, bytes(32), after.hash, NOON + 10_000),), (), final)


class TestReadyQueues:
    @pytest.mark.parametrize("story", stories()[1::3], ids=ids)
    def test_are_those_that_a_settle_step_would_change(self, database: Database, story: Story) -> None:
        books, blocks = books_of(database), blocks_of(story)
        state = story.fresh_state()
        found = []
        for (header, events), step in zip(blocks.blocks[2:], story.steps, strict=True):
            if header.number == 3:
                fold(books, replace(blocks, blocks=blocks.blocks[:2]), size=2)
            books.extend(Extend((header,), events, 0))
            replay(state, step)
            if header.number % 3 == 0 or header.number == blocks.head:
                found.append(books.ready_queues())
                assert found[-1] == [key for key in sorted(state.queues) if is_ready(state, *key)]
        assert found[-1] == []


class TestDevicesOfTheChain:
    def test_may_hand_in_here_though_others_relayed_them(self, database: Database) -> None:
        story = story_named("strange facts are recorded with their outcome")
        fold(books_of(database), blocks_of(story), size=100)
        with database.transaction(writes=False) as connection:
            intake = IntakeStore(connection)
            known = {row.device: row.is_revoked for row in connection.execute(select(table_of(KnownDevice)))}
            assert known == {d: bool(v[4] & 1) for d, v in story.final["devices"].items()} | {
                "0000030000000001": False
            }
            for device, told in story.final["devices"].items():
                number = int(device, 16)
                end = intake.find_end(number)
                kept = end or (0, first_head(NETWORK, number))
                assert kept == (told[1] - 1, bytes.fromhex(told[6]))

    def test_count_for_three_days_once_another_took_their_place(self, database: Database) -> None:
        registrar, phone = _people()
        another = JournalWriter(NETWORK, device_id(2, 8), SigningKey.from_secret(8))
        state, writer = _state(registrar), BlockWriter()
        registrar.write(Kind.ENROL, device=phone.device, role=1, scheme=1, **_key(phone))
        enrolled = _answer(state, registrar)
        registrar.write(
            Kind.ROTATE, device=another.device, role=1, scheme=1, replaced=phone.device, **_key(another)
        )
        writer.block(NOON, [created(_root(registrar))], [enrolled])
        writer.block(NOON, [_answer(state, registrar)])
        fold(books_of(database), writer.done(), size=1)
        with database.transaction(writes=False) as connection:
            known = {row.device: row for row in connection.execute(select(table_of(KnownDevice)))}
        assert known[device_text(phone.device)].not_after == NOON + 72 * 3600
        assert known[device_text(phone.device)].enrolled_seq == 1
        assert known[device_text(another.device)].not_after == 0


class TestSizes:
    def test_are_seen_by_postgresql_before_anybody_asks(self, database: Database) -> None:
        segment = table_of(LedgerSegment)
        fold(books_of(database), blocks_of(story_named("random 14")), size=1000)
        with database.transaction() as connection:
            learn_sizes(connection, [segment])
            if not database.is_sqlite:
                seen = "SELECT reltuples FROM pg_class WHERE relname = 'ledger_segment'"
                count = connection.execute(select(func.count()).select_from(segment)).scalar_one()
                assert connection.exec_driver_sql(seen).scalar_one() == count > 0


class TestBlocks:
    def test_are_kept_at_least_256_deep(self, database: Database) -> None:
        books = books_of(database)
        writer = BlockWriter()
        for number in range(600):
            writer.block(NOON + number)
        fold(books, writer.done(), size=50)
        headers = books.known_headers()
        assert len(headers) == 256
        assert headers[-1].number == 600
        with database.transaction(writes=False) as connection:
            kept = connection.execute(select(func.count()).select_from(table_of(Block))).scalar_one()
        assert 256 <= kept < 320
