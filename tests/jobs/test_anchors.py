"""What was said in complaints is anchored by itself, once, and nothing else is ever sealed with that key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_city import BINS, CREW, NETWORK, SITE, SmallCity, open_city

from backend.domain.case_code import code_digest
from backend.domain.complaint_statements import ANCHOR_SCHEMA, Act
from backend.domain.errors import WrongKey
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import Role
from backend.domain.writer import JournalWriter, SigningKey
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.jobs.anchors import AnchorJob
from backend.store.complaints import ComplaintStore
from backend.store.intake import IntakeStore
from backend.usecases.anchor_statements import Notary
from backend.usecases.complaints import Report, file_complaint, step_complaint

RULES = load_complaint_rules()
CITY, SERIAL = 1, 40


@dataclass
class Desk:
    """A city with complaints, and the device that anchors them."""

    city: SmallCity
    device: JournalWriter
    is_level: bool = True

    def job(self, key: SigningKey | None = None) -> AnchorJob:
        notary = Notary(self.device.device, key or self.device.key, NETWORK)
        return AnchorJob(self.city.database, notary, self.city.clock, lambda: self.is_level)

    def complain(self, token: bytes, text: str = "满了，电话 13800138000") -> int:
        report = Report(bin=BINS[0], site=SITE, kind=3, text=text)
        with self.city.database.transaction() as connection:
            store = ComplaintStore(connection)
            code = file_complaint(store, report, RULES, token=token, now=self.city.clock())
            case = store.find_case(code_digest(code))
        assert case is not None
        return case

    def assign(self, case: int) -> None:
        with self.city.database.transaction() as connection:
            step_complaint(
                ComplaintStore(connection), case, RULES, act=Act.ASSIGN, by=CITY, to=CREW, now=self.city.clock()
            )

    def anchors(self, case: int) -> list[EntryId | None]:
        with self.city.database.transaction(writes=False) as connection:
            return [each.anchor for each in ComplaintStore(connection).statements_of(case)]

    def sealed(self) -> list[dict[str, int]]:
        """Every entry of the device's journal, as it was kept."""
        with self.city.database.transaction(writes=False) as connection:
            kept = IntakeStore(connection).find_covering(self.device.device, 1, 1 << 39)
        words = [entry for accepted in kept for entry in split_entries(accepted.segment.words)]
        return [dict(read_entry(entry).fields) | {"kind": entry[0]} for entry in words]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    city = open_city(tmp_path)
    device = city.device(CREW, SERIAL, Role.OFFICE)
    yield Desk(city, device)
    city.database.close()


@pytest.fixture
def enrolled(desk: Desk) -> Desk:
    desk.city.record(desk.city.registrars[CREW])
    return desk


class TestTheJob:
    def test_anchors_every_statement_once_the_complainants_too(self, enrolled: Desk) -> None:
        cases = [enrolled.complain(b"a"), enrolled.complain(b"b")]
        enrolled.assign(cases[0])
        assert enrolled.job().run_once() == 3
        assert enrolled.job().run_once() == 0
        sealed = {seq: entry for seq, entry in enumerate(enrolled.sealed(), 1)}
        assert sorted(sealed) == [1, 2, 3]
        for case in cases:
            with enrolled.city.database.transaction(writes=False) as connection:
                said = ComplaintStore(connection).statements_of(case)
            for each in said:
                assert each.anchor is not None
                assert each.anchor.device == enrolled.device.device
                entry = sealed.pop(each.anchor.seq)
                assert (entry["schema"], entry["subject"]) == (ANCHOR_SCHEMA, case)
                assert entry["digest"] == int.from_bytes(each.digest, "big")
        assert not sealed

    def test_goes_on_where_its_journal_ends(self, enrolled: Desk) -> None:
        case = enrolled.complain(b"a")
        enrolled.job().run_once()
        enrolled.assign(case)
        assert enrolled.job().run_once() == 1
        assert enrolled.anchors(case)[1] == EntryId(enrolled.device.device, 2)

    def test_seals_nothing_but_anchors_and_nothing_of_anybodys_words(self, enrolled: Desk) -> None:
        for token in (b"a", b"b", b"c"):
            enrolled.assign(enrolled.complain(token))
        assert enrolled.job().run_once() == 6
        assert {entry["kind"] for entry in enrolled.sealed()} == {Kind.ANCHOR}
        with enrolled.city.database.transaction(writes=False) as connection:
            kept = IntakeStore(connection).find_covering(enrolled.device.device, 1, 1 << 39)
        words = b"".join(accepted.segment.words for accepted in kept)
        assert b"13800138000" not in words
        assert "满了".encode() not in words

    def test_waits_until_its_device_is_enrolled(self, desk: Desk) -> None:
        case = desk.complain(b"a")
        assert desk.job().run_once() == 0
        assert desk.anchors(case) == [None]
        desk.city.record(desk.city.registrars[CREW])
        assert desk.job().run_once() == 1

    def test_waits_while_the_books_are_behind_the_chain(self, enrolled: Desk) -> None:
        case = enrolled.complain(b"a")
        enrolled.is_level = False
        assert enrolled.job().run_once() == 0
        assert enrolled.anchors(case) == [None]
        enrolled.is_level = True
        assert enrolled.job().run_once() == 1

    def test_keeps_nothing_under_a_key_that_was_not_enrolled(self, enrolled: Desk) -> None:
        case = enrolled.complain(b"a")
        with pytest.raises(WrongKey):
            enrolled.job(SigningKey.from_secret(99)).run_once()
        assert enrolled.anchors(case) == [None]
        assert enrolled.sealed() == []
