"""An evidence bundle is believed whole or not at all."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from custody_stories import NETWORK
from hypothesis import given, settings
from hypothesis import strategies as st
from made_blocks import created_log, make_block, receipt, recorded_log
from proof_cases import (
    CASES,
    GENESIS,
    LEDGER,
    NAMED_BLOCK,
    RECORDED_BLOCK,
    REGISTRY,
    SETTLED_BLOCK,
    TRUST_FILE,
    VERSIONS,
    Case,
    case_of,
    certify,
    gate_case,
    passkey_case,
    settled_case,
    truck_case,
    writer,
)

from backend.cli.verify import BadTrustFile, read_trust
from backend.domain.blocks import Log
from backend.domain.bundle import BYTES_MAX, BadBundle, read_bundle, write_bundle
from backend.domain.journal import first_head
from backend.domain.layout import Kind
from backend.domain.proof import Report, Verdict
from backend.domain.seal import CURVE_ORDER, key_hash
from backend.domain.types import Role, device_id
from backend.domain.writer import JournalWriter, SigningKey

CASE = gate_case()


def require_invalid(report: Report, step: int | None = None) -> None:
    assert report.verdict == Verdict.INVALID
    assert report.failed is not None
    assert report.failed.number == (step or report.failed.number), report.failed
    assert report.failed.detail
    assert f"(step {report.failed.number}: " in report.verdict_line


class TestAGoodBundle:
    @pytest.mark.parametrize("name", CASES)
    def test_is_valid_in_nine_steps(self, name: str) -> None:
        report = CASES[name]().verify()
        assert report.verdict == Verdict.VALID, report.failed
        assert [step.number for step in report.steps] == list(range(1, 10))
        assert all(step.ok for step in report.steps)

    def test_without_a_node_is_consistent_and_shows_the_hashes_to_compare(self) -> None:
        report = CASE.verify(offline=True)
        assert report.verdict == Verdict.CONSISTENT
        assert [step.number for step in report.steps if step.ok is None] == [8, 9]
        for block in (CASE.bundle.recorded, CASE.bundle.named):
            assert block.block_hash.hex() in report.steps[8].detail

    def test_is_valid_without_a_node_where_the_trust_file_names_both_blocks(self) -> None:
        known = [
            {"number": number, "hash": "0x" + CASE.witness.blocks[number]}
            for number in (RECORDED_BLOCK, NAMED_BLOCK)
        ]
        for checkpoints, verdict in ((known, Verdict.VALID), (known[:1], Verdict.CONSISTENT)):
            case = replace(CASE, trust_file={**TRUST_FILE, "checkpoints": checkpoints})
            assert case.verify(offline=True).verdict == verdict
            assert case.verify().verdict == Verdict.VALID

    @pytest.mark.parametrize("name", CASES)
    def test_reads_back_as_it_was_written(self, name: str) -> None:
        case = CASES[name]()
        assert read_bundle(case.data) == case.bundle

    def test_says_what_the_ledger_made_of_the_entry(self) -> None:
        assert "lift, seq 20 of device" in truck_case().verify().steps[3].detail
        assert truck_case().verify().steps[3].detail.endswith("applied")
        assert truck_case(seq=24).verify().steps[3].detail.endswith("conflict")


class TestACertificate:
    @pytest.mark.parametrize(
        ("organisation", "secret", "said"),
        [(3, 8, "was enrolled with another key."), (4, 3, "of another organisation.")],
    )
    def test_enrols_this_key_and_its_own_organisations_devices(
        self, organisation: int, secret: int, said: str
    ) -> None:
        registrar = JournalWriter(NETWORK, device_id(organisation, 2), SigningKey.from_secret(2))
        device = JournalWriter(NETWORK, CASE.bundle.device, SigningKey.from_secret(secret))
        certificate = certify(registrar, device, Role.GATE)
        changed = replace(CASE.bundle, certificates=(certificate, *CASE.bundle.certificates[1:]))
        report = CASE.verify(write_bundle(changed), offline=True)
        require_invalid(report, 6)
        assert report.failed is not None
        assert report.failed.detail.endswith(said)

    def test_binds_a_passkey_to_the_web_origin_that_it_was_enrolled_for(self) -> None:
        assert passkey_case().verify().verdict == Verdict.VALID
        require_invalid(passkey_case("https://elsewhere.example").verify(), 5)

    def test_must_lead_to_the_named_root(self) -> None:
        some = CASE.bundle.certificates
        for fewer in (some[:1], (), some[::-1], (*some, some[1]), (some[1],)):
            report = CASE.verify(write_bundle(replace(CASE.bundle, certificates=fewer)))
            require_invalid(report)
            assert report.failed is not None
            assert report.failed.number in (6, 7)


class TestAnEntryThatHadToWait:
    def test_is_proved_with_its_last_outcome(self) -> None:
        report = settled_case().verify()
        assert report.verdict == Verdict.VALID, report.failed
        assert report.steps[3].detail.endswith("deferred, then applied")
        assert settled_case(outcome=0x14).verify().steps[3].detail.endswith("deferred, then conflict")

    def test_may_still_wait(self) -> None:
        case = settled_case()
        report = case.verify(write_bundle(replace(case.bundle, settled=None)))
        assert report.verdict == Verdict.VALID
        assert report.steps[3].detail.endswith("deferred")

    @pytest.mark.parametrize("changed", [{"seq": 1}, {"seq": 3}, {"device": 5}])
    def test_is_not_settled_by_another_entrys_word(self, changed: dict[str, int]) -> None:
        require_invalid(settled_case(**changed).verify(), 4)

    def test_is_settled_by_the_trusted_ledgers_log_in_a_block(self) -> None:
        case, gate = settled_case(), gate_case()
        for other in (case.bundle.recorded, case.bundle.named, replace(case.bundle.recorded, log=5)):
            require_invalid(case.verify(write_bundle(replace(case.bundle, settled=other))), 4)
        require_invalid(gate.verify(write_bundle(replace(gate.bundle, settled=case.bundle.settled))), 4)
        unknown = {**case.witness.blocks, SETTLED_BLOCK: "00" * 32}
        require_invalid(replace(case, witness=replace(case.witness, blocks=unknown)).verify(), 9)


class TestATamperedBundle:
    def test_is_invalid_whichever_byte_changes(self) -> None:
        """Also without a node: a block's hash stands beside its header."""
        data = CASE.data
        for position in range(0, len(data), 3):
            changed = bytearray(data)
            changed[position] ^= 0x01 if position % 2 else 0x20
            require_invalid(CASE.verify(bytes(changed), offline=True))

    @pytest.mark.parametrize("name", CASES)
    def test_is_invalid_whatever_byte_it_becomes(self, name: str) -> None:
        rng, case = random.Random(name), CASES[name]()
        for _ in range(300):
            changed = bytearray(case.data)
            at = rng.randrange(len(changed))
            changed[at] = rng.choice([byte for byte in b'0123456789abcdef{}[]:,"' if byte != changed[at]])
            require_invalid(case.verify(bytes(changed), offline=True))

    def test_is_invalid_when_it_names_another_entry_of_the_segment(self) -> None:
        """Though the lifts around it are word for word the same."""
        case = truck_case()
        for seq in range(1, 30):
            if seq != case.bundle.seq:
                require_invalid(case.verify(write_bundle(replace(case.bundle, seq=seq))), 4)
        require_invalid(case.verify(write_bundle(replace(case.bundle, words=bytes(32)))), 4)
        require_invalid(case.verify(write_bundle(replace(case.bundle, device=1))), 4)
        require_invalid(case.verify(write_bundle(replace(case.bundle, prev_head=bytes(32)))), 4)

    def test_is_invalid_when_cut_or_grown(self) -> None:
        data = CASE.data
        for end in range(0, len(data), 997):
            require_invalid(CASE.verify(data[:end]), 1)
        for more in (b" ", b"\n", b"\0", b"{}", data):
            require_invalid(CASE.verify(data + more), 1)
            require_invalid(CASE.verify(more + data), 1)
        require_invalid(CASE.verify(b" " * (BYTES_MAX + 1)), 1)

    @pytest.mark.parametrize(
        "rewrite",
        [
            lambda text: json.dumps(json.loads(text)),
            lambda text: json.dumps(json.loads(text), separators=(",", ":"), sort_keys=False)[:-1] + ',"x":1}',
            lambda text: text.replace('"format":', '"format":"huanlian-bundle-2","format":', 1),
            lambda text: text.replace('"log":1', '"log":1.0'),
            lambda text: text.replace('"log":1', '"log":"1"'),
            lambda text: text.replace('"log":1', '"log":1e0'),
            lambda text: text.replace('"log":1', '"log":NaN'),
            lambda text: text.replace('"log":1', '"log":1e999'),
            lambda text: text.replace('"log":1', '"log":' + "9" * 40),
            lambda text: text.replace('"log":1', '"log":' + "9" * 5000),
            lambda text: text.replace('"log":1', '"log":null'),
            lambda text: text.replace('"log":1', '"log":true'),
            lambda text: text.replace('"log":1', '"log":-1'),
            lambda text: text.replace("huanlian-bundle-2", "huanlian-bundle-1"),
            lambda text: text.replace(LEDGER, LEDGER.upper(), 1),
            lambda text: text.replace(LEDGER, "0x" + LEDGER, 1),
            lambda text: text.replace(LEDGER, "\\ud800", 1),
            lambda text: text.replace('"certificates":[', '"certificates":{', 1),
            lambda text: "[" * 100_000,
            lambda text: '{"format":' * 50_000,
            lambda text: "[]",
            lambda text: "null",
            lambda text: "\ufeff" + text,
        ],
    )
    def test_is_refused_in_any_form_but_the_canonical(self, rewrite: Callable[[str], str]) -> None:
        require_invalid(CASE.verify(rewrite(CASE.data.decode()).encode("utf-8", "surrogatepass")), 1)

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


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


class TestARecord:
    """Step 3 believes the trusted ledger's log in that block, and nothing else."""

    def with_log(self, log: Log) -> Case:
        block = make_block(RECORDED_BLOCK, [receipt(2, [log])])
        blocks = {**CASE.witness.blocks, RECORDED_BLOCK: block.hash.hex()}
        bundle = replace(CASE.bundle, recorded=block.inclusion(0))
        return Case(bundle, replace(CASE.witness, blocks=blocks))

    def test_of_a_look_alike_ledger_is_none(self) -> None:
        gate = writer(7, 3)
        gate.write(Kind.SHIFT_END, lifts=3, grams=77)
        segment, head = gate.cut(), gate.head
        true = recorded_log(NETWORK.ledger, segment, head, b"\1")
        assert self.with_log(true).verify().verdict == Verdict.VALID
        require_invalid(self.with_log(replace(true, address=bytes(20))).verify(), 3)
        require_invalid(self.with_log(replace(true, topics=true.topics[:2])).verify(), 3)
        require_invalid(self.with_log(replace(true, topics=(bytes(32), *true.topics[1:]))).verify(), 3)
        for data in (true.data[:255], true.data[:-64], b"", b"\xff" * len(true.data)):
            require_invalid(self.with_log(replace(true, data=data)).verify(), 3)

    def test_differs_from_a_segment_that_the_ledger_recorded_otherwise(self) -> None:
        gate = writer(7, 3)
        gate.write(Kind.SHIFT_END, lifts=3, grams=77)
        segment, head = gate.cut(), gate.head
        for changed, outcomes, step in (
            (replace(segment, words=bytes(32)), b"\1", 4),
            (replace(segment, words=b"\3\3" + bytes(30)), b"\1", 4),
            (replace(segment, device=5), b"\1", 4),
            (replace(segment, first_seq=2), b"\1", 4),
            (segment, b"", 4),
            (segment, b"\1\1", 4),
            (replace(segment, r=5), b"\1", 5),
            (replace(segment, s=CURVE_ORDER), b"\1", 5),
            (replace(segment, assertion=b"x" * 90), b"\1", 5),
        ):
            require_invalid(self.with_log(recorded_log(NETWORK.ledger, changed, head, outcomes)).verify(), step)
        require_invalid(self.with_log(recorded_log(NETWORK.ledger, segment, bytes(32), b"\1")).verify(), 5)

    def test_with_the_other_half_of_s_is_as_good(self) -> None:
        gate = writer(7, 3)
        gate.write(Kind.SHIFT_END, lifts=3, grams=77)
        segment = gate.cut()
        other = replace(segment, s=CURVE_ORDER - segment.s)
        assert (
            self.with_log(recorded_log(NETWORK.ledger, other, gate.head, b"\1")).verify().verdict == Verdict.VALID
        )

    def test_of_a_journal_that_begins_elsewhere_is_refused(self) -> None:
        """A head that no chain, ledger and device leads to, sealed all the same."""
        gate = JournalWriter(NETWORK, device_id(3, 7), SigningKey.from_secret(3), head=b"h" * 32)
        gate.write(Kind.SHIFT_END)
        case = case_of(gate.cut(), b"h" * 32, 1, CASE.bundle.certificates)
        require_invalid(case.verify(), 5)

    def test_of_an_unknown_kind_and_outcome_is_read_all_the_same(self) -> None:
        gate = writer(7, 3)
        gate.write_words(bytes([99, 1]) + bytes(30))
        before = first_head(NETWORK, gate.device)
        report = case_of(gate.cut(), before, 1, CASE.bundle.certificates, outcomes=b"\x0f").verify()
        assert report.verdict == Verdict.VALID
        assert report.steps[3].detail == "kind 99, seq 1 of device 0000030000000007, outcome 15"


class TestANaming:
    """Step 7 believes the trusted registry's log."""

    def with_log(self, log: Log) -> Report:
        block = make_block(NAMED_BLOCK, [receipt(0, [log])])
        blocks = {**CASE.witness.blocks, NAMED_BLOCK: block.hash.hex()}
        return Case(replace(CASE.bundle, named=block.inclusion(0)), replace(CASE.witness, blocks=blocks)).verify()

    def test_names_this_device_with_this_key_for_this_organisation(self) -> None:
        root = writer(1, 1)
        named = {"organisation": 3, "device": root.device, "key_hash": key_hash(*root.public)}
        registry = bytes.fromhex(REGISTRY)
        assert self.with_log(created_log(registry, **named)).verdict == Verdict.VALID
        for wrong in ({"organisation": 4}, {"device": 5}, {"key_hash": 5}):
            require_invalid(self.with_log(created_log(registry, **{**named, **wrong})), 7)
        require_invalid(self.with_log(created_log(bytes(20), **named)), 7)
        log = created_log(registry, **named)
        for other in (replace(log, topics=log.topics[:2]), replace(log, data=log.data[:32]),
                      replace(log, topics=(bytes(32), *log.topics[1:]))):  # fmt: skip
            require_invalid(self.with_log(other), 7)

    def test_stands_in_a_block_like_any_log(self) -> None:
        wrong = replace(CASE.bundle.named, log=1)
        require_invalid(CASE.verify(write_bundle(replace(CASE.bundle, named=wrong))), 7)


class TestWhatTheVerifierBelieves:
    def test_comes_from_its_trust_file_and_never_from_the_bundle(self) -> None:
        for changed in ({"chain_id": 1}, {"ledger": "0x" + "00" * 20}):
            case = replace(CASE, trust_file={**TRUST_FILE, **changed})
            require_invalid(case.verify(), 2)
        require_invalid(replace(CASE, trust_file={**TRUST_FILE, "actor_registry": "0x" + "44" * 20}).verify(), 7)

    @pytest.mark.parametrize(
        ("change", "step"),
        [
            ({"chain": 1}, 8),
            ({"blocks": {**CASE.witness.blocks, 0: "00" * 32}}, 8),
            ({"codes": {}}, 8),
            ({"listed": []}, 8),
            ({"blocks": {**CASE.witness.blocks, RECORDED_BLOCK: "00" * 32}}, 9),
            ({"blocks": {**CASE.witness.blocks, NAMED_BLOCK: "00" * 32}}, 9),
            ({"blocks": {0: GENESIS}}, 9),
        ],
    )
    def test_must_be_what_the_node_shows(self, change: dict[str, Any], step: int) -> None:
        require_invalid(replace(CASE, witness=replace(CASE.witness, **change)).verify(), step)

    @pytest.mark.parametrize("offline", [True, False])
    @pytest.mark.parametrize("number", [RECORDED_BLOCK, NAMED_BLOCK])
    def test_names_blocks_that_no_other_may_replace(self, offline: bool, number: int) -> None:
        trust_file = {**TRUST_FILE, "checkpoints": [{"number": number, "hash": "0x" + "00" * 32}]}
        require_invalid(replace(CASE, trust_file=trust_file).verify(offline=offline), 9 if offline else 8)

    @pytest.mark.parametrize("answers", range(8))
    def test_stays_unconfirmed_where_the_node_falls_silent(self, answers: int) -> None:
        report = replace(CASE, witness=replace(CASE.witness, answers=answers)).verify()
        assert report.verdict == Verdict.CONSISTENT
        assert "silence" in report.steps[7].detail + report.steps[8].detail
        assert [step.number for step in report.steps] == list(range(1, 10))


class TestReadBundle:
    def test_says_why(self) -> None:
        with pytest.raises(BadBundle, match="canonical"):
            read_bundle(CASE.data + b"\n")
        with pytest.raises(BadBundle, match="format"):
            read_bundle(b"{}")
        with pytest.raises(BadBundle, match="larger"):
            read_bundle(b" " * (BYTES_MAX + 1))


class TestReadTrust:
    def test_reads_what_a_deployment_writes(self, tmp_path: Path) -> None:
        path = tmp_path / "trust.json"
        path.write_text(json.dumps({**TRUST_FILE, "checkpoints": [{"number": 7, "hash": "0x" + "cc" * 32}]}))
        trust = read_trust(path)
        assert trust.network == NETWORK
        assert trust.genesis_hash == GENESIS
        assert trust.code_hashes == {"0x" + LEDGER: "dd" * 32, "0x" + REGISTRY: "ee" * 32}
        assert (trust.ledger_versions, trust.checkpoints) == ("0x" + VERSIONS, {7: "cc" * 32})
        assert trust.has_single_sequencer

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
              if name not in ("bin_registry", "ledger_versions", "sequencer")),
            json.dumps({**TRUST_FILE, "chain_id": "many"}),
            json.dumps({**TRUST_FILE, "ledger": "0xzz"}),
            json.dumps({**TRUST_FILE, "ledger": "0x1234"}),
            json.dumps({**TRUST_FILE, "ledger": 5}),
            json.dumps({**TRUST_FILE, "ledger_versions": "0x12"}),
            json.dumps({**TRUST_FILE, "genesis_hash": None}),
            json.dumps({**TRUST_FILE, "genesis_hash": "0x12"}),
            json.dumps({**TRUST_FILE, "code_hashes": []}),
            json.dumps({**TRUST_FILE, "code_hashes": {}}),
            json.dumps({**TRUST_FILE, "code_hashes": {"Other": "0x" + "dd" * 32}}),
            json.dumps({**TRUST_FILE, "code_hashes": {"CustodyLedger": "dd"}}),
            json.dumps({**TRUST_FILE, "checkpoints": [5]}),
            json.dumps({**TRUST_FILE, "checkpoints": [{"number": "5", "hash": "0x" + "cc" * 32}]}),
            json.dumps({**TRUST_FILE, "checkpoints": [{"number": -5, "hash": "0x" + "cc" * 32}]}),
            json.dumps({**TRUST_FILE, "checkpoints": [{"number": 5, "hash": "0x"}]}),
        ],
    )  # fmt: skip
    def test_refuses_a_bad_file_with_a_clear_error(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "trust.json"
        path.write_text(content)
        with pytest.raises(BadTrustFile, match=r"trust\.json"):
            read_trust(path)
