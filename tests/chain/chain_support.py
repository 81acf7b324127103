"""Starting real nodes for tests, and small transactions to send them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from backend.chain.anvil import TEST_MNEMONIC, Genesis, anvil_arguments, die_with_parent, find_anvil, free_port
from backend.chain.client import Rpc, RpcUnavailable
from backend.chain.deploy import Deployment, deploy
from backend.chain.ledger_calls import encode_create_organisation, encode_record
from backend.chain.memory_store import MemoryTxStore
from backend.chain.relayer import StoredTx
from backend.chain.transactions import send_and_wait
from backend.cli.places import demo_governors
from backend.domain.journal import Network, Segment
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.types import device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT.parent / "shared" / "data"
CHAIN_ID = 31337
NOBODY = "0x" + "11" * 20
Account.enable_unaudited_hdwallet_features()


def dev_account(number: int) -> LocalAccount:
    return Account.from_mnemonic(TEST_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")


def dev_key(number: int) -> bytes:
    return bytes(dev_account(number).key)


def transfer(account: LocalAccount, nonce: int, *, gas: int = 21_000) -> str:
    """Return a signed transfer of one wei."""
    transaction = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "to": NOBODY,
        "value": 1,
        "gas": gas,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 0,
        "data": b"",
    }
    return account.sign_transaction(transaction).raw_transaction.to_0x_hex()


@dataclass
class RunningDevnet:
    """A devnet in its own process, and what it said when it was ready."""

    process: subprocess.Popen[str]
    said: dict[str, str]
    rpc: Rpc

    @property
    def url(self) -> str:
        return self.said["url"]

    def kill(self) -> None:
        """kill -9 of both processes."""
        for pid in (int(self.said["anvil_pid"]), self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.rpc.close()

    def stop(self) -> int:
        self.process.terminate()
        self.rpc.close()
        return self.process.wait()


def start_devnet(data_dir: Path, *options: str) -> RunningDevnet:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "backend.chain.devnet", "--data-dir", str(data_dir)),
            *("--port", str(free_port()), "--max-ahead-seconds", "1000000", *options),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready "), f"the devnet did not start: {line!r} (status {process.wait()})"
    said = dict(pair.split("=", 1) for pair in line.split()[1:])
    return RunningDevnet(process, said, Rpc(said["url"], chain_id=CHAIN_ID))


def run_devnet_to_its_end(data_dir: Path, *options: str) -> tuple[int, str]:
    """Start a devnet that is expected to refuse; return its status and what it complained."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "backend.chain.devnet", "--data-dir", str(data_dir)),
            *("--port", str(free_port()), *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, ended.stderr


class PlainAnvil:
    """An anvil that forgets, with its own methods open: for reorgs and other mishaps."""

    def __init__(self, *options: str, automine: bool = True) -> None:
        self.port = free_port()
        genesis = Genesis(chain_id=CHAIN_ID, timestamp=1_700_000_000, gas_limit=60_000_000)
        arguments = anvil_arguments(genesis, port=self.port, finality_depth=2)
        if automine:
            arguments.remove("--no-mining")
        # A rollback needs the state it goes back to.
        at = arguments.index("--prune-history")
        del arguments[at : at + 2]
        self.process = subprocess.Popen([str(find_anvil()), *arguments, *options], preexec_fn=die_with_parent)
        self.url = f"http://127.0.0.1:{self.port}"
        self.rpc = Rpc(self.url, chain_id=CHAIN_ID)
        self._wait()

    def _wait(self) -> None:
        while self.process.poll() is None:
            try:
                self.rpc.call("eth_chainId")
                return
            except RpcUnavailable:
                time.sleep(0.02)
        raise AssertionError("anvil ended at once")

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            self.rpc.call("evm_mine")

    def stop(self) -> None:
        self.rpc.close()
        self.process.kill()
        self.process.wait()


@dataclass
class City:
    """A deployment with one organisation: its registrar and the crews that it has enrolled."""

    rpc: Rpc
    deployment: Deployment
    network: Network
    registrar: JournalWriter
    organisation: int = 7

    @property
    def ledger(self) -> str:
        return self.deployment.custody_ledger

    def record(self, *segments: Segment, key: int = 1) -> dict[str, object]:
        data = encode_record(segments)
        return send_and_wait(self.rpc, key=dev_key(key), to=self.ledger, data=data)

    def crew(self, serial: int) -> JournalWriter:
        """Return a crew's journal; the enrolment stays uncut in the registrar's."""
        key = SigningKey.from_secret(1000 + serial)
        x, y = key.public
        device = device_id(self.organisation, serial)
        self.registrar.write(Kind.ENROL, device=device, role=1, scheme=1, x=x, y=y)
        return JournalWriter(self.network, device, key)

    def crews(self, *serials: int) -> list[JournalWriter]:
        """Return journals of crews that the ledger knows."""
        crews = [self.crew(serial) for serial in serials]
        self.record(*self.registrar.cut_all())
        return crews


def found_city(rpc: Rpc, *, organisation: int = 7) -> City:
    """Deploy if needed, and create an organisation."""
    deployment = deploy(rpc, city_key=dev_key(0), governors=demo_governors())
    network = Network(rpc.chain_id, bytes.fromhex(deployment.custody_ledger[2:]))
    key = SigningKey.from_secret(organisation)
    registrar = JournalWriter(network, device_id(organisation, 1), key)
    call = encode_create_organisation(
        organisation=organisation,
        name_digest=keccak256(b"name"),
        registrar=registrar.device,
        key_hash=key_hash(*key.public),
    )
    send_and_wait(rpc, key=dev_key(0), to=deployment.actor_registry, data=call)
    return City(rpc, deployment, network, registrar, organisation)


def write_lifts(crew: JournalWriter, count: int, *, lot_serial: int = 1) -> None:
    """Have a crew load a lot and lift bins into it: count + 1 entries."""
    crew.write(Kind.LOAD, lot=lot_id(crew.device, lot_serial), stream=3, vehicle=1)
    for number in range(count):
        crew.write(Kind.LIFT, bin=number, stream=3, grade=1, basis=1, occurred_at=1, grams=1000)


def block_hash(rpc: Rpc, number: int | str) -> str:
    name = number if isinstance(number, str) else hex(number)
    return str(rpc.call("eth_getBlockByNumber", name, False)["hash"])


def wait_until_mined(rpc: Rpc, hashes: list[str]) -> list[dict[str, object]]:
    """Return the receipts; the runner's own limit ends a wait that would not end."""
    while True:
        receipts = rpc.batch([("eth_getTransactionReceipt", (name,)) for name in hashes])
        if all(receipts):
            return receipts
        time.sleep(0.02)


def wait_until_final(rpc: Rpc, number: int) -> None:
    while int(rpc.call("eth_getBlockByNumber", "finalized", False)["number"], 16) < number:
        time.sleep(0.02)


def wait_until_quiet(rpc: Rpc) -> None:
    """Return once the newest block with transactions is final; a devnet adds no empty ones after that."""
    number = int(rpc.call("eth_blockNumber"), 16)
    while not rpc.call("eth_getBlockByNumber", hex(number), False)["transactions"]:
        number -= 1
    wait_until_final(rpc, number)


class CrashingStore(MemoryTxStore):
    """Survives a `Sender`, not the test; ends the process, so to say, when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.crash_after: int | None = None

    def save(self, *txs: StoredTx) -> None:
        super().save(*txs)
        self._maybe_crash()

    def mark(self, *txs: StoredTx) -> None:
        super().mark(*txs)
        self._maybe_crash()

    def _maybe_crash(self) -> None:
        if self.crash_after is not None:
            self.crash_after -= 1
            if self.crash_after <= 0:
                self.crash_after = None
                raise Crash


class Crash(Exception):
    """The process ended here; what the store has is all that is left."""
