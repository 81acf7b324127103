"""`huanlian relay`: anybody brings sealed segments to the ledger, with a node and an account that pays gas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chain_support import City, PlainAnvil, dev_key, found_city, write_lifts
from click.testing import Result
from typer.testing import CliRunner

from backend.chain.ledger import Ledger
from backend.cli.app import build_app
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.types import device_text
from backend.domain.writer import JournalWriter

SENDER = 5


def upload_of(segment: Segment) -> dict[str, object]:
    return {
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
        "evidence": [{"seq": segment.first_seq, "salt": "00" * 16, "document": "{}"}],
    }


@pytest.fixture(scope="module")
def node() -> Iterator[PlainAnvil]:
    running = PlainAnvil()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def town(node: PlainAnvil) -> City:
    return found_city(node.rpc)


@pytest.fixture(scope="module")
def trust(town: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "trust.json"
    town.deployment.save_trust(path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "segments.jsonl"


def relay(node: PlainAnvil, trust: Path, *files: Path, key: str = dev_key(SENDER).hex()) -> Result:
    environment = {"HUANLIAN_RELAYER_KEY": key, "HUANLIAN_RPC_URLS": node.url}
    return CliRunner().invoke(build_app(), ["relay", *map(str, files), "--trust", str(trust)], env=environment)


def write(path: Path, *segments: Segment) -> None:
    path.write_text("\n".join(json.dumps(upload_of(segment)) for segment in segments))


def three_segments(crew: JournalWriter) -> list[Segment]:
    found = []
    for serial in (1, 2, 3):
        write_lifts(crew, 4, lot_serial=serial)
        found.append(crew.cut())
    return found


def states(result: Result) -> list[str]:
    return [" ".join(line.split()[2:]) for line in result.stdout.strip().splitlines()]


class TestRelay:
    def test_records_a_file_of_segments_and_again_does_no_harm(
        self, node: PlainAnvil, town: City, trust: Path, file: Path
    ) -> None:
        (crew,) = town.crews(20)
        segments = three_segments(crew)
        write(file, *reversed(segments))
        done = relay(node, trust, file)
        assert done.exit_code == 0, done.output
        assert [line.split()[1] for line in done.stdout.strip().splitlines()] == ["1-5", "6-10", "11-15"]
        assert all(state.startswith("recorded in block ") for state in states(done))
        ledger = Ledger(node.rpc, custody_ledger=town.ledger)
        assert ledger.next_seq(crew.device) == crew.next_seq
        again = relay(node, trust, file)
        assert (again.exit_code, states(again)) == (0, ["is on the ledger already"] * 3)

    def test_says_what_was_refused_and_records_the_rest(
        self, node: PlainAnvil, town: City, trust: Path, file: Path
    ) -> None:
        crew, other = town.crews(21, 22)
        first, *later = three_segments(crew)
        write_lifts(other, 2)
        write(file, replace(first, r=1), *later)
        good = file.with_suffix(".json")
        good.write_text(json.dumps([upload_of(other.cut())]))
        done = relay(node, trust, file, good)
        assert done.exit_code == 1
        assert states(done)[:3] == ["refused: bad seal", "refused: gap", "refused: gap"]
        assert states(done)[3].startswith("recorded in block ")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("", "no segment"),
            ("[]", "holds no segment"),
            ("{}", "no sealed segment"),
            ('{"device": 1}', "no sealed segment"),
            ("{", "segments.jsonl"),
            ("{}\n{", "segments.jsonl"),
        ],
    )
    def test_uses_nothing_of_a_file_that_is_none(
        self, node: PlainAnvil, trust: Path, file: Path, content: str, said: str
    ) -> None:
        file.write_text(content)
        done = relay(node, trust, file)
        assert done.exit_code == 1
        assert type(done.exception).__name__ in ("BadSegmentFile", "MalformedSegment")
        assert said in str(done.exception) or "segments.jsonl" in str(done.exception)

    def test_sends_nothing_that_is_too_heavy(self, node: PlainAnvil, town: City, trust: Path, file: Path) -> None:
        (crew,) = town.crews(23)
        for number in range(1, 101):
            crew.write(Kind.GIVE, lot=number, to=town.registrar.device)
        write(file, crew.cut(100))
        done = relay(node, trust, file)
        assert type(done.exception).__name__ == "SegmentTooHeavy"

    def test_needs_a_key_and_the_chain_of_the_trust_file(
        self, node: PlainAnvil, town: City, trust: Path, file: Path
    ) -> None:
        (crew,) = town.crews(24)
        write_lifts(crew, 1)
        write(file, crew.cut())
        assert "HUANLIAN_RELAYER_KEY" in str(relay(node, trust, file, key="").exception)
        other = trust.with_name("other.json")
        other.write_text(json.dumps({**json.loads(trust.read_text()), "genesis_hash": "0x" + "11" * 32}))
        assert "not the one of the trust file" in str(relay(node, other, file).exception)
        assert "is not there" in str(relay(node, trust.with_name("none.json"), file).exception)
