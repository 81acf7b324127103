"""A chain with the ledger and its registry on it, at the addresses that tests/vectors were sealed for."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from treaty_harness import deploy_harness
from web3 import Web3

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "backend" / "chain" / "contracts"
NOBODY = "0x" + 40 * "0"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def w3() -> Iterator[Web3]:
    port = free_port()
    anvil = ROOT / "node_modules" / ".bin" / "anvil"
    process = subprocess.Popen(
        [anvil, "--port", str(port), "--silent", "--timestamp", "1700000000", "--enable-tx-gas-limit"],
        stdout=subprocess.DEVNULL,
        # npm's launcher starts the real one, so the whole group is ended below.
        start_new_session=True,
    )
    try:
        chain = Web3(Web3.HTTPProvider(f"http://127.0.0.1:{port}"))
        for _ in range(100):
            if chain.is_connected():
                break
            time.sleep(0.1)
        yield chain
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.fixture(scope="module")
def harness(w3: Web3) -> Any:
    return deploy_harness(w3)


class Chain:
    """The ledger and its registry at the addresses that the vectors were sealed for."""

    def __init__(self, w3: Web3) -> None:
        self.w3 = w3
        self.city = w3.eth.accounts[0]
        # The ledger is the account's first contract; the registry, its second, is at an address known before.
        # Their authority is another account's; the city, its administrator, may do everything by itself here.
        registry_at = w3.to_checksum_address("e7f1725e7734ce288f8367e1bb143e90bb3f0512")
        self.ledger = self.deploy("CustodyLedger", registry_at, NOBODY)
        self.authority = self.deploy("CityAuthority", self.city, by=w3.eth.accounts[1])
        self.registry = self.deploy("ActorRegistry", self.authority.address)
        assert self.registry.address == registry_at

    def deploy(self, name: str, *args: Any, by: str | None = None) -> Any:
        built = json.loads((BUILT / f"{name}.json").read_text())
        factory = self.w3.eth.contract(abi=built["abi"], bytecode=built["bytecode"])
        receipt = self.w3.eth.wait_for_transaction_receipt(
            factory.constructor(*args).transact({"from": by or self.city})
        )
        return self.w3.eth.contract(address=receipt["contractAddress"], abi=built["abi"])

    def at(self, block_time: int) -> None:
        self.w3.provider.make_request("evm_setNextBlockTimestamp", [block_time])  # type: ignore[arg-type]

    def send(self, call: Any) -> Any:
        hashed = call.transact({"from": self.city, "gas": 16_000_000})
        receipt = self.w3.eth.wait_for_transaction_receipt(hashed)
        assert receipt["status"] == 1
        return receipt

    def record(self, upload: dict[str, Any]) -> Any:
        key, seal = upload["key"], upload["seal"]
        words = [bytes.fromhex(word) for word in (key["x"], key["y"], seal["r"], seal["s"])]
        device = int(upload["device"], 16)
        assertion = bytes.fromhex(upload.get("assertion", ""))
        segment = (device, upload["first_seq"], *words, bytes.fromhex(upload["words"]), assertion)
        return self.send(self.ledger.functions.record([segment]))


@pytest.fixture(scope="module")
def deployed(w3: Web3) -> Chain:
    return Chain(w3)


@pytest.fixture
def chain(deployed: Chain) -> Iterator[Chain]:
    snapshot = deployed.w3.provider.make_request("evm_snapshot", [])["result"]  # type: ignore[arg-type]
    yield deployed
    deployed.w3.provider.make_request("evm_revert", [snapshot])  # type: ignore[arg-type]
