"""The compiled contracts as they are kept in the repository."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

CONTRACTS = Path(__file__).resolve().parent / "contracts"
CONTRACT_NAMES = ("ActorRegistry", "CustodyLedger", "BinRegistry", "LedgerVersions")


@dataclass(frozen=True)
class Artifact:
    """A contract's ABI and bytecode. `immutables` are the byte ranges that the constructor fills in."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    immutables: tuple[tuple[int, int], ...]

    def is_code(self, code: bytes) -> bool:
        """Say whether deployed code is this contract's, whatever its immutable values."""
        return len(code) == len(self.deployed_bytecode) and self._blank(code) == self._blank(
            self.deployed_bytecode
        )

    def _blank(self, code: bytes) -> bytes:
        blanked = bytearray(code)
        for start, length in self.immutables:
            blanked[start : start + length] = bytes(length)
        return bytes(blanked)


@cache
def load_artifact(name: str, folder: Path = CONTRACTS) -> Artifact:
    """Return a compiled contract."""
    content = orjson.loads((folder / f"{name}.json").read_bytes())
    return Artifact(
        name=content["contractName"],
        abi=content["abi"],
        bytecode=_bytes(content["bytecode"]),
        deployed_bytecode=_bytes(content["deployedBytecode"]),
        immutables=tuple(
            (place["start"], place["length"]) for places in content["immutableReferences"] for place in places
        ),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
