"""The material of the figures: a devnet of its own, one organisation, and trucks that lift."""

from __future__ import annotations

import atexit
import hashlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from backend.chain.client import Rpc, RpcError
from backend.chain.deploy import Deployment, deploy, planned_addresses
from backend.chain.ledger_calls import encode_create_organisation, encode_record
from backend.chain.ledger_events import SegmentRecorded
from backend.chain.ledger_logs import decode_logs
from backend.chain.packing import Pack, QueuedSegment, pack
from backend.chain.transactions import (
    NotMinedInTime,
    SignedTransaction,
    account_of,
    send_and_wait,
    sign,
    suggest_fees,
    wait_for_receipt,
)
from backend.cli.places import CITY_ADMIN, RELAYER, demo_governors, devnet_key
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.types import Role, Scheme, Stream, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

CHAIN_ID = 31337
ORGANISATION, NEIGHBOUR, PARKS = 2, 3, 4
LIFTS_A_SEGMENT = 250
START = 1_772_337_600
_SEGMENTS_AT_ONCE = 160
"""Half a block's gas: full blocks without end would raise the base fee past anything that was offered."""
_TRIES, _TRY_SECONDS = 20, 30
_GATE = 9


@dataclass(frozen=True)
class Chain:
    """A running devnet with the contracts and the organisation on it."""

    rpc: Rpc
    deployment: Deployment
    url: str


@dataclass(frozen=True)
class RunningChain:
    """A chain that serves many figures: where it answers, and where its contracts are written down."""

    url: str
    file: Path
    deployment: Deployment
    lifts: int


def running_chain(lifts: int, trucks: int, *, lifts_a_segment: int = LIFTS_A_SEGMENT) -> RunningChain:
    """Return a devnet that holds so many lifts, in segments of 250; it stops when the bench does.

    At the end of its day each truck gives its lot to the neighbour's gate, which takes it.
    """
    stays = ExitStack()
    atexit.register(stays.close)
    chain = stays.enter_context(devnet())
    folder = Path(stays.enter_context(tempfile.TemporaryDirectory(prefix="huanlian-chain-")))
    writers, gate = [truck(number) for number in range(trucks)], neighbour(_GATE)
    enrolled = enrolments(writers)
    segments = lift_rounds(writers, lifts, lifts_a_segment=lifts_a_segment)
    send_all(chain, [*enrolled, *enrolments_of_neighbour({gate: Role.GATE})])
    for start in range(0, len(segments), _SEGMENTS_AT_ONCE):
        send_all(chain, segments[start : start + _SEGMENTS_AT_ONCE])
    send_all(chain, hand_over(writers, gate))
    send_all(chain, gate.cut_all())
    chain.deployment.save(folder / "deployment.json")
    return RunningChain(chain.url, folder / "deployment.json", chain.deployment, lifts)


@cache
def network() -> Network:
    """Return what seals are bound to: addresses follow from the code and the city's account alone."""
    addresses = planned_addresses(account_of(devnet_key(CITY_ADMIN)).address)
    return Network(CHAIN_ID, bytes.fromhex(addresses["CustodyLedger"][2:]))


@contextmanager
def devnet(*, block_period_ms: int = 200) -> Iterator[Chain]:
    """Yield a fresh devnet in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="huanlian-bench-") as folder:
        command = [sys.executable, "-m", "backend.chain.devnet", "--data-dir", folder]
        command += ["--port", str(_free_port()), "--block-period-ms", str(block_period_ms)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            words = dict(part.split("=", 1) for part in process.stdout.readline().split()[1:])
            with Rpc(words["url"]) as rpc:
                deployment = deploy(rpc, city_key=devnet_key(CITY_ADMIN), governors=demo_governors())
                for organisation in (ORGANISATION, NEIGHBOUR, PARKS):
                    root = registrar(organisation)
                    send_and_wait(
                        rpc,
                        key=devnet_key(CITY_ADMIN),
                        to=deployment.actor_registry,
                        data=encode_create_organisation(
                            organisation=organisation,
                            name_digest=bytes(32),
                            registrar=root.device,
                            key_hash=key_hash(*root.public),
                        ),
                    )
                yield Chain(rpc, deployment, words["url"])
        finally:
            process.terminate()
            process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def registrar(organisation: int = ORGANISATION) -> JournalWriter:
    """Return an organisation's root registrar at the beginning of its journal."""
    return JournalWriter(network(), device_id(organisation, 1), SigningKey.from_secret(5 + organisation))


def truck(number: int) -> JournalWriter:
    """Return a truck's device at the beginning of its journal."""
    return JournalWriter(network(), device_id(ORGANISATION, 100 + number), SigningKey.from_secret(100 + number))


def neighbour(serial: int) -> JournalWriter:
    """Return a device of the organisation that takes the trucks' lots."""
    return JournalWriter(network(), device_id(NEIGHBOUR, serial), SigningKey.from_secret(5_000 + serial))


def park(serial: int) -> JournalWriter:
    """Return a gate of the organisation that the neighbour sends its lots on to."""
    return JournalWriter(network(), device_id(PARKS, serial), SigningKey.from_secret(7_000 + serial))


def enrolments_of_neighbour(roles: dict[JournalWriter, Role], *, organisation: int = NEIGHBOUR) -> list[Segment]:
    """Return the segments that enrol the neighbour's devices, or another organisation's."""
    root = registrar(organisation)
    for one, role in roles.items():
        x, y = one.public
        root.write(Kind.ENROL, device=one.device, role=role, scheme=Scheme.RAW, x=x, y=y)
    return root.cut_all()


def outcomes_in(receipt: dict[str, Any]) -> bytes:
    """Return the outcome bytes of all segments that a transaction recorded."""
    events = decode_logs(receipt["logs"])
    return b"".join(event.outcomes for event in events if isinstance(event, SegmentRecorded))


def enrolments(trucks: list[JournalWriter]) -> list[Segment]:
    """Return the registrar's segments that enrol these trucks."""
    root = registrar()
    for one in trucks:
        x, y = one.public
        root.write(Kind.ENROL, device=one.device, role=Role.CREW, scheme=Scheme.RAW, x=x, y=y)
    return root.cut_all()


def bin_number(n: int) -> int:
    """Return one of the city's 300,000 bins."""
    return n % 300_000 * 3_665_038 + 1


def lift(writer: JournalWriter, count: int) -> None:
    """Write lifts into the truck's open lot: bins of a round, the usual masses."""
    for _ in range(count):
        n = writer.next_seq * 2654435761 + writer.device * 40503
        writer.write(
            Kind.LIFT,
            bin=bin_number(n),
            stream=Stream.RESIDUAL,
            grade=1,
            basis=1,
            occurred_at=START + writer.next_seq,
            grams=35_000 + n % 25_000,
            evidence=int.from_bytes(hashlib.blake2b(n.to_bytes(16, "big"), digest_size=15).digest(), "big"),
        )


def open_lot(writer: JournalWriter) -> None:
    """Write the load that opens the truck's lot."""
    writer.write(Kind.LOAD, lot=lot_id(writer.device, 1), stream=Stream.RESIDUAL, occurred_at=START)


def send_all(chain: Chain, segments: list[Segment]) -> list[bytes]:
    """Send segments in packed transactions, all at once, and wait for the last; return the hashes."""
    packs, too_large = pack(QueuedSegment(i, segment) for i, segment in enumerate(segments))
    assert not too_large
    return send_packs(chain, packs)


def send_packs(chain: Chain, packs: list[Pack]) -> list[bytes]:
    """Send transactions of one account in order, and wait for the last."""
    rpc, account = chain.rpc, account_of(devnet_key(RELAYER))
    nonce = int(rpc.call("eth_getTransactionCount", account.address, "latest"), 16)
    fees = suggest_fees(rpc)
    sent = []
    for offset, one in enumerate(packs):
        signed = sign(
            account,
            chain_id=CHAIN_ID,
            nonce=nonce + offset,
            to=chain.deployment.custody_ledger,
            data=encode_record([queued.segment for queued in one.segments]),
            gas=one.gas,
            fees=fees.raised().raised().raised().raised().raised().raised(),
        )
        rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
        sent.append(signed)
    for at in range(len(sent)):
        _wait_for_first(rpc, sent[at:])
    return [signed.tx_hash for signed in sent]


def _wait_for_first(rpc: Rpc, unmined: Sequence[SignedTransaction]) -> None:
    """Wait for the first of these; pools lose what they hold now and then, so all are sent again meanwhile."""
    for _ in range(_TRIES):
        with suppress(NotMinedInTime):
            wait_for_receipt(rpc, unmined[0].tx_hash, timeout_seconds=_TRY_SECONDS)
            return
        for signed in unmined:
            with suppress(RpcError):  # it is known already
                rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    raise NotMinedInTime(f"0x{unmined[0].tx_hash.hex()} in {_TRIES * _TRY_SECONDS} s")


@cache
def round_of_segments(lifts: int, trucks: int) -> tuple[list[Segment], list[Segment]]:
    """Return (enrolments, lift segments): so many lifts by so many trucks in segments of 250."""
    writers = [truck(number) for number in range(trucks)]
    return enrolments(writers), lift_rounds(writers, lifts)


def lift_rounds(
    writers: list[JournalWriter], lifts: int, *, lifts_a_segment: int = LIFTS_A_SEGMENT
) -> list[Segment]:
    """Return the segments of so many lifts, truck by truck, round by round; each truck has one lot."""
    segments = []
    for writer in writers:
        open_lot(writer)
        segments.append(writer.cut())
    for _ in range(lifts // (lifts_a_segment * len(writers))):
        for writer in writers:
            lift(writer, lifts_a_segment)
            segments.append(writer.cut())
    return segments


def hand_over(writers: list[JournalWriter], gate: JournalWriter) -> list[Segment]:
    """Return the segments in which each truck gives its lot to the gate; the takes are in the gate's journal."""
    segments = []
    for writer in writers:
        lot = lot_id(writer.device, 1)
        seq = writer.write(Kind.GIVE, lot=lot, to=gate.device, occurred_at=START + 40_000)
        head = int.from_bytes(writer.head, "big")
        segments.append(writer.cut())
        gate.write(
            Kind.TAKE,
            lot=lot,
            giver=writer.device,
            give_seq=seq,
            give_head=head,
            grams=1_000_000,
            occurred_at=START + 41_000,
        )
    return segments


def repository() -> Path:
    """Return the project's root."""
    return Path(__file__).parent.parent
