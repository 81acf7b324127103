"""Compiling the published source once more, with other tools than those that deploy it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import orjson
import solcx
from solcx.exceptions import SolcError

from backend.chain.artifacts import CONTRACT_NAMES, CONTRACTS, Artifact, Place, load_artifact, places_in

REPOSITORY = Path(__file__).resolve().parents[2]
_WRAPPER = Path(__file__).resolve().with_name("solc_npm.cjs")
_PROJECT = "project/"  # as Hardhat names sources
_SOURCE_ROOT = f"{_PROJECT}contracts"
_IMPORT = re.compile(r"""^\s*import\s[^;]*?["']([^"']+)["']\s*;""", re.MULTILINE)
# What the compiler notes where a library's address belongs.
_UNLINKED = re.compile(r"__\$[0-9a-f]{34}\$__")
# The same as in hardhat.config.js. Without metadata, any build of the same source has the same bytecode.
SETTINGS: Mapping[str, Any] = {
    "evmVersion": "osaka",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 200},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
}
_WANTED = {
    "*": {
        "": ["ast"],
        "*": [
            "abi",
            *(f"evm.bytecode.{part}" for part in ("object", "linkReferences")),
            *(f"evm.deployedBytecode.{part}" for part in ("object", "linkReferences", "immutableReferences")),
        ],
    }
}


class CompilerFailed(Exception):
    """The source does not compile, or the compiler does not start."""


@dataclass(frozen=True)
class Compiled:
    """A contract fresh from its source.

    `immutables` says where the value of each one stands in the deployed code, by its name in the source; a
    library's own address is `library_deploy_address`. `libraries` names the source of each external one.
    `created` names the source of each contract that the constructor creates, by the immutable that keeps its
    address.
    """

    artifact: Artifact
    immutables: Mapping[str, tuple[Place, ...]]
    libraries: Mapping[str, str]
    created: Mapping[str, str]


def compile_artifact(name: str, folder: Path, *, creator: str = "") -> Compiled:
    """Return a contract compiled with what it imports and nothing else.

    `name` may have a folder before it: `libraries/Lots`. A contract that another one creates is taken from the
    compilation of its `creator`, which carries its code.

    Raises:
        CompilerFailed: the source does not compile, or the compiler does not start.
    """
    sources = _Sources(folder)
    output = _compile(creator or name, sources)
    compiled = output["contracts"][f"{_SOURCE_ROOT}/{name}.sol"][Path(name).name]
    creation, deployed = compiled["evm"]["bytecode"], compiled["evm"]["deployedBytecode"]
    immutables = deployed.get("immutableReferences", {})
    trees = [source["ast"] for source in output["sources"].values()]
    names = dict(_immutable_names(trees))
    sources_of = {contract: path for path, contracts in output["contracts"].items() for contract in contracts}
    own_tree = output["sources"][f"{_SOURCE_ROOT}/{name}.sol"]["ast"]
    artifact = Artifact(
        name=Path(name).name,
        abi=compiled["abi"],
        bytecode=_unlinked(creation["object"]),
        deployed_bytecode=_unlinked(deployed["object"]),
        immutables=places_in(immutables.values()),
        links=_links(creation["linkReferences"]),
        deployed_links=_links(deployed["linkReferences"]),
    )
    return Compiled(
        artifact=artifact,
        immutables={names.get(number, number): places_in([places]) for number, places in immutables.items()},
        libraries={
            library: _source_name(path)
            for path, libraries in creation["linkReferences"].items()
            for library in libraries
        },
        created={kept: _source_name(sources_of[contract]) for kept, contract in _created(own_tree)},
    )


def compile_contract(name: str, folder: Path) -> dict[str, Any]:
    """Return the compiler's own answer for one contract: its ABI and, under `evm`, its bytecode.

    Raises:
        CompilerFailed: the source does not compile, or the compiler does not start.
    """
    output = _compile(name, _Sources(folder))
    compiled: dict[str, Any] = output["contracts"][f"{_SOURCE_ROOT}/{name}.sol"][Path(name).name]
    return compiled


def compare_artifacts(
    names: tuple[str, ...] = CONTRACT_NAMES, *, contracts: Path | None = None, artifacts: Path = CONTRACTS
) -> list[str]:
    """Compile contracts/ anew and return one line for each difference from the artifacts kept here."""
    folder = contracts or REPOSITORY / "contracts"
    differences = []
    wanted = list(names)
    for name in wanted:
        compiled = compile_artifact(name, folder)
        fresh, kept = compiled.artifact, load_artifact(Path(name).name, artifacts)
        if fresh.bytecode != kept.bytecode or fresh.links != kept.links:
            differences.append(f"{name}: the creation bytecode differs from the source's")
        if fresh.deployed_bytecode != kept.deployed_bytecode or fresh.deployed_links != kept.deployed_links:
            differences.append(f"{name}: the deployed bytecode differs from the source's")
        if sorted(fresh.immutables) != sorted(kept.immutables):
            differences.append(f"{name}: the immutables stand elsewhere than in the source's bytecode")
        if _sorted_abi(fresh.abi) != _sorted_abi(kept.abi):
            differences.append(f"{name}: the ABI differs from the source's")
        wanted += [source for source in compiled.libraries.values() if source not in wanted]
    return differences


def _compile(name: str, sources: _Sources) -> dict[str, Any]:
    """Return the compiler's output for one source and what it imports.

    Which other sources are compiled alongside may change what the optimiser does.
    """
    sources.add_project_file(f"{name}.sol")
    request = {
        "language": "Solidity",
        "sources": {path: {"content": content} for path, content in sources.contents.items()},
        "settings": {**SETTINGS, "remappings": sources.remappings, "outputSelection": _WANTED},
    }
    try:
        return _answer_to(orjson.dumps(request))
    except SolcError as error:
        raise CompilerFailed(f"{name}: {_complaint(error)}") from error
    except OSError as error:
        raise CompilerFailed(f"the compiler does not start: {error}") from error


@lru_cache(maxsize=16)
def _answer_to(request: bytes) -> dict[str, Any]:
    """Return the compiler's output; the same source is compiled once in a process."""
    output: dict[str, Any] = solcx.compile_standard(orjson.loads(request), solc_binary=_WRAPPER)
    return output


def _complaint(error: SolcError) -> str:
    """Return what the compiler complained of, without the pages that py-solc-x puts around it."""
    try:
        messages = orjson.loads(error.stdout_data or "")["errors"]
        return "; ".join(each["message"] for each in messages if each["severity"] == "error")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return str(error.message)


@dataclass
class _Sources:
    """A source and all it imports, under the names that Hardhat gives them.

    A file of the project is `project/contracts/…`, one of a package `npm/NAME@VERSION/…`.
    """

    folder: Path
    contents: dict[str, str] = field(default_factory=dict)
    _remappings: set[str] = field(default_factory=set)

    @property
    def remappings(self) -> list[str]:
        """What the compiler has to know to find a package's files."""
        return sorted(self._remappings)

    def add_project_file(self, path: str) -> None:
        """Add a source of the project, by its path in the contracts' folder, with all that it imports."""
        self._add(f"{_SOURCE_ROOT}/{path}", self.folder / path, context=_PROJECT)

    def _add(self, name: str, file: Path, *, context: str) -> None:
        if name in self.contents:
            return
        try:
            content = file.read_text(encoding="utf-8")
        except OSError as error:
            raise CompilerFailed(f"{name} is not there: {error}") from error
        self.contents[name] = content
        for imported in _IMPORT.findall(content):
            if imported.startswith("."):
                found = os.path.normpath(os.path.join(os.path.dirname(name), imported))
                self._add(found, file.parent / imported, context=context)
            else:
                self._add_package_file(imported, context)

    def _add_package_file(self, imported: str, context: str) -> None:
        parts = imported.split("/")
        package = "/".join(parts[: 2 if imported.startswith("@") else 1])
        root = self._packages / package
        description = root / "package.json"
        if not description.exists():
            raise CompilerFailed(f"{imported}: there is no package {package} in {self._packages}")
        root_name = f"npm/{package}@{orjson.loads(description.read_bytes())['version']}/"
        self._remappings.add(f"{context}:{package}/={root_name}")
        rest = imported.removeprefix(f"{package}/")
        self._add(root_name + rest, root / rest, context=root_name)

    @cached_property
    def _packages(self) -> Path:
        """The nearest node_modules above the contracts; a folder given alone takes this checkout's."""
        nearby = [parent / "node_modules" for parent in self.folder.resolve().parents]
        return next((path for path in nearby if path.is_dir()), REPOSITORY / "node_modules")


def _immutable_names(tree: Any) -> Iterator[tuple[str, str]]:
    """Return the number that the compiler gave each immutable, and its name."""
    if isinstance(tree, dict):
        if tree.get("mutability") == "immutable":
            yield str(tree["id"]), str(tree["name"])
        for child in tree.values():
            yield from _immutable_names(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _immutable_names(child)


def _created(tree: Any, kept_in: str = "") -> Iterator[tuple[str, str]]:
    """Return the variables that are given a new contract, and the contract's name."""
    if isinstance(tree, dict):
        if tree.get("nodeType") == "Assignment":
            kept_in = str(tree["leftHandSide"].get("name", ""))
        if tree.get("nodeType") == "NewExpression" and kept_in and "pathNode" in tree["typeName"]:
            yield kept_in, str(tree["typeName"]["pathNode"]["name"])
        for child in tree.values():
            yield from _created(child, kept_in)
    elif isinstance(tree, list):
        for child in tree:
            yield from _created(child, kept_in)


def _source_name(path: str) -> str:
    return path.removeprefix(f"{_SOURCE_ROOT}/").removesuffix(".sol")


def _links(references: Mapping[str, Mapping[str, list[dict[str, int]]]]) -> dict[str, tuple[Place, ...]]:
    return {name: places_in([places]) for libraries in references.values() for name, places in libraries.items()}


def _unlinked(code: str) -> bytes:
    return bytes.fromhex(_UNLINKED.sub("0" * 40, code))


def _sorted_abi(abi: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((str(item.get("type")), str(item.get("name")), repr(item)) for item in abi)
