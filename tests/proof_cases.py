"""True bundles on made blocks, what their verifier believes, and a node that says so too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from custody_stories import NETWORK
from made_blocks import (
    MadeBlock,
    created_log,
    make_block,
    receipt,
    recorded_log,
    replaced_log,
    settled_log,
    strangers,
)

from backend.domain.blocks import Log
from backend.domain.bundle import Bundle, Certificate, write_bundle
from backend.domain.journal import Segment, first_head, next_head, roll_head, split_entries
from backend.domain.layout import Kind
from backend.domain.passkey import SoftwarePasskey
from backend.domain.proof import Report
from backend.domain.seal import key_hash, seal_digest
from backend.domain.types import Outcome, Role, Scheme, device_id, lot_id, organisation_of
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.trust import Trust, trust_of
from backend.usecases.verify_bundle import verify_bundle
from backend.usecases.verifying import NodeAway

GENESIS, REGISTRY, VERSIONS = "aa" * 32, "11" * 20, "33" * 20
LEDGER = NETWORK.ledger.hex()
TRUST_FILE: dict[str, Any] = {
    "chain_id": NETWORK.chain_id,
    "genesis_hash": "0x" + GENESIS,
    "ledger": "0x" + LEDGER,
    "actor_registry": "0x" + REGISTRY,
    "bin_registry": "0x" + "22" * 20,
    "ledger_versions": "0x" + VERSIONS,
    "code_hashes": {"CustodyLedger": "0x" + "dd" * 32, "ActorRegistry": "0x" + "ee" * 32},
    "sequencer": "single",
}
NAMED_BLOCK, RECORDED_BLOCK, SETTLED_BLOCK, HEAD_BLOCK = 4, 9, 10, 11


@dataclass
class FakeWitness:
    """A node that knows one chain: its blocks, its contracts, its list of ledgers."""

    chain: int = NETWORK.chain_id
    blocks: dict[int, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=lambda: {"0x" + LEDGER: "dd" * 32, "0x" + REGISTRY: "ee" * 32})
    listed: list[str] = field(default_factory=lambda: [LEDGER])
    answers: int | None = None
    """After so many answers it is silent; None: it never is."""

    def _answer(self) -> None:
        if self.answers is not None:
            self.answers -= 1
            if self.answers < 0:
                raise NodeAway("silence")

    def chain_id(self) -> int:
        self._answer()
        return self.chain

    def block_hash(self, number: int) -> str | None:
        self._answer()
        return self.blocks.get(number)

    def code_hash(self, address: str) -> str:
        self._answer()
        return self.codes.get(address, "00" * 32)

    def lists_ledger(self, ledger_versions: str, ledger: str) -> bool:
        self._answer()
        return ledger_versions == "0x" + VERSIONS and ledger in self.listed

    def head_number(self) -> int:
        self._answer()
        return max(self.blocks)

    def to_json(self) -> dict[str, Any]:
        return {
            "chain_id": self.chain,
            "blocks": {str(number): each for number, each in self.blocks.items()},
            "codes": self.codes,
            "listed": self.listed,
        }


@dataclass
class Case:
    """A true bundle, its verifier's trust file, and the node."""

    bundle: Bundle
    witness: FakeWitness
    trust_file: dict[str, Any] = field(default_factory=lambda: dict(TRUST_FILE))

    @property
    def trust(self) -> Trust:
        return trust_of(self.trust_file)

    @property
    def data(self) -> bytes:
        return write_bundle(self.bundle)

    def verify(self, data: bytes | None = None, *, offline: bool = False) -> Report:
        witness = None if offline else self.witness
        return verify_bundle(self.data if data is None else data, trust=self.trust, witness=witness)


def certify(registrar: JournalWriter, device: JournalWriter, role: Role, **more: int) -> Certificate:
    """Let a registrar enrol a device; the certificate begins with that entry."""
    before = registrar.head
    x, y = device.public
    fields = {"role": role, "scheme": Scheme.RAW, "x": x, "y": y} | more
    registrar.write(Kind.ENROL, device=device.device, **fields)
    return Certificate(registrar.cut(), before)


def bundle_of(
    segment: Segment,
    prev_head: bytes,
    seq: int,
    certificates: Sequence[Certificate],
    *,
    outcomes: bytes | None = None,
    ledger: bytes = NETWORK.ledger,
    is_replaced: bool = False,
) -> tuple[Bundle, MadeBlock, MadeBlock]:
    """Put a segment and its root's naming into blocks; return the bundle of one entry, and the two blocks."""
    entries, head = split_entries(segment.words), prev_head
    position = seq - segment.first_seq
    for entry in entries[: position + 1]:
        head = next_head(head, entry)
    outcomes = bytes([Outcome.APPLIED]) * len(entries) if outcomes is None else outcomes
    log = recorded_log(ledger, segment, roll_head(prev_head, segment.words), outcomes)
    other = Log(b"x" * 20, (b"t" * 32,), b"d" * 40)
    recorded = make_block(RECORDED_BLOCK, [*strangers(2), receipt(2, [other, log]), *strangers(15)])
    top = certificates[-1].segment if certificates else segment
    make_log = replaced_log if is_replaced else created_log
    naming = make_log(
        bytes.fromhex(REGISTRY),
        organisation=organisation_of(top.device),
        device=top.device,
        key_hash=key_hash(top.x, top.y),
    )
    named = make_block(NAMED_BLOCK, [receipt(0, [naming])])
    bundle = Bundle(
        NETWORK.chain_id,
        ledger.hex(),
        segment.device,
        seq,
        entries[position],
        head,
        prev_head,
        recorded.inclusion(2, 1),
        tuple(certificates),
        named.inclusion(0),
    )
    return bundle, recorded, named


def case_of(*arguments: Any, **more: Any) -> Case:
    bundle, recorded, named = bundle_of(*arguments, **more)
    blocks = {
        0: GENESIS,
        NAMED_BLOCK: named.hash.hex(),
        RECORDED_BLOCK: recorded.hash.hex(),
        HEAD_BLOCK: "ee" * 32,
    }
    return Case(bundle, FakeWitness(blocks=blocks))


def writer(serial: int, secret: int) -> JournalWriter:
    return JournalWriter(NETWORK, device_id(3, serial), SigningKey.from_secret(secret))


def gate_case() -> Case:
    """A gate's one entry; the root registrar enrolled a deputy, and that one the gate."""
    root, deputy, gate = writer(1, 1), writer(2, 2), writer(7, 3)
    root.write(Kind.SHIFT_END)
    root.cut()
    upper = certify(root, deputy, Role.REGISTRAR)
    lower = certify(deputy, gate, Role.GATE)
    gate.write(Kind.SHIFT_END, lifts=3, grams=77)
    return case_of(gate.cut(), first_head(NETWORK, gate.device), 1, (lower, upper))


def truck_case(lifts: int = 12, *, seq: int = 20) -> Case:
    """A lift in the middle of a truck's second segment, among equal lifts."""
    root, truck = writer(1, 1), writer(8, 4)
    certificate = certify(root, truck, Role.CREW)
    truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=3, vehicle=1)
    for _ in range(11):
        truck.write(Kind.LIFT, bin=5, stream=3, basis=1, grams=1000)
    truck.cut()
    before = truck.head
    for _ in range(lifts):
        truck.write(Kind.LIFT, bin=5, stream=3, basis=1, grams=1000)
    outcomes = bytes([Outcome.APPLIED] * (lifts - 1) + [0x14])
    return case_of(truck.cut(), before, seq, (certificate,), outcomes=outcomes)


def passkey_case(origin_enrolled: str = "https://huanlian.example") -> Case:
    """An entry that a person sealed with a passkey, on a page of https://huanlian.example."""
    root, person = writer(1, 1), writer(9, 5)
    passkey = SoftwarePasskey(person.key, "https://huanlian.example")
    enrolled_for = SoftwarePasskey(person.key, origin_enrolled).origin_digest
    certificate = certify(root, person, Role.OFFICE, scheme=Scheme.WEBAUTHN, origin=enrolled_for)
    person.write(Kind.ANCHOR, schema=1, subject=2, digest=3)
    segment = person.cut()
    asserted = passkey.assertion_over(seal_digest(NETWORK, device=person.device, seq=1, head=person.head))
    segment = replace(segment, r=asserted.r, s=asserted.s, assertion=asserted.assertion)
    return case_of(segment, first_head(NETWORK, person.device), 1, (certificate,))


def registrar_case() -> Case:
    """A root registrar's own entry; it took the place of another."""
    root = writer(1, 1)
    root.write(Kind.SHIFT_END)
    return case_of(root.cut(), first_head(NETWORK, root.device), 1, (), is_replaced=True)


def settled_case(**changed: int) -> Case:
    """A gate's take that waited for the give, and was applied in a later block."""
    root, gate = writer(1, 1), writer(7, 3)
    certificate = certify(root, gate, Role.GATE)
    gate.write(Kind.SHIFT_END)
    gate.write(Kind.TAKE, lot=5, grams=900, giver=device_id(3, 8), give_seq=4)
    before = first_head(NETWORK, gate.device)
    outcomes = bytes([Outcome.APPLIED, Outcome.DEFERRED])
    case = case_of(gate.cut(), before, 2, (certificate,), outcomes=outcomes)
    values = {"device": gate.device, "seq": 2, "lot": 5, "outcome": int(Outcome.APPLIED)} | changed
    block = make_block(SETTLED_BLOCK, [*strangers(1), receipt(2, [settled_log(NETWORK.ledger, **values)])])
    case.witness.blocks[SETTLED_BLOCK] = block.hash.hex()
    case.bundle = replace(case.bundle, settled=block.inclusion(1))
    return case


CASES = {
    "settled": settled_case,
    "gate": gate_case,
    "truck": truck_case,
    "passkey": passkey_case,
    "registrar": registrar_case,
}
