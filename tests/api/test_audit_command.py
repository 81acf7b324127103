"""`huanlian audit` on a real chain: nothing wrong where nothing is, and every planted fault by its name."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from audited_city import Audited, LyingNode, live_a_day
from chain_support import ROOT
from running_city import RunningCity

from backend.chain.ledger_logs import SEGMENT_RECORDED, SETTLED
from backend.domain.types import device_text, lot_text
from backend.usecases.audit_report import canonical

Lie = Callable[[dict[str, Any]], dict[str, Any] | None]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    city = RunningCity(tmp_path_factory.mktemp("audited"))
    yield live_a_day(city)
    city.stop()


@contextmanager
def lying_node(audited: Audited, lie: Lie = lambda log: log) -> Iterator[LyingNode]:
    node = LyingNode(audited.rpc_url, lie)
    yield node
    node.close()


class TestAnHonestChain:
    def test_has_no_faults_and_the_books_agree(self, audited: Audited, tmp_path: Path) -> None:
        status, report = audited.report(tmp_path, "--api", audited.city.url)
        assert (status, report["faults"], report["faults_found"]) == (0, [], 0)
        segments = len(audited.truck_segments) + 4
        assert report["counted"]["segments"] == segments
        assert report["seals"] == {"raw": segments - 1 + 1, "webauthn": 1}  # and the witness's
        assert report["counted"]["lifts"] == 91
        assert report["counted"]["witnesses"] == 1
        assert (report["counted"]["sites"], report["counted"]["bins_placed"]) == (1, 2)
        assert report["outcomes"]["recorded"]["deferred"] == 1
        assert report["outcomes"]["settled"] == {"applied": 1}
        assert report["refused"] == {"already-recorded": 1}
        (residual,) = report["totals"]
        assert (residual["stream"], residual["is_conserved"]) == ("residual", True)
        sums = {name: int(residual[name]) for name in ("lifted", "gained", "held", "out", "lost")}
        assert sums == {"lifted": 95_095, "gained": 0, "held": 90_000, "out": 0, "lost": 5_095}
        assert report["compared"]["ledger_state"]["lots"] == 1
        assert report["compared"]["books"] == {"lots": 1, "devices": 5, "entries": 100, "bins": 16, "streams": 1}
        assert report["chain"]["ledger"] == audited.city.deployment.custody_ledger[2:].lower()

    def test_is_reported_in_the_same_bytes_to_everybody(self, audited: Audited, tmp_path: Path) -> None:
        folders = [tmp_path / name for name in "ab"]
        for folder in folders:
            folder.mkdir()
            audited.report(folder)
        one, other = ((folder / "report.json").read_bytes() for folder in folders)
        assert one == other == canonical(json.loads(one))

    def test_leaves_no_state_behind_unless_asked(self, audited: Audited, tmp_path: Path) -> None:
        audited.audit()
        assert not list(audited.trust.parent.glob("audit-state*"))
        state = tmp_path / "mine.db"
        audited.audit("--state", str(state))
        assert state.exists()
        again = audited.audit("--state", str(state))
        assert "goes on after block" in again.stderr
        assert again.exit_code == 0

    def test_is_told_in_both_languages(self, audited: Audited, tmp_path: Path) -> None:
        for language, agrees in (("en", "everything agrees"), ("zh", "全部一致")):
            paths = [tmp_path / f"{language}.{ending}" for ending in ("txt", "html")]
            more = [word for path in paths for word in ("--report", str(path))]
            done = audited.audit(*more, language=language)
            assert done.stdout.strip().endswith(agrees), done.output
            text, page = (path.read_text(encoding="utf-8") for path in paths)
            assert text.strip().endswith(agrees)
            assert f"<b>{agrees}</b>" in page
            assert "src=" not in page
            assert "<script" not in page


def altered_data(log: dict[str, Any], at: int, mask: int = 1) -> dict[str, Any]:
    data = bytearray.fromhex(log["data"][2:])
    data[at] ^= mask
    return {**log, "data": "0x" + data.hex()}


def of_segment(audited: Audited, number: int, change: Callable[[dict[str, Any]], Any]) -> Lie:
    """Lie about one of the truck's segments."""
    segment = audited.truck_segments[number]

    def lie(log: dict[str, Any]) -> dict[str, Any] | None:
        is_it = log["topics"][0] == SEGMENT_RECORDED and int(log["topics"][1], 16) == segment.device
        if not is_it or int(log["topics"][2], 16) != segment.first_seq:
            return log
        told: dict[str, Any] | None = change(log)
        return told

    return lie


def number_at(log: dict[str, Any], word: int) -> int:
    return int(log["data"][2 + 64 * word : 2 + 64 * (word + 1)], 16)


_R_AT, _WORDS_AT, _OUTCOMES_AT = 3, 5, 6
"""Words of the event's data: the seal's r, and where the entries and outcomes begin."""


class TestALyingNode:
    def faults(self, audited: Audited, tmp_path: Path, lie: Lie) -> list[dict[str, Any]]:
        with lying_node(audited, lie) as node:
            status, report = audited.report(tmp_path, rpc=node.url)
        assert status == 1
        faults: list[dict[str, Any]] = report["faults"]
        return faults

    def test_altered_an_entrys_words(self, audited: Audited, tmp_path: Path) -> None:
        lie = of_segment(audited, 5, lambda log: altered_data(log, number_at(log, _WORDS_AT) + 32 + 31))
        (fault,) = self.faults(audited, tmp_path, lie)
        segment = audited.truck_segments[5]
        assert (fault["kind"], fault["device"]) == ("head", device_text(segment.device))
        assert fault["seq"] == segment.first_seq + 3
        assert fault["block"] > 0

    def test_altered_the_grams_of_a_lift(self, audited: Audited, tmp_path: Path) -> None:
        """Then the lot is another as well, and the ledger's own state says so."""
        lie = of_segment(audited, 5, lambda log: altered_data(log, number_at(log, _WORDS_AT) + 32 + 16))
        kinds = [fault["kind"] for fault in self.faults(audited, tmp_path, lie)]
        assert kinds[0] == "head"
        assert set(kinds[1:]) == {"state"}

    def test_forged_a_seal(self, audited: Audited, tmp_path: Path) -> None:
        lie = of_segment(audited, 6, lambda log: altered_data(log, 32 * _R_AT + 31))
        (fault,) = self.faults(audited, tmp_path, lie)
        assert (fault["kind"], fault["seq"]) == ("seal", audited.truck_segments[6].first_seq + 3)

    def test_told_another_outcome(self, audited: Audited, tmp_path: Path) -> None:
        lie = of_segment(audited, 7, lambda log: altered_data(log, number_at(log, _OUTCOMES_AT) + 32 + 2, 5))
        (fault,) = self.faults(audited, tmp_path, lie)
        assert (fault["kind"], fault["seq"]) == ("outcome", audited.truck_segments[7].first_seq + 2)
        assert (fault["expected"], fault["found"]) == ({"outcome": "applied"}, {"outcome": "conflict"})

    def test_left_out_a_segment(self, audited: Audited, tmp_path: Path) -> None:
        faults = self.faults(audited, tmp_path, of_segment(audited, 8, lambda _log: None))
        first = faults[0]
        assert (first["kind"], first["seq"]) == ("refused", audited.truck_segments[9].first_seq)
        assert first["expected"] == {"refusal": "gap"}

    def test_left_out_the_last_segment(self, audited: Audited, tmp_path: Path) -> None:
        """What nothing follows on, only the ledger's own state shows."""
        leave_out = of_segment(audited, -1, lambda _log: None)

        def lie(log: dict[str, Any]) -> dict[str, Any] | None:
            return None if log["topics"][0] == SETTLED else leave_out(log)

        faults = self.faults(audited, tmp_path, lie)
        assert {fault["kind"] for fault in faults} == {"state"}
        assert {"device", "subject"} <= {name for fault in faults for name in fault}

    def test_told_of_a_settled_step_otherwise(self, audited: Audited, tmp_path: Path) -> None:
        def lie(log: dict[str, Any]) -> dict[str, Any] | None:
            return altered_data(log, 31, 5) if log["topics"][0] == SETTLED else log

        (fault,) = self.faults(audited, tmp_path, lie)
        assert fault["kind"] == "settled"


class TestAlteredBooks:
    @contextmanager
    def altered(self, audited: Audited, *statements: tuple[str, tuple[Any, ...]]) -> Iterator[None]:
        """Alter the database that the server reads, and put everything back."""
        path = audited.city.data_dir / "huanlian.db"
        with sqlite3.connect(path, timeout=60) as database:
            tables = ("lot", "slot", "ledger_segment", "lift_run")
            before = {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
            for statement, values in statements:
                assert database.execute(statement, values).rowcount == 1, statement
        try:
            yield
        finally:
            with sqlite3.connect(path, timeout=60) as database:
                for table, rows in before.items():
                    database.execute(f"DELETE FROM {table}")
                    marks = ", ".join("?" * len(rows[0]))
                    database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        database.close()

    def faults(self, audited: Audited, tmp_path: Path) -> list[dict[str, Any]]:
        status, report = audited.report(tmp_path, "--api", audited.city.url)
        assert status == 1
        faults: list[dict[str, Any]] = report["faults"]
        return faults

    def test_a_lots_grams(self, audited: Audited, tmp_path: Path) -> None:
        lot = lot_text(audited.lot)
        with self.altered(audited, ("UPDATE lot SET grams = grams - 1 WHERE lot = ?", (lot,))):
            lots, totals = self.faults(audited, tmp_path)
        assert (lots["kind"], lots["subject"]) == ("served-lot", f"lot {lot}")
        assert (lots["expected"]["grams"], lots["found"]["grams"]) == (90_000, 89_999)
        assert (totals["kind"], totals["found"]["held"]) == ("served-totals", "89999")

    def test_a_devices_head(self, audited: Audited, tmp_path: Path) -> None:
        path = audited.city.data_dir / "huanlian.db"
        key = f"{audited.truck.device:x}"
        with sqlite3.connect(path) as database:
            (raw,) = database.execute(
                "SELECT value FROM slot WHERE name = 'device' AND key = ?", (key,)
            ).fetchone()
        slot = json.loads(raw)
        slot[-1] = "00" * 32
        change = "UPDATE slot SET value = ? WHERE name = 'device' AND key = ?"
        with self.altered(audited, (change, (json.dumps(slot).encode(), key))):
            (fault,) = self.faults(audited, tmp_path)
        assert (fault["kind"], fault["device"]) == ("served-device", device_text(audited.truck.device))
        assert fault["found"]["head"] == "00" * 32

    def test_the_grams_of_a_lift(self, audited: Audited, tmp_path: Path) -> None:
        segment = audited.truck_segments[3]
        words = bytearray(segment.words)
        words[16] ^= 1
        change = "UPDATE ledger_segment SET words = ? WHERE device = ? AND first_seq = ?"
        at = (bytes(words), device_text(segment.device), segment.first_seq)
        with self.altered(audited, (change, at)):
            (fault,) = self.faults(audited, tmp_path)
        assert (fault["kind"], fault["device"]) == ("served-journal", device_text(segment.device))

    def test_an_outcome(self, audited: Audited, tmp_path: Path) -> None:
        segment = audited.truck_segments[3]
        change = "UPDATE ledger_segment SET outcomes = ? WHERE device = ? AND first_seq = ?"
        at = (bytes([1, 1, 4, 1]), device_text(segment.device), segment.first_seq)
        with self.altered(audited, (change, at)):
            (fault,) = self.faults(audited, tmp_path)
        assert fault["kind"] == "served-journal"

    def test_a_lift_left_out_of_its_bins(self, audited: Audited, tmp_path: Path) -> None:
        path = audited.city.data_dir / "huanlian.db"
        with sqlite3.connect(path) as database:
            level, number, first, packed = database.execute("SELECT * FROM lift_run LIMIT 1").fetchone()
        change = "UPDATE lift_run SET packed = ? WHERE level = ? AND number = ? AND first_bin = ?"
        with self.altered(audited, (change, (packed[8:], level, number, first))):
            (fault,) = self.faults(audited, tmp_path)
        lifted_from = int.from_bytes(packed[:8], "big") >> 24
        assert (fault["kind"], fault["subject"]) == ("served-bin", f"bin {lifted_from:010x}")
        assert fault["found"]["lifts"] == fault["expected"]["lifts"] - 1

    def test_a_whole_segment_left_out(self, audited: Audited, tmp_path: Path) -> None:
        segment = audited.truck_segments[-2]
        change = "DELETE FROM ledger_segment WHERE device = ? AND first_seq = ?"
        with self.altered(audited, (change, (device_text(segment.device), segment.first_seq))):
            kinds = {fault["kind"] for fault in self.faults(audited, tmp_path)}
        assert kinds == {"served-journal", "served-bin"}

    def test_agree_again_when_all_is_put_back(self, audited: Audited, tmp_path: Path) -> None:
        assert audited.report(tmp_path, "--api", audited.city.url)[0] == 0


class TestGoingOn:
    def start(self, audited: Audited, node: LyingNode, state: Path, folder: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "backend.cli", "audit", "--rpc", node.url, "--trust", str(audited.trust)]
        command += ["--state", str(state), "--checkpoint-seconds", "0", "--language", "en"]
        command += ["--report", str(folder / "never.json")]
        # Behind a shell's & nobody heeds Ctrl-C, and children inherit that.
        heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heeding
        )

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
    def test_after_a_kill_comes_to_the_same(self, audited: Audited, tmp_path: Path, how: signal.Signals) -> None:
        undisturbed = tmp_path / "undisturbed"
        undisturbed.mkdir()
        audited.report(undisturbed)
        state = tmp_path / "state.db"
        with lying_node(audited) as node:
            node.hold_at(3)
            process = self.start(audited, node, state, tmp_path)
            node.is_held.wait()
            os.kill(process.pid, how)
            if how is signal.SIGINT:
                node.close()
            _, said = process.communicate()
        if how is signal.SIGINT:
            assert (process.returncode, said.decode().strip().splitlines()[-1]) == (
                130,
                "stopped; the same command goes on from here",
            )
        else:
            assert process.returncode == -signal.SIGKILL
        assert not (tmp_path / "never.json").exists()
        done = audited.audit("--state", str(state), "--report", str(tmp_path / "after.json"))
        assert "goes on after block" in done.stderr
        assert done.exit_code == 0, done.output
        assert (tmp_path / "after.json").read_bytes() == (undisturbed / "report.json").read_bytes()

    def test_keeps_the_faults_of_an_earlier_run(self, audited: Audited, tmp_path: Path) -> None:
        state = tmp_path / "state.db"
        lie = of_segment(audited, 6, lambda log: altered_data(log, 32 * _R_AT + 31))
        with lying_node(audited, lie) as node:
            audited.audit("--state", str(state), rpc=node.url)
        status, report = audited.report(tmp_path, "--state", str(state))
        assert (status, [fault["kind"] for fault in report["faults"]]) == (1, ["seal"])


class TestWhatCannotBeDone:
    """One line in the reader's language, and status 2: neither agreement nor a fault."""

    def failed(self, audited: Audited, *more: str, rpc: str = "", language: str = "en") -> str:
        done = audited.audit(*more, rpc=rpc, language=language)
        assert done.exit_code == 2, done.output
        (line,) = done.stderr.strip().splitlines()
        return line

    def test_without_a_node(self, audited: Audited) -> None:
        said = self.failed(audited, rpc="http://127.0.0.1:9")
        assert said.startswith("the audit could not be done: ")
        assert self.failed(audited, rpc="http://127.0.0.1:9", language="zh").startswith("审计未能完成：")

    def test_without_a_trust_file(self, audited: Audited, tmp_path: Path) -> None:
        assert "say which trust file" in self.failed(audited, "--trust", str(tmp_path / "none.json"))
        assert "请用 --trust" in self.failed(audited, "--trust", str(tmp_path / "none.json"), language="zh")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"chain_id": 1}, "another chain"),
            ({"genesis_hash": "0x" + "00" * 32}, "another chain"),
            ({"checkpoints": [{"number": 1, "hash": "0x" + "00" * 32}]}, "block 1 is not the one"),
        ],
        ids=str,
    )
    def test_on_a_chain_that_is_not_trusted(
        self, audited: Audited, tmp_path: Path, change: dict[str, Any], said: str
    ) -> None:
        trust = tmp_path / "trust.json"
        trust.write_text(json.dumps({**json.loads(audited.trust.read_bytes()), **change}))
        assert said in self.failed(audited, "--trust", str(trust))

    def test_on_other_code(self, audited: Audited, tmp_path: Path) -> None:
        content = json.loads(audited.trust.read_bytes())
        content["code_hashes"]["ActorRegistry"] = "0x" + "00" * 32
        trust = tmp_path / "trust.json"
        trust.write_text(json.dumps(content))
        assert "the code of ActorRegistry is not the one" in self.failed(audited, "--trust", str(trust))

    def test_with_a_state_of_another_ledger(self, audited: Audited, tmp_path: Path) -> None:
        state = tmp_path / "state.db"
        audited.audit("--state", str(state))
        with sqlite3.connect(state) as database:
            (raw,) = database.execute("SELECT content FROM checkpoint").fetchone()
            content = json.loads(raw)
            content["basis"]["ledger"] = "0x" + "11" * 20
            database.execute("UPDATE checkpoint SET content = ?", (json.dumps(content).encode(),))
        database.close()
        assert "is of another chain or ledger" in self.failed(audited, "--state", str(state))

    def test_with_a_state_that_another_audit_uses(self, audited: Audited, tmp_path: Path) -> None:
        state = tmp_path / "state.db"
        audited.audit("--state", str(state))
        database = sqlite3.connect(state, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        assert "another audit is using" in self.failed(audited, "--state", str(state))
        database.close()

    def test_without_the_books(self, audited: Audited) -> None:
        assert "the served books do not answer" in self.failed(audited, "--api", "http://127.0.0.1:9")

    def test_into_a_report_of_no_known_form(self, audited: Audited) -> None:
        assert "ends in .json, .html or .txt" in self.failed(audited, "--report", "report.pdf")

    def test_in_another_language(self, audited: Audited) -> None:
        assert "a language is zh or en" in self.failed(audited, language="fr")

    def test_by_other_rules_begins_again(self, audited: Audited, tmp_path: Path) -> None:
        state = tmp_path / "state.db"
        audited.audit("--state", str(state))
        with sqlite3.connect(state) as database:
            (raw,) = database.execute("SELECT content FROM checkpoint").fetchone()
            content = json.loads(raw)
            content["basis"]["rules"] = "00" * 32
            database.execute("UPDATE checkpoint SET content = ?", (json.dumps(content).encode(),))
        database.close()
        done = audited.audit("--state", str(state))
        assert (done.exit_code, "by other code" in done.stderr) == (0, True)
