from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from chain_support import City, PlainAnvil, RunningDevnet, dev_account, dev_key

from backend.chain.artifacts import CONTRACT_NAMES
from backend.chain.client import Rpc, RpcError
from backend.chain.deploy import (
    CREATE2_PROXY,
    Deployment,
    DeploymentMismatch,
    deploy,
    find_deployment,
    planned_addresses,
    require_deployment,
)
from backend.chain.transactions import account_of
from backend.cli.places import demo_governors
from backend.usecases.trust import trust_of


def deploy_demo(rpc: Rpc) -> Deployment:
    return deploy(rpc, city_key=dev_key(0), governors=demo_governors())


class TestDeploy:
    def test_puts_contracts_where_it_said_it_would(self, city: City) -> None:
        planned = planned_addresses(dev_account(0).address)
        assert city.deployment.places == planned
        assert city.deployment.addresses == [planned[name] for name in planned if name != "CityAuthority"]
        require_deployment(city.rpc, city.deployment)

    def test_changes_nothing_when_repeated(self, devnet: RunningDevnet, city: City) -> None:
        before = devnet.rpc.call("eth_getTransactionCount", dev_account(0).address, "latest")
        assert deploy_demo(devnet.rpc) == city.deployment
        assert devnet.rpc.call("eth_getTransactionCount", dev_account(0).address, "latest") == before

    def test_brings_the_proxy_where_there_is_none(self, city: City) -> None:
        bare = PlainAnvil("--disable-default-create2-deployer")
        assert bare.rpc.call("eth_getCode", CREATE2_PROXY, "latest") == "0x"
        assert deploy_demo(bare.rpc).places == city.deployment.places
        bare.stop()

    def test_refuses_a_proxy_that_is_something_else(self, anvil: PlainAnvil) -> None:
        anvil.rpc.call("anvil_setCode", CREATE2_PROXY, "0x6000")
        with pytest.raises(DeploymentMismatch):
            deploy_demo(anvil.rpc)

    def test_finishes_what_was_interrupted(self, anvil: PlainAnvil) -> None:
        whole = deploy_demo(anvil.rpc)
        anvil.rpc.call("anvil_setCode", whole.bin_registry, "0x")
        anvil.rpc.call("anvil_setNonce", whole.bin_registry, "0x0")
        with pytest.raises(DeploymentMismatch):
            find_deployment(anvil.rpc, city=dev_account(0).address)
        assert deploy_demo(anvil.rpc) == whole

    def test_notices_other_code_and_another_chain(self, anvil: PlainAnvil, city: City) -> None:
        deployment = deploy_demo(anvil.rpc)
        with pytest.raises(DeploymentMismatch, match="another chain"):
            require_deployment(anvil.rpc, city.deployment)
        anvil.rpc.call("anvil_setCode", deployment.custody_ledger, "0x6000")
        with pytest.raises(DeploymentMismatch, match="CustodyLedger"):
            require_deployment(anvil.rpc, deployment)

    def test_is_written_down_and_read_back(self, city: City, tmp_path: Path) -> None:
        city.deployment.save(tmp_path / "deployment.json")
        assert Deployment.load(tmp_path / "deployment.json") == city.deployment
        city.deployment.save_trust(tmp_path / "trust.json")
        trust = city.deployment.to_trust()
        assert trust["ledger"] == city.ledger
        assert trust_of(trust).network.ledger.hex() == city.ledger[2:]
        assert trust["city_authority"] == city.deployment.city_authority
        assert set(trust["code_hashes"]) == set(CONTRACT_NAMES)

    def test_names_the_first_block_worth_reading(self, city: City) -> None:
        everywhere = list(city.deployment.places.values())
        first = city.rpc.call("eth_getLogs", {"fromBlock": "0x0", "address": everywhere})[0]
        assert int(first["blockNumber"], 16) == city.deployment.deployed_block

    def test_says_so_when_a_node_refuses(self, anvil: PlainAnvil) -> None:
        key = b"\x07" * 32
        penniless = replace(demo_governors(), city=account_of(key).address)
        with pytest.raises(RpcError):
            deploy(anvil.rpc, city_key=key, governors=penniless)

    def test_refuses_a_key_that_is_not_the_citys(self, anvil: PlainAnvil) -> None:
        with pytest.raises(ValueError, match="is to be the city's account"):
            deploy(anvil.rpc, city_key=dev_key(1), governors=demo_governors())
        assert anvil.rpc.call("eth_getTransactionCount", dev_account(1).address, "latest") == "0x0"
