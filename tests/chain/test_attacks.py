"""Somebody with the database, every key of the servers and of the governors tries to speak for others.

Each attempt of docs/spec/attacks.md is walked by name, on a chain whose governors need to give no notice: what
an auditor could stop in 72 hours is not counted on here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from chain_support import ROOT, City, PlainAnvil, dev_account, dev_key, found_city, wait_until_mined, write_lifts

from backend.chain import authority, registries
from backend.chain.abi import selector
from backend.chain.artifacts import load_artifact
from backend.chain.client import RpcError
from backend.chain.contract_errors import ContractError
from backend.chain.ledger import Ledger, call_contract, ledger_in_force
from backend.chain.ledger_calls import (
    encode_add_ledger,
    encode_create_organisation,
    encode_propose_registrar,
    encode_prove_fork,
    encode_replace_registrar,
    encode_settle,
    encode_witness,
)
from backend.chain.ledger_events import LedgerEvent, SegmentRecorded, SegmentRefused, Transcribed
from backend.chain.ledger_logs import decode_logs
from backend.chain.transactions import send_and_wait
from backend.cli.places import CITY_ADMIN, DEMO_AUDITOR, DEMO_DISTRICT, RELAYER
from backend.domain.devices import Witness
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.seal import CURVE_ORDER, SealProof, key_hash
from backend.domain.types import Outcome, Refusal, Role, Verdict, device_id, lot_id, site_id
from backend.domain.writer import JournalWriter, SigningKey

VICTIM, THIEVES = 7, 66
KEYS = (CITY_ADMIN, DEMO_DISTRICT, DEMO_AUDITOR, RELAYER)


@dataclass
class Scene:
    """A victim's organisation, and thieves who hold every key but its devices' own."""

    city: City
    crew: JournalWriter
    told: Segment
    """What the victim's crew has handed in and the ledger has recorded."""
    kept: Segment
    """What it has sealed since, and the thieves have got hold of."""
    thief: JournalWriter
    """The root registrar of an organisation that the thieves have created."""
    hand: JournalWriter
    """A device of theirs, enrolled by it."""

    @property
    def registrar(self) -> JournalWriter:
        return self.city.registrar

    @property
    def fresh(self) -> int:
        """A device id of the victim's organisation that nobody has."""
        return device_id(VICTIM, 99)

    def send(self, call: bytes, *, to: str = "", key: int = RELAYER) -> list[LedgerEvent]:
        to = to or self.city.ledger
        return decode_logs(send_and_wait(self.city.rpc, key=dev_key(key), to=to, data=call)["logs"])

    def record(self, *segments: Segment) -> list[LedgerEvent]:
        return decode_logs(self.city.record(*segments)["logs"])  # type: ignore[arg-type]

    def refusals(self, *segments: Segment) -> list[Refusal]:
        events = self.record(*segments)
        assert not any(isinstance(event, SegmentRecorded) for event in events)
        return [event.reason for event in events if isinstance(event, SegmentRefused)]

    def outcomes(self, writer: JournalWriter) -> list[int]:
        (event,) = self.record(writer.cut())
        assert isinstance(event, SegmentRecorded)
        return [byte & 0xF for byte in event.outcomes]

    def as_registrar(self, key: SigningKey) -> JournalWriter:
        """A journal in the name of the victim's registrar, under a key of the thieves'."""
        named = self.registrar
        return JournalWriter(self.city.network, named.device, key, next_seq=named.next_seq, head=named.head)

    def standing(self) -> tuple[Any, ...]:
        """All that the ledger and the registry say of the victim."""
        ledger = Ledger(
            self.city.rpc, custody_ledger=self.city.ledger, actor_registry=self.city.deployment.actor_registry
        )
        devices = (self.registrar.device, self.crew.device, self.fresh)
        return (
            *(ledger.device_of(device) for device in devices),
            ledger.lot_of(lot_id(self.crew.device, 1)),
            ledger.registrar_of(VICTIM),
            *(ledger.totals_of(stream) for stream in (1, 2, 3, 4)),
        )


KEY = SigningKey.from_secret(666)
X, Y = KEY.public
ATTEMPTS: dict[str, Callable[[Scene], None]] = {}


def attempt(function: Callable[[Scene], None]) -> Callable[[Scene], None]:
    ATTEMPTS[function.__name__.replace("_", " ")] = function
    return function


def enrolment(device: int, role: Role = Role.REGISTRAR) -> dict[str, int]:
    return {"device": device, "role": role, "scheme": 1, "x": X, "y": Y}


# --- a device of the victim's organisation ---


@attempt
def enrol_itself(scene: Scene) -> None:
    writer = JournalWriter(scene.city.network, scene.fresh, KEY)
    writer.write(Kind.ENROL, **enrolment(scene.fresh))
    assert scene.refusals(writer.cut()) == [Refusal.UNKNOWN_DEVICE]


@attempt
def enrol_in_the_registrars_name(scene: Scene) -> None:
    writer = scene.as_registrar(KEY)
    writer.write(Kind.ENROL, **enrolment(scene.fresh))
    assert scene.refusals(writer.cut()) == [Refusal.WRONG_KEY]


@attempt
def enrol_under_the_registrars_public_key(scene: Scene) -> None:
    writer = scene.as_registrar(KEY)
    writer.write(Kind.ENROL, **enrolment(scene.fresh))
    x, y = scene.registrar.public
    assert scene.refusals(replace(writer.cut(), x=x, y=y)) == [Refusal.BAD_SEAL]


@attempt
def enrol_as_a_registrar_of_another_organisation(scene: Scene) -> None:
    for kind in (Kind.ENROL, Kind.ROTATE):
        scene.thief.write(kind, **enrolment(scene.fresh))
    scene.thief.write(Kind.ROTATE, replaced=scene.crew.device, **enrolment(scene.fresh))
    scene.thief.write(Kind.ROTATE, replaced=scene.crew.device, **enrolment(device_id(THIEVES, 9)))
    assert scene.outcomes(scene.thief) == [Outcome.INVALID] * 4


@attempt
def create_the_organisation_again(scene: Scene) -> None:
    call = encode_create_organisation(
        organisation=VICTIM, name_digest=bytes(32), registrar=scene.fresh, key_hash=key_hash(X, Y)
    )
    for key in KEYS:
        with pytest.raises(ContractError):
            scene.send(call, to=scene.city.deployment.actor_registry, key=key)


@attempt
def create_another_organisation_with_a_registrar_of_this_one(scene: Scene) -> None:
    for device in (scene.fresh, scene.registrar.device, scene.crew.device):
        call = encode_create_organisation(
            organisation=67, name_digest=bytes(32), registrar=device, key_hash=key_hash(X, Y)
        )
        for key in KEYS:
            with pytest.raises(ContractError):
                scene.send(call, to=scene.city.deployment.actor_registry, key=key)


@attempt
def replace_the_registrar_before_72_hours(scene: Scene) -> None:
    registry = scene.city.deployment.actor_registry
    call = encode_propose_registrar(organisation=VICTIM, registrar=scene.fresh, key_hash=key_hash(X, Y))
    with pytest.raises(ContractError):
        scene.send(encode_replace_registrar(VICTIM), to=registry, key=CITY_ADMIN)
    scene.send(call, to=registry, key=CITY_ADMIN)
    scene.city.rpc.call("evm_increaseTime", 71 * 3600)
    for key in KEYS:
        with pytest.raises(ContractError):
            scene.send(encode_replace_registrar(VICTIM), to=registry, key=key)
    writer = JournalWriter(scene.city.network, scene.fresh, KEY)
    writer.write(Kind.ENROL, **enrolment(device_id(VICTIM, 98)))
    assert scene.refusals(writer.cut()) == [Refusal.UNKNOWN_DEVICE]


@attempt
def give_the_registry_another_authority(scene: Scene) -> None:
    deployment = scene.city.deployment
    calls = {
        deployment.actor_registry: selector("setAuthority(address)") + _word(dev_account(RELAYER).address),
        deployment.city_authority: selector("updateAuthority(address,address)")
        + _word(deployment.actor_registry)
        + _word(dev_account(RELAYER).address),
    }
    for to, call in calls.items():
        for key in KEYS:
            with pytest.raises(ContractError):
                scene.send(call, to=to, key=key)


@attempt
def take_every_role(scene: Scene) -> None:
    """All power over the registries, without any notice: it reaches no journal."""
    deployment = scene.city.deployment
    account = dev_account(RELAYER).address
    for role in range(5):
        call = authority.encode_grant_role(role=role, account=account, notice_seconds=0)
        scene.send(call, to=deployment.city_authority, key=CITY_ADMIN)
    writer = scene.as_registrar(KEY)
    writer.write(Kind.ENROL, **enrolment(scene.fresh))
    assert scene.refusals(writer.cut()) == [Refusal.WRONG_KEY]
    call = encode_create_organisation(
        organisation=VICTIM, name_digest=bytes(32), registrar=scene.fresh, key_hash=key_hash(X, Y)
    )
    with pytest.raises(ContractError):
        scene.send(call, to=deployment.actor_registry)


@attempt
def call_anything_else_of_the_ledger(scene: Scene) -> None:
    """No function of the ledger takes anybody's word but a seal's."""
    abi = load_artifact("CustodyLedger").abi
    writes = {f["name"] for f in abi if f["type"] == "function" and f["stateMutability"] not in ("view", "pure")}
    assert writes == {"record", "settle", "witness", "proveFork"}
    assert not [f for f in abi if f["type"] in ("fallback", "receive")]
    for name in ("upgradeTo(address)", "transferOwnership(address)", "pause()", "initialize()"):
        for key in KEYS:
            with pytest.raises(RpcError):
                scene.send(selector(name) + bytes(32), key=key)


@attempt
def run_the_rules_from_outside(scene: Scene) -> None:
    """The ledger's second half judges on its caller's storage, which is not the ledger's."""
    rules = "0x" + call_contract(scene.city.rpc, scene.city.ledger, selector("deviceRules()"))[-20:].hex()
    proof = _proof(scene.crew, KEY, b"\1" * 32), _proof(scene.crew, KEY, b"\2" * 32)
    assert scene.send(encode_prove_fork(scene.crew.device, *proof), to=rules) == []


# --- an entry of the victim's devices ---


@attempt
def seal_for_the_device_with_another_key(scene: Scene) -> None:
    crew = JournalWriter(
        scene.city.network, scene.crew.device, KEY, next_seq=scene.kept.first_seq, head=_head_before(scene)
    )
    write_lifts(crew, 2, lot_serial=5)
    assert scene.refusals(crew.cut()) == [Refusal.WRONG_KEY]


@attempt
def change_what_it_has_sealed(scene: Scene) -> None:
    words = scene.kept.words
    changed = [
        replace(scene.kept, words=words[:at] + bytes([words[at] ^ 1]) + words[at + 1 :])
        for at in range(31, len(words), 37)
    ]
    assert set(scene.refusals(*changed)) <= {Refusal.BAD_SEAL, Refusal.MALFORMED}


@attempt
def leave_out_or_exchange_what_it_has_sealed(scene: Scene) -> None:
    words = [scene.kept.words[at : at + 32] for at in range(0, len(scene.kept.words), 32)]
    shorter = replace(scene.kept, words=b"".join(words[:-1]))
    turned = replace(scene.kept, words=b"".join([*words[:-2], words[-1], words[-2]]))
    later = replace(scene.kept, first_seq=scene.kept.first_seq + 1, words=b"".join(words[1:]))
    wanted = [Refusal.BAD_SEAL, Refusal.BAD_SEAL, Refusal.GAP]
    assert scene.refusals(shorter, turned, later) == wanted


@attempt
def hand_in_twice_what_it_has_sealed(scene: Scene) -> None:
    other_half = replace(scene.told, s=CURVE_ORDER - scene.told.s)
    assert scene.refusals(scene.told, other_half) == [Refusal.ALREADY_RECORDED] * 2


@attempt
def hand_in_what_it_sealed_for_another_ledger(scene: Scene) -> None:
    here = scene.city.network
    for network in (Network(here.chain_id + 1, here.ledger), Network(here.chain_id, b"\7" * 20)):
        crew = JournalWriter(network, scene.crew.device, scene.crew.key, next_seq=scene.kept.first_seq)
        write_lifts(crew, 1, lot_serial=6)
        assert scene.refusals(crew.cut()) == [Refusal.BAD_SEAL]


@attempt
def hand_in_its_seal_for_another_device(scene: Scene) -> None:
    segment = replace(scene.kept, device=scene.hand.device, first_seq=1)
    assert scene.refusals(segment) == [Refusal.WRONG_KEY]
    x, y = scene.hand.public
    assert scene.refusals(replace(segment, x=x, y=y)) == [Refusal.BAD_SEAL]


@attempt
def show_a_witness_that_it_has_not_sealed(scene: Scene) -> None:
    entry = scene.kept.words[:32]
    x, y = scene.crew.public
    shown = Witness(scene.crew.device, scene.kept.first_seq, _head_before(scene), entry, x, y, 1, 1)
    events = scene.send(encode_witness(shown))
    assert [event.reason for event in events if isinstance(event, SegmentRefused)] == [Refusal.BAD_SEAL]


@attempt
def prove_a_fork_that_is_none(scene: Scene) -> None:
    one, other = _proof(scene.crew, KEY, b"\1" * 32), _proof(scene.crew, KEY, b"\2" * 32)
    x, y = scene.crew.public
    mine = (replace(one, x=x, y=y), replace(other, x=x, y=y))
    real = SealProof(scene.kept.first_seq - 1, _head_before(scene), x, y, scene.told.r, scene.told.s)
    for pair in ((one, other), mine, (real, real)):
        assert scene.send(encode_prove_fork(scene.crew.device, *pair)) == []


@attempt
def order_about_its_devices(scene: Scene) -> None:
    """Revoke, pass over, transcribe and open sites, as a registrar of another organisation."""
    device, thief = scene.crew.device, scene.thief
    thief.write(Kind.REVOKE, device=device)
    thief.write(Kind.REVOKE, device=scene.registrar.device)
    thief.write(Kind.CLOSE_GAP, device=device, from_seq=scene.kept.first_seq, to_seq=scene.kept.first_seq + 1)
    thief.write(Kind.SITE, site=site_id(VICTIM, 1), site_kind=1, digest=1)
    thief.write(Kind.PLACE, site=site_id(VICTIM, 1), count=1, digest=1)
    items = ({"word": int.from_bytes(scene.kept.words[:32], "big")},)
    thief.write(Kind.TRANSCRIBED, items, device=device, first_seq=scene.kept.first_seq, x=X, y=Y, r=1, s=1)
    events = scene.record(thief.cut())
    assert not [event for event in events if isinstance(event, Transcribed)]
    (recorded,) = [event for event in events if isinstance(event, SegmentRecorded)]
    assert [byte & 0xF for byte in recorded.outcomes] == [Outcome.INVALID] * 6


@attempt
def take_what_nobody_gave(scene: Scene) -> None:
    lot = lot_id(scene.crew.device, 1)
    scene.hand.write(Kind.TAKE, lot=lot, grams=1, give_seq=1, giver=scene.crew.device)
    scene.hand.write(Kind.GIVE, lot=lot, grams=1, to=scene.thief.device)
    scene.hand.write(Kind.MERGE, lot=lot, into=lot_id(scene.hand.device, 1), stream=3)
    scene.hand.write(Kind.CLOSE, lot=lot, fate=3)
    scene.hand.write(Kind.LOAD, lot=lot, stream=3)
    assert Outcome.APPLIED not in scene.outcomes(scene.hand)
    scene.send(encode_settle(lot, scene.hand.device))
    scene.send(encode_settle(lot, scene.crew.device))


@attempt
def release_what_is_quarantined(scene: Scene) -> None:
    """The city may make its own organisation a regulator: it still cannot bring a run, only a registrar can."""
    call = registries.encode_set_regulator(THIEVES, is_regulator=True)
    scene.send(call, to=scene.city.deployment.actor_registry, key=CITY_ADMIN)
    head17 = int.from_bytes(scene.crew.head[:17], "big")
    seq = scene.crew.next_seq - 1
    scene.thief.write(Kind.ACKNOWLEDGE, device=scene.crew.device, seq=seq, verdict=Verdict.RELEASED, head17=head17)
    items = tuple(
        {"word": int.from_bytes(scene.kept.words[at : at + 32], "big")}
        for at in range(0, len(scene.kept.words), 32)
    )
    seal = {"x": scene.kept.x, "y": scene.kept.y, "r": scene.kept.r, "s": scene.kept.s}
    before = int.from_bytes(_head_before(scene), "big")
    fields = {"device": scene.crew.device, "first_seq": scene.kept.first_seq, "before": before}
    scene.thief.write(Kind.TRANSCRIBED, items, **fields, **seal)
    assert scene.outcomes(scene.thief) == [Outcome.APPLIED, Outcome.INVALID]


@attempt
def put_another_ledger_in_force(scene: Scene) -> None:
    """It can be listed; the one in the trust file, and all that it holds, stays what it was."""
    deployment = scene.city.deployment
    code = load_artifact("CustodyLedger").bytecode
    arguments = _word(deployment.actor_registry) + _word("0x" + "00" * 20)
    made = scene.city.rpc.call(
        "eth_sendTransaction",
        {"from": dev_account(CITY_ADMIN).address, "data": "0x" + (code + arguments).hex(), "gas": hex(16_000_000)},
    )
    (receipt,) = wait_until_mined(scene.city.rpc, [made])
    other = str(receipt["contractAddress"])
    now = int(scene.city.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    call = encode_add_ledger(ledger=other, active_from=now + 60)
    scene.send(call, to=deployment.ledger_versions, key=CITY_ADMIN)
    scene.city.rpc.call("evm_increaseTime", 120)
    scene.city.rpc.call("evm_mine")
    assert ledger_in_force(scene.city.rpc, deployment.ledger_versions).lower() == other.lower()
    # What was sealed for the ledger that people trust is worth nothing in it.
    mine = replace(scene, city=replace(scene.city, deployment=replace(deployment, custody_ledger=other)))
    assert mine.refusals(scene.kept) == [Refusal.UNKNOWN_DEVICE]


def _word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def _head_before(scene: Scene) -> bytes:
    ledger = Ledger(scene.city.rpc, custody_ledger=scene.city.ledger)
    return ledger.head_of(scene.crew.device)


def _proof(crew: JournalWriter, key: SigningKey, head: bytes) -> SealProof:
    r, s = key.sign(head)
    return SealProof(crew.next_seq, head, *key.public, r, s)


@pytest.fixture(scope="module")
def deployed() -> Iterator[Scene]:
    node = PlainAnvil()
    city = found_city(node.rpc, organisation=VICTIM)
    (crew,) = city.crews(2)
    write_lifts(crew, 3)
    told = crew.cut()
    city.record(told)
    write_lifts(crew, 3, lot_serial=2)
    thieves = found_city(node.rpc, organisation=THIEVES)
    (hand,) = thieves.crews(3)
    yield Scene(city, crew, told, crew.cut(), thieves.registrar, hand)
    node.stop()


@pytest.fixture
def scene(deployed: Scene) -> Iterator[Scene]:
    snapshot = deployed.city.rpc.call("evm_snapshot")
    journals = (deployed.thief, deployed.hand)
    before = [(journal.next_seq, journal.head) for journal in journals]
    yield deployed
    deployed.city.rpc.call("evm_revert", snapshot)
    for journal, (next_seq, head) in zip(journals, before, strict=True):
        journal.next_seq, journal.head = next_seq, head
        journal.uncut.clear()


class TestAnAttackerWithEveryKey:
    @pytest.mark.parametrize("name", ATTEMPTS)
    def test_changes_nothing_of_the_victims(self, scene: Scene, name: str) -> None:
        before = scene.standing()
        ATTEMPTS[name](scene)
        assert scene.standing() == before
        # Nor does it stop the victim, whose entries are recorded as if nothing had been.
        (event,) = [e for e in scene.record(scene.kept) if isinstance(e, SegmentRecorded)]
        assert set(event.outcomes) == {Outcome.APPLIED}

    def test_has_tried_all_that_is_listed(self) -> None:
        text = (ROOT / "docs/spec/attacks.md").read_text(encoding="utf-8")
        listed = re.findall(r"^\| ([a-z0-9 ]+) \|", text, re.MULTILINE)
        assert [name for name in listed if name != "attempt"] == list(ATTEMPTS)
