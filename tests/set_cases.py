"""Sets of bundles on made blocks: a lot's journey, a gate's day, and the node that has the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from custody_stories import NETWORK
from made_blocks import MadeBlock, created_log, make_block, receipt, recorded_log, settled_log, strangers
from proof_cases import GENESIS, REGISTRY, TRUST_FILE, FakeWitness, certify, writer

from backend.domain.bundle import Certificate
from backend.domain.bundle_set import AboutDay, AboutLot, BundleSet, ProvedSegment, write_set
from backend.domain.journal import Segment, roll_head, split_entries
from backend.domain.layout import Kind
from backend.domain.merkle import lifts_root
from backend.domain.proof import Report
from backend.domain.seal import key_hash
from backend.domain.types import Role, device_id, lot_id
from backend.domain.writer import JournalWriter
from backend.usecases.trust import trust_of
from backend.usecases.verify_set import verify_file

SITE, OTHER_SITE = device_id(3, 900), device_id(3, 901)
NAMED, RECORDED, SETTLED = 4, 9, 10
DATE = "2026-03-01"


@dataclass
class Made:
    """A set, and the node that has its blocks."""

    content: BundleSet
    witness: FakeWitness

    def verify(self, data: bytes | None = None, *, offline: bool = False) -> Report:
        data = write_set(self.content) if data is None else data
        return verify_file(data, trust=trust_of(TRUST_FILE), witness=None if offline else self.witness)

    def about(self, about: AboutLot | AboutDay) -> Report:
        return self.verify(write_set(replace(self.content, about=about)))

    def without(self, *places: int) -> Report:
        kept = tuple(each for at, each in enumerate(self.content.segments) if at not in places)
        return self.verify(write_set(replace(self.content, segments=kept)))


Cut = tuple[Segment, bytes, tuple[Certificate, ...]]


def set_of(
    about: AboutLot | AboutDay,
    cuts: Sequence[Cut],
    *,
    outcomes: Sequence[bytes] = (),
    settled: Sequence[dict[str, int]] = (),
) -> Made:
    """Put each segment into a receipt of one block, and the root's naming into another."""
    root = writer(1, 1)
    naming = created_log(
        bytes.fromhex(REGISTRY), organisation=3, device=root.device, key_hash=key_hash(*root.public)
    )
    named: MadeBlock = make_block(NAMED, [receipt(0, [naming])])
    receipts = []
    for at, (segment, before, _) in enumerate(cuts):
        told = outcomes[at] if outcomes else bytes([1]) * len(split_entries(segment.words))
        log = recorded_log(NETWORK.ledger, segment, roll_head(before, segment.words), told)
        receipts.append(receipt(2, [log]))
    block = make_block(RECORDED, [*receipts, *strangers(3)])
    later = make_block(
        SETTLED,
        [receipt(2, [settled_log(NETWORK.ledger, **each, lot=5, outcome=1)]) for each in settled] or strangers(1),
    )
    segments = tuple(
        ProvedSegment(
            before,
            block.inclusion(at),
            certificates,
            named.inclusion(0),
            tuple(later.inclusion(n) for n, each in enumerate(settled) if each["device"] == segment.device),
        )
        for at, (segment, before, certificates) in enumerate(cuts)
    )
    content = BundleSet(NETWORK.chain_id, NETWORK.ledger.hex(), about, segments)
    blocks = {0: GENESIS, NAMED: named.hash.hex(), RECORDED: block.hash.hex(), SETTLED: later.hash.hex()}
    return Made(content, FakeWitness(blocks=blocks))


@dataclass
class Street:
    """A truck and a gate of one organisation, enrolled by its root registrar."""

    def __post_init__(self) -> None:
        root = writer(1, 1)
        self.truck, self.gate = writer(8, 4), writer(7, 3)
        self.certificates = {
            each.device: (certify(root, each, role),)
            for each, role in ((self.truck, Role.CREW), (self.gate, Role.GATE))
        }
        self.cuts: list[Cut] = []
        self.lot = lot_id(self.truck.device, 1)
        self.lifts: list[bytes] = []

    def cut(self, who: JournalWriter, before: bytes) -> bytes:
        self.cuts.append((who.cut(), before, self.certificates[who.device]))
        return who.head

    def lift(self, count: int) -> None:
        for n in range(count):
            self.truck.write(Kind.LIFT, bin=n, stream=3, basis=1, grams=1000 + n)
            self.lifts.append(self.truck.uncut[-1])


def journey(*, given: int | None = None) -> Made:
    """A lot lifted in two segments, given, taken at a gate, merged into another that is closed there."""
    street = Street()
    truck, gate = street.truck, street.gate
    before = truck.head
    truck.write(Kind.LOAD, lot=street.lot, stream=3, vehicle=1)
    street.lift(5)
    before = street.cut(truck, before)
    street.lift(3)
    root = lifts_root(street.lifts[:given])
    give = truck.write(
        Kind.GIVE, lot=street.lot, grams=8000, to=gate.device, lifts=8, lifts_root=int.from_bytes(root, "big")
    )
    street.cut(truck, before)
    into, before = lot_id(gate.device, 1), gate.head
    fields = {"lot": street.lot, "giver": truck.device, "give_seq": give}
    gate.write(Kind.TAKE, **fields, grams=7900, site=SITE, give_head=int.from_bytes(truck.head, "big"))
    gate.write(Kind.MERGE, lot=street.lot, into=into, stream=3, grams=7900)
    before = street.cut(gate, before)
    gate.write(Kind.GIVE, lot=into, grams=7900, to=device_id(4, 1), lifts=8)
    gate.write(Kind.CLOSE, lot=into, grams=7900, fate=2, site=SITE)
    street.cut(gate, before)
    return set_of(AboutLot(street.lot), street.cuts)


def site_day(*settled_seqs: int) -> Made:
    """A gate's morning at two sites; one take waited."""
    street = Street()
    gate, before = street.gate, street.gate.head
    fields = {"lot": street.lot, "giver": street.truck.device, "give_seq": 3}
    gate.write(Kind.TAKE, **fields, grams=7900, site=SITE)
    gate.write(Kind.TAKE, **fields, grams=100, site=OTHER_SITE)
    gate.write(Kind.TAKE, **fields, grams=500, site=SITE)
    gate.write(Kind.CLOSE, lot=lot_id(gate.device, 1), grams=2000, fate=2, site=SITE)
    out = ({"lot": lot_id(gate.device, 9), "amount": 5000},)
    gate.write(Kind.TRANSFORM, out, lot=lot_id(gate.device, 1), outputs=1, loss=900, site=SITE)
    street.cut(gate, before)
    return set_of(
        AboutDay(SITE, DATE),
        street.cuts,
        outcomes=[bytes([1, 1, 2, 1, 1])],
        settled=[{"device": gate.device, "seq": seq} for seq in settled_seqs],
    )
