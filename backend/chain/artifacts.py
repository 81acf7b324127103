"""The compiled contracts as they are kept in the repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson

CONTRACTS = Path(__file__).resolve().parent / "contracts"
CONTRACT_NAMES = ("CityAuthority", "ActorRegistry", "CustodyLedger", "BinRegistry", "LedgerVersions")

Place = tuple[int, int]
"""First byte and length."""


@dataclass(frozen=True)
class Artifact:
    """A contract's ABI and bytecode.

    `immutables` are the byte ranges that the constructor fills in; `links` those of each external library's
    address in the creation code, `deployed_links` in the deployed code. Both are zero until filled in.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    immutables: tuple[Place, ...]
    links: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    deployed_links: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)

    @property
    def libraries(self) -> tuple[str, ...]:
        """The external libraries whose addresses are part of the code."""
        return tuple(sorted({*self.links, *self.deployed_links}))

    def linked(self, addresses: Mapping[str, str]) -> bytes:
        """Return the creation code with the addresses of its libraries in place."""
        code = bytearray(self.bytecode)
        for library, places in self.links.items():
            for start, length in places:
                code[start : start + length] = bytes.fromhex(addresses[library][2:])
        return bytes(code)

    def is_code(self, code: bytes) -> bool:
        """Say whether deployed code is this contract's, whatever its immutable values and libraries."""
        return self.blanked(code) == self.blanked(self.deployed_bytecode)

    def blanked(self, code: bytes) -> bytes:
        """Return deployed code with zeros where the source does not say what stands."""
        linked = (place for places in self.deployed_links.values() for place in places)
        blanked = bytearray(code)
        for start, length in (*self.immutables, *linked):
            if start + length <= len(code):
                blanked[start : start + length] = bytes(length)
        return bytes(blanked)


@cache
def load_artifact(name: str, folder: Path = CONTRACTS) -> Artifact:
    """Return a compiled contract or library."""
    content = orjson.loads((folder / f"{name}.json").read_bytes())
    return Artifact(
        name=content["contractName"],
        abi=content["abi"],
        bytecode=_bytes(content["bytecode"]),
        deployed_bytecode=_bytes(content["deployedBytecode"]),
        immutables=places_in(content["immutableReferences"]),
        links={name: places_in([places]) for name, places in content.get("linkReferences", {}).items()},
        deployed_links={
            name: places_in([places]) for name, places in content.get("deployedLinkReferences", {}).items()
        },
    )


def places_in(references: Iterable[Iterable[Mapping[str, int]]]) -> tuple[Place, ...]:
    """Return the byte ranges that a compiler lists."""
    return tuple((place["start"], place["length"]) for places in references for place in places)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
