"""An evidence bundle is believed whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from custody_stories import NETWORK
from fakes import FakeWitness
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.cli.verify import BadTrustFile, read_trust
from backend.domain.journal import Network, first_head
from backend.domain.layout import Kind
from backend.domain.proof import (
    BadBundle,
    Bundle,
    Certificate,
    Report,
    Verdict,
    read_bundle,
    write_bundle,
)
from backend.domain.seal import key_hash
from backend.domain.types import Outcome, Role, device_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.ledger_events import LogPlace, SegmentRecorded
from backend.usecases.verify_bundle import Trust, verify_bundle

GENESIS, BLOCK, TX = "aa" * 32, "bb" * 32, "cc" * 32
REGISTRY = "11" * 20


@dataclass
class Case:
    """A true bundle, what its verifier believes, and the node that says so too."""

    bundle: Bundle
    trust: Trust
    witness: FakeWitness

    @property
    def data(self) -> bytes:
        return write_bundle(self.bundle)

    def verify(self, data: bytes | None = None, *, offline: bool = False) -> Report:
        witness = None if offline else self.witness
        return verify_bundle(self.data if data is None else data, trust=self.trust, witness=witness)


def make_case() -> Case:
    """Return a gate's one entry; the root registrar enrolled an office's registrar, and that one the gate."""
    root = JournalWriter(NETWORK, device_id(3, 1), SigningKey.from_secret(1))
    deputy = JournalWriter(NETWORK, device_id(3, 2), SigningKey.from_secret(2))
    gate = JournalWriter(NETWORK, device_id(3, 7), SigningKey.from_secret(3))
    root.write(Kind.SHIFT_END)
    certificates = []
    for registrar, device, role in ((root, deputy, Role.REGISTRAR), (deputy, gate, Role.GATE)):
        before = first_head(NETWORK, registrar.device)
        x, y = device.public
        seq = registrar.write(Kind.ENROL, device=device.device, role=role, scheme=1, x=x, y=y)
        certificates.insert(0, Certificate(registrar.cut(), before, seq))
    gate.write(Kind.SHIFT_END, lifts=3, grams=77)
    segment = gate.cut()
    outcomes = bytes([Outcome.APPLIED])
    event = SegmentRecorded(
        LogPlace(9, bytes.fromhex(BLOCK), bytes.fromhex(TX), 4),
        segment.device,
        1,
        gate.head,
        segment.x,
        segment.y,
        segment.r,
        segment.s,
        segment.words,
        outcomes,
    )
    ledger = NETWORK.ledger.hex()
    bundle = Bundle(
        NETWORK.chain_id,
        ledger,
        gate.device,
        1,
        segment,
        first_head(NETWORK, gate.device),
        outcomes,
        tuple(certificates),
        9,
        BLOCK,
        TX,
        4,
    )
    trust = Trust(NETWORK, GENESIS, REGISTRY, {ledger: "dd" * 32})
    witness = FakeWitness(
        NETWORK.chain_id,
        {0: GENESIS, 9: BLOCK, 11: "ee" * 32},
        {ledger: "dd" * 32},
        {3: {(root.device, key_hash(*root.public))}},
        {(ledger, TX, 4): event},
    )
    return Case(bundle, trust, witness)


CASE = make_case()


def require_invalid(report: Report, step: int | None = None) -> None:
    assert report.verdict == Verdict.INVALID
    assert report.failed is not None
    assert report.failed.number == (step or report.failed.number)
    assert report.failed.detail


class TestAGoodBundle:
    def test_is_valid_in_eight_steps(self) -> None:
        report = CASE.verify()
        assert report.verdict == Verdict.VALID
        assert [step.number for step in report.steps] == list(range(1, 9))
        assert all(step.ok for step in report.steps)

    def test_without_a_node_is_consistent_and_says_what_was_not_checked(self) -> None:
        report = CASE.verify(offline=True)
        assert report.verdict == Verdict.CONSISTENT
        assert [step.number for step in report.steps if step.ok is None] == [6, 7, 8]
        assert BLOCK in report.steps[7].detail

    def test_reads_back_as_it_was_written(self) -> None:
        assert read_bundle(CASE.data) == CASE.bundle


class TestATamperedBundle:
    def test_is_invalid_whichever_byte_changes(self) -> None:
        data = CASE.data
        for position in range(len(data)):
            for bit in (0x01, 0x20):
                changed = bytearray(data)
                changed[position] ^= bit
                require_invalid(CASE.verify(bytes(changed)))

    def test_is_invalid_when_cut_or_grown(self) -> None:
        data = CASE.data
        for end in range(0, len(data), 97):
            require_invalid(CASE.verify(data[:end]), 1)
        for more in (b" ", b"\n", b"\0", b"{}", data):
            require_invalid(CASE.verify(data + more), 1)
            require_invalid(CASE.verify(more + data), 1)

    @pytest.mark.parametrize(
        "rewrite",
        [
            lambda text: json.dumps(json.loads(text)),
            lambda text: json.dumps(json.loads(text), separators=(",", ":"), sort_keys=False)[:-1] + ',"x":1}',
            lambda text: text.replace('"format":', '"format":"huanlian-bundle-1","format":', 1),
            lambda text: text.replace('"log_index":4', '"log_index":4.0'),
            lambda text: text.replace('"log_index":4', '"log_index":"4"'),
            lambda text: text.replace('"log_index":4', '"log_index":4e0'),
            lambda text: text.replace('"log_index":4', '"log_index":NaN'),
            lambda text: text.replace('"log_index":4', '"log_index":1e999'),
            lambda text: text.replace('"log_index":4', '"log_index":' + "9" * 40),
            lambda text: text.replace('"log_index":4', '"log_index":' + "9" * 5000),
            lambda text: text.replace('"log_index":4', '"log_index":null'),
            lambda text: text.replace('"log_index":4', '"log_index":true'),
            lambda text: text.replace('"log_index":4', '"log_index":-4'),
            lambda text: text.replace("huanlian-bundle-1", "huanlian-bundle-2"),
            lambda text: text.replace(NETWORK.ledger.hex(), NETWORK.ledger.hex().upper(), 1),
            lambda text: text.replace(NETWORK.ledger.hex(), "0x" + NETWORK.ledger.hex(), 1),
            lambda text: text.replace(NETWORK.ledger.hex(), "\\ud800", 1),
            lambda text: text.replace('"certificates":[', '"certificates":{', 1),
            lambda text: "[" * 100_000,
            lambda text: '{"format":' * 50_000,
            lambda text: "[]",
            lambda text: "null",
            lambda text: "\ufeff" + text,
        ],
    )
    def test_is_refused_in_any_form_but_the_canonical(self, rewrite: Callable[[str], str]) -> None:
        require_invalid(CASE.verify(rewrite(CASE.data.decode()).encode("utf-8", "surrogatepass")))

    def test_is_refused_in_another_encoding(self) -> None:
        text = CASE.data.decode()
        for encoding in ("utf-16", "utf-32", "utf-16-le"):
            require_invalid(CASE.verify(text.encode(encoding)), 1)

    @settings(max_examples=150)
    @given(st.data())
    def test_never_brings_the_verifier_down(self, data: st.DataObject) -> None:
        """Any value in any place gives a verdict, not an error."""
        parsed = json.loads(CASE.data)
        places = list(_places(parsed))
        path = data.draw(st.sampled_from(places))
        odd = st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(1 << 70), 1 << 70),
            st.text(alphabet="-0123456789abcdefxé", max_size=80),
            st.just("f" * 90),
            st.just("-" + "0" * 15),
            st.just([]),
            st.just({}),
        )
        value = data.draw(odd)
        target = parsed
        for step in path[:-1]:
            target = target[step]
        if target[path[-1]] == value:
            return
        target[path[-1]] = value
        text = json.dumps(parsed, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        require_invalid(CASE.verify(text.encode()))

    def test_entry_of_another_device_is_not_in_the_segment(self) -> None:
        require_invalid(CASE.verify(write_bundle(replace(CASE.bundle, device=CASE.bundle.device + 1))), 3)

    def test_certificates_must_lead_to_the_named_root(self) -> None:
        some = CASE.bundle.certificates
        for fewer in (some[:1], (), some[::-1], (*some, some[1]), (some[1],)):
            report = CASE.verify(write_bundle(replace(CASE.bundle, certificates=fewer)))
            require_invalid(report)
            assert report.failed is not None
            assert report.failed.number in (5, 7)

    def test_outcome_is_the_ledgers(self) -> None:
        for outcomes in (bytes([Outcome.CONFLICT]), bytes([99])):
            require_invalid(CASE.verify(write_bundle(replace(CASE.bundle, outcomes=outcomes))), 8)
        require_invalid(CASE.verify(write_bundle(replace(CASE.bundle, outcomes=b""))), 3)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


class TestWhatTheVerifierBelieves:
    def test_comes_from_its_trust_file_and_never_from_the_bundle(self) -> None:
        other_chain = replace(CASE.trust, network=Network(1, NETWORK.ledger))
        other_ledger = replace(CASE.trust, network=Network(NETWORK.chain_id, bytes(20)))
        for trust in (other_chain, other_ledger):
            require_invalid(verify_bundle(CASE.data, trust=trust, witness=CASE.witness), 2)

    @pytest.mark.parametrize(
        ("change", "step"),
        [
            ({"chain": 1}, 6),
            ({"blocks": {0: "00" * 32, 9: BLOCK}}, 6),
            ({"codes": {}}, 6),
            ({"roots": {}}, 7),
            ({"roots": {3: {(device_id(3, 1), 5)}}}, 7),
            ({"blocks": {0: GENESIS, 9: "00" * 32}}, 8),
            ({"blocks": {0: GENESIS}}, 8),
            ({"records": {}}, 8),
        ],
    )
    def test_must_be_what_the_node_shows(self, change: dict[str, Any], step: int) -> None:
        report = verify_bundle(CASE.data, trust=CASE.trust, witness=replace(CASE.witness, **change))
        require_invalid(report, step)

    @pytest.mark.parametrize(
        "change",
        [
            {"head": bytes(32)},
            {"outcomes": bytes([Outcome.QUARANTINED])},
            {"words": bytes(32)},
            {"device": 5},
            {"first_seq": 2},
            {"r": 5},
            {"place": LogPlace(8, bytes.fromhex(BLOCK), bytes.fromhex(TX), 4)},
        ],
    )
    def test_must_be_the_very_record_on_the_chain(self, change: dict[str, Any]) -> None:
        key = next(iter(CASE.witness.records))
        records = {key: replace(CASE.witness.records[key], **change)}
        report = verify_bundle(CASE.data, trust=CASE.trust, witness=replace(CASE.witness, records=records))
        require_invalid(report, 8)


class TestReadBundle:
    def test_says_why(self) -> None:
        with pytest.raises(BadBundle, match="canonical"):
            read_bundle(CASE.data + b"\n")
        with pytest.raises(BadBundle, match="format"):
            read_bundle(b"{}")


TRUST_FILE = {
    "chain_id": 31337,
    "genesis_hash": "0x" + GENESIS,
    "ledger": "0x" + NETWORK.ledger.hex(),
    "actor_registry": "0x" + REGISTRY,
    "bin_registry": "0x" + "22" * 20,
    "ledger_versions": "0x" + "33" * 20,
    "code_hashes": {"CustodyLedger": "0x" + "dd" * 32, "ActorRegistry": "0x" + "ee" * 32},
}


class TestReadTrust:
    def test_reads_what_a_deployment_writes(self, tmp_path: Path) -> None:
        path = tmp_path / "trust.json"
        path.write_text(json.dumps(TRUST_FILE))
        trust = read_trust(path)
        assert trust.network == NETWORK
        assert trust.genesis_hash == GENESIS
        assert trust.code_hashes == {"0x" + NETWORK.ledger.hex(): "dd" * 32, "0x" + REGISTRY: "ee" * 32}

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "[]",
            "null",
            "5",
            "{",
            "[" * 100_000,
            *(json.dumps({k: v for k, v in TRUST_FILE.items() if k != name}) for name in TRUST_FILE
              if name not in ("bin_registry", "ledger_versions")),
            json.dumps({**TRUST_FILE, "chain_id": "many"}),
            json.dumps({**TRUST_FILE, "ledger": "0xzz"}),
            json.dumps({**TRUST_FILE, "ledger": "0x1234"}),
            json.dumps({**TRUST_FILE, "ledger": 5}),
            json.dumps({**TRUST_FILE, "genesis_hash": None}),
            json.dumps({**TRUST_FILE, "genesis_hash": "0x12"}),
            json.dumps({**TRUST_FILE, "code_hashes": []}),
            json.dumps({**TRUST_FILE, "code_hashes": {}}),
            json.dumps({**TRUST_FILE, "code_hashes": {"Other": "0x" + "dd" * 32}}),
            json.dumps({**TRUST_FILE, "code_hashes": {"CustodyLedger": "dd"}}),
        ],
    )  # fmt: skip
    def test_refuses_a_bad_file_with_a_clear_error(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "trust.json"
        path.write_text(content)
        with pytest.raises(BadTrustFile, match=r"trust\.json"):
            read_trust(path)
