"""Compiling the published source once more, with other tools, to see whether it is what we deploy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import solcx
from solcx.exceptions import SolcError

from backend.chain.artifacts import CONTRACT_NAMES, CONTRACTS, load_artifact
from backend.chain.client import Rpc
from backend.chain.deploy import Deployment

REPOSITORY = Path(__file__).resolve().parents[2]
_WRAPPER = Path(__file__).resolve().with_name("solc_npm.cjs")
_SOURCE_ROOT = "project/contracts"  # as Hardhat names sources
_IMPORT = re.compile(r"""^\s*import\s[^;]*?["']([^"']+)["']\s*;""", re.MULTILINE)
# The same as in hardhat.config.js. Without metadata, any build of the same source has the same bytecode.
SETTINGS: Mapping[str, Any] = {
    "evmVersion": "osaka",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 1_000_000},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
}


class CompilerFailed(Exception):
    """The source does not compile, or the compiler does not start."""


def compare_source(
    names: tuple[str, ...] = CONTRACT_NAMES, *, contracts: Path | None = None, artifacts: Path = CONTRACTS
) -> list[str]:
    """Compile contracts/ anew and return one line for each difference from the artifacts kept here."""
    folder = contracts or REPOSITORY / "contracts"
    differences = []
    for name in names:
        kept = load_artifact(name, artifacts)
        compiled = compile_contract(name, folder)
        evm = compiled["evm"]
        if bytes.fromhex(evm["bytecode"]["object"]) != kept.bytecode:
            differences.append(f"{name}: the creation bytecode differs from the source's")
        if bytes.fromhex(evm["deployedBytecode"]["object"]) != kept.deployed_bytecode:
            differences.append(f"{name}: the deployed bytecode differs from the source's")
        if _sorted_abi(compiled["abi"]) != _sorted_abi(kept.abi):
            differences.append(f"{name}: the ABI differs from the source's")
    return differences


def compare_deployed(rpc: Rpc, deployment: Deployment) -> list[str]:
    """Return one line for each contract whose code on the chain is not the artifact's."""
    differences = []
    places = {
        "ActorRegistry": deployment.actor_registry,
        "CustodyLedger": deployment.custody_ledger,
        "BinRegistry": deployment.bin_registry,
        "LedgerVersions": deployment.ledger_versions,
    }
    for name, address in places.items():
        code = bytes.fromhex(rpc.call("eth_getCode", address, "latest")[2:])
        if not load_artifact(name).is_code(code):
            differences.append(f"{name}: the code at {address} differs from the source's")
    return differences


def compile_contract(name: str, folder: Path) -> dict[str, Any]:
    """Return the ABI and bytecode of one contract, compiled with what it imports and nothing else.

    `name` may have a folder before it: `mocks/TreatyHarness`.

    Which other sources are compiled alongside may change what the optimiser does.
    """
    sources = _with_imports(folder, f"{name}.sol")
    request = {
        "language": "Solidity",
        "sources": {f"{_SOURCE_ROOT}/{path}": {"content": content} for path, content in sources.items()},
        "settings": {
            **SETTINGS,
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
        },
    }
    try:
        output = solcx.compile_standard(request, solc_binary=_WRAPPER)
    except SolcError as error:
        raise CompilerFailed(f"{name}: {_complaint(error)}") from error
    except OSError as error:
        raise CompilerFailed(f"the compiler does not start: {error}") from error
    compiled: dict[str, Any] = output["contracts"][f"{_SOURCE_ROOT}/{name}.sol"][Path(name).name]
    return compiled


def _complaint(error: SolcError) -> str:
    """Return what the compiler complained of, without the pages that py-solc-x puts around it."""
    try:
        messages = orjson.loads(error.stdout_data or "")["errors"]
        return "; ".join(each["message"] for each in messages if each["severity"] == "error")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return str(error.message)


def _with_imports(folder: Path, first: str) -> dict[str, str]:
    """Return a source and all it imports, by path within the folder."""
    sources: dict[str, str] = {}
    wanted = [first]
    while wanted:
        path = wanted.pop()
        if path in sources:
            continue
        sources[path] = (folder / path).read_text(encoding="utf-8")
        wanted += [
            os.path.normpath(os.path.join(os.path.dirname(path), imported))
            for imported in _IMPORT.findall(sources[path])
        ]
    return sources


def _sorted_abi(abi: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((str(item.get("type")), str(item.get("name")), repr(item)) for item in abi)
