"""The material of the figures: a devnet of its own, one organisation, and trucks that lift."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.chain.client import Rpc
from backend.chain.deploy import Deployment, deploy, planned_addresses
from backend.chain.ledger import encode_create_organisation, encode_record
from backend.chain.packing import Pack, QueuedSegment, pack
from backend.chain.transactions import account_of, send_and_wait, sign, suggest_fees, wait_for_receipt
from backend.cli.places import CITY_ADMIN, RELAYER, devnet_key
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.types import Role, Scheme, Stream, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

CHAIN_ID = 31337
ORGANISATION = 2
LIFTS_A_SEGMENT = 250
START = 1_772_337_600


@dataclass(frozen=True)
class Chain:
    """A running devnet with the contracts and the organisation on it."""

    rpc: Rpc
    deployment: Deployment


@cache
def network() -> Network:
    """Return what seals are bound to: addresses follow from the code and the admin alone."""
    addresses = planned_addresses(account_of(devnet_key(CITY_ADMIN)).address)
    return Network(CHAIN_ID, bytes.fromhex(addresses["CustodyLedger"][2:]))


@contextmanager
def devnet() -> Iterator[Chain]:
    """Yield a fresh devnet in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="huanlian-bench-") as folder:
        command = [sys.executable, "-m", "backend.chain.devnet", "--data-dir", folder]
        command += ["--port", str(_free_port())]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            words = dict(part.split("=", 1) for part in process.stdout.readline().split()[1:])
            with Rpc(words["url"]) as rpc:
                deployment = deploy(rpc, admin_key=devnet_key(CITY_ADMIN))
                root = registrar()
                send_and_wait(
                    rpc,
                    key=devnet_key(CITY_ADMIN),
                    to=deployment.actor_registry,
                    data=encode_create_organisation(
                        organisation=ORGANISATION,
                        name_digest=bytes(32),
                        registrar=root.device,
                        key_hash=key_hash(*root.public),
                    ),
                )
                yield Chain(rpc, deployment)
        finally:
            process.terminate()
            process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def registrar() -> JournalWriter:
    """Return the organisation's root registrar at the beginning of its journal."""
    return JournalWriter(network(), device_id(ORGANISATION, 1), SigningKey.from_secret(7))


def truck(number: int) -> JournalWriter:
    """Return a truck's device at the beginning of its journal."""
    return JournalWriter(network(), device_id(ORGANISATION, 100 + number), SigningKey.from_secret(100 + number))


def enrolments(trucks: list[JournalWriter]) -> list[Segment]:
    """Return the registrar's segments that enrol these trucks."""
    root = registrar()
    for one in trucks:
        x, y = one.public
        root.write(Kind.ENROL, device=one.device, role=Role.CREW, scheme=Scheme.RAW, x=x, y=y)
    return root.cut_all()


def lift(writer: JournalWriter, count: int) -> None:
    """Write lifts into the truck's open lot: bins of a round, the usual masses."""
    for _ in range(count):
        n = writer.next_seq * 2654435761 + writer.device * 40503
        writer.write(
            Kind.LIFT,
            bin=n % 300_000 * 3_665_038 + 1,
            stream=Stream.RESIDUAL,
            grade=1,
            basis=1,
            occurred_at=START + writer.next_seq,
            grams=35_000 + n % 25_000,
            evidence=(n * 0x9E3779B97F4A7C15F39CC0605CEDC835) % (1 << 120),
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
    hashes = []
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
        hashes.append(signed.tx_hash)
    for tx_hash in hashes:
        receipt = wait_for_receipt(rpc, tx_hash, timeout_seconds=600)
        assert receipt["status"] == "0x1"
    return hashes


@cache
def round_of_segments(lifts: int, trucks: int) -> tuple[list[Segment], list[Segment]]:
    """Return (enrolments, lift segments): so many lifts by so many trucks in segments of 250."""
    writers = [truck(number) for number in range(trucks)]
    segments = []
    for writer in writers:
        open_lot(writer)
        segments.append(writer.cut())
    for _ in range(lifts // (LIFTS_A_SEGMENT * trucks)):
        for writer in writers:
            lift(writer, LIFTS_A_SEGMENT)
            segments.append(writer.cut())
    return enrolments(writers), segments


def repository() -> Path:
    """Return the project's root."""
    return Path(__file__).parent.parent
