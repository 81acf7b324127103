"""Bundles by the thousand: how many true ones are VALID, how many changed ones INVALID, and how large they are."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backend.chain.inclusion import RpcProofs
from backend.domain.bundle import Certificate, write_bundle
from backend.domain.journal import Segment, first_head, roll_head, split_entries
from backend.domain.proof import Report, Verdict
from backend.domain.seal import key_hash
from backend.jobs.witness import RpcWitness
from backend.usecases.prove_entry import Evidence, RecordPlace, certificate_from, prove_entry
from backend.usecases.trust import trust_of
from backend.usecases.verify_bundle import verify_bundle
from bench import city
from bench.figure import Figure, figure_of

# So that each truck's lot holds 10,000 lifts.
LIFTS, TRUCKS, BUNDLES, CHANGED = 200_000, 20, 10_000, 1_000


@dataclass
class Proofs:
    """A chain full of lifts, the bundles that can be made of it, and a verifier with a node."""

    chain: city.Chain
    segments: list[tuple[Segment, bytes, RecordPlace]]
    enrolments: Segment

    def __post_init__(self) -> None:
        self.source = RpcProofs(self.chain.rpc, self.chain.deployment.actor_registry)
        self.trust = trust_of(self.chain.deployment.to_trust())
        self.witness = RpcWitness(self.chain.rpc)
        self.root = city.registrar()

    def make(self, segment: Segment, prev_head: bytes, place: RecordPlace, seq: int) -> bytes:
        whole = Certificate(self.enrolments, first_head(city.network(), self.root.device))
        number = segment.device - city.truck(0).device + 1
        evidence = Evidence(
            segment.device,
            seq,
            segment.first_seq,
            segment.words,
            prev_head,
            place,
            (certificate_from(whole, number),),
            self.root.device,
            key_hash(*self.root.public),
        )
        return write_bundle(prove_entry(evidence, self.source, city.network()))

    def draw(self, count: int) -> Iterator[bytes]:
        """Yield bundles of entries drawn at random; those of one block together, as a node likes it."""
        rng = random.Random("bundles")
        drawn = sorted(rng.choices(range(len(self.segments)), k=count))
        for at in drawn:
            segment, prev_head, place = self.segments[at]
            seq = segment.first_seq + rng.randrange(len(split_entries(segment.words)))
            yield self.make(segment, prev_head, place, seq)

    def verify(self, data: bytes) -> Report:
        return verify_bundle(data, trust=self.trust, witness=self.witness)


@contextmanager
def proofs() -> Iterator[Proofs]:
    """Yield a devnet with 200,000 lifts of 20 trucks, each into one lot, in full transactions."""
    enrolled, segments = city.round_of_segments(LIFTS, TRUCKS)
    with city.devnet() as chain:
        city.send_all(chain, enrolled)
        places: dict[tuple[int, int], RecordPlace] = {}
        for tx_hash in city.send_all(chain, segments):
            receipt = chain.rpc.call("eth_getTransactionReceipt", "0x" + tx_hash.hex())
            for log in receipt["logs"]:
                key = int(log["topics"][1], 16), int(log["topics"][2], 16)
                places[key] = RecordPlace(log["blockHash"][2:], int(log["logIndex"], 16))
        heads: dict[int, bytes] = {}
        placed = []
        for segment in segments:
            before = heads.setdefault(segment.device, first_head(city.network(), segment.device))
            placed.append((segment, before, places[segment.device, segment.first_seq]))
            heads[segment.device] = roll_head(before, segment.words)
        (enrolment,) = enrolled
        yield Proofs(chain, placed, enrolment)


def change_a_byte(rng: random.Random, data: bytes) -> bytes:
    """Return the bytes with one of them, anywhere, made another."""
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1 :]


def verify_valid_10k() -> Figure:
    """How many of 10,000 bundles drawn at random are VALID."""
    with proofs() as made:
        valid = sum(made.verify(data).verdict == Verdict.VALID for data in made.draw(BUNDLES))
    return figure_of("verify_valid_10k", [valid], "VALID of 10,000")


def verify_invalid_1k() -> Figure:
    """How many of 1,000 bundles with one byte changed are INVALID, naming a step."""
    rng = random.Random("changed")
    with proofs() as made:
        reports = [made.verify(change_a_byte(rng, data)) for data in made.draw(CHANGED)]
    invalid = sum(report.verdict == Verdict.INVALID and report.failed is not None for report in reports)
    return figure_of("verify_invalid_1k", [invalid], "INVALID of 1,000")


def verify_bundles_per_s() -> Figure:
    """Bundles a second on one core, read from memory, each question to the node asked once."""
    values = []
    with proofs() as made:
        drawn = list(made.draw(300))
        for _ in range(3):
            began = time.perf_counter()
            assert all(made.verify(data).verdict == Verdict.VALID for data in drawn)
            values.append(len(drawn) / (time.perf_counter() - began))
    return figure_of("verify_bundles_per_s", values, "bundles/s")


def lift_bundle_max_kb() -> Figure:
    """The largest of 1,000 lifts' bundles, in transactions as full as the relayer makes them."""
    with proofs() as made:
        largest = max(map(len, made.draw(1_000)))
    return figure_of("lift_bundle_max_kb", [largest / 1000], "kB")
