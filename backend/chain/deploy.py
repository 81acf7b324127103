"""Putting the contracts on a chain, at addresses that follow from their code and the city's account alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from backend.chain.abi import selector
from backend.chain.artifacts import Artifact, load_artifact
from backend.chain.authority import encode_schedule
from backend.chain.client import Rpc, RpcError
from backend.chain.governance import Governors, encode_set_up, is_set_up, read_governance
from backend.chain.ledger import call_contract
from backend.chain.ledger_calls import encode_add_ledger
from backend.chain.ledger_logs import LEDGER_ADDED
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
NO_PREDECESSOR = "0x" + 40 * "0"
# Whose addresses each constructor is given, in order of need. `city` is the city's account, `predecessor` the
# ledger that this one follows.
CONSTRUCTOR_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "CityAuthority": ("city",),
    "ActorRegistry": ("CityAuthority",),
    "CustodyLedger": ("ActorRegistry", "predecessor"),
    "BinRegistry": ("CustodyLedger",),
    "LedgerVersions": ("CityAuthority",),
}
_COUNT = selector("count()")
_VERSION_AT = selector("versionAt(uint256)")
DEVNET_CHAIN_ID = 31337
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
    city_authority: str
    actor_registry: str
    custody_ledger: str
    bin_registry: str
    ledger_versions: str
    code_hashes: Mapping[str, str]
    deployed_block: int

    @property
    def addresses(self) -> list[str]:
        """The contracts whose events the books fold, for a log filter."""
        return [self.actor_registry, self.custody_ledger, self.bin_registry, self.ledger_versions]

    @property
    def places(self) -> dict[str, str]:
        """Return the address of each contract by its name."""
        return {
            "CityAuthority": self.city_authority,
            "ActorRegistry": self.actor_registry,
            "CustodyLedger": self.custody_ledger,
            "BinRegistry": self.bin_registry,
            "LedgerVersions": self.ledger_versions,
        }

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
            "city_authority": self.city_authority,
            "code_hashes": dict(self.code_hashes),
            **({"sequencer": "single", "note": SEQUENCER_NOTE} if self.chain_id == DEVNET_CHAIN_ID else {}),
        }

    def save_trust(self, path: Path) -> None:
        """Write the trust file."""
        _write(path, self.to_trust())


def planned_addresses(city: str) -> dict[str, str]:
    """Return where the contracts and their libraries stand, or will, for a city's account.

    The same on every chain.
    """
    return {name: create2_address(code) for name, code in creation_codes(city).items()}


def create2_address(creation_code: bytes) -> str:
    """Return where the proxy puts this code under salt 0."""
    proxy = bytes.fromhex(CREATE2_PROXY[2:])
    return "0x" + keccak256(b"\xff" + proxy + _SALT + keccak256(creation_code))[12:].hex()


def creation_codes(
    city: str, load: Callable[[str], Artifact] = load_artifact, *, predecessor: str = NO_PREDECESSOR
) -> dict[str, bytes]:
    """Return the linked creation code of each contract with its constructor's arguments, in order of need.

    A library comes before the contract that calls it.
    """
    codes: dict[str, bytes] = {}
    addresses = {"city": city, "predecessor": predecessor}

    def add(name: str, needed: tuple[str, ...]) -> None:
        artifact = load(name)
        for library in artifact.libraries:
            if library not in codes:
                add(library, ())
        codes[name] = artifact.linked(addresses) + b"".join(_argument(addresses[other]) for other in needed)
        addresses[name] = create2_address(codes[name])

    for name, needed in CONSTRUCTOR_ARGUMENTS.items():
        add(name, needed)
    return codes


def _argument(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def deploy(rpc: Rpc, *, city_key: bytes, governors: Governors) -> Deployment:
    """Put in place whatever is missing of the contracts and of who governs them; return where they are.

    Safe to repeat: what stands already is checked and left alone. A ledger that follows another is announced
    first, where the city has to give notice, and added when this is run again after that.

    Raises:
        DeploymentMismatch: other code stands at one of the addresses.
        ContractError: a constructor said no, such as on a chain without the P-256 precompile.
        ValueError: the key is not the city's.
    """
    city = account_of(city_key).address
    if city.lower() != governors.city.lower():
        raise ValueError(f"this key is that of {city}, and {governors.city} is to be the city's account")
    _ensure_proxy(rpc, city_key)
    codes = creation_codes(city)
    addresses = {name: create2_address(code) for name, code in codes.items()}
    for name, code in codes.items():
        if not _code_at(rpc, addresses[name]):
            send_and_wait(rpc, key=city_key, to=CREATE2_PROXY, data=_SALT + code)
    if not is_set_up(rpc, addresses):
        call = encode_set_up(addresses, governors, active_from=_now(rpc))
        send_and_wait(rpc, key=city_key, to=addresses["CityAuthority"], data=call)
    _ensure_listed(rpc, city_key, addresses, notice_seconds=governors.notice_seconds)
    return find_deployment(rpc, city=city)


def find_deployment(rpc: Rpc, *, city: str) -> Deployment:
    """Return the deployment of a city's account that stands on the chain, checked against the compiled contracts.

    Raises:
        DeploymentMismatch: a contract is missing or is another.
    """
    addresses = planned_addresses(city)
    hashes = {}
    for name, address in addresses.items():
        code = _code_at(rpc, address)
        if not load_artifact(name).is_code(code):
            raise DeploymentMismatch(f"there is {'other' if code else 'no'} code at {address} for {name}")
        hashes[name] = "0x" + keccak256(code).hex()
    return Deployment(
        chain_id=rpc.chain_id,
        genesis_hash=rpc.call("eth_getBlockByNumber", "0x0", False)["hash"],
        city_authority=addresses["CityAuthority"],
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
            *(("eth_getCode", (address, "latest")) for address in deployment.places.values()),
        ]
    )
    if rpc.chain_id != deployment.chain_id or genesis["hash"] != deployment.genesis_hash:
        raise DeploymentMismatch(f"chain {rpc.chain_id} with genesis {genesis['hash']} is another chain")
    for name, code in zip(deployment.places, codes, strict=True):
        if "0x" + keccak256(bytes.fromhex(code[2:])).hex() != deployment.code_hashes[name]:
            raise DeploymentMismatch(f"the code of {name} is not the one deployed")


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


def _ensure_listed(rpc: Rpc, key: bytes, addresses: Mapping[str, str], *, notice_seconds: int) -> None:
    """Bring the ledger into the list of versions, or one step nearer to it."""
    manager, versions, ledger = (addresses[name] for name in ("CityAuthority", "LedgerVersions", "CustodyLedger"))
    if _is_listed(rpc, versions=versions, ledger=ledger):
        return
    now = _now(rpc)
    add = encode_add_ledger(ledger=ledger, active_from=now + notice_seconds)
    if not notice_seconds:
        send_and_wait(rpc, key=key, to=versions, data=add)
        return
    announced = read_governance(rpc, manager).announced_ledger(versions, ledger, now=now)
    if announced is None:
        send_and_wait(rpc, key=key, to=manager, data=encode_schedule(target=versions, data=add))
    elif announced.ready_at <= now:
        send_and_wait(rpc, key=key, to=versions, data=announced.data)


def _is_listed(rpc: Rpc, *, versions: str, ledger: str) -> bool:
    count = int.from_bytes(call_contract(rpc, versions, _COUNT), "big")
    listed = (call_contract(rpc, versions, _VERSION_AT + version.to_bytes(32, "big")) for version in range(count))
    return any(answer[12:32].hex() == ledger[2:] for answer in listed)


def _now(rpc: Rpc) -> int:
    return int(rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


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
