"""`huanlian complaint` on a data directory: steps, refusals in one line, and records that were tampered with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.cli.failing import one_line_and_exit
from backend.cli.places import open_database
from backend.cli.scan_privacy import known_values
from backend.domain import complaint_errors as errors
from backend.domain.case_code import code_digest
from backend.domain.keccak import keccak256
from backend.domain.privacy.digests import dictionary_of
from backend.domain.privacy.trace import KnownValues, TraceKind
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.store.complaints import ComplaintStore, case_text
from backend.usecases.complaints import Report, UnknownComplaint, UnknownFact, file_complaint

STREET = 2 << 40 | 1


@dataclass
class Desk:
    """An operator with a data directory, and a server that does not answer."""

    data_dir: Path
    case: str = ""

    def file(self, text: str = "满了", photo: bytes = b"") -> str:
        with open_database(self.data_dir) as database, database.transaction() as connection:
            store = ComplaintStore(connection)
            report = Report(bin=5, site=STREET, kind=3, text=text, photo=photo)
            code = file_complaint(store, report, load_complaint_rules(), token=b"t", now=int(time.time()))
            case = store.find_case(code_digest(code))
        assert case is not None
        self.case = case_text(case)
        return self.case

    def run(self, *command: str) -> Result:
        return CliRunner().invoke(build_app(), ["complaint", *command, "--data-dir", str(self.data_dir)])

    def step(self, name: str, organisation: int, *options: str) -> Result:
        away = ["--api", "http://127.0.0.1:9", "--patience-seconds", "0"]
        return self.run(name, self.case, "--organisation", str(organisation), *away, *options)

    def record(self) -> dict[str, Any]:
        """What the page offers for download."""
        with open_database(self.data_dir) as database, database.transaction() as connection:
            kept = ComplaintStore(connection).statements_of(int(self.case, 16))
        return {
            "case": self.case,
            "statements": [
                {
                    "document": each.document.decode(),
                    "salt": each.salt.hex(),
                    "digest": each.digest.hex(),
                    "text": each.text,
                    "text_salt": each.text_salt and each.text_salt.hex(),
                    "anchor": None,
                }
                for each in kept
            ],
        }


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "data")


class TestCommand:
    def test_takes_a_complaint_to_its_answer_without_any_key(self, desk: Desk, tmp_path: Path) -> None:
        case = desk.file()
        assert "1 open, 0 overdue" in desk.run("list").output
        assert "0 open" in desk.run("list", "--organisation", "2").output
        assigned = desk.step("assign", 1, "--to", "2", "--text", "请今天处理")
        assert assigned.exit_code == 0
        assert "handle by 000002" in assigned.output
        assert "not anchored yet: there is no key" in assigned.output
        proof = tmp_path / "proof.pdf"
        proof.write_bytes(b"signed by the crew")
        answered = desk.step("answer", 2, "--finding", "settled", "--document", str(proof))
        assert answered.exit_code == 0
        assert "supervise by 000001" in answered.output
        returned = desk.step("supervise", 1, "--return", "--text", "照片看不清")
        assert "handle by 000002" in returned.output
        shown = desk.run("show", case).output
        for text in ("满了", "请今天处理", "照片看不清", "not anchored", "complainant"):
            assert text in shown

    def test_writes_the_photo_for_the_organisation_in_charge(self, desk: Desk, tmp_path: Path) -> None:
        desk.file(photo=b"jpeg")
        out = tmp_path / "photo.jpg"
        assert desk.run("show", desk.case, "--photo", str(out)).exit_code == 0
        assert out.read_bytes() == b"jpeg"
        desk.run("erase", desk.case)
        assert "满了" not in desk.run("show", desk.case).output
        assert isinstance(desk.run("show", desk.case, "--photo", str(out)).exception, errors.ComplaintError)

    def test_says_that_there_is_nothing_to_anchor(self, desk: Desk) -> None:
        assert "nothing to anchor" in desk.run("anchor", "--organisation", "1").output

    @pytest.mark.parametrize(
        ("command", "refusal"),
        [
            (("assign", 2, "--to", "2"), errors.NotTheOwner),
            (("assign", 1, "--to", "0"), errors.NoHandler),
            (("answer", 2, "--finding", "settled"), errors.WrongStage),
            (("answer", 2, "--finding", "settled", "--fact", "0000020000000007/9"), UnknownFact),
            (("close", 1), errors.WrongStage),
            (("assign", 1, "--to", "2", "--text", "满" * 501), errors.TextTooLong),
        ],
    )
    def test_refuses_in_one_line_and_changes_nothing(
        self, desk: Desk, capsys: pytest.CaptureFixture[str], command: tuple[Any, ...], refusal: type[Exception]
    ) -> None:
        desk.file()
        result = desk.step(*command)
        assert isinstance(result.exception, refusal)
        assert one_line_and_exit(result.exception) == 1
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
        assert len(desk.record()["statements"]) == 1

    def test_refuses_a_case_that_is_not_there(self, desk: Desk) -> None:
        desk.file()
        for command in ("show", "erase"):
            assert isinstance(desk.run(command, "0" * 24).exception, UnknownComplaint)
            assert desk.run(command, "xyz").exit_code == 2

    def test_refuses_what_cannot_be_read(self, desk: Desk) -> None:
        desk.file()
        assert desk.step("answer", 2, "--finding", "ufo").exit_code == 2
        for fact in ("7/1", "0000020000000007", "0000020000000007/x"):
            assert desk.step("answer", 2, "--finding", "settled", "--fact", fact).exit_code == 2


class TestPrivacy:
    def test_scan_looks_for_what_people_wrote_and_for_hashes_of_statements(self, desk: Desk) -> None:
        desk.file("我叫陈某，住三楼")
        with open_database(desk.data_dir) as database, database.transaction(writes=False) as connection:
            known = known_values(connection, KnownValues())
        document = desk.record()["statements"][0]["document"]
        found = dictionary_of(known)
        leaked = bytes(40) + "我叫陈某，住三楼".encode() + bytes(40)
        assert TraceKind.KNOWN_WORD in {trace.kind for trace in found.find(leaked)}
        unsalted = bytes(40) + keccak256(document.encode()) + bytes(40)
        assert TraceKind.GUESSABLE_HASH in {trace.kind for trace in found.find(unsalted)}
        salted = bytes(40) + bytes.fromhex(desk.record()["statements"][0]["digest"]) + bytes(40)
        assert list(found.find(salted)) == []


class TestCheck:
    def check(self, record: Any, tmp_path: Path) -> Result:
        file = tmp_path / "complaint.json"
        file.write_text(json.dumps(record, ensure_ascii=False))
        return CliRunner().invoke(build_app(), ["complaint", "check", str(file)])

    def test_passes_a_record_as_it_was_kept(self, desk: Desk, tmp_path: Path) -> None:
        desk.file()
        desk.step("assign", 1, "--to", "2")
        record = desk.record()
        result = self.check(record, tmp_path)
        assert result.exit_code == 0
        assert "2 statements in order" in result.output
        assert record["statements"][1]["digest"] in result.output

    @pytest.mark.parametrize(
        "change",
        [
            lambda r: r["statements"][0].update(text="没满"),
            lambda r: r["statements"][0].update(salt="00" * 16),
            lambda r: r["statements"][0].update(digest="00" * 32),
            lambda r: r["statements"].reverse(),
            lambda r: r["statements"].pop(0),
            lambda r: r["statements"].clear(),
            lambda r: r["statements"][0].pop("document"),
            lambda r: r["statements"][1].update(
                document=r["statements"][1]["document"].replace('"to":"000002"', '"to":"000003"')
            ),
            lambda r: r.pop("statements"),
        ],
    )
    def test_finds_what_was_changed(
        self, desk: Desk, tmp_path: Path, change: Callable[[dict[str, Any]], Any]
    ) -> None:
        desk.file()
        desk.step("assign", 1, "--to", "2")
        record = desk.record()
        before = json.dumps(record)
        change(record)
        assert json.dumps(record) != before
        result = self.check(record, tmp_path)
        assert isinstance(result.exception, errors.ComplaintError)
        assert one_line_and_exit(result.exception) == 1
