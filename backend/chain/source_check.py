"""Whether the contracts on a chain are what the published source says, immutables and libraries included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backend.chain.abi import selector
from backend.chain.artifacts import Artifact, Place
from backend.chain.authority import ROLE_GRANTED
from backend.chain.build import REPOSITORY, Compiled, compile_artifact
from backend.chain.client import Rpc
from backend.chain.deploy import CONSTRUCTOR_ARGUMENTS, Deployment, create2_address, creation_codes
from backend.chain.ledger import call_contract
from backend.domain.keccak import keccak256

# The compiler's name for a library's own address, which its code holds to know whether it was called directly.
_OWN_ADDRESS = "library_deploy_address"
_NOBODY = "0x" + 40 * "0"
_AUTHORITY = selector("authority()")
_ADMINISTRATION = "0x" + 64 * "0"


@dataclass(frozen=True)
class ContractCheck:
    """One contract or library on the chain beside its source."""

    name: str
    address: str
    differences: tuple[str, ...]

    def line(self) -> str:
        """Return what was found, on one line."""
        said = "is what the source says" if not self.differences else "; ".join(self.differences)
        return f"{self.name} at {self.address}: {said}"


def check_source(rpc: Rpc, deployment: Deployment, *, contracts: Path | None = None) -> list[ContractCheck]:
    """Compile the published source and compare it with the code at each deployed address.

    1. The code at the address is the source's, but for immutables and libraries' addresses.
    2. Each immutable holds the same value wherever it stands, and what the constructor was given: another
       contract's address. A registry names the CityAuthority as its authority.
    3. The address is the one that CREATE2 gives to this source with these arguments, which leaves no room
       for another constructor. The city's account is the one to which the CityAuthority first gave the
       administration; a node that names another one cannot make the addresses follow from it.
    4. The same for every external library, whose address is read out of the code that calls it, and for a
       contract that another one's constructor creates, which is given what that one was given.

    Raises:
        CompilerFailed: the source does not compile, or the compiler does not start.
    """
    site = _Site(rpc, contracts or REPOSITORY / "contracts", dict(deployment.places))
    for name in CONSTRUCTOR_ARGUMENTS:
        site.add(name, compile_artifact(name, site.folder))
    for name in CONSTRUCTOR_ARGUMENTS:
        site.add_needed(name)
    site.known["city"] = _city_of(rpc, deployment.city_authority)
    site.known["predecessor"] = site.immutable("CustodyLedger", "predecessor")
    planned = creation_codes(
        site.known["city"], lambda name: site.compiled[name].artifact, predecessor=site.known["predecessor"]
    )
    addresses = {name: create2_address(code) for name, code in planned.items()}
    for name, (creator, nonce) in site.created.items():
        addresses[name] = _created_address(site.known[creator], nonce)
    return [
        ContractCheck(name, site.known[name], tuple(site.differences(name, addresses[name])))
        for name in site.compiled
    ]


@dataclass
class _Site:
    """What was compiled, beside what stands on the chain. `known` has every address by name."""

    rpc: Rpc
    folder: Path
    known: dict[str, str]
    compiled: dict[str, Compiled] = field(default_factory=dict)
    codes: dict[str, bytes] = field(default_factory=dict)
    created: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, name: str, compiled: Compiled) -> None:
        """Add a contract whose address is known."""
        self.compiled[name] = compiled
        self.codes[name] = _code_at(self.rpc, self.known[name])

    def add_needed(self, name: str) -> None:
        """Add the libraries that a contract calls and what it created, where its code says that they are."""
        compiled = self.compiled[name]
        for library, source in compiled.libraries.items():
            if library not in self.compiled:
                places = compiled.artifact.deployed_links.get(library, ())
                self.known[library] = _address(_value(self.codes[name], places))
                self.add(library, compile_artifact(source, self.folder))
                self.add_needed(library)
        for nonce, (immutable, source) in enumerate(compiled.created.items(), 1):
            created = Path(source).name
            self.known[created] = self.immutable(name, immutable)
            self.created[created] = name, nonce
            self.add(created, compile_artifact(source, self.folder, creator=name))
            self.add_needed(created)

    def immutable(self, name: str, immutable: str) -> str:
        """Return the address that a contract's code keeps; zeros where it keeps none."""
        return _address(_value(self.codes[name], self.compiled[name].immutables.get(immutable, ())))

    def differences(self, name: str, planned_address: str) -> Iterator[str]:
        """Return what is otherwise on the chain than in the source of one contract."""
        compiled, code, address = self.compiled[name], self.codes[name], self.known[name]
        artifact = compiled.artifact
        if not code:
            yield "there is no code"
            return
        if not artifact.is_code(code):
            yield "the code differs from the source's"
            return
        for library, places in artifact.deployed_links.items():
            if {code[start : start + length] for start, length in places} != {_bytes(self.known[library])}:
                yield f"the calls of library {library} go to several addresses"
        expected = {_OWN_ADDRESS: address} | self._given(name)
        for immutable, places in compiled.immutables.items():
            values = {code[start : start + length] for start, length in places}
            if len(values) != 1:
                yield f"immutable {immutable} has several values"
                continue
            (value,) = values
            wanted = expected.get(immutable)
            if wanted is not None and value != _bytes(wanted).rjust(len(value), b"\0"):
                yield f"immutable {immutable} is {_address(value)}, and not {wanted}"
        if any(item.get("name") == "authority" for item in artifact.abi):
            authority = _address(call_contract(self.rpc, address, _AUTHORITY))
            if authority != self.known["CityAuthority"].lower():
                yield f"the authority is {authority}, and not {self.known['CityAuthority']}"
        if planned_address != address.lower():
            yield "the address does not follow from this source and its constructor's arguments"

    def _given(self, name: str) -> dict[str, str]:
        """Return what the constructor was given, by the parameter's name without the underscore that ends it."""
        if name in self.created:
            creator, _ = self.created[name]
            return self._given(creator)
        artifact = self.compiled[name].artifact
        given = CONSTRUCTOR_ARGUMENTS.get(name, ())
        return {
            parameter["name"].rstrip("_"): self.known[other]
            for parameter, other in zip(_constructor_inputs(artifact), given, strict=True)
        }


def _city_of(rpc: Rpc, manager: str) -> str:
    """Return to whom an authority's constructor gave the administration; zeros when that was never said."""
    granted = {"fromBlock": "0x0", "address": manager, "topics": [ROLE_GRANTED, _ADMINISTRATION]}
    logs = rpc.call("eth_getLogs", {**granted, "toBlock": "latest"})
    return "0x" + logs[0]["topics"][2][-40:] if logs else _NOBODY


def _created_address(creator: str, nonce: int) -> str:
    """Return where a contract puts one that it creates: of the RLP of its address and of a nonce under 128."""
    return "0x" + keccak256(b"\xd6\x94" + _bytes(creator) + bytes([nonce]))[12:].hex()


def _constructor_inputs(artifact: Artifact) -> list[dict[str, str]]:
    return next((item["inputs"] for item in artifact.abi if item.get("type") == "constructor"), [])


def _value(code: bytes, places: tuple[Place, ...]) -> bytes:
    """Return the bytes at the first of these places; none where the code ends before."""
    return next((code[start : start + length] for start, length in places), b"")


def _address(value: bytes) -> str:
    return "0x" + value[-20:].rjust(20, b"\0").hex()


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def _code_at(rpc: Rpc, address: str) -> bytes:
    return bytes.fromhex(rpc.call("eth_getCode", address, "latest")[2:])
