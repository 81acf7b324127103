"""Pages of random inspections and of alerts, over books of their own: every stage, every fault, both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path

import pytest
from console_client import client_of
from custody_stories import FINALITY_DEPTH, NOON
from fastapi.testclient import TestClient
from small_city import BINS, CREW, SITE, SmallCity, open_city

from backend.console.deps import ConsoleDeps
from backend.console.language import TEXTS
from backend.domain.alerts import Alert, AlertKind
from backend.domain.inspection import FaultKind, Standing
from backend.domain.inspection_statements import (
    ANCHOR_SCHEMA,
    Candidates,
    Commit,
    Opening,
    Remark,
    Result,
    Reveal,
    Statement,
    commitment_of,
    digest_of,
    inspection_text,
    list_root,
    statement_document,
    statement_subject,
)
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import Role, device_text, organisation_text
from backend.store.alerts import AlertStore
from backend.store.inspections import InspectionStore
from backend.store.reading import Reader
from backend.usecases.inspections import Published, publish

AUDITOR = 3
LANGUAGES = ("zh", "en")
SECRETS = {CREW: b"\1" * 32, AUDITOR: b"\2" * 32}


def hash_of(number: int) -> bytes:
    return keccak256(number.to_bytes(8, "big"))


@dataclass
class Draw:
    """One inspection in a small city, a block an anchor."""

    city: SmallCity

    def __post_init__(self) -> None:
        city = self.city
        city.place_bins()
        self.devices = {number: city.device(number, 50, Role.OFFICE) for number in (CREW, AUDITOR)}
        city.record(*(city.registrars[number] for number in self.devices))
        head = self.head
        self.opening = Opening(
            by=organisation_text(CREW),
            at=NOON,
            auditor=organisation_text(AUDITOR),
            candidates="bins",
            site=device_text(SITE),
            day="",
            list_block=head,
            list_count=len(BINS),
            list_root=list_root(tuple(BINS)).hex(),
            sample=3,
            commit_by=head + FINALITY_DEPTH + 4,
            seed_block=head + FINALITY_DEPTH + 5,
            reveal_by=head + 2 * FINALITY_DEPTH + 9,
            default_block=head + 2 * FINALITY_DEPTH + 10,
        )
        self.digest = digest_of(statement_document(self.opening))
        self.code = self.say(CREW, self.opening)

    @property
    def head(self) -> int:
        with self.city.database.transaction(writes=False) as connection:
            return Reader(connection).head_number()

    def say(self, organisation: int, statement: Statement) -> str:
        document = statement_document(statement)
        digest = digest_of(document)
        device = self.devices[organisation]
        subject = statement_subject(statement, digest)
        seq = device.write(
            Kind.ANCHOR,
            schema=ANCHOR_SCHEMA,
            subject=subject,
            digest=int.from_bytes(digest, "big"),
            occurred_at=NOON,
        )
        self.city.record(device)
        items = tuple(BINS) if isinstance(statement, Opening) else None
        with self.city.database.transaction() as connection:
            kept = Published(document, EntryId(device.device, seq))
            assert publish(InspectionStore(connection), kept, items, now=NOON)
        return inspection_text(subject)

    def until_final(self, block: int) -> None:
        while self.head < block + FINALITY_DEPTH:
            self.city.block()

    def commit(self, organisation: int) -> None:
        by = organisation_text(organisation)
        bound = commitment_of(self.digest, by, SECRETS[organisation]).hex()
        self.say(organisation, Commit(by=by, at=NOON, opening=self.digest.hex(), commitment=bound))

    def reveal(self, organisation: int, secret: bytes = b"") -> None:
        shown = (secret or SECRETS[organisation]).hex()
        by = organisation_text(organisation)
        self.say(organisation, Reveal(by=by, at=NOON, opening=self.digest.hex(), secret=shown))

    def result(self, organisation: int, item: str, remark: Remark) -> None:
        said = Result(
            by=organisation_text(organisation),
            at=NOON,
            opening=self.digest.hex(),
            item=item,
            is_found=remark is not Remark.NOT_FOUND,
            grams=41_500,
            photo="ab" * 32,
            remark=str(remark),
        )
        self.say(organisation, said)


@pytest.fixture
def made(tmp_path: Path) -> Draw:
    return Draw(open_city(tmp_path))


@pytest.fixture
def client(made: Draw, deps: ConsoleDeps) -> TestClient:
    @contextmanager
    def read() -> Iterator[Reader]:
        with made.city.database.transaction(writes=False) as connection:
            yield Reader(connection)

    return client_of(replace(deps, read=read, block_hash=hash_of))


@pytest.fixture
def page(made: Draw, client: TestClient) -> Callable[[str], str]:
    def show(language: str) -> str:
        answer = client.get(f"/inspections/{made.code}?lang={language}")
        assert answer.status_code == 200
        listed = client.get(f"/inspections?lang={language}").text
        assert made.code in listed
        return unescape(answer.text)

    return show


@pytest.mark.parametrize("language", LANGUAGES)
class TestAnInspectionsPage:
    def test_waits_for_its_block_and_for_each_party(
        self, made: Draw, client: TestClient, page: Callable[[str], str], language: str
    ) -> None:
        text = TEXTS[language]
        assert client.get(f"/inspections/{made.code}").status_code == 404
        made.until_final(made.opening.list_block + 1)
        assert text["inspection.standing.about.committing"] in page(language)
        for party in (CREW, AUDITOR):
            made.commit(party)
        made.until_final(made.opening.seed_block)
        assert text["inspection.standing.about.revealing"] in page(language)

    def test_shows_what_was_drawn_and_found(self, made: Draw, page: Callable[[str], str], language: str) -> None:
        text = TEXTS[language]
        for party in (CREW, AUDITOR):
            made.commit(party)
        made.until_final(made.opening.seed_block)
        for party in (CREW, AUDITOR):
            made.reveal(party)
        made.until_final(made.head)
        with made.city.database.transaction(writes=False) as connection:
            found = InspectionStore(connection).find_inspection(made.code, block_hash=hash_of)
        assert found is not None
        assert found.sample is not None
        first, second, third = (Candidates.BINS.text(item) for item in found.sample.items)
        made.result(CREW, first, Remark.AS_RECORDED)
        made.result(AUDITOR, first, Remark.NOT_FOUND)
        made.until_final(made.head)
        shown = page(language)
        for href in (f"/bins/{first}", f"/bins/{second}", f"/bins/{third}"):
            assert href in shown
        assert text["inspection.remark.as-recorded"] in shown
        assert text["inspection.remark.not-found"] in shown
        assert shown.count(text["inspection.outstanding"]) == 2
        assert f"inspection show {made.code}" in shown
        # Nobody of this city is called a regulator.
        assert text["inspection.fault.not-a-regulator"] in shown

    def test_names_who_was_silent(self, made: Draw, page: Callable[[str], str], language: str) -> None:
        for party in (CREW, AUDITOR):
            made.commit(party)
        made.until_final(made.opening.seed_block)
        made.reveal(CREW)
        made.reveal(AUDITOR, secret=b"\7" * 32)
        made.until_final(made.opening.default_block)
        shown = page(language)
        assert TEXTS[language]["inspection.fault.reveal-mismatch"] in shown
        who = {"zh": f"机构 {organisation_text(AUDITOR)}", "en": f"organisation {organisation_text(AUDITOR)}"}
        assert TEXTS[language]["inspection.default"].format(who=who[language]) in shown
        assert shown.count('class="late-mark"') == 1

    def test_says_that_it_is_void(self, made: Draw, page: Callable[[str], str], language: str) -> None:
        made.commit(CREW)
        made.until_final(made.opening.commit_by + 1)
        shown = page(language)
        assert TEXTS[language]["inspection.standing.about.void"] in shown
        assert TEXTS[language]["inspection.sample.none"] in shown


class TestTexts:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_name_everything_that_can_be_said(self, language: str) -> None:
        keys = [
            *(f"inspection.fault.{kind}" for kind in FaultKind),
            *(f"inspection.standing.{standing}" for standing in Standing),
            *(f"inspection.standing.about.{standing}" for standing in Standing),
            *(f"inspection.remark.{remark}" for remark in Remark),
            *(f"inspection.what.{kind}" for kind in Candidates),
            *(f"inspection.list.about.{kind}" for kind in Candidates),
            *(f"inspection.stage.{stage}" for stage in ("open", "commit", "seed", "reveal", "draw")),
            *(f"alerts.kind.{kind}" for kind in AlertKind),
        ]
        assert [key for key in keys if key not in TEXTS[language]] == []


class TestTheAlertsPage:
    def test_lists_alerts_and_what_became_of_their_messages(self, made: Draw, client: TestClient) -> None:
        finding = Alert(AlertKind.FINDING, NOON, {"finding": "f", "finding_kind": "ghost-bin"}, "/radar#f-f")
        about = {"case": "00" * 12, "bin": "0000001000", "stage": "3", "owner": organisation_text(CREW)}
        late = Alert(AlertKind.COMPLAINT_OVERDUE, NOON, about, "/complaints")
        with made.city.database.transaction() as connection:
            store = AlertStore(connection)
            store.add(finding, [("m1", "desk", "mail", NOON), ("m2", "desk", "webhook", NOON)], now=NOON)
            store.add(late, [("m3", "desk", "mail", NOON)], now=NOON)
            store.note_sent("m1", now=NOON)
            store.note_sent("m3", now=NOON)
        for language in LANGUAGES:
            text = TEXTS[language]
            shown = client.get(f"/alerts?lang={language}").text
            assert text["alerts.waiting"].format(count=1) in shown
            assert text["alerts.sent"].format(count=1) in shown
            assert text["finding.ghost-bin"] in unescape(shown)
            assert "desk" not in shown
            assert about["bin"] not in shown

    def test_says_that_there_are_none(self, client: TestClient) -> None:
        assert TEXTS["zh"]["alerts.none"] in client.get("/alerts?lang=zh").text
