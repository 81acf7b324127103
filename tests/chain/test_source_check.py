"""The published source against the bytecode that is kept, and against the code on a chain."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chain_support import City, PlainAnvil, dev_account, dev_key
from typer.testing import CliRunner

from backend.chain import deploy as deploying
from backend.chain.artifacts import CONTRACT_NAMES, Artifact, load_artifact
from backend.chain.build import REPOSITORY, CompilerFailed, compare_artifacts, compile_artifact
from backend.chain.client import Rpc
from backend.chain.deploy import Deployment, create2_address, creation_codes, deploy, find_deployment
from backend.chain.source_check import ContractCheck, check_source
from backend.cli.app import build_app
from backend.cli.places import demo_governors

CONTRACTS = REPOSITORY / "contracts"
LINKED = {
    "Doubling.sol": """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
import {Step} from "@made-up/steps/src/Step.sol";
library Doubling {
  function twice(uint256 value) external pure returns (uint256) { return Step.next(value) * 2; }
}
""",
    "ActorRegistry.sol": """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
import {Doubling} from "./Doubling.sol";
import {Tally} from "./Tally.sol";
contract ActorRegistry {
  address public immutable boss;
  Tally public immutable tally;
  constructor(address boss_) { boss = boss_; tally = new Tally(boss_); }
  function fourTimes(uint256 value) external pure returns (uint256) {
    return Doubling.twice(Doubling.twice(value));
  }
}
""",
}
TALLY = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
contract Tally {
  address public immutable boss;
  uint256 public immutable born;
  constructor(address boss_) { boss = boss_; born = 7; }
}
"""
STEP = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
import "./deeper/One.sol";
library Step { function next(uint256 value) internal pure returns (uint256) { return value + ONE; } }
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The contracts' folder, to be changed."""
    shutil.copytree(CONTRACTS, tmp_path / "contracts")
    return tmp_path / "contracts"


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / f"{name}.sol"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


def deploy_demo(rpc: Rpc) -> Deployment:
    return deploy(rpc, city_key=dev_key(0), governors=demo_governors())


def different(checks: list[ContractCheck]) -> dict[str, tuple[str, ...]]:
    return {check.name: check.differences for check in checks if check.differences}


class TestTwoCompilers:
    def test_make_the_same_bytecode_and_abi_of_every_deployed_contract(self) -> None:
        assert compare_artifacts() == []

    def test_do_not_when_one_byte_of_source_is_changed(self, copied: Path) -> None:
        change(copied, "LedgerVersions", "version - 1", "version - 2")
        differences = compare_artifacts(("LedgerVersions",), contracts=copied)
        assert [line.split(":")[0] for line in differences] == ["LedgerVersions"] * 2

    def test_say_shortly_what_does_not_compile(self, tmp_path: Path) -> None:
        (tmp_path / "Broken.sol").write_text("pragma solidity 0.8.37; contract Broken { uint x = y; }")
        with pytest.raises(CompilerFailed, match="Undeclared identifier"):
            compile_artifact("Broken", tmp_path)

    def test_name_the_import_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "Lost.sol").write_text('pragma solidity 0.8.37;\nimport "@nobody/nothing/A.sol";\n')
        with pytest.raises(CompilerFailed, match="no package @nobody/nothing"):
            compile_artifact("Lost", tmp_path)


class TestCheckSource:
    def test_finds_the_source_behind_the_code(self, city: City) -> None:
        checks = check_source(city.rpc, city.deployment)
        assert different(checks) == {}
        assert [check.name for check in checks] == [*CONTRACT_NAMES, "DeviceRules"]
        found = {check.name: check.address for check in checks}
        rules = city.rpc.call(
            "eth_call",
            {"to": city.deployment.custody_ledger, "data": "0x" + deploying.selector("deviceRules()").hex()},
            "latest",
        )
        assert found == {**city.deployment.places, "DeviceRules": "0x" + rules[-40:]}

    def test_finds_a_changed_byte_of_source(self, city: City, copied: Path) -> None:
        change(copied, "LedgerVersions", "activeFrom <= last", "activeFrom < last")
        found = different(check_source(city.rpc, city.deployment, contracts=copied))
        assert found == {"LedgerVersions": ("the code differs from the source's",)}

    def test_finds_a_changed_constructor(self, city: City, copied: Path) -> None:
        change(
            copied, "LedgerVersions", "FixedAuthority(authority_) {}", "FixedAuthority(authority_) { _push(); }"
        )
        change(
            copied,
            "LedgerVersions",
            "function count()",
            "function _push() private { _versions.push(); }\nfunction count()",
        )
        found = different(check_source(city.rpc, city.deployment, contracts=copied))
        assert found == {
            "LedgerVersions": ("the address does not follow from this source and its constructor's arguments",)
        }

    def test_finds_another_contract_at_the_address(self, city: City) -> None:
        swapped = replace(city.deployment, bin_registry=city.deployment.ledger_versions)
        assert different(check_source(city.rpc, swapped)) == {
            "BinRegistry": ("the code differs from the source's",)
        }

    def test_finds_an_address_without_code(self, city: City) -> None:
        moved = replace(city.deployment, ledger_versions="0x" + "12" * 20)
        assert different(check_source(city.rpc, moved)) == {"LedgerVersions": ("there is no code",)}

    def test_finds_a_registry_under_another_citys_authority(self, anvil: PlainAnvil) -> None:
        ours = deploy_demo(anvil.rpc)
        anvil.rpc.call("anvil_setBalance", dev_account(15).address, hex(10**19))
        governors = replace(demo_governors(), city=dev_account(15).address)
        theirs = deploy(anvil.rpc, city_key=dev_key(15), governors=governors)
        mixed = replace(ours, ledger_versions=theirs.ledger_versions)
        assert different(check_source(anvil.rpc, mixed)) == {
            "LedgerVersions": (
                f"the authority is {theirs.city_authority}, and not {ours.city_authority}",
                "the address does not follow from this source and its constructor's arguments",
            )
        }

    def test_finds_an_authority_that_was_put_there_by_force(self, anvil: PlainAnvil) -> None:
        deployment = deploy_demo(anvil.rpc)
        anvil.rpc.call("anvil_setStorageAt", deployment.actor_registry, "0x" + 64 * "0", "0x" + f"{0xBAD:064x}")
        assert different(check_source(anvil.rpc, deployment)) == {
            "ActorRegistry": (f"the authority is 0x{0xBAD:040x}, and not {deployment.city_authority}",)
        }

    def test_finds_other_rules_where_the_ledger_runs_its_own(self, anvil: PlainAnvil) -> None:
        deployment = deploy_demo(anvil.rpc)
        rules = next(check.address for check in check_source(anvil.rpc, deployment) if check.name == "DeviceRules")
        anvil.rpc.call("anvil_setCode", rules, "0x6000")
        assert different(check_source(anvil.rpc, deployment)) == {
            "DeviceRules": ("the code differs from the source's",)
        }

    def test_finds_one_immutable_with_two_values(self, anvil: PlainAnvil) -> None:
        deployment = deploy_demo(anvil.rpc)
        artifact = load_artifact("CustodyLedger")
        code = bytearray(bytes.fromhex(anvil.rpc.call("eth_getCode", deployment.custody_ledger, "latest")[2:]))
        start, length = artifact.immutables[-1]
        code[start + length - 1] ^= 1
        anvil.rpc.call("anvil_setCode", deployment.custody_ledger, "0x" + code.hex())
        assert set(different(check_source(anvil.rpc, deployment))) == {"CustodyLedger"}


class TestAuditCommand:
    def run(self, city: City, folder: Path, *more: str) -> tuple[int, str]:
        city.deployment.save_trust(folder / "trust.json")
        url = city.rpc._endpoints[0].url
        arguments = ["audit", "--rpc", url, "--trust", str(folder / "trust.json"), "--source", *more]
        result = CliRunner().invoke(build_app(), arguments)
        return result.exit_code, result.output

    def test_prints_a_line_a_contract(self, city: City, tmp_path: Path) -> None:
        status, said = self.run(city, tmp_path)
        assert status == 0, said
        lines = [line for line in said.splitlines() if line.startswith("source: ")]
        assert len(lines) == len([*CONTRACT_NAMES, "DeviceRules"])
        assert all(line.endswith("is what the source says") for line in lines)

    def test_fails_on_changed_source(self, city: City, tmp_path: Path, copied: Path) -> None:
        change(copied, "BinRegistry", "43 * bins.length", "44 * bins.length")
        status, said = self.run(city, tmp_path, "--contracts", str(copied))
        assert status == 1
        assert "FAULT source: BinRegistry: the code differs from the source's" in said


class TestLinkedLibraries:
    """A library of its own address, with an import from a package, built by both compilers and deployed."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Iterator[Path]:
        """This checkout's build on other sources: the project is copied, its packages are linked."""
        for name in ("hardhat.config.js", "package.json"):
            shutil.copy(REPOSITORY / name, tmp_path)
        (tmp_path / "scripts").mkdir()
        shutil.copy(REPOSITORY / "scripts" / "generate", tmp_path / "scripts")
        shutil.copytree(CONTRACTS, tmp_path / "contracts")
        for name, content in {**LINKED, "Tally.sol": TALLY}.items():
            (tmp_path / "contracts" / name).write_text(content)
        packages = tmp_path / "node_modules"
        packages.mkdir()
        for package in (REPOSITORY / "node_modules").iterdir():
            (packages / package.name).symlink_to(package)
        steps = packages / "@made-up" / "steps"
        (steps / "src" / "deeper").mkdir(parents=True)
        (steps / "package.json").write_text(json.dumps({"name": "@made-up/steps", "version": "1.2.3"}))
        (steps / "src" / "Step.sol").write_text(STEP)
        (steps / "src" / "deeper" / "One.sol").write_text("pragma solidity 0.8.37; uint256 constant ONE = 1;")
        return tmp_path

    def test_are_built_alike_deployed_first_and_checked(
        self, project: Path, anvil: PlainAnvil, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"{REPOSITORY / '.venv' / 'bin'}:{os.environ['PATH']}"
        subprocess.run(
            ["bash", "scripts/generate"], cwd=project, check=True, env={**os.environ, "PATH": path}, timeout=1800
        )
        built = project / "backend" / "chain" / "contracts"
        assert {file.stem for file in built.glob("*.json")} == {*CONTRACT_NAMES, "Doubling"}
        assert compare_artifacts(contracts=project / "contracts", artifacts=built) == []

        def load(name: str) -> Artifact:
            return load_artifact(name, built)

        monkeypatch.setattr(deploying, "load_artifact", load)
        monkeypatch.setattr(deploying, "creation_codes", lambda city: creation_codes(city, load))
        deployment = deploy_demo(anvil.rpc)
        library = create2_address(load("Doubling").bytecode)
        assert "Doubling" in find_deployment(anvil.rpc, city=dev_account(0).address).code_hashes
        doubled = anvil.rpc.call("eth_call", self.four_times(deployment.actor_registry, 3), "latest")
        assert int(doubled, 16) == ((3 + 1) * 2 + 1) * 2

        checks = check_source(anvil.rpc, deployment, contracts=project / "contracts")
        assert different(checks) == {}
        found_at = {check.name: check.address for check in checks}
        assert set(found_at) == {*CONTRACT_NAMES, "Doubling", "Tally", "DeviceRules"}
        assert found_at["Doubling"] == library
        self.check_what_was_created(anvil, deployment, project / "contracts", found_at["Tally"])

        change(project / "contracts", "Doubling", "* 2", "* 4")
        found = different(check_source(anvil.rpc, deployment, contracts=project / "contracts"))
        assert found["Doubling"] == ("the code differs from the source's",)

    @staticmethod
    def check_what_was_created(anvil: PlainAnvil, deployment: Deployment, contracts: Path, created: str) -> None:
        """The contract that a constructor created is compared as well, with what it was given."""
        code = anvil.rpc.call("eth_getCode", created, "latest")
        authority = deployment.city_authority[2:]
        assert authority in code
        anvil.rpc.call("anvil_setCode", created, code.replace(authority, "ab" * 20))
        found = different(check_source(anvil.rpc, deployment, contracts=contracts))
        assert found == {"Tally": (f"immutable boss is 0x{'ab' * 20}, and not {deployment.city_authority}",)}
        anvil.rpc.call("anvil_setCode", created, code)

    @staticmethod
    def four_times(to: str, value: int) -> dict[str, str]:
        return {"to": to, "data": "0x" + deploying.selector("fourTimes(uint256)").hex() + f"{value:064x}"}
