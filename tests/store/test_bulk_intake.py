"""Many segments in one transaction, over both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from custody_stories import NETWORK, NOON
from sqlalchemy import func, select

from backend.domain.journal import evidence_digest
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.segment_bytes import EvidenceDocument, Upload
from backend.domain.types import Role, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.bulk_intake import Intakes
from backend.store.intake import IntakeStore
from backend.store.outbox import Outbox
from backend.store.session import Database
from backend.store.tables import AcceptedSegment, Evidence, table_of
from backend.usecases.accept_segment import Acceptance
from backend.usecases.accept_uploads import FrontDesk
from backend.usecases.ports import KnownDevice

REGISTRAR = device_id(2, 1)


def writer(serial: int) -> JournalWriter:
    return JournalWriter(NETWORK, device_id(2, serial), SigningKey.from_secret(serial))


@pytest.fixture
def trucks(database: Database) -> list[JournalWriter]:
    made = [writer(serial) for serial in (7, 8, 9)]
    with database.transaction() as connection:
        IntakeStore(connection).know_devices(
            KnownDevice(w.device, key_hash(*w.public), role, 0, False, None, None)
            for w, role in [(writer(1), Role.REGISTRAR), *((w, Role.CREW) for w in made)]
        )
    return made


@pytest.fixture
def desk(database: Database) -> FrontDesk:
    return FrontDesk(Intakes(database), NETWORK, lambda: NOON)


def count(database: Database, model: type) -> int:
    with database.transaction(writes=False) as connection:
        return int(connection.execute(select(func.count()).select_from(table_of(model))).scalar_one())


def accepted(answers: list[object]) -> list[bool]:
    assert all(isinstance(answer, Acceptance) for answer in answers), answers
    return [answer.is_new for answer in answers]  # type: ignore[attr-defined]


class TestManySegmentsAtOnce:
    def test_are_kept_in_their_order_with_their_evidence(
        self, database: Database, desk: FrontDesk, trucks: list[JournalWriter]
    ) -> None:
        salt, document = bytes(range(16)), '{"photo":"照片"}'
        uploads = []
        for _ in range(3):
            for truck in trucks:
                truck.write(Kind.LIFT, bin=1, stream=4, evidence=evidence_digest(salt, document.encode()))
                seq = truck.next_seq - 1
                uploads.append(Upload(truck.cut(), (EvidenceDocument(seq, salt, document),)))
        again = uploads[4]
        assert accepted(list(desk.hand_in([*uploads, again]))) == [True] * 9 + [False]
        assert accepted(list(desk.hand_in([again, uploads[0]]))) == [False, False]
        assert [queued.segment for queued in Outbox(database).queued(20)] == [u.segment for u in uploads]
        assert count(database, Evidence) == 9

    def test_see_what_came_before_them_in_the_same_transaction(
        self, database: Database, desk: FrontDesk, trucks: list[JournalWriter]
    ) -> None:
        root, new, truck = writer(1), writer(50), trucks[0]
        x, y = new.public
        root.write(Kind.ENROL, device=new.device, role=1, scheme=1, x=x, y=y)
        root.write(Kind.REVOKE, device=truck.device)
        new.write(Kind.LOAD, lot=lot_id(new.device, 1), stream=3)
        opening = new.cut()
        new.write(Kind.LIFT, bin=1, stream=3)
        truck.write(Kind.SHIFT_END)
        answers = desk.hand_in([Upload(s) for s in (root.cut(), opening, new.cut(), truck.cut())])
        assert accepted(list(answers)) == [True] * 4
        codes = [[w.code for w in a.warnings] for a in answers if isinstance(a, Acceptance)]
        assert codes == [[], [], ["unknown-bin"], ["revoked-device"]]

    def test_of_many_threads_are_each_kept_once(
        self, database: Database, desk: FrontDesk, trucks: list[JournalWriter]
    ) -> None:
        """Phones that retry while their first upload is still being answered, at two servers."""
        other = FrontDesk(Intakes(database), NETWORK, lambda: NOON)
        uploads = []
        for truck in trucks:
            for _ in range(4):
                truck.write(Kind.SHIFT_END)
                uploads.append(Upload(truck.cut()))
        with ThreadPoolExecutor(8) as pool:
            desks = [desk, other] * 6
            answers = list(pool.map(lambda at: desks[at].hand_in(uploads), range(12)))
        receipts = [[a.receipt for a in one if isinstance(a, Acceptance)] for one in answers]
        assert all(one == receipts[0] for one in receipts)
        assert len(receipts[0]) == 12
        assert sum(sum(accepted(list(one))) for one in answers) == 12
        assert count(database, AcceptedSegment) == 12


class TestTheLotThatIsOpen:
    def test_is_found_however_far_back_it_was_opened(
        self, database: Database, desk: FrontDesk, trucks: list[JournalWriter]
    ) -> None:
        truck = trucks[0]
        truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=2)
        for _ in range(40):
            truck.write(Kind.LIFT, bin=1, stream=2)
            desk.hand_in([Upload(truck.cut())])
        with database.transaction(writes=False) as connection:
            intake = IntakeStore(connection)
            assert intake._look_back(truck.device, 42) == 2
            assert intake._look_back(truck.device, 1) is None
            assert intake.find_lot_stream(truck.device, before_seq=42, head=truck.head) == 2
