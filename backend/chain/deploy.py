"""Putting the contracts on a chain, at addresses that follow from their code and the admin alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from backend.chain.artifacts import load_artifact
from backend.chain.client import Rpc, RpcError
from backend.chain.ledger import LEDGER_ADDED, call_contract, encode_add_ledger, selector
from backend.chain.transactions import account_of, send_and_wait, wait_for_receipt
from backend.domain.keccak import keccak256

# The CREATE2 proxy that most chains carry; github.com/Arachnid/deterministic-deployment-proxy.
CREATE2_PROXY = "0x4e59b44847b379578588920ca78fbf26c0b4956c"
_PROXY_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
# Signed by nobody: its signature was chosen, and the sender follows from it. It needs this much first.
_PROXY_SENDER = "0x3fab184622dc19b6109349b94811493bf2a45362"
_PROXY_COST_WEI = 100_000 * 100 * 10**9
_PROXY_TRANSACTION = (
    "0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b808252505050"
    "6014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222"
    "222222222222222222222222222222222222222222222222"
)
_SALT = bytes(32)
_COUNT = selector("count()")
_VERSION_AT = selector("versionAt(uint256)")
SEQUENCER_NOTE = (
    "On a local devnet a single sequencer orders the blocks and must be trusted not to rewrite them; "
    "compare this genesis hash with the one its operator published."
)


class DeploymentMismatch(Exception):
    """What stands at an address is not the contract that belongs there."""


@dataclass(frozen=True)
class Deployment:
    """Where the contracts stand, and what must be found there."""

    chain_id: int
    genesis_hash: str
    actor_registry: str
    custody_ledger: str
    bin_registry: str
    ledger_versions: str
    code_hashes: Mapping[str, str]
    deployed_block: int

    @property
    def addresses(self) -> list[str]:
        """All four contracts, for a log filter."""
        return [self.actor_registry, self.custody_ledger, self.bin_registry, self.ledger_versions]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Deployment:
        """Return the deployment that `to_json` wrote down."""
        return cls(**value)

    def save(self, path: Path) -> None:
        """Write the deployment to a file, whole or not at all."""
        _write(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read the deployment from a file."""
        return cls.from_json(orjson.loads(path.read_bytes()))

    def to_trust(self) -> dict[str, Any]:
        """Return what a verifier has to believe before it opens a bundle."""
        return {
            "chain_id": self.chain_id,
            "genesis_hash": self.genesis_hash,
            "ledger_versions": self.ledger_versions,
            "ledger": self.custody_ledger,
            "actor_registry": self.actor_registry,
            "bin_registry": self.bin_registry,
            "code_hashes": dict(self.code_hashes),
            "note": SEQUENCER_NOTE,
        }

    def save_trust(self, path: Path) -> None:
        """Write the trust file."""
        _write(path, self.to_trust())


def planned_addresses(admin: str) -> dict[str, str]:
    """Return where the four contracts stand, or will, for an admin; the same on every chain."""
    return {name: create2_address(code) for name, code in _creation_codes(admin).items()}


def create2_address(creation_code: bytes) -> str:
    """Return where the proxy puts this code under salt 0."""
    proxy = bytes.fromhex(CREATE2_PROXY[2:])
    return "0x" + keccak256(b"\xff" + proxy + _SALT + keccak256(creation_code))[12:].hex()


def deploy(rpc: Rpc, *, admin_key: bytes) -> Deployment:
    """Put in place whatever is missing of the contracts, and return where they are.

    Safe to repeat: what stands already is checked and left alone.

    Raises:
        DeploymentMismatch: other code stands at one of the addresses.
        ContractError: a constructor said no, such as on a chain without the P-256 precompile.
    """
    admin = account_of(admin_key).address
    _ensure_proxy(rpc, admin_key)
    codes = _creation_codes(admin)
    addresses = {name: create2_address(code) for name, code in codes.items()}
    for name, code in codes.items():
        if not _code_at(rpc, addresses[name]):
            send_and_wait(rpc, key=admin_key, to=CREATE2_PROXY, data=_SALT + code)
    _ensure_in_force(rpc, admin_key, versions=addresses["LedgerVersions"], ledger=addresses["CustodyLedger"])
    return find_deployment(rpc, admin=admin)


def find_deployment(rpc: Rpc, *, admin: str) -> Deployment:
    """Return the deployment of an admin that stands on the chain, checked against the compiled contracts.

    Raises:
        DeploymentMismatch: a contract is missing or is another.
    """
    addresses = planned_addresses(admin)
    hashes = {}
    for name, address in addresses.items():
        code = _code_at(rpc, address)
        if not load_artifact(name).is_code(code):
            raise DeploymentMismatch(f"there is {'other' if code else 'no'} code at {address} for {name}")
        hashes[name] = "0x" + keccak256(code).hex()
    return Deployment(
        chain_id=rpc.chain_id,
        genesis_hash=rpc.call("eth_getBlockByNumber", "0x0", False)["hash"],
        actor_registry=addresses["ActorRegistry"],
        custody_ledger=addresses["CustodyLedger"],
        bin_registry=addresses["BinRegistry"],
        ledger_versions=addresses["LedgerVersions"],
        code_hashes=hashes,
        deployed_block=_first_log_block(rpc, list(addresses.values()), addresses["LedgerVersions"]),
    )


def require_deployment(rpc: Rpc, deployment: Deployment) -> None:
    """Check that a node's chain is the one deployed to, and holds that very code.

    Raises:
        DeploymentMismatch: another chain, another genesis, or other code.
    """
    genesis, *codes = rpc.batch(
        [
            ("eth_getBlockByNumber", ("0x0", False)),
            *(("eth_getCode", (address, "latest")) for address in deployment.addresses),
        ]
    )
    if rpc.chain_id != deployment.chain_id or genesis["hash"] != deployment.genesis_hash:
        raise DeploymentMismatch(f"chain {rpc.chain_id} with genesis {genesis['hash']} is another chain")
    for name, code in zip(("ActorRegistry", "CustodyLedger", "BinRegistry", "LedgerVersions"), codes, strict=True):
        if "0x" + keccak256(bytes.fromhex(code[2:])).hex() != deployment.code_hashes[name]:
            raise DeploymentMismatch(f"the code of {name} is not the one deployed")


def _creation_codes(admin: str) -> dict[str, bytes]:
    """Return the creation code of each contract with its constructor's argument, in order of need."""
    codes = {"ActorRegistry": load_artifact("ActorRegistry").bytecode + _argument(admin)}
    registry = create2_address(codes["ActorRegistry"])
    codes["CustodyLedger"] = load_artifact("CustodyLedger").bytecode + _argument(registry)
    ledger = create2_address(codes["CustodyLedger"])
    codes["BinRegistry"] = load_artifact("BinRegistry").bytecode + _argument(ledger)
    codes["LedgerVersions"] = load_artifact("LedgerVersions").bytecode + _argument(admin)
    return codes


def _argument(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def _code_at(rpc: Rpc, address: str) -> bytes:
    return bytes.fromhex(rpc.call("eth_getCode", address, "latest")[2:])


def _ensure_proxy(rpc: Rpc, key: bytes) -> None:
    code = _code_at(rpc, CREATE2_PROXY)
    if code == _PROXY_CODE:
        return
    if code:
        raise DeploymentMismatch(f"there is other code at {CREATE2_PROXY}")
    missing = _PROXY_COST_WEI - int(rpc.call("eth_getBalance", _PROXY_SENDER, "latest"), 16)
    if missing > 0:
        send_and_wait(rpc, key=key, to=_PROXY_SENDER, data=b"", value_wei=missing)
    sent = rpc.call("eth_sendRawTransaction", _PROXY_TRANSACTION)
    wait_for_receipt(rpc, bytes.fromhex(sent[2:]))
    if _code_at(rpc, CREATE2_PROXY) != _PROXY_CODE:
        raise DeploymentMismatch("the CREATE2 proxy did not come out as it should")


def _ensure_in_force(rpc: Rpc, key: bytes, *, versions: str, ledger: str) -> None:
    count = int.from_bytes(call_contract(rpc, versions, _COUNT), "big")
    for version in range(count):
        answer = call_contract(rpc, versions, _VERSION_AT + version.to_bytes(32, "big"))
        if answer[12:32].hex() == ledger[2:]:
            return
    active_from = int(rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    send_and_wait(rpc, key=key, to=versions, data=encode_add_ledger(ledger=ledger, active_from=active_from))


def _first_log_block(rpc: Rpc, addresses: list[str], versions: str) -> int:
    """Return the block of our contracts' first log; 0 when the node will not search that far.

    The indexer begins there: before it there is nothing of ours to read.
    """
    try:
        added = rpc.call(
            "eth_getLogs",
            {"fromBlock": "0x0", "toBlock": "latest", "address": versions, "topics": [LEDGER_ADDED]},
        )
        if not added:
            return 0
        until = added[0]["blockNumber"]
        logs = rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": until, "address": addresses})
    except RpcError:
        return 0
    return min(int(log["blockNumber"], 16) for log in logs)


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
