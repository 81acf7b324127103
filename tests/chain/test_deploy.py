from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from chain_support import City, PlainAnvil, RunningDevnet, dev_account, dev_key

from backend.chain.artifacts import CONTRACT_NAMES
from backend.chain.build import CompilerFailed, compare_deployed, compare_source
from backend.chain.client import RpcError
from backend.chain.deploy import (
    CREATE2_PROXY,
    Deployment,
    DeploymentMismatch,
    deploy,
    find_deployment,
    planned_addresses,
    require_deployment,
)


class TestDeploy:
    def test_puts_contracts_where_it_said_it_would(self, city: City) -> None:
        planned = planned_addresses(dev_account(0).address)
        assert city.deployment.addresses == [
            planned[name] for name in ("ActorRegistry", "CustodyLedger", "BinRegistry", "LedgerVersions")
        ]
        require_deployment(city.rpc, city.deployment)

    def test_changes_nothing_when_repeated(self, devnet: RunningDevnet, city: City) -> None:
        before = devnet.rpc.call("eth_getTransactionCount", dev_account(0).address, "latest")
        assert deploy(devnet.rpc, admin_key=dev_key(0)) == city.deployment
        assert devnet.rpc.call("eth_getTransactionCount", dev_account(0).address, "latest") == before

    def test_brings_the_proxy_where_there_is_none(self, city: City) -> None:
        bare = PlainAnvil("--disable-default-create2-deployer")
        assert bare.rpc.call("eth_getCode", CREATE2_PROXY, "latest") == "0x"
        assert deploy(bare.rpc, admin_key=dev_key(0)).addresses == city.deployment.addresses
        bare.stop()

    def test_refuses_a_proxy_that_is_something_else(self, anvil: PlainAnvil) -> None:
        anvil.rpc.call("anvil_setCode", CREATE2_PROXY, "0x6000")
        with pytest.raises(DeploymentMismatch):
            deploy(anvil.rpc, admin_key=dev_key(0))

    def test_finishes_what_was_interrupted(self, anvil: PlainAnvil) -> None:
        whole = deploy(anvil.rpc, admin_key=dev_key(0))
        anvil.rpc.call("anvil_setCode", whole.bin_registry, "0x")
        anvil.rpc.call("anvil_setNonce", whole.bin_registry, "0x0")
        with pytest.raises(DeploymentMismatch):
            find_deployment(anvil.rpc, admin=dev_account(0).address)
        assert deploy(anvil.rpc, admin_key=dev_key(0)) == whole

    def test_notices_other_code_and_another_chain(self, anvil: PlainAnvil, city: City) -> None:
        deployment = deploy(anvil.rpc, admin_key=dev_key(0))
        with pytest.raises(DeploymentMismatch, match="another chain"):
            require_deployment(anvil.rpc, city.deployment)
        anvil.rpc.call("anvil_setCode", deployment.custody_ledger, "0x6000")
        with pytest.raises(DeploymentMismatch, match="CustodyLedger"):
            require_deployment(anvil.rpc, deployment)
        assert len(compare_deployed(anvil.rpc, deployment)) == 1

    def test_is_written_down_and_read_back(self, city: City, tmp_path: Path) -> None:
        city.deployment.save(tmp_path / "deployment.json")
        assert Deployment.load(tmp_path / "deployment.json") == city.deployment
        city.deployment.save_trust(tmp_path / "trust.json")
        trust = city.deployment.to_trust()
        assert trust["ledger"] == city.ledger
        assert set(trust["code_hashes"]) == set(CONTRACT_NAMES)

    def test_names_the_first_block_worth_reading(self, city: City) -> None:
        first = city.rpc.call("eth_getLogs", {"fromBlock": "0x0", "address": city.deployment.addresses})[0]
        assert int(first["blockNumber"], 16) == city.deployment.deployed_block

    def test_says_so_when_a_node_refuses(self, anvil: PlainAnvil) -> None:
        with pytest.raises(RpcError):
            deploy(anvil.rpc, admin_key=b"\x07" * 32)


class TestBuild:
    def test_finds_the_source_behind_the_bytecode(self, city: City) -> None:
        assert compare_source() == []
        assert compare_deployed(city.rpc, city.deployment) == []

    def test_notices_changed_source(self, tmp_path: Path) -> None:
        source = Path(__file__).resolve().parents[2] / "contracts"
        subprocess.run(["cp", "-r", str(source), str(tmp_path)], check=True)
        changed = tmp_path / "contracts" / "LedgerVersions.sol"
        changed.write_text(changed.read_text().replace("msg.sender != admin", "msg.sender == admin"))
        differences = compare_source(("LedgerVersions",), contracts=tmp_path / "contracts")
        assert [line.split(":")[0] for line in differences] == ["LedgerVersions"] * 2

    def test_says_shortly_what_does_not_compile(self, tmp_path: Path) -> None:
        (tmp_path / "Broken.sol").write_text("pragma solidity 0.8.37; contract Broken { uint x = y; }")
        with pytest.raises(CompilerFailed, match="Undeclared identifier"):
            compare_source_of(tmp_path)


def compare_source_of(folder: Path) -> None:
    from backend.chain.build import compile_contract

    compile_contract("Broken", folder)
