"""Random inspections on a real chain: drawn alike by the server, the command and a stranger's script, and every
way to cheat that the protocol knows is found."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from chain_support import ROOT, PlainAnvil, dev_key
from click.testing import Result
from running_city import ADMIN, RunningCity
from small_city import write_lifts

from backend.chain.ledger_calls import encode_open_site, encode_place
from backend.chain.ledger_events import PlacedBin
from backend.chain.registries import encode_set_regulator
from backend.chain.transactions import send_and_wait
from backend.cli.inspection_desk import Desk, opening_of
from backend.domain.inspection_statements import Commit, Opening, Reveal, Statement, commitment_of, list_root
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id, device_text, site_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.audit_ledger import placement_digest
from backend.usecases.ledger_events import BinsPlaced, LogPlace, PlacedBinEvent

SAMPLE = ROOT / "docs" / "samples" / "inspection.py"
VECTORS: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "draws.json").read_text())
REGULATOR, AUDITOR, CREW = 11, 12, 2
SITE = site_id(CREW, 1)
BINS = tuple(range(500, 524))
COMMIT_BLOCKS, REVEAL_BLOCKS = 30, 40


class StepwiseCity(RunningCity):
    """On a bare anvil, which makes blocks when it is told to and for every transaction."""

    def start_chain(self) -> None:
        self.devnet = PlainAnvil()  # type: ignore[assignment]
        self.rpc_port = self.devnet.port  # type: ignore[attr-defined]

    @property
    def where(self) -> list[str]:
        return ["--rpc", f"http://127.0.0.1:{self.rpc_port}", "--trust", str(self.data_dir / "trust.json")]

    def head(self, name: str = "latest") -> int:
        return int(self.rpc.call("eth_getBlockByNumber", name, False)["number"], 16)

    def mine_until_final(self, number: int) -> None:
        while self.head("finalized") < number:
            self.devnet.mine()  # type: ignore[attr-defined]

    def send(self, to: str, data: bytes) -> None:
        send_and_wait(self.rpc, key=dev_key(ADMIN), to=to, data=data)


@dataclass
class Court:
    """One inspection and its two parties, each with a device, a key and a folder of its own."""

    city: StepwiseCity
    folder: Path
    code: str = ""
    desks: dict[int, Desk] = field(default_factory=dict)

    def run(self, *command: str) -> Result:
        return self.city.huanlian("inspection", *command)

    def sign(self, organisation: int) -> list[str]:
        return [
            "--device", device_text(device_id(organisation, 1)),
            "--key", str(key_file(self.city, organisation)),
            "--folder", str(self.folder / str(organisation)),
        ]  # fmt: skip

    def desk(self, organisation: int) -> Desk:
        key = SigningKey.from_secret(organisation)
        device = device_id(organisation, 1)
        return Desk(self.folder / str(organisation), device, key, self.city.courier)

    def open(self, *options: str) -> str:
        blocks = ["--commit-blocks", str(COMMIT_BLOCKS), "--reveal-blocks", str(REVEAL_BLOCKS)]
        who = ["--auditor", str(AUDITOR), *self.sign(REGULATOR), *self.city.where]
        done = self.run("open", "--sample", "5", *who, *blocks, *options)
        assert done.exit_code == 0, f"{done.output} {done.exception!r}"
        self.code = done.output.split()[0]
        return self.code

    def open_by_hand(self, opening: Opening, items: tuple[int, ...] = BINS) -> str:
        self.code = self.desk(REGULATOR).say(self.city.network, opening, [f"{item:010x}" for item in items])
        return self.code

    def step(self, name: str, organisation: int, *options: str) -> Result:
        return self.run(name, self.code, *options, *self.sign(organisation), *self.city.where)

    def do(self, name: str, organisation: int, *options: str) -> Result:
        done = self.step(name, organisation, *options)
        assert done.exit_code == 0, f"{done.output} {done.exception!r}"
        self.recorded(organisation)
        return done

    def say(self, organisation: int, statement: Statement) -> None:
        self.desk(organisation).say(self.city.network, statement)
        self.recorded(organisation)

    def recorded(self, organisation: int) -> None:
        """Return once the ledger has all that a party sealed."""
        device = device_id(organisation, 1)
        end = self.city.courier.get(f"/api/v1/devices/{device_text(device)}")["accepted"]["seq"]
        self.city.courier.wait_recorded({device: end}, pause_seconds=0.02)

    def commit_both(self) -> None:
        for party in (REGULATOR, AUDITOR):
            self.do("commit", party)

    def reveal_both(self) -> None:
        self.city.mine_until_final(self.opening["seed_block"])
        for party in (REGULATOR, AUDITOR):
            self.do("reveal", party)
        self.city.mine_until_final(self.city.head())

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = self.city.courier.get(f"/api/v1/inspections/{self.code}/record.json")
        return found

    @property
    def opening(self) -> dict[str, Any]:
        documents = [json.loads(document) for document in self.record["documents"]]
        return next(said for said in documents if said["act"] == "open")

    def served(self, is_there: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """Return what the server says, once its books are so far; the runner's own limit ends the wait."""
        while True:
            answer = httpx.get(f"{self.city.url}/api/v1/inspections/{self.code}", timeout=60)
            if answer.status_code == 200 and is_there(answer.json()):
                return dict(answer.json())
            assert answer.status_code in (200, 404), answer.text
            time.sleep(0.05)

    def stranger(self, record: dict[str, Any] | None = None) -> tuple[int, list[str]]:
        """Run the script with nothing of ours in reach; return its status and its lines."""
        file = self.folder / "record.json"
        file.write_text(json.dumps(self.record if record is None else record))
        command = [sys.executable, "-I", "-S", str(SAMPLE), str(file), *self.city.where]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode in (0, 3), done.stderr
        return done.returncode, done.stdout.splitlines()

    def differs(self, record: dict[str, Any] | None = None) -> str:
        """Return the one reason for which a stranger says that it differs."""
        status, lines = self.stranger(record)
        reasons = [line.removeprefix("DIFFERS: ") for line in lines if line.startswith("DIFFERS")]
        assert (status, len(reasons), lines[-1] == "AGREES") == (3, 1, False), lines
        return reasons[0]


def key_file(city: StepwiseCity, organisation: int) -> Path:
    path = city.folder / f"key-{organisation}.json"
    path.write_text(json.dumps({"secret": f"{organisation:064x}"}))
    return path


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StepwiseCity]:
    made = StepwiseCity(tmp_path_factory.mktemp("inspected"))
    found(made)
    yield made
    made.stop()


def found(city: StepwiseCity) -> None:
    """Name a regulator, place bins, and load some lots."""
    for organisation in (REGULATOR, AUDITOR):
        city.organisation(organisation)
    city.send(city.deployment.actor_registry, encode_set_regulator(REGULATOR, is_regulator=True))
    registrar = city.organisation(CREW)
    placed = tuple(PlacedBinEvent(number, number.to_bytes(32, "big"), 4, 0) for number in BINS)
    digest = placement_digest(BinsPlaced(LogPlace(0, b"", b"", 0), SITE, placed))
    registrar.write(Kind.SITE, site=SITE, site_kind=1, digest=1)
    registrar.write(Kind.PLACE, site=SITE, count=len(placed), digest=int.from_bytes(digest, "big"))
    truck = JournalWriter(city.network, device_id(CREW, 7), SigningKey.from_secret(77))
    x, y = truck.public
    registrar.write(Kind.ENROL, device=truck.device, role=Role.CREW, scheme=1, x=x, y=y)
    city.hand_in(registrar)
    registry = city.deployment.bin_registry
    city.send(registry, encode_open_site(site=SITE, site_kind=1, digest=(1).to_bytes(32, "big")))
    bins = [PlacedBin(b.number, b.serial_digest, b.stream, b.placed_from) for b in placed]
    city.send(registry, encode_place(site=SITE, bins=bins))
    for serial in (1, 2, 3):
        write_lifts(truck, 3, serial=serial)
    city.hand_in(truck)
    city.mine_until_final(city.head())


@pytest.fixture
def court(city: StepwiseCity, tmp_path: Path) -> Court:
    return Court(city, tmp_path)


@pytest.fixture(scope="module")
def drawn(city: StepwiseCity, tmp_path_factory: pytest.TempPathFactory) -> Court:
    """An inspection that was honest so far, for tests that only look at it or change their own copy."""
    made = Court(city, tmp_path_factory.mktemp("drawn"))
    made.open()
    made.commit_both()
    made.reveal_both()
    made.do("draw", REGULATOR)
    first = made.served(lambda told: told["standing"] == "drawn")["sample"]["items"][0]
    photo = made.folder / "photo.jpg"
    photo.write_bytes(b"a bin beside its lamp post")
    made.do("result", REGULATOR, first, "--grams", "41500", "--remark", "as-recorded", "--photo", str(photo))
    made.do("result", AUDITOR, first, "--not-found", "--remark", "not-found")
    city.mine_until_final(city.head())
    return made


def opening_by_hand(city: StepwiseCity, **change: Any) -> Opening:
    head = city.head()
    opening = Opening(
        by=f"{REGULATOR:06x}",
        at=int(time.time()),
        auditor=f"{AUDITOR:06x}",
        candidates="bins",
        site="",
        day="",
        list_block=city.head("finalized"),
        list_count=len(BINS),
        list_root=list_root(BINS).hex(),
        sample=5,
        commit_by=head + COMMIT_BLOCKS,
        seed_block=head + COMMIT_BLOCKS + 1,
        reveal_by=head + 99,
        default_block=head + 100,
    )
    return replace(opening, **change)


class TestAnHonestInspection:
    def test_is_drawn_alike_by_server_command_and_stranger(self, drawn: Court) -> None:
        told = drawn.served(lambda told: len(told["results"]) == 2)
        status, lines = drawn.stranger()
        assert (status, lines[-1]) == (0, "AGREES")
        items = told["sample"]["items"]
        assert len(items) == 5
        assert [line.removeprefix("drawn ") for line in lines if line.startswith("drawn 0")] == items
        assert f"seed {told['sample']['seed']}" in lines
        by_command = drawn.run("draw", drawn.code, *drawn.city.where)
        assert by_command.output.split() == items
        shown = drawn.run("show", drawn.code, *drawn.city.where)
        assert (shown.exit_code, "FAULT" in shown.output) == (0, False), shown.output
        assert told["faults"] == []

    def test_keeps_what_both_parties_found(self, drawn: Court) -> None:
        told = drawn.served(lambda told: len(told["results"]) == 2)
        first, second = told["results"]
        assert (first["by"], first["grams"], first["remark"]) == (f"{REGULATOR:06x}", 41_500, "as-recorded")
        assert (second["by"], second["is_found"], second["photo"]) == (f"{AUDITOR:06x}", False, None)
        assert told["outstanding"] == told["sample"]["items"][1:]

    def test_shows_on_its_pages(self, drawn: Court) -> None:
        drawn.served(lambda told: len(told["results"]) == 2)
        for language, word in (("zh", "已抽取"), ("en", "Drawn")):
            for path in ("/inspections", f"/inspections/{drawn.code}"):
                page = httpx.get(f"{drawn.city.url}{path}?lang={language}", timeout=60).text
                assert word in page
        assert drawn.code in httpx.get(f"{drawn.city.url}/inspections", timeout=60).text

    def test_of_lots_draws_from_those_of_the_day(self, court: Court) -> None:
        day = httpx.get(f"{court.city.url}/api/v1/open-data", timeout=60).json()["days"][0]["date"]
        court.open("--candidates", "lots", "--day", day)
        court.commit_both()
        court.reveal_both()
        status, lines = court.stranger()
        assert (status, lines[-1]) == (0, "AGREES")
        assert len([line for line in lines if line.startswith("drawn 0")]) == 3


class TestAChangedList:
    def test_is_found_when_the_server_shows_another(self, drawn: Court) -> None:
        record = drawn.record
        record["list"][3] = f"{int(record['list'][3], 16) ^ 1 << 30:010x}"
        assert "published list is not the one" in drawn.differs(record)

    def test_makes_another_inspection(self, drawn: Court) -> None:
        record = drawn.record
        at = next(n for n, text in enumerate(record["documents"]) if '"act":"open"' in text)
        record["documents"][at] = record["documents"][at].replace('"list_count":24', '"list_count":23')
        file = drawn.folder / "other.json"
        file.write_text(json.dumps(record))
        command = [sys.executable, "-I", "-S", str(SAMPLE), str(file), *drawn.city.where]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "Unusable: the record has no opening with this code\n")

    def test_is_not_committed_to_when_it_is_not_the_chains(self, court: Court) -> None:
        spared = BINS[1:]
        opening = opening_by_hand(court.city, list_count=len(spared), list_root=list_root(spared).hex())
        court.open_by_hand(opening, spared)
        refused = court.step("commit", AUDITOR)
        assert (refused.exit_code, type(refused.exception).__name__) == (1, "ListDiffers")
        court.recorded(REGULATOR)
        court.city.mine_until_final(court.city.head())
        assert "not the one that the chain gives" in court.differs()


class TestAReveal:
    def test_that_does_not_match_is_found_and_does_not_count(self, court: Court) -> None:
        court.open()
        court.commit_both()
        court.city.mine_until_final(court.opening["seed_block"])
        court.do("reveal", REGULATOR)
        secret = court.folder / str(AUDITOR) / f"{court.code}-{AUDITOR:06x}.secret"
        secret.write_text("77" * 32)
        court.do("reveal", AUDITOR)
        court.city.mine_until_final(court.opening["default_block"])
        assert "something else than it had committed itself to" in court.differs()
        told = court.served(lambda told: told["standing"] == "drawn")
        assert [fault["kind"] for fault in told["faults"]] == ["reveal-mismatch"]
        assert (told["silent"], told["sample"]["is_default"]) == ([f"{AUDITOR:06x}"], True)
        assert len(told["sample"]["items"]) == 10
        shown = court.run("show", court.code, *court.city.where)
        assert (shown.exit_code, "FAULT reveal-mismatch" in shown.output) == (1, True)

    def test_is_refused_before_the_seed_block_and_found_when_forced(self, court: Court) -> None:
        court.open()
        court.commit_both()
        refused = court.step("reveal", REGULATOR)
        assert (refused.exit_code, type(refused.exception).__name__) == (1, "TooEarly")
        desk = court.desk(REGULATOR)
        _, digest = opening_of(court.record, court.code)
        shown = desk.secret(court.code, is_new=False).hex()
        court.say(REGULATOR, Reveal(by=desk.organisation, at=1, opening=digest.hex(), secret=shown))
        court.city.mine_until_final(court.city.head())
        assert "revealed before the seed block was over" in court.differs()

    def test_that_never_comes_leaves_a_larger_sample_and_a_name(self, court: Court) -> None:
        court.open()
        court.commit_both()
        court.city.mine_until_final(court.opening["seed_block"])
        court.do("reveal", AUDITOR)
        court.city.mine_until_final(court.opening["default_block"])
        status, lines = court.stranger()
        assert (status, lines[-1]) == (0, "AGREES")
        told = court.served(lambda told: told["standing"] == "drawn")
        assert told["silent"] == [f"{REGULATOR:06x}"]
        assert [line.removeprefix("drawn ") for line in lines if line.startswith("drawn 0")] == told["sample"][
            "items"
        ]
        assert len(told["sample"]["items"]) == 10


class TestABlock:
    @pytest.mark.parametrize("earlier", ["seed_block", "commit_by"])
    def test_that_is_chosen_too_early_is_found(self, court: Court, earlier: str) -> None:
        opening = opening_by_hand(court.city)
        # A seed block that is there before anybody commits, or a commitment that is due before the opening.
        court.open_by_hand(replace(opening, **{earlier: court.city.head()}))
        court.recorded(REGULATOR)
        court.city.mine_until_final(court.city.head())
        assert "a block is too early" in court.differs()
        told = court.served(lambda told: told["standing"] == "void")
        assert [fault["kind"] for fault in told["faults"]] == ["block-too-early"]


class TestACommitment:
    def test_that_comes_too_late_makes_it_void(self, court: Court) -> None:
        court.open()
        court.do("commit", REGULATOR)
        court.city.mine_until_final(court.opening["commit_by"])
        court.do("commit", AUDITOR)
        court.city.mine_until_final(court.city.head())
        assert "committed itself too late" in court.differs()
        assert court.served(lambda told: told["standing"] == "void")["silent"] == [f"{AUDITOR:06x}"]

    def test_is_made_once(self, court: Court) -> None:
        court.open()
        court.do("commit", AUDITOR)
        again = court.step("commit", AUDITOR)
        assert (again.exit_code, "is there already" in str(again.exception)) == (1, True)


class TestAResult:
    def test_that_was_altered_is_found(self, drawn: Court) -> None:
        record = drawn.record
        at = next(n for n, text in enumerate(record["documents"]) if '"grams":41500' in text)
        record["documents"][at] = record["documents"][at].replace('"grams":41500', '"grams":1500')
        assert "not published" in drawn.differs(record)
        del record["documents"][at]
        assert "not published" in drawn.differs(record)

    def test_that_was_altered_in_the_database_is_found(self, drawn: Court) -> None:
        database = sqlite3.connect(drawn.city.data_dir / "huanlian.db", timeout=60)
        asked = "SELECT digest, document FROM inspection_statement WHERE inspection = ? AND act = 'result'"
        digest, document = database.execute(asked, (drawn.code,)).fetchone()
        change = "UPDATE inspection_statement SET document = ? WHERE digest = ?"
        try:
            with database:
                database.execute(change, (document.replace(b'"is_found":true', b'"is_found":false'), digest))
            told = drawn.served()
            assert [fault["kind"] for fault in told["faults"]] == ["unpublished"]
        finally:
            with database:
                database.execute(change, (document, digest))
            database.close()

    def test_of_what_was_not_drawn_is_refused(self, drawn: Court) -> None:
        other = next(item for item in drawn.record["list"] if item not in drawn.served()["sample"]["items"])
        refused = drawn.step("result", REGULATOR, other, "--remark", "as-recorded")
        assert (refused.exit_code, type(refused.exception).__name__) == (1, "NothingDrawn")


class TestAStatement:
    def test_can_be_published_again(self, drawn: Court) -> None:
        kept = sorted((drawn.folder / str(AUDITOR)).glob("*.json"))
        assert len(kept) == 3
        for path in kept:
            assert path.stat().st_mode & 0o077 == 0
            done = drawn.run("publish", str(path))
            assert done.exit_code == 0, done.output
        assert len(drawn.record["documents"]) == 8

    def test_of_a_stranger_is_refused(self, drawn: Court) -> None:
        told = drawn.served()
        digest = bytes.fromhex(told["opened"]["digest"])
        desk = replace(drawn.desk(AUDITOR), device=device_id(CREW, 1), key=SigningKey.from_secret(CREW))
        bound = commitment_of(digest, f"{CREW:06x}", bytes(32)).hex()
        said = Commit(by=f"{CREW:06x}", at=1, opening=digest.hex(), commitment=bound)
        with pytest.raises(Exception, match="not-a-party"):
            desk.say(drawn.city.network, said)
        assert drawn.stranger()[1][-1] == "AGREES"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("inspection_sample", SAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestTheScript:
    def test_hashes_and_draws_as_the_vectors_say(self, script: ModuleType) -> None:
        for case in VECTORS["keccak"]:
            assert script.keccak256(bytes.fromhex(case["bytes"])).hex() == case["keccak256"]
        assert script.root_of([]) == VECTORS["empty_root"]
        for case in VECTORS["samples"]:
            items = [int(item, 16) for item in case["items"]]
            assert script.root_of(items) == case["root"]
            drawn = script.drawn(items, case["count"], bytes.fromhex(case["seed"]))
            assert [f"{item:010x}" for item in drawn] == case["sample"]

    def test_says_when_it_is_another_chain(self, drawn: Court, tmp_path: Path) -> None:
        trust = json.loads((drawn.city.data_dir / "trust.json").read_text())
        other, record = tmp_path / "trust.json", tmp_path / "record.json"
        other.write_text(json.dumps({**trust, "genesis_hash": "0x" + "00" * 32}))
        record.write_text(json.dumps(drawn.record))
        command = [sys.executable, "-I", "-S", str(SAMPLE), str(record), "--trust", str(other)]
        done = subprocess.run(
            [*command, "--rpc", f"http://127.0.0.1:{drawn.city.rpc_port}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, "Unusable: this is not the chain of the trust file\n")
