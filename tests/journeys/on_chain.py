"""Brings a telling to a real ledger on a local devnet, with the Python fold beside it at the same block times."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_account import Account
from folding import Run
from telling import Telling, Upload
from web3 import Web3
from web3.logs import DISCARD

from backend.chain.anvil import TEST_MNEMONIC, die_with_parent, free_port
from backend.chain.artifacts import load_artifact
from backend.domain.custody_state import Lot, Totals
from backend.domain.devices import Witness
from backend.domain.journal import Network
from backend.domain.keccak import keccak256
from backend.domain.steps import is_ready, settle
from backend.domain.types import Stream

ROOT = Path(__file__).resolve().parents[2]
GAS_MAX = 16_000_000
_NO_LEDGER_BEFORE = "0x" + "00" * 20


@contextmanager
def running_devnet(folder: Path) -> Iterator[str]:
    """Yield the address of a fresh durable devnet, in a process of its own."""
    command = [sys.executable, "-m", "backend.chain.devnet", "--data-dir", str(folder), "--port", str(free_port())]
    # Blocks are at least a second apart on the chain's clock, and here many times faster on ours.
    command += ["--block-period-ms", "20", "--max-ahead-seconds", "1000000"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("ready "), line
        yield dict(part.split("=", 1) for part in line.split()[1:])["url"]
    finally:
        process.terminate()
        process.wait()


class LedgerOnChain:
    """The contracts on a devnet, called by the city's account, which may also relay."""

    def __init__(self, url: str) -> None:
        self.w3 = Web3(Web3.HTTPProvider(url))
        # The devnet mines every 20 ms; polling less often would only make the tests wait.
        self.w3.eth.poll_interval = 0.02
        Account.enable_unaudited_hdwallet_features()
        self.city = Account.from_mnemonic(TEST_MNEMONIC)
        self._chain_id, self._nonce = self.w3.eth.chain_id, 0
        authority = self._deploy("CityAuthority", self.city.address)
        self.registry = self._deploy("ActorRegistry", authority.address)
        self.ledger = self._deploy("CustodyLedger", self.registry.address, _NO_LEDGER_BEFORE)
        self.network = Network(self._chain_id, bytes.fromhex(self.ledger.address[2:]))

    def _deploy(self, name: str, *arguments: Any) -> Any:
        built = load_artifact(name)
        factory = self.w3.eth.contract(abi=built.abi, bytecode=built.bytecode)
        receipt = self.call(factory.constructor(*arguments))
        return self.w3.eth.contract(address=receipt["contractAddress"], abi=built.abi)

    def call(self, function: Any) -> Any:
        """Send a transaction and return its receipt."""
        transaction = function.build_transaction(
            {
                "from": self.city.address,
                "nonce": self._nonce,
                "chainId": self._chain_id,
                "gas": GAS_MAX,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 0,
            }
        )
        self._nonce += 1
        signed = self.city.sign_transaction(transaction)
        sent = self.w3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self.w3.eth.wait_for_transaction_receipt(sent, poll_latency=0.02)
        assert receipt["status"] == 1, function
        return receipt

    def found(self, telling: Telling) -> None:
        """Have the city create a story's organisations, and name its regulators."""
        for number, root in telling.cast.roots.items():
            digest = keccak256(f"{telling.story.slug} {number}".encode())
            create = self.registry.functions.createOrganisation
            self.call(create(number, digest, root.device, root.key_hash))
            if root.is_regulator:
                self.call(self.registry.functions.setRegulator(number, True))

    def told(self, receipt: Any, event: str) -> list[Any]:
        """Return the arguments of a receipt's events of this name."""
        logs = self.ledger.events[event]().process_receipt(receipt, errors=DISCARD)
        return [log["args"] for log in logs]

    def time_of(self, receipt: Any) -> int:
        """Return the time of a receipt's block."""
        return int(self.w3.eth.get_block(receipt["blockNumber"])["timestamp"])

    def lot(self, lot: int) -> Lot:
        """Return a lot's slot."""
        return Lot(*self.ledger.functions.lotOf(lot).call())

    def totals(self) -> dict[int, Totals]:
        """Return the sums of every stream."""
        return {stream: Totals(*self.ledger.functions.totalsOf(stream).call()) for stream in Stream}


class ChainRun(Run):
    """A run in which every answer is the ledger's own, and the fold must give the same."""

    def __init__(self, telling: Telling, chain: LedgerOnChain) -> None:
        super().__init__(telling.fresh_state())
        self.chain = chain
        self.before = chain.totals()

    def bring(self, upload: Upload, block_time: int) -> None:
        """Send one upload, and hold what the ledger says against what the fold says at that block's time."""
        functions = self.chain.ledger.functions
        if isinstance(upload, Witness):
            receipt = self.chain.call(functions.witness(_witness_tuple(upload)))
            assert self.chain.told(receipt, "Witnessed")
        else:
            receipt = self.chain.call(functions.record([_segment_tuple(upload)]))
        assert not self.chain.told(receipt, "SegmentRefused")
        before = dict(self.last)
        super().bring(upload, self.chain.time_of(receipt))
        told = self._told(receipt)
        assert told.items() <= self.last.items()
        assert {key for key, byte in self.last.items() if before.get(key) != byte} <= told.keys()

    def _told(self, receipt: Any) -> dict[tuple[int, int], int]:
        """Return the last outcome byte of every entry that a transaction answered."""
        answers = {}
        for recorded in self.chain.told(receipt, "SegmentRecorded"):
            for seq, byte in enumerate(recorded["outcomes"], recorded["firstSeq"]):
                answers[recorded["device"], seq] = byte
        for run in self.chain.told(receipt, "Transcribed"):
            for seq, byte in enumerate(run["outcomes"], run["firstSeq"]):
                answers[run["device"], seq] = byte
        for done in self.chain.told(receipt, "Settled"):
            answers[done["device"], done["seq"]] = done["outcome"]
        return answers

    def settle_all(self, block_time: int) -> None:
        """Ask the ledger to judge every queue whose front is ready, until none is."""
        while True:
            ready = [key for key in self.state.queues if is_ready(self.state, *key)]
            if not ready:
                return
            for lot, device in ready:
                receipt = self.chain.call(self.chain.ledger.functions.settle(lot, device, 100))
                at = self.chain.time_of(receipt)
                done = settle(self.state, lot, device, block_time=at, max_steps=100)
                self._settled(done)
                assert self._told(receipt) == {(step.device, step.seq): step.outcome for step in done}

    def check_state(self) -> None:
        """Hold the ledger's whole state of this story against the fold's."""
        chain, functions = self.chain, self.chain.ledger.functions
        for lot, known in self.state.lots.items():
            assert chain.lot(lot) == known
        for device, known in self.state.devices.items():
            _, next_seq, not_after, role, flags, _ = functions.deviceOf(device).call()
            found = (next_seq, not_after, role, flags, functions.headOf(device).call())
            assert found == (known.next_seq, known.not_after, known.role, known.flags, known.head)
        for (lot, device), queue in self.state.queues.items():
            assert len(functions.queueOf(lot, device).call()) == len(queue)
        for stream, after in chain.totals().items():
            grown = Totals(*(b - a for a, b in zip(self.before[stream], after, strict=True)))
            assert grown == self.state.totals.get(stream, Totals())
        for (organisation, day, stream), totals in self.state.day_totals.items():
            assert Totals(*functions.dayTotalsOf(organisation, day, stream).call()) == totals


def _segment_tuple(segment: Any) -> tuple[Any, ...]:
    s = segment
    return (s.device, s.first_seq, *map(_word, (s.x, s.y, s.r, s.s)), s.words, s.assertion)


def _witness_tuple(witness: Witness) -> tuple[Any, ...]:
    w = witness
    return (w.device, w.seq, w.before, *map(_word, (w.x, w.y, w.r, w.s)), w.words, w.assertion)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
