"""What was handed in is kept once, in order, and comes back as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from custody_stories import NETWORK, NOON
from sqlalchemy import func, select

from backend.chain.relayer import StoredTx, TxState
from backend.domain.journal import Segment, evidence_digest, first_head
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.segment_bytes import EvidenceDocument
from backend.domain.types import Refusal, Role, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.directory import DirectoryStore
from backend.store.enrolments import EnrolmentStore
from backend.store.intake import IntakeStore
from backend.store.outbox import Outbox, TransactionStore
from backend.store.session import Database
from backend.store.tables import AcceptedSegment, Evidence, table_of
from backend.usecases.accept_segment import accept_segment
from backend.usecases.ports import KnownDevice

DEVICE = device_id((1 << 24) - 1, (1 << 40) - 1)  # the largest: 64 bits, all set


@pytest.fixture
def writer(database: Database) -> JournalWriter:
    made = JournalWriter(NETWORK, DEVICE, SigningKey.from_secret(5))
    with database.transaction() as connection:
        IntakeStore(connection).know_device(
            KnownDevice(DEVICE, key_hash(*made.public), Role.CREW, 0, False, None, None)
        )
    return made


def hand_in(database: Database, segment: Segment, **more: object) -> object:
    with database.transaction() as connection:
        return accept_segment(
            segment,
            intake=IntakeStore(connection),
            network=NETWORK,
            now=NOON,
            **more,  # type: ignore[arg-type]
        )


def count(database: Database, model: type) -> int:
    with database.transaction(writes=False) as connection:
        return int(connection.execute(select(func.count()).select_from(table_of(model))).scalar_one())


class TestIntakeStore:
    def test_gives_back_what_was_kept(self, database: Database, writer: JournalWriter) -> None:
        segments = []
        for serial in (1, 2, 3):
            writer.write(Kind.LOAD, lot=lot_id(DEVICE, serial), stream=serial)
            writer.write(Kind.LIFT, bin=serial, stream=serial, grams=5)
            segments.append(writer.cut())
            hand_in(database, segments[-1])
        with database.transaction(writes=False) as connection:
            intake = IntakeStore(connection)
            assert intake.find_end(DEVICE) == (6, writer.head)
            assert intake.find_end(1) is None
            covering = intake.find_covering(DEVICE, 2, 3)
            assert [accepted.segment for accepted in covering] == segments[:2]
            assert covering[0].prev_head == first_head(NETWORK, DEVICE)
            assert covering[1].prev_head == covering[0].head
            assert intake.find_covering(DEVICE, 7, 9) == []
            assert [intake.find_lot_stream(DEVICE, before_seq=seq, head=bytes([seq])) for seq in range(1, 8)] == [
                None,
                1,
                1,
                2,
                2,
                3,
                3,
            ]
            known = intake.find_device(DEVICE)
            assert known is not None
            assert (known.device, known.key_hash) == (DEVICE, key_hash(*writer.public))
        assert [queued.segment for queued in Outbox(database).queued(10)] == segments

    def test_keeps_nothing_of_a_transaction_that_fails(self, database: Database, writer: JournalWriter) -> None:
        writer.write(Kind.SHIFT_END)
        segment = writer.cut()

        def fail() -> None:
            with database.transaction() as connection:
                accept_segment(segment, intake=IntakeStore(connection), network=NETWORK, now=NOON)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert count(database, AcceptedSegment) == 0

    def test_gives_one_receipt_to_many_at_once(self, database: Database, writer: JournalWriter) -> None:
        """A phone that retries while its first upload is still being answered."""
        writer.write(Kind.SHIFT_END)
        segment = writer.cut()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: hand_in(database, segment), range(16)))
        assert len({answer.receipt for answer in answers}) == 1  # type: ignore[attr-defined]
        assert sum(answer.is_new for answer in answers) == 1  # type: ignore[attr-defined]
        assert count(database, AcceptedSegment) == 1

    def test_erases_evidence_with_its_row(self, database: Database, writer: JournalWriter) -> None:
        salt, document = bytes(range(16)), '{"grade":1}'
        writer.write(Kind.LIFT, bin=1, stream=4, evidence=evidence_digest(salt, document.encode()))
        hand_in(database, writer.cut(), evidence=[EvidenceDocument(1, salt, document)])
        with database.transaction() as connection:
            row = connection.execute(select(table_of(Evidence))).one()
            assert (bytes(row.salt), row.document) == (salt, document)
            connection.execute(table_of(Evidence).delete())
        assert count(database, Evidence) == 0
        assert count(database, AcceptedSegment) == 1


class TestOutbox:
    @pytest.fixture
    def outbox(self, database: Database, writer: JournalWriter) -> Outbox:
        for _ in range(3):
            writer.write(Kind.SHIFT_END)
            hand_in(database, writer.cut())
        return Outbox(database)

    def test_offers_what_is_not_recorded_in_the_order_it_came(self, outbox: Outbox) -> None:
        first, second, third = (queued.segment_id for queued in outbox.queued(10))
        outbox.mark_sent([first])
        assert [queued.segment_id for queued in outbox.queued(10)] == [first, second, third]
        outbox.mark_recorded([first])
        assert [queued.segment_id for queued in outbox.queued(1)] == [second]
        outbox.mark_refused([(second, int(Refusal.BAD_SEAL))])
        assert [queued.segment_id for queued in outbox.queued(10)] == [third]
        outbox.mark_queued([second])
        assert [queued.segment_id for queued in outbox.queued(10)] == [second, third]
        outbox.mark_sent([])

    def test_leaves_out_what_is_under_way_and_what_there_is_no_room_for(self, outbox: Outbox) -> None:
        first, second, third = (queued.segment_id for queued in outbox.queued(10))
        assert [queued.segment_id for queued in outbox.queued(10, under_way={second})] == [first, third]
        assert [queued.segment_id for queued in outbox.queued(1, under_way={first})] == [second]
        (size,) = {len(queued.segment.words) for queued in outbox.queued(10)}
        assert [queued.segment_id for queued in outbox.queued(10, bytes_max=size + 1)] == [first, second]
        assert outbox.queued(10, bytes_max=0) == []

    def test_marks_a_thousand_at_once(self, outbox: Outbox) -> None:
        outbox.mark_recorded(range(-2000, 2000))
        assert outbox.queued(10) == []


class TestTransactionStore:
    def test_keeps_bytes_before_they_are_sent(self, database: Database) -> None:
        store, other = TransactionStore(database, "0xAbC"), TransactionStore(database, "0xdef")
        assert store.highest_nonce() is None
        txs = [
            StoredTx(nonce, bytes([nonce]), bytes([nonce]) * 32, (nonce, 1 << 40), settles=None)
            for nonce in (3, 4)
        ]
        replacement = StoredTx(4, b"more", b"\xee" * 32, (4,), settles=((1 << 96) - 1, (1 << 64) - 1))
        store.save(*txs)
        store.save(replacement)
        assert list(store.open_txs()) == [*txs, replacement]
        assert store.highest_nonce() == 4
        assert list(other.open_txs()) == []
        store.mark(
            replace(txs[0], state=TxState.FINAL, block_hash=bytes(32)),
            replace(txs[1], state=TxState.INCLUDED, block_hash=bytes(32)),
        )
        assert [tx.state for tx in store.open_txs()] == [TxState.INCLUDED, TxState.SENT]
        assert [tx.nonce for tx in TransactionStore(database, "0xABC").txs_from(3)] == [3, 4, 4]


class TestDirectoryStore:
    def test_adds_points_and_bins_once(self, database: Database) -> None:
        row = {"code": "P1", "name_zh": "东路 1 号", "streams": "food"}
        site = {
            "site": "0000020000000001", "organisation": "000002", "kind": 1, "name_zh": "松洲", "name_en": "S",
            "parent": None, "lat": 23.1, "lng": 113.2, "facts": "[]",
        }  # fmt: skip
        with database.transaction() as connection:
            directory = DirectoryStore(connection)
            directory.put_sites([site])
            directory.put_sites([{**site, "name_zh": "松洲街道"}])
            assert directory.add_points("demo", [row, {**row, "code": "P2"}]) == 2
            assert directory.add_points("demo", [row]) == 0
            assert directory.put_points("demo", [{**row, "name_zh": "西路"}]) == (0, 1)
            point = directory.points("demo")["P1"]
            bins = [
                {"number": f"{n:010x}", "serial": "00" * 16, "serial_digest": f"{n:064x}", "stream": 3,
                 "site": site["site"], "point_id": point, "placed_from": 1 << 39}
                for n in range(1200)
            ]  # fmt: skip
            directory.add_bins(bins)
        with database.transaction(writes=False) as connection:
            found = DirectoryStore(connection).bins(site["site"])
            assert len(found) == 1200
            assert found[0].name_zh == "西路"
            assert len(IntakeStore(connection).find_streams(range(5000))) == 1200


class TestEnrolmentStore:
    def test_becomes_a_device_by_a_registrars_enrolment_only(self, database: Database) -> None:
        x, y = SigningKey.from_secret(9).public
        known = KnownDevice(device_id(2, 9), key_hash(x, y), 1, 0, False, None, None)
        with database.transaction() as connection:
            store, intake = EnrolmentStore(connection), IntakeStore(connection)
            store.open(code="c", organisation="000002", role=1, expires_at=NOON)
            assert store.find("d") is None
            store.offer_key("c", x, y)
            intake.know_device(replace(known, device=device_id(3, 9), registrar=1, enrolled_seq=1))
            intake.know_device(known)
            record = store.find("c")
            assert record is not None
            assert (record.key, record.device) == ((x, y), None)
            intake.know_device(replace(known, registrar=device_id(2, 1), enrolled_seq=1))
            record = store.find("c")
            assert record is not None
            assert record.device == "0000020000000009"

    def test_shows_one_device_where_a_key_was_enrolled_twice(self, database: Database) -> None:
        x, y = SigningKey.from_secret(9).public
        with database.transaction() as connection:
            store, intake = EnrolmentStore(connection), IntakeStore(connection)
            store.open(code="c", organisation="000002", role=1, expires_at=NOON)
            store.offer_key("c", x, y)
            for serial in (9, 10):
                intake.know_device(
                    KnownDevice(device_id(2, serial), key_hash(x, y), 1, 0, False, device_id(2, 1), serial)
                )
            record = store.find("c")
            assert record is not None
            assert record.device == "000002000000000a"


class TestReading:
    def test_sees_one_moment_throughout(self, database: Database, writer: JournalWriter) -> None:
        """Totals and lots are read by two statements; a fold between them must not show."""
        writer.write(Kind.SHIFT_END)
        segment = writer.cut()
        with database.transaction(writes=False) as connection:
            before = IntakeStore(connection).find_end(DEVICE)
            hand_in(database, segment)
            assert IntakeStore(connection).find_end(DEVICE) == before is None
        with database.transaction(writes=False) as connection:
            assert IntakeStore(connection).find_end(DEVICE) is not None
