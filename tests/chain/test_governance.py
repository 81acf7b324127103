from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chain_support import PlainAnvil, dev_account, dev_key
from eth_abi import encode as eth_encode
from typer.testing import CliRunner
from web3 import Web3

from backend.chain import authority, registries
from backend.chain import deploy as deployment
from backend.chain.abi import selector
from backend.chain.artifacts import load_artifact
from backend.chain.client import Rpc
from backend.chain.contract_errors import (
    AccessManagedUnauthorized,
    AccessManagerAlreadyScheduled,
    AccessManagerNotReady,
    AccessManagerNotScheduled,
    AccessManagerUnauthorizedAccount,
    AccessManagerUnauthorizedCall,
    ActorRegistryNothingProposed,
    LedgerVersionsNotListed,
)
from backend.chain.deploy import Deployment, deploy
from backend.chain.governance import (
    FUNCTIONS,
    NOTICE_SECONDS,
    GovernorRole,
    Governors,
    PowersNotSplit,
    compare_governance,
    read_governance,
)
from backend.chain.ledger import call_contract, ledger_in_force
from backend.chain.ledger_calls import (
    encode_add_ledger,
    encode_create_organisation,
    encode_propose_registrar,
    encode_replace_registrar,
)
from backend.chain.ledger_logs import decode_logs
from backend.chain.registries import Standing, ledger_after, standing_of
from backend.chain.transactions import send_and_wait
from backend.cli.app import build_app
from backend.cli.places import CITY_ADMIN, DEMO_AUDITOR, DEMO_DISTRICT, FIELD, RELAYER, demo_governors
from backend.domain.types import device_id
from backend.jobs.chain_events import known_events
from backend.usecases import ledger_events as known

CITY, DISTRICT, AUDITOR, SECOND_AUDITOR, STRANGER = 0, 8, 9, 7, 3
GOVERNORS = Governors(
    dev_account(CITY).address,
    districts=(dev_account(DISTRICT).address,),
    auditors=(dev_account(AUDITOR).address, dev_account(SECOND_AUDITOR).address),
)
ORGANISATION = 5
ROOT = device_id(ORGANISATION, 1)
NEXT = device_id(ORGANISATION, 2)


class Town:
    """A chain with notice, on which time can pass."""

    def __init__(self, node: PlainAnvil) -> None:
        self.rpc: Rpc = node.rpc
        self.deployment: Deployment = deploy(self.rpc, city_key=dev_key(CITY), governors=GOVERNORS)
        self.registry, self.versions = self.deployment.actor_registry, self.deployment.ledger_versions
        self.manager = self.deployment.city_authority
        call = encode_create_organisation(
            organisation=ORGANISATION, name_digest=bytes(32), registrar=ROOT, key_hash=1
        )
        self.send(CITY, self.registry, call)

    def send(self, account: int, to: str, data: bytes) -> Any:
        return send_and_wait(self.rpc, key=dev_key(account), to=to, data=data)

    def ask(self, account: int, to: str, data: bytes) -> bytes:
        return call_contract(self.rpc, to, data, sender=dev_account(account).address)

    def pass_time(self, seconds: int) -> None:
        self.rpc.call("evm_increaseTime", seconds)
        self.rpc.call("evm_mine")

    def announce(self, to: str, data: bytes) -> None:
        self.send(CITY, self.manager, authority.encode_schedule(target=to, data=data))


@pytest.fixture(scope="module")
def node() -> Iterator[PlainAnvil]:
    running = PlainAnvil()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def deployed(node: PlainAnvil) -> Town:
    return Town(node)


@pytest.fixture
def town(deployed: Town) -> Iterator[Town]:
    snapshot = deployed.rpc.call("evm_snapshot")
    yield deployed
    deployed.rpc.call("evm_revert", snapshot)


CALLS = {
    "createOrganisation(uint24,bytes32,uint64,uint160)": encode_create_organisation(
        organisation=6, name_digest=bytes(32), registrar=device_id(6, 1), key_hash=1
    ),
    "suspendOrganisation(uint24)": registries.encode_suspend_organisation(ORGANISATION),
    "resumeOrganisation(uint24)": registries.encode_resume_organisation(ORGANISATION),
    "setRegulator(uint24,bool)": registries.encode_set_regulator(ORGANISATION, is_regulator=True),
    "proposeRegistrar(uint24,uint64,uint160)": encode_propose_registrar(
        organisation=ORGANISATION, registrar=NEXT, key_hash=1
    ),
    "cancelProposal(uint24)": registries.encode_cancel_proposal(ORGANISATION),
    "replaceRegistrar(uint24)": encode_replace_registrar(ORGANISATION),
}
HOLDERS = {
    GovernorRole.CITY: {CITY},
    GovernorRole.DISTRICT: {CITY, DISTRICT},
    GovernorRole.AUDITOR: {AUDITOR, SECOND_AUDITOR},
    GovernorRole.ANYONE: {CITY, DISTRICT, AUDITOR, SECOND_AUDITOR, STRANGER},
}


class TestGovernors:
    def test_are_different_accounts(self) -> None:
        with pytest.raises(PowersNotSplit, match="different"):
            replace(GOVERNORS, auditors=(GOVERNORS.city.lower(),))
        with pytest.raises(PowersNotSplit, match="different"):
            replace(GOVERNORS, districts=GOVERNORS.auditors)

    def test_have_an_auditor_among_them(self) -> None:
        with pytest.raises(PowersNotSplit, match="auditor"):
            replace(GOVERNORS, auditors=())

    def test_of_the_demo_are_not_the_accounts_that_pay_gas(self) -> None:
        assert len({CITY_ADMIN, RELAYER, FIELD, DEMO_DISTRICT, DEMO_AUDITOR}) == 5
        demo = demo_governors()
        accounts = {demo.city, *demo.districts, *demo.auditors}
        assert not accounts & {dev_account(RELAYER).address, dev_account(FIELD).address}

    def test_share_out_every_function_that_changes_a_registry(self) -> None:
        for name in ("ActorRegistry", "LedgerVersions"):
            changing = {
                f"{item['name']}({','.join(part['type'] for part in item['inputs'])})"
                for item in load_artifact(name).abi
                if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
            }
            assert changing == set(FUNCTIONS[name])

    def test_have_no_hold_on_the_ledger_or_the_bins(self) -> None:
        for name in ("CustodyLedger", "BinRegistry"):
            assert name not in FUNCTIONS
            names = {item.get("name") for item in load_artifact(name).abi}
            assert not names & {"authority", "setAuthority", "owner", "admin"}


class TestSetUp:
    def test_gives_everybody_their_role_and_nobody_more(self, town: Town) -> None:
        found = read_governance(town.rpc, town.manager)
        assert found.holdings == GOVERNORS.holdings()
        assert compare_governance(found, town.deployment.places, GOVERNORS) == []

    def test_makes_the_city_give_notice(self, town: Town) -> None:
        holdings = read_governance(town.rpc, town.manager).holdings
        city = GOVERNORS.city.lower()
        assert NOTICE_SECONDS == 72 * 3600
        assert holdings[GovernorRole.ADMINISTRATION, city] == NOTICE_SECONDS
        assert holdings[GovernorRole.CITY_WITH_NOTICE, city] == NOTICE_SECONDS

    def test_brings_the_first_ledger_into_force(self, town: Town) -> None:
        assert ledger_in_force(town.rpc, town.versions) == town.deployment.custody_ledger
        assert ledger_after(town.rpc, town.versions, town.deployment.custody_ledger) is None

    def test_is_left_alone_when_the_deployment_is_repeated(self, town: Town) -> None:
        before = town.rpc.call("eth_getTransactionCount", GOVERNORS.city, "latest")
        assert deploy(town.rpc, city_key=dev_key(CITY), governors=GOVERNORS) == town.deployment
        assert town.rpc.call("eth_getTransactionCount", GOVERNORS.city, "latest") == before

    def test_is_told_apart_from_what_was_changed_since(self, town: Town) -> None:
        stranger = dev_account(STRANGER).address
        grant = authority.encode_grant_role(role=GovernorRole.AUDITOR, account=stranger, notice_seconds=0)
        revoke = authority.encode_revoke_role(
            role=GovernorRole.AUDITOR, account=dev_account(SECOND_AUDITOR).address
        )
        for call in (grant, revoke):
            town.announce(town.manager, call)
        town.pass_time(NOTICE_SECONDS)
        for call in (grant, revoke):
            town.send(CITY, town.manager, call)
        town.send(AUDITOR, town.manager, authority.encode_close_target(town.registry))
        differences = compare_governance(
            read_governance(town.rpc, town.manager), town.deployment.places, GOVERNORS
        )
        assert [line for line in differences if stranger.lower() in line]
        assert [line for line in differences if dev_account(SECOND_AUDITOR).address.lower() in line]
        assert f"{town.registry} is closed" in differences
        assert len(differences) == 3


class TestRoles:
    @pytest.mark.parametrize("signature", sorted(CALLS))
    def test_open_a_function_to_those_who_hold_them_alone(self, town: Town, signature: str) -> None:
        role = FUNCTIONS["ActorRegistry"][signature]
        if signature in ("cancelProposal(uint24)", "replaceRegistrar(uint24)"):
            call = encode_propose_registrar(organisation=ORGANISATION, registrar=NEXT, key_hash=1)
            town.send(DISTRICT, town.registry, call)
            town.pass_time(NOTICE_SECONDS)
        for account in (CITY, DISTRICT, AUDITOR, SECOND_AUDITOR, STRANGER):
            if account in HOLDERS[role]:
                town.ask(account, town.registry, CALLS[signature])
                continue
            with pytest.raises(AccessManagedUnauthorized) as caught:
                town.ask(account, town.registry, CALLS[signature])
            assert caught.value.values == {"caller": int(dev_account(account).address, 16)}

    def test_cover_every_function_of_the_registry(self) -> None:
        assert set(CALLS) == set(FUNCTIONS["ActorRegistry"])

    def test_let_only_auditors_close_a_registry(self, town: Town) -> None:
        call = authority.encode_close_target(town.registry)
        for account in (CITY, DISTRICT, STRANGER):
            with pytest.raises(AccessManagerUnauthorizedAccount) as caught:
                town.ask(account, town.manager, call)
            assert caught.value.values["role"] == GovernorRole.AUDITOR
        town.ask(AUDITOR, town.manager, call)

    def test_let_nobody_but_the_city_announce_a_ledger(self, town: Town) -> None:
        add = encode_add_ledger(ledger=town.registry, active_from=2**39)
        for account in (DISTRICT, AUDITOR, STRANGER):
            with pytest.raises(AccessManagerUnauthorizedCall):
                town.ask(account, town.manager, authority.encode_schedule(target=town.versions, data=add))


class TestNotice:
    def test_keeps_the_city_from_adding_a_ledger_before_its_time(self, town: Town) -> None:
        add = encode_add_ledger(ledger=town.registry, active_from=2**39)
        with pytest.raises(AccessManagerNotScheduled):
            town.ask(CITY, town.versions, add)
        with pytest.raises(AccessManagerNotScheduled):
            town.ask(CITY, town.manager, authority.encode_execute(target=town.versions, data=add))
        town.announce(town.versions, add)
        with pytest.raises(AccessManagerAlreadyScheduled):
            town.announce(town.versions, add)
        town.pass_time(NOTICE_SECONDS - 60)
        with pytest.raises(AccessManagerNotReady):
            town.ask(CITY, town.versions, add)
        town.pass_time(60)
        town.send(CITY, town.versions, add)
        following = ledger_after(town.rpc, town.versions, town.deployment.custody_ledger)
        assert following == (town.registry, 2**39)
        with pytest.raises(LedgerVersionsNotListed):
            ledger_after(town.rpc, town.versions, town.manager)

    def test_is_seen_by_everybody_until_it_is_cancelled(self, town: Town) -> None:
        add = encode_add_ledger(ledger=town.registry, active_from=2**39)
        town.announce(town.versions, add)
        (operation,) = read_governance(town.rpc, town.manager).announced.values()
        now = int(town.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        assert (operation.caller, operation.target, operation.data) == (
            GOVERNORS.city.lower(),
            town.versions,
            add,
        )
        assert operation.ready_at == now + NOTICE_SECONDS
        cancel = authority.encode_cancel(caller=GOVERNORS.city, target=town.versions, data=add)
        town.send(SECOND_AUDITOR, town.manager, cancel)
        assert read_governance(town.rpc, town.manager).announced == {}
        town.pass_time(NOTICE_SECONDS)
        with pytest.raises(AccessManagerNotScheduled):
            town.ask(CITY, town.versions, add)

    def test_stands_between_a_new_ledger_and_its_deployment(
        self, town: Town, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._write_another_ledger(monkeypatch)
        once = deploy(town.rpc, city_key=dev_key(CITY), governors=GOVERNORS)
        assert once.actor_registry == town.registry
        assert once.custody_ledger != town.deployment.custody_ledger
        assert ledger_in_force(town.rpc, town.versions) == town.deployment.custody_ledger
        assert len(read_governance(town.rpc, town.manager).announced) == 1
        deploy(town.rpc, city_key=dev_key(CITY), governors=GOVERNORS)
        assert len(read_governance(town.rpc, town.manager).announced) == 1
        town.pass_time(NOTICE_SECONDS)
        deploy(town.rpc, city_key=dev_key(CITY), governors=GOVERNORS)
        assert read_governance(town.rpc, town.manager).announced == {}
        following = ledger_after(town.rpc, town.versions, town.deployment.custody_ledger)
        assert following is not None
        assert following[0] == once.custody_ledger
        assert ledger_in_force(town.rpc, town.versions) == once.custody_ledger

    def test_lapses_and_is_given_again(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write_another_ledger(monkeypatch)
        deploy(town.rpc, city_key=dev_key(CITY), governors=GOVERNORS)
        town.pass_time(NOTICE_SECONDS + 7 * 24 * 3600)
        deploy(town.rpc, city_key=dev_key(CITY), governors=GOVERNORS)
        assert ledger_in_force(town.rpc, town.versions) == town.deployment.custody_ledger
        town.pass_time(NOTICE_SECONDS)
        again = deploy(town.rpc, city_key=dev_key(CITY), governors=GOVERNORS)
        assert ledger_in_force(town.rpc, town.versions) == again.custody_ledger

    @staticmethod
    def _write_another_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the next deployment be of another ledger: the same code, created with 32 more bytes."""
        codes_of = deployment.creation_codes

        def codes(city: str) -> dict[str, bytes]:
            found = codes_of(city)
            return {**found, "CustodyLedger": found["CustodyLedger"] + bytes(32)}

        monkeypatch.setattr(deployment, "creation_codes", codes)


class TestAuditors:
    def test_stop_a_registrar_that_a_district_announced(self, town: Town) -> None:
        propose = encode_propose_registrar(organisation=ORGANISATION, registrar=NEXT, key_hash=1)
        town.send(DISTRICT, town.registry, propose)
        receipt = town.send(AUDITOR, town.registry, registries.encode_cancel_proposal(ORGANISATION))
        (event,) = known_events(decode_logs(receipt["logs"]))
        assert event == known.RegistrarProposalCancelled(event.place, ORGANISATION, NEXT)
        town.pass_time(NOTICE_SECONDS)
        with pytest.raises(ActorRegistryNothingProposed):
            town.ask(STRANGER, town.registry, encode_replace_registrar(ORGANISATION))

    def test_close_the_registries_to_everybody_but_themselves(self, town: Town) -> None:
        propose = encode_propose_registrar(organisation=ORGANISATION, registrar=NEXT, key_hash=1)
        town.send(DISTRICT, town.registry, propose)
        town.pass_time(NOTICE_SECONDS)
        for target in (town.registry, town.versions):
            town.send(AUDITOR, town.manager, authority.encode_close_target(target))
        veto = "cancelProposal(uint24)"
        for signature, call in CALLS.items():
            for account in (CITY, DISTRICT, AUDITOR, STRANGER):
                if (signature, account) == (veto, AUDITOR):
                    continue
                with pytest.raises(AccessManagedUnauthorized):
                    town.ask(account, town.registry, call)
        town.send(AUDITOR, town.registry, CALLS[veto])
        reopen = authority.encode_set_closed(target=town.registry, is_closed=False)
        with pytest.raises(AccessManagerNotScheduled):
            town.ask(CITY, town.manager, reopen)
        town.announce(town.manager, reopen)
        town.pass_time(NOTICE_SECONDS)
        town.send(CITY, town.manager, reopen)
        town.send(CITY, town.registry, registries.encode_suspend_organisation(ORGANISATION))


class TestStanding:
    def test_changes_with_what_the_city_says(self, town: Town) -> None:
        def standing(organisation: int = ORGANISATION) -> Standing:
            return standing_of(town.rpc, town.registry, organisation)

        assert standing() == Standing(1, is_suspended=False, is_regulator=False)
        assert standing(77) == Standing(0, is_suspended=False, is_regulator=False)
        suspended = town.send(CITY, town.registry, registries.encode_suspend_organisation(ORGANISATION))
        named = town.send(CITY, town.registry, registries.encode_set_regulator(ORGANISATION, is_regulator=True))
        assert standing() == Standing(1, is_suspended=True, is_regulator=True)
        resumed = town.send(CITY, town.registry, registries.encode_resume_organisation(ORGANISATION))
        assert standing() == Standing(1, is_suspended=False, is_regulator=True)
        logs = [log for receipt in (suspended, named, resumed) for log in receipt["logs"]]
        told = known_events(decode_logs(logs))
        assert told == [
            known.OrganisationSuspended(told[0].place, ORGANISATION),
            known.RegulatorSet(told[1].place, ORGANISATION, True),
            known.OrganisationResumed(told[2].place, ORGANISATION),
        ]


class TestCalls:
    def test_are_encoded_as_web3_does(self) -> None:
        contract = Web3().eth.contract(abi=load_artifact("CityAuthority").abi)
        place, other = Web3.to_checksum_address("0x" + "ab" * 20), Web3.to_checksum_address("0x" + "cd" * 20)
        data = bytes(range(37))
        selectors = [selector("a()"), selector("b()")]
        cases: list[tuple[bytes, str, list[Any]]] = [
            (authority.encode_schedule(target=place, data=data, when=9), "schedule", [place, data, 9]),
            (authority.encode_execute(target=place, data=data), "execute", [place, data]),
            (
                authority.encode_cancel(caller=other, target=place, data=data),
                "cancel",
                [other, place, data],
            ),
            (authority.encode_grant_role(role=4, account=place, notice_seconds=5), "grantRole", [4, place, 5]),
            (authority.encode_revoke_role(role=4, account=place), "revokeRole", [4, place]),
            (authority.encode_label_role(role=4, label="auditor"), "labelRole", [4, "auditor"]),
            (
                authority.encode_set_function_role(target=place, selectors=selectors, role=3),
                "setTargetFunctionRole",
                [place, selectors, 3],
            ),
            (
                authority.encode_function_role_of(target=place, function=selectors[0]),
                "getTargetFunctionRole",
                [place, selectors[0]],
            ),
            (authority.encode_set_closed(target=place, is_closed=True), "setTargetClosed", [place, True]),
            (authority.encode_close_target(place), "closeTarget", [place]),
            (authority.encode_multicall([data, b"", bytes(64)]), "multicall", [[data, b"", bytes(64)]]),
        ]
        for ours, name, arguments in cases:
            assert "0x" + ours.hex() == contract.encode_abi(name, arguments), name

    def test_are_read_from_the_log_of_an_announcement(self) -> None:
        data = eth_encode(
            ["uint48", "address", "address", "bytes"], [77, "0x" + "ab" * 20, "0x" + "cd" * 20, bytes(range(40))]
        )
        operation = authority.decode_operation({"data": "0x" + data.hex()})
        assert operation == authority.Operation("0x" + "ab" * 20, "0x" + "cd" * 20, bytes(range(40)), 77)


class TestDeployCommand:
    def test_splits_the_powers_between_the_accounts_it_is_given(self, node: PlainAnvil, tmp_path: Path) -> None:
        options = [
            *("--data-dir", str(tmp_path), "--rpc", node.url, "--admin-key", dev_key(5).hex()),
            *("--district", dev_account(DISTRICT).address, "--auditor", dev_account(AUDITOR).address),
        ]
        ended = CliRunner().invoke(build_app(), ["deploy", *options])
        assert ended.exit_code == 0, ended.output
        assert "differs" not in ended.output
        deployment = Deployment.load(tmp_path / "deployment.json")
        holdings = read_governance(node.rpc, deployment.city_authority).holdings
        city = dev_account(5).address.lower()
        assert holdings[GovernorRole.ADMINISTRATION, city] == NOTICE_SECONDS
        assert holdings[GovernorRole.AUDITOR, dev_account(AUDITOR).address.lower()] == 0
        again = CliRunner().invoke(build_app(), ["deploy", *options, "--auditor", dev_account(6).address])
        assert f"role 4: {dev_account(6).address.lower()} has no power instead of" in again.output

    def test_refuses_a_city_without_an_auditor(self, node: PlainAnvil, tmp_path: Path) -> None:
        options = ["--data-dir", str(tmp_path), "--rpc", node.url, "--admin-key", dev_key(6).hex()]
        ended = CliRunner().invoke(build_app(), ["deploy", *options])
        assert isinstance(ended.exception, PowersNotSplit)
        assert node.rpc.call("eth_getTransactionCount", dev_account(6).address, "latest") == "0x0"
