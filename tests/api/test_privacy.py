"""A whole chain searched for personal data, and evidence erased: on a real chain and a real server."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import rfc8785
from chain_support import NOBODY, dev_key
from custody_stories import NOON
from running_city import RunningCity
from small_city import BINS, give

from backend.chain.ledger_calls import encode_create_organisation
from backend.chain.public_bytes import ChainReader
from backend.chain.transactions import send_and_wait
from backend.demo.city import load_demo_city
from backend.domain.journal import evidence_digest
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.privacy.digests import HASH_BYTES, dictionary_of
from backend.domain.privacy.trace import KnownValues, TraceKind
from backend.domain.seal import key_hash
from backend.domain.types import Grade, MandateOp, Role, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.scan_privacy import scan_privacy

CREW, STATION = 20, 30
PERSON, PHONE, PLATE = "陈大文", "13902201234", "粤A·D12345"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    city = RunningCity(tmp_path_factory.mktemp("city"))
    yield city
    city.stop()


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the demo's people and crews are called, as an operator would list it."""
    crews = [word for crew in load_demo_city().crews for word in (crew.key, crew.name.zh, crew.name.en)]
    path = tmp_path_factory.mktemp("words") / "words.txt"
    path.write_text("\n".join([*crews, PERSON, PHONE, PLATE]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def truck(running: RunningCity) -> JournalWriter:
    """A test city beside the demo's: a crew and a station."""
    crew, station = running.organisation(CREW), running.organisation(STATION)
    device = device_id(CREW, 7)
    writer = JournalWriter(running.network, device, SigningKey.from_secret(device))
    x, y = writer.public
    crew.write(Kind.ENROL, device=device, role=Role.CREW, scheme=1, x=x, y=y)
    running.hand_in(crew)
    station.write(Kind.MANDATE, op=MandateOp.GRANT, to=device, grams=900, until=NOON + 3600, streams=1 << 4)
    running.hand_in(station)
    return writer


def document_of(grade: int) -> bytes:
    return rfc8785.dumps({"bin": f"{BINS[0]:010x}", "grade": grade, "photo": None})


class TestErasedEvidence:
    def test_leaves_every_proof_valid_and_nothing_to_guess(
        self, running: RunningCity, truck: JournalWriter, tmp_path: Path
    ) -> None:
        salt = bytes.fromhex("8d1f3c5a7e9b2d4f6081a3c5e7092b4d")
        document = document_of(1)
        digest = evidence_digest(salt, document)
        truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=4, occurred_at=NOON)
        seq = truck.write(
            Kind.LIFT, bin=BINS[0], stream=4, grade=1, basis=1, occurred_at=NOON, grams=900, evidence=digest
        )
        give(truck, lot_id(truck.device, 1), device_id(STATION, 0))
        segments = truck.cut_all()
        for segment in segments:
            running.courier.hand_in(segment, {(truck.device, seq): (salt, document.decode())})
        running.wait(segments)
        running.wait_final(truck.device, seq + 1)
        before = self.verdicts(running, truck, tmp_path)
        assert before == [(0, "VALID")] * 3

        database = sqlite3.connect(running.data_dir / "huanlian.db", timeout=60)
        with database:
            kept = database.execute("SELECT salt, document FROM evidence").fetchall()
            assert [(bytes(row[0]), row[1].encode()) for row in kept] == [(salt, document)]
            database.execute("DELETE FROM evidence")
        database.close()
        assert self.verdicts(running, truck, tmp_path) == before

        # Whoever still has the salt finds the document among the few there are; without it, nobody does.
        on_chain = next(s.words for s in segments)[32 * seq - 15 : 32 * seq]
        assert on_chain == digest.to_bytes(15, "big")
        documents = [document_of(grade) for grade in Grade]
        assert [d for d in documents if evidence_digest(salt, d) == digest] == [document]
        guesses = dictionary_of(KnownValues(documents=frozenset(d.decode() for d in documents)))
        assert keccak256(document)[:HASH_BYTES] in guesses.hashes
        assert list(guesses.find(on_chain)) == []

    @staticmethod
    def verdicts(running: RunningCity, truck: JournalWriter, folder: Path) -> list[tuple[int, str]]:
        found = []
        for seq in (1, 2, 3):
            path = folder / f"{seq}.json"
            path.write_bytes(httpx.get(f"{running.url}/api/v1/entries/{truck.device:016x}/{seq}/bundle").content)
            trust, rpc = str(running.data_dir / "trust.json"), f"http://127.0.0.1:{running.rpc_port}"
            done = running.huanlian("verify", str(path), "--trust", trust, "--rpc", rpc)
            found.append((done.exit_code, done.stdout.strip().splitlines()[-1].split(":")[0]))
        return found


class TestTheDemoAndTheTestCity:
    def test_hold_nothing_personal(self, running: RunningCity, truck: JournalWriter, words: Path) -> None:
        seeded = running.huanlian("seed")
        assert seeded.exit_code == 0, seeded.output
        done = running.huanlian("scan-privacy", "--words", str(words))
        assert done.exit_code == 0, done.output
        assert done.stdout.strip().endswith("nothing personal found")

    def test_are_read_whole(self, running: RunningCity, truck: JournalWriter) -> None:
        reader = ChainReader(running.rpc)
        everything = list(reader.everything())
        sorts = {item.sort for item in everything}
        assert sorts == {"block", "calldata", "topic", "log", "code", "state"}
        codes = {item.place for item in everything if item.sort == "code"}
        assert {f"code of {address}" for address in running.deployment.addresses} <= codes
        # The state that the events lead to: this device's, and this lot's.
        places = [item.place for item in everything if item.sort == "state"]
        assert any("deviceOf" in place and hex(truck.device) in place for place in places)
        assert any("lotOf" in place and hex(lot_id(truck.device, 1)) in place for place in places)
        # A mandate is named by the entry that granted it.
        granted = next(item for item in everything if "mandateOf" in item.place and item.sort == "state")
        assert int.from_bytes(granted.data[:32], "big") == truck.device
        assert not any("CustodyLedger" in getter and "attested" not in getter for getter in reader.unread)


class TestPlanted:
    """Comes last: what is on a chain stays there."""

    KNOWN = KnownValues(words=frozenset({PERSON, PLATE}), phones=frozenset({PHONE}))
    PLANTS = (
        ("person", PERSON.encode(), TraceKind.CHINESE_TEXT),
        ("person in GBK", bytes(4) + PERSON.encode("gbk"), TraceKind.CHINESE_TEXT),
        ("phone", PHONE.encode(), TraceKind.PHONE),
        ("plate", PLATE.encode(), TraceKind.PLATE),
        ("identity number", b"11010519491231002X", TraceKind.IDENTITY_NUMBER),
        ("position as text", b"23.147977", TraceKind.POSITION),
        ("position as a double", struct.pack("<d", 113.246155), TraceKind.POSITION),
        ("position as integers", struct.pack(">2I", 23_147_977, 113_246_155), TraceKind.POSITION),
        ("unsalted phone", keccak256(PHONE.encode())[:15], TraceKind.GUESSABLE_HASH),
    )

    @pytest.mark.parametrize(
        ("name", "data", "kind"), PLANTS, ids=lambda value: value if isinstance(value, str) else ""
    )
    def test_calldata_is_found(self, running: RunningCity, name: str, data: bytes, kind: TraceKind) -> None:
        receipt = send_and_wait(running.rpc, key=dev_key(5), to=NOBODY, data=data)
        found = scan_privacy(ChainReader(running.rpc).everything(), self.KNOWN)
        kinds = {leak.trace.kind for leak in found.leaks if str(receipt["transactionHash"]) in leak.place}
        assert kind in kinds

    def test_hash_of_a_name_is_found_in_calldata_log_and_state(self, running: RunningCity) -> None:
        registrar = device_id(99, 1)
        call = encode_create_organisation(
            organisation=99,
            name_digest=keccak256(PERSON.encode()),
            registrar=registrar,
            key_hash=key_hash(*SigningKey.from_secret(99).public),
        )
        send_and_wait(running.rpc, key=dev_key(0), to=running.deployment.actor_registry, data=call)
        found = scan_privacy(ChainReader(running.rpc).everything(), self.KNOWN)
        places = [leak.place for leak in found.leaks if leak.trace.text == f"keccak256 of {PERSON}"]
        assert [place.split(" ")[0] for place in places] == ["calldata", "data", "organisationOf(uint24)"]

    def test_positions_in_a_field_of_many_entries_are_a_column(
        self, running: RunningCity, truck: JournalWriter
    ) -> None:
        """Each alone cannot be told from a hash; together they can."""
        before = scan_privacy(ChainReader(running.rpc).everything(), KnownValues())
        truck.write(Kind.LOAD, lot=lot_id(truck.device, 2), stream=4, occurred_at=NOON)
        for n in range(40):
            packed = struct.pack(">2I", 231_479_770 + 7919 * n, 1_132_461_550 + 6007 * n)
            hidden = int.from_bytes(packed + keccak256(packed)[:7], "big")
            truck.write(
                Kind.LIFT, bin=BINS[0], stream=4, grade=1, basis=1, occurred_at=NOON, grams=900, evidence=hidden
            )
        running.hand_in(truck)
        after = scan_privacy(ChainReader(running.rpc).everything(), KnownValues())
        new = [leak.trace.text for leak in after.leaks if leak not in before.leaks]
        assert any("more at byte 17 of a word of log" in text for text in new)

    def test_fails_the_command(self, running: RunningCity, words: Path) -> None:
        done = running.huanlian("scan-privacy", "--words", str(words))
        assert done.exit_code == 1
        assert "LEAK phone: calldata of " in done.output
        assert done.stdout.strip().endswith("leaks")
