from __future__ import annotations

from typing import Any

import eth_abi
import pytest
from chain_support import City, dev_key, write_lifts
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import Web3

from backend.chain import abi, authority, ledger, ledger_calls, ledger_logs, registries
from backend.chain.artifacts import CONTRACT_NAMES, load_artifact
from backend.chain.contract_errors import (
    ERRORS,
    AccessManagedUnauthorized,
    BinRegistryNotAttested,
    ContractError,
    read_contract_error,
)
from backend.chain.ledger import Ledger, call_contract, ledger_in_force
from backend.chain.ledger_calls import (
    encode_add_ledger,
    encode_create_organisation,
    encode_open_site,
    encode_place,
    encode_propose_registrar,
    encode_record,
    encode_replace_registrar,
    encode_settle,
)
from backend.chain.ledger_events import (
    BinsPlaced,
    OrganisationCreated,
    PlacedBin,
    SegmentRecorded,
    SegmentRefused,
    SiteOpened,
)
from backend.chain.ledger_logs import decode_log, decode_logs
from backend.chain.transactions import account_of, send_and_wait
from backend.domain.journal import Segment
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.types import Refusal, lot_id, site_id

WORDS = st.integers(0, 2**256 - 1)
DIGESTS = st.binary(min_size=32, max_size=32)
SEGMENTS = st.builds(
    Segment,
    device=st.integers(0, 2**64 - 1),
    first_seq=st.integers(0, 2**40 - 1),
    words=st.binary(max_size=200),
    x=WORDS,
    y=WORDS,
    r=WORDS,
    s=WORDS,
)
BINS = st.builds(
    PlacedBin,
    number=st.integers(0, 2**40 - 1),
    serial_digest=DIGESTS,
    stream=st.integers(0, 255),
    from_at=st.integers(0, 2**40 - 1),
)


def contract(name: str) -> Any:
    return Web3().eth.contract(abi=load_artifact(name).abi)


def by_web3(name: str, function: str, *arguments: Any) -> bytes:
    return bytes.fromhex(contract(name).encode_abi(function, arguments)[2:])


def segment_tuple(segment: Segment) -> tuple[Any, ...]:
    points = (value.to_bytes(32, "big") for value in (segment.x, segment.y, segment.r, segment.s))
    return (segment.device, segment.first_seq, *points, segment.words, segment.assertion)


def bin_tuple(bin_: PlacedBin) -> tuple[Any, ...]:
    return (bin_.number, bin_.serial_digest, bin_.stream, bin_.from_at)


def log_of(topics: list[str], data: bytes) -> dict[str, Any]:
    return {
        "blockNumber": "0x10",
        "blockHash": "0x" + "0a" * 32,
        "transactionHash": "0x" + "0b" * 32,
        "logIndex": "0x2",
        "topics": topics,
        "data": "0x" + data.hex(),
    }


class TestCalls:
    @given(st.lists(SEGMENTS, max_size=5))
    @settings(max_examples=50, deadline=None)
    def test_encodes_segments_as_web3_does(self, segments: list[Segment]) -> None:
        expected = by_web3("CustodyLedger", "record", [segment_tuple(one) for one in segments])
        assert encode_record(segments) == expected

    @given(st.lists(BINS, max_size=5), st.integers(0, 2**64 - 1))
    @settings(max_examples=50, deadline=None)
    def test_encodes_placements_as_web3_does(self, bins: list[PlacedBin], site: int) -> None:
        expected = by_web3("BinRegistry", "place", site, [bin_tuple(one) for one in bins])
        assert encode_place(site=site, bins=bins) == expected

    def test_encodes_every_other_call_as_web3_does(self) -> None:
        digest = keccak256(b"x")
        address = "0x" + "ab" * 20
        cases = [
            (encode_settle(5, 7, max_steps=9), by_web3("CustodyLedger", "settle", 5, 7, 9)),
            (
                encode_create_organisation(organisation=1, name_digest=digest, registrar=2, key_hash=3),
                by_web3("ActorRegistry", "createOrganisation", 1, digest, 2, 3),
            ),
            (
                encode_propose_registrar(organisation=1, registrar=2, key_hash=3),
                by_web3("ActorRegistry", "proposeRegistrar", 1, 2, 3),
            ),
            (encode_replace_registrar(4), by_web3("ActorRegistry", "replaceRegistrar", 4)),
            (registries.encode_cancel_proposal(4), by_web3("ActorRegistry", "cancelProposal", 4)),
            (registries.encode_suspend_organisation(4), by_web3("ActorRegistry", "suspendOrganisation", 4)),
            (registries.encode_resume_organisation(4), by_web3("ActorRegistry", "resumeOrganisation", 4)),
            (
                registries.encode_set_regulator(4, is_regulator=True),
                by_web3("ActorRegistry", "setRegulator", 4, True),
            ),
            (
                encode_open_site(site=6, site_kind=2, digest=digest),
                by_web3("BinRegistry", "openSite", 6, 2, digest),
            ),
            (
                encode_add_ledger(ledger=address, active_from=8),
                by_web3("LedgerVersions", "add", Web3.to_checksum_address(address), 8),
            ),
        ]
        for ours, theirs in cases:
            assert ours == theirs

    def test_reads_only_functions_that_the_contracts_have(self) -> None:
        functions = {
            "0x" + keccak256(signature(item).encode())[:4].hex(): signature(item)
            for name in CONTRACT_NAMES
            for item in load_artifact(name).abi
            if item["type"] == "function"
        }
        ours = [
            value
            for module in (ledger, ledger_calls, registries, authority)
            for name, value in vars(module).items()
            if name.isupper() and isinstance(value, bytes)
        ]
        assert len(ours) == 18 + 6 + 11
        for selector in ours:
            assert "0x" + selector.hex() in functions


class TestLogs:
    def test_knows_every_event_of_the_contracts(self) -> None:
        events = {
            signature_topic(item)
            for name in CONTRACT_NAMES
            for item in load_artifact(name).abi
            if item["type"] == "event"
        }
        # Where a registry's authority is, and what it does, is not a matter of the books.
        events -= {signature_topic(item) for item in load_artifact("CityAuthority").abi if item["type"] == "event"}
        assert events - set(ledger_logs._DECODERS) == {abi.topic("AuthorityUpdated(address)")}
        assert set(ledger_logs._DECODERS) <= events

    @given(SEGMENTS, DIGESTS, st.binary(max_size=300))
    @settings(max_examples=50, deadline=None)
    def test_decodes_recorded_segments_as_web3_encodes_them(
        self, segment: Segment, head: bytes, outcomes: bytes
    ) -> None:
        data = eth_abi.encode(
            ["bytes32"] * 5 + ["bytes"] * 3,
            [head, *segment_tuple(segment)[2:6], segment.words, outcomes, segment.assertion],
        )
        topics = [ledger_logs.SEGMENT_RECORDED, f"0x{segment.device:064x}", f"0x{segment.first_seq:064x}"]
        event = decode_log(log_of(topics, data))
        assert event == SegmentRecorded(16, b"\x0a" * 32, b"\x0b" * 32, 2, segment, head, outcomes)

    @given(st.lists(BINS, max_size=4), DIGESTS)
    @settings(max_examples=50, deadline=None)
    def test_decodes_placements_as_web3_encodes_them(self, bins: list[PlacedBin], head: bytes) -> None:
        data = eth_abi.encode(
            ["(uint40,bytes32,uint8,uint40)[]", "bytes32"], [[bin_tuple(one) for one in bins], head]
        )
        event = decode_log(log_of([ledger_logs.BINS_PLACED, f"0x{9:064x}"], data))
        assert event == BinsPlaced(16, b"\x0a" * 32, b"\x0b" * 32, 2, 9, tuple(bins), head)

    def test_refuses_a_log_that_ends_early(self) -> None:
        data = eth_abi.encode(["bytes32"] * 5 + ["bytes"] * 3, [bytes(32)] * 5 + [bytes(64), bytes(2), bytes(3)])
        topics = [ledger_logs.SEGMENT_RECORDED, f"0x{1:064x}", f"0x{1:064x}"]
        for cut in (32, 64, 96):
            with pytest.raises(ValueError, match="past its end"):
                decode_log(log_of(topics, data[:-cut]))

    def test_passes_over_what_it_does_not_know(self) -> None:
        assert decode_logs([log_of(["0x" + "00" * 32], b""), log_of([], b"")]) == []


class TestErrors:
    def test_has_a_class_for_every_error_of_the_contracts(self) -> None:
        errors = {
            signature(item)
            for name in CONTRACT_NAMES
            for item in load_artifact(name).abi
            if item["type"] == "error"
        }
        assert errors == {error.signature for error in ERRORS.values()}

    def test_reads_the_values_of_every_error(self) -> None:
        for selector, error in ERRORS.items():
            values = {name: 7 + n for n, name in enumerate(error.names)}
            data = selector + b"".join(value.to_bytes(32, "big") for value in values.values())
            found = read_contract_error(data)
            assert type(found) is error
            assert isinstance(found, ContractError)
            assert found.values == values

    def test_leaves_foreign_errors_alone(self) -> None:
        assert read_contract_error(b"\x08\xc3\x79\xa0" + bytes(64)) is None
        assert read_contract_error(b"") is None

    def test_raises_the_contracts_error_instead_of_sending(self, city: City) -> None:
        call = encode_create_organisation(organisation=99, name_digest=bytes(32), registrar=1, key_hash=1)
        with pytest.raises(AccessManagedUnauthorized) as caught:
            send_and_wait(city.rpc, key=dev_key(3), to=city.deployment.actor_registry, data=call)
        assert caught.value.values["caller"] == int(account_of(dev_key(3)).address, 16)
        with pytest.raises(BinRegistryNotAttested):
            call_contract(
                city.rpc,
                city.deployment.bin_registry,
                encode_open_site(site=site_id(7, 9), site_kind=1, digest=bytes(32)),
            )


class TestAgainstTheContracts:
    def test_records_a_segment_and_reads_it_back(self, city: City) -> None:
        (crew,) = city.crews(10)
        write_lifts(crew, 12)
        segment = crew.cut()
        receipt: Any = city.record(segment)
        (event,) = decode_logs(receipt["logs"])
        assert isinstance(event, SegmentRecorded)
        assert event.segment == segment
        assert event.head == crew.head
        assert event.outcomes == b"\x01" * 13
        assert event.tx_hash.hex() == receipt["transactionHash"][2:]
        assert event.block_number == int(receipt["blockNumber"], 16)
        reads = Ledger(city.rpc, custody_ledger=city.ledger, actor_registry=city.deployment.actor_registry)
        assert reads.next_seq(crew.device) == 14
        assert reads.next_seqs([crew.device, 12345]) == {crew.device: 14, 12345: 0}
        assert reads.head_of(crew.device) == crew.head
        assert reads.device_of(crew.device).role == 1
        lot = reads.lot_of(lot_id(crew.device, 1))
        assert (lot.holder, lot.grams, lot.lifts, lot.status) == (crew.device, 12_000, 12, 1)
        assert reads.totals_of(3).lifted >= 12_000
        day = (
            int(city.rpc.call("eth_getBlockByHash", receipt["blockHash"], False)["timestamp"], 16) + 28800
        ) // 86400
        assert reads.day_totals_of(organisation=7, day=day, stream=3).lifted >= 12_000
        assert reads.registrar_of(7).device == city.registrar.device
        by_hash = bytes.fromhex(receipt["blockHash"][2:])
        assert reads.head_of(crew.device, block=by_hash) == crew.head
        assert ledger_in_force(city.rpc, city.deployment.ledger_versions) == city.ledger

    def test_decodes_real_logs_as_web3_does(self, city: City) -> None:
        logs = city.rpc.call("eth_getLogs", {"fromBlock": "0x0", "address": city.deployment.addresses})
        assert logs
        assert {log["topics"][0] for log in logs if decode_log(log) is None} == {
            abi.topic("AuthorityUpdated(address)")
        }
        for log in logs:
            event: Any = decode_log(log)
            if event is None:
                continue
            name = type(event).__name__
            owner = next(contract(each) for each in CONTRACT_NAMES if hasattr(contract(each).events, name))
            theirs = owner.events[name]().process_log(to_web3(log))
            assert (event.block_number, event.log_index) == (theirs["blockNumber"], theirs["logIndex"])
            if isinstance(event, SegmentRecorded):
                assert event.segment.words == theirs["args"]["words"]
                assert event.outcomes == theirs["args"]["outcomes"]
                assert event.segment.s == int.from_bytes(theirs["args"]["s"], "big")
            if isinstance(event, OrganisationCreated):
                assert event.key_hash == theirs["args"]["keyHash"]
                assert event.registrar == theirs["args"]["registrar"]

    def test_says_why_a_segment_was_refused(self, city: City) -> None:
        (crew,) = city.crews(11)
        write_lifts(crew, 1)
        first = crew.cut(1)
        second = crew.cut()
        receipt: Any = city.record(second, first, first)
        refusals = [event for event in decode_logs(receipt["logs"]) if isinstance(event, SegmentRefused)]
        assert [event.reason for event in refusals] == [Refusal.GAP, Refusal.ALREADY_RECORDED]

    def test_opens_a_site_and_places_bins(self, city: City) -> None:
        site = site_id(7, 1)
        digest = keccak256(b"a street")
        bins = [PlacedBin(5, keccak256(b"serial"), 3, 1000), PlacedBin(6, keccak256(b"other"), 1, 2000)]
        packed = b"".join(
            one.number.to_bytes(5, "big")
            + one.serial_digest
            + one.stream.to_bytes(1, "big")
            + one.from_at.to_bytes(5, "big")
            for one in bins
        )
        city.registrar.write(Kind.SITE, site=site, site_kind=1, digest=int.from_bytes(digest, "big"))
        placed = keccak256(packed)
        city.registrar.write(Kind.PLACE, site=site, count=2, digest=int.from_bytes(placed, "big"))
        city.record(*city.registrar.cut_all())
        registry = city.deployment.bin_registry
        call = encode_open_site(site=site, site_kind=1, digest=digest)
        opened: Any = send_and_wait(city.rpc, key=dev_key(2), to=registry, data=call)
        placing: Any = send_and_wait(
            city.rpc, key=dev_key(2), to=registry, data=encode_place(site=site, bins=bins)
        )
        (event,) = decode_logs(opened["logs"])
        assert isinstance(event, SiteOpened)
        assert (event.site, event.site_kind, event.digest) == (site, 1, digest)
        (event,) = decode_logs(placing["logs"])
        assert isinstance(event, BinsPlaced)
        assert event.bins == tuple(bins)


def signature(item: dict[str, Any]) -> str:
    def name(part: dict[str, Any]) -> str:
        if not part["type"].startswith("tuple"):
            return str(part["type"])
        inner = ",".join(name(each) for each in part["components"])
        return f"({inner}){part['type'].removeprefix('tuple')}"

    return f"{item['name']}({','.join(name(each) for each in item['inputs'])})"


def signature_topic(item: dict[str, Any]) -> str:
    return abi.topic(signature(item))


def to_web3(log: dict[str, Any]) -> dict[str, Any]:
    from web3._utils.method_formatters import log_entry_formatter

    return dict(log_entry_formatter(log))
