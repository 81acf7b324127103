"""A bundle off a real chain, and what impostors come with: a ledger that looks alike, a chain that does too."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from chain_support import ROOT, City, PlainAnvil, RunningDevnet, dev_account, dev_key, found_city, write_lifts

from backend.chain.deploy import deploy
from backend.chain.inclusion import RpcProofs
from backend.chain.ledger_calls import encode_create_organisation
from backend.chain.transactions import send_and_wait
from backend.cli.places import demo_governors
from backend.domain.bundle import Bundle, Certificate, write_bundle
from backend.domain.journal import Network, Segment
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.proof import Report, Verdict
from backend.domain.seal import key_hash
from backend.domain.types import device_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.jobs.witness import RpcWitness
from backend.usecases.prove_entry import Evidence, RecordPlace, prove_entry
from backend.usecases.trust import trust_of
from backend.usecases.verify_bundle import verify_bundle


@dataclass
class Told:
    """A crew's recorded segment in a city, and the bundle of one entry of it."""

    city: City
    bundle: Bundle

    @property
    def data(self) -> bytes:
        return write_bundle(self.bundle)

    @property
    def trust_file(self) -> dict[str, Any]:
        return self.city.deployment.to_trust()

    def verify(self, data: bytes | None = None, *, at: City | None = None, **trusted: Any) -> Report:
        trust = trust_of({**self.trust_file, **trusted})
        witness = None if at is None else RpcWitness(at.rpc)
        return verify_bundle(self.data if data is None else data, trust=trust, witness=witness)


def tell(city: City, *, serial: int = 70, lifts: int = 40, seq: int = 9) -> Told:
    """Let a new crew write, the ledger record, and the chain prove."""
    registrar = city.registrar
    before = registrar.head
    crew = city.crew(serial)
    enrolment = registrar.cut()
    write_lifts(crew, lifts)
    segment = crew.cut()
    receipt: Any = city.record(enrolment, segment)
    return Told(city, bundle_from(city, receipt, Certificate(enrolment, before), segment, seq))


def bundle_from(
    city: City, receipt: dict[str, Any], certificate: Certificate, segment: Segment, seq: int
) -> Bundle:
    log = next(log for log in receipt["logs"] if int(log["topics"][1], 16) == segment.device)
    evidence = Evidence(
        segment.device,
        seq,
        segment.first_seq,
        segment.words,
        JournalWriter(city.network, segment.device, SigningKey.from_secret(1)).head,
        RecordPlace(receipt["blockHash"][2:], int(log["logIndex"], 16)),
        (certificate,),
        city.registrar.device,
        key_hash(*city.registrar.public),
    )
    return prove_entry(evidence, RpcProofs(city.rpc, city.deployment.actor_registry), city.network)


@pytest.fixture(scope="module")
def told(city: City) -> Told:
    return tell(city)


def require_invalid(report: Report, *steps: int) -> None:
    assert report.verdict == Verdict.INVALID, report
    assert report.failed is not None
    assert report.failed.number in steps, report.failed


class TestATrueBundle:
    def test_is_valid_at_its_chain_and_consistent_alone(self, told: Told, city: City) -> None:
        report = told.verify(at=city)
        assert report.verdict == Verdict.VALID, report
        assert told.verify().verdict == Verdict.CONSISTENT
        assert trust_of(told.trust_file).has_single_sequencer

    def test_is_valid_for_the_sample_in_another_language_too(
        self, told: Told, devnet: RunningDevnet, tmp_path: Path
    ) -> None:
        bundle, trust = tmp_path / "bundle.json", tmp_path / "trust.json"
        bundle.write_bytes(told.data)
        trust.write_text(json.dumps(told.trust_file))
        node = str(Path(sys.executable).parent / "node")
        command = [node, str(ROOT / "docs" / "samples" / "verify.mjs"), str(bundle), str(trust), devnet.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "VALID"), done.stdout + done.stderr

    def test_changed_anywhere_is_invalid(self, told: Told, city: City) -> None:
        rng, data = random.Random(4), told.data
        for _ in range(300):
            changed = bytearray(data)
            changed[rng.randrange(len(data))] ^= rng.randrange(1, 256)
            report = told.verify(bytes(changed), at=city)
            assert report.verdict == Verdict.INVALID
            assert report.failed is not None


class TestALookAlikeLedgerOnTheSameChain:
    @pytest.fixture(scope="class")
    @classmethod
    def impostor(cls, city: City) -> Told:
        """The same contracts, put there by somebody else, and the same organisation with the same keys."""
        governors = replace(demo_governors(), city=dev_account(4).address)
        deployment = deploy(city.rpc, city_key=dev_key(4), governors=governors)
        network = Network(city.rpc.chain_id, bytes.fromhex(deployment.custody_ledger[2:]))
        registrar = JournalWriter(network, device_id(7, 1), SigningKey.from_secret(7))
        call = encode_create_organisation(
            organisation=7,
            name_digest=keccak256(b"name"),
            registrar=registrar.device,
            key_hash=key_hash(*registrar.public),
        )
        send_and_wait(city.rpc, key=dev_key(4), to=deployment.actor_registry, data=call)
        return tell(City(city.rpc, deployment, network, registrar))

    def test_is_valid_for_those_who_trust_it_only(self, impostor: Told, told: Told, city: City) -> None:
        assert impostor.verify(at=city).verdict == Verdict.VALID
        require_invalid(told.verify(impostor.data, at=city), 2)

    def test_cannot_take_the_true_ones_name(self, impostor: Told, told: Told, city: City) -> None:
        renamed = replace(impostor.bundle, ledger=told.bundle.ledger)
        require_invalid(told.verify(write_bundle(renamed), at=city), 3)
        for field in ("recorded", "named", "certificates"):
            mixed = replace(told.bundle, **{field: getattr(impostor.bundle, field)})
            require_invalid(told.verify(write_bundle(mixed), at=city), 3, 4, 5, 6, 7)

    def test_is_not_on_the_citys_list(self, impostor: Told, told: Told, city: City) -> None:
        trusted = {"ledger_versions": told.city.deployment.ledger_versions}
        require_invalid(impostor.verify(at=city, **trusted), 8)


class TestAForgedChain:
    @pytest.fixture(scope="class")
    @classmethod
    def forger(cls) -> Iterator[City]:
        """A chain of the same id, where the same accounts put the same contracts at the same addresses."""
        node = PlainAnvil()
        node.mine(40)
        yield found_city(node.rpc)
        node.stop()

    def test_is_invalid_at_the_true_chain(self, forger: City, told: Told, city: City) -> None:
        forged = tell(forger, serial=71)
        assert forged.bundle.ledger == told.bundle.ledger
        # Nothing in the file betrays it: that is what "block not checked" says.
        assert told.verify(forged.data).verdict == Verdict.CONSISTENT
        require_invalid(told.verify(forged.data, at=city), 9)

    def test_is_invalid_at_the_forgers_own_node(self, forger: City, told: Told) -> None:
        forged = tell(forger, serial=72)
        require_invalid(told.verify(forged.data, at=forger), 8)

    def test_is_invalid_against_a_checkpoint_though_the_genesis_is_the_same(
        self, forger: City, told: Told
    ) -> None:
        """A single sequencer that rewrites its history: only somebody who kept a hash of it can tell."""
        forged = tell(forger, serial=73)
        assert forged.verify(at=forger).verdict == Verdict.VALID
        number = 30
        checkpoints = [
            {"number": number, "hash": told.city.rpc.call("eth_getBlockByNumber", hex(3), False)["hash"]}
        ]
        require_invalid(forged.verify(at=forger, checkpoints=checkpoints), 8)


class TestASegmentThatStartsLater:
    def test_is_bound_by_the_head_before_it(self, city: City) -> None:
        told = tell(city, serial=75, lifts=3, seq=2)
        other = replace(told.bundle, prev_head=told.bundle.head)
        require_invalid(told.verify(write_bundle(other), at=city), 4)

    def test_of_the_registrar_itself_needs_no_certificate(self, city: City) -> None:
        registrar = city.registrar
        seq, before = registrar.next_seq, registrar.head
        registrar.write(Kind.SHIFT_END)
        segment = registrar.cut()
        receipt: Any = city.record(segment)
        evidence = Evidence(
            registrar.device, seq, seq, segment.words, before,
            RecordPlace(receipt["blockHash"][2:], int(receipt["logs"][0]["logIndex"], 16)),
            (), registrar.device, key_hash(*registrar.public),
        )  # fmt: skip
        bundle = prove_entry(evidence, RpcProofs(city.rpc, city.deployment.actor_registry), city.network)
        assert Told(city, bundle).verify(at=city).verdict == Verdict.VALID
