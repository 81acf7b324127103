"""Who may do what with the registries: what a deployment sets up, and what stands on a chain.

docs/decisions/0009-who-governs.md says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from backend.chain import authority
from backend.chain.abi import selector
from backend.chain.authority import Operation
from backend.chain.client import Rpc
from backend.chain.ledger import call_contract
from backend.chain.ledger_calls import encode_add_ledger

NOTICE_SECONDS = 72 * 3600
# How long a ready operation waits to be carried out; `expiration()` of the access manager.
_EXPIRY_SECONDS = 7 * 24 * 3600


class GovernorRole(IntEnum):
    """The roles of the authority; numbered as in contracts/CityAuthority.sol."""

    ADMINISTRATION = 0
    CITY = 1
    CITY_WITH_NOTICE = 2
    DISTRICT = 3
    AUDITOR = 4
    ANYONE = 2**64 - 1


# Every function of the registries that changes anything, but for `setAuthority`, which refuses everybody.
FUNCTIONS: Mapping[str, Mapping[str, GovernorRole]] = {
    "ActorRegistry": {
        "createOrganisation(uint24,bytes32,uint64,uint160)": GovernorRole.CITY,
        "suspendOrganisation(uint24)": GovernorRole.CITY,
        "resumeOrganisation(uint24)": GovernorRole.CITY,
        "setRegulator(uint24,bool)": GovernorRole.CITY,
        "proposeRegistrar(uint24,uint64,uint160)": GovernorRole.DISTRICT,
        "cancelProposal(uint24)": GovernorRole.AUDITOR,
        # Open to all, but restricted, so that closing the registry stops what was announced as well.
        "replaceRegistrar(uint24)": GovernorRole.ANYONE,
    },
    "LedgerVersions": {"add(address,uint40)": GovernorRole.CITY_WITH_NOTICE},
    "CityAuthority": {"closeTarget(address)": GovernorRole.AUDITOR},
}
_ADD_LEDGER = selector("add(address,uint40)")


class PowersNotSplit(ValueError):
    """An account was to hold the powers of two governors, or there was no auditor."""


@dataclass(frozen=True)
class Governors:
    """The accounts that govern the registries, and how long the city waits where it has to give notice."""

    city: str
    districts: tuple[str, ...]
    auditors: tuple[str, ...]
    notice_seconds: int = NOTICE_SECONDS

    def __post_init__(self) -> None:
        """Check that the powers are split."""
        accounts = [account.lower() for account in (self.city, *self.districts, *self.auditors)]
        if len(set(accounts)) != len(accounts):
            raise PowersNotSplit("city, districts and auditors have to be different accounts")
        if not self.auditors:
            raise PowersNotSplit("somebody has to be the auditor")

    def holdings(self) -> dict[tuple[int, str], int]:
        """Return the notice in seconds by role and account."""
        city, notice = self.city.lower(), self.notice_seconds
        return {
            (GovernorRole.ADMINISTRATION, city): notice,
            (GovernorRole.CITY, city): 0,
            (GovernorRole.CITY_WITH_NOTICE, city): notice,
            (GovernorRole.DISTRICT, city): 0,
            **{(GovernorRole.DISTRICT, account.lower()): 0 for account in self.districts},
            **{(GovernorRole.AUDITOR, account.lower()): 0 for account in self.auditors},
        }


@dataclass
class Governance:
    """What the authority's logs add up to. Accounts and targets in lower case."""

    holdings: dict[tuple[int, str], int] = field(default_factory=dict)
    functions: dict[tuple[str, bytes], int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    announced: dict[bytes, Operation] = field(default_factory=dict)

    def announced_ledger(self, versions: str, ledger: str, *, now: int) -> Operation | None:
        """Return the announcement of a ledger that may still be carried out, or `None`."""
        start = _ADD_LEDGER + bytes.fromhex(ledger[2:]).rjust(32, b"\0")
        for operation in self.announced.values():
            is_alive = now < operation.ready_at + _EXPIRY_SECONDS
            if is_alive and operation.target == versions and operation.data.startswith(start):
                return operation
        return None


def encode_set_up(addresses: Mapping[str, str], governors: Governors, *, active_from: int) -> bytes:
    """Return the city's one call that gives everybody their role and brings the first ledger into force.

    The city is the only administrator before it, and has no notice to give; at its end it has.
    """
    versions = addresses["LedgerVersions"]
    calls = []
    for contract, functions in FUNCTIONS.items():
        by_role = defaultdict(list)
        for signature, role in functions.items():
            by_role[role].append(selector(signature))
        calls += [
            authority.encode_set_function_role(target=addresses[contract], selectors=selectors, role=role)
            for role, selectors in by_role.items()
        ]
    calls += [
        authority.encode_label_role(role=role, label=role.name.lower())
        for role in GovernorRole
        if role not in (GovernorRole.ADMINISTRATION, GovernorRole.ANYONE)
    ]
    add = encode_add_ledger(ledger=addresses["CustodyLedger"], active_from=active_from)
    calls += [
        authority.encode_grant_role(role=GovernorRole.CITY_WITH_NOTICE, account=governors.city, notice_seconds=0),
        authority.encode_execute(target=versions, data=add),
    ]
    holdings = sorted(governors.holdings().items(), reverse=True)  # the administration comes last
    calls += [
        authority.encode_grant_role(role=role, account=account, notice_seconds=notice)
        for (role, account), notice in holdings
    ]
    return authority.encode_multicall(calls)


def is_set_up(rpc: Rpc, addresses: Mapping[str, str]) -> bool:
    """Say whether the roles have been given out; they are all given at once."""
    call = authority.encode_function_role_of(target=addresses["LedgerVersions"], function=_ADD_LEDGER)
    answer = call_contract(rpc, addresses["CityAuthority"], call)
    return int.from_bytes(answer, "big") == GovernorRole.CITY_WITH_NOTICE


def read_governance(rpc: Rpc, manager: str, *, from_block: int = 0) -> Governance:
    """Return who holds what, which functions are open to whom, and what is announced."""
    found = Governance()
    logs = rpc.call("eth_getLogs", {"fromBlock": hex(from_block), "toBlock": "latest", "address": manager})
    for log in logs:
        kind, *topics = log["topics"]
        data = bytes.fromhex(log["data"][2:])
        if kind == authority.ROLE_GRANTED:
            found.holdings[int(topics[0], 16), _account(topics[1])] = int.from_bytes(data[:32], "big")
        elif kind == authority.ROLE_REVOKED:
            found.holdings.pop((int(topics[0], 16), _account(topics[1])), None)
        elif kind == authority.FUNCTION_ROLE_SET:
            found.functions[_account(topics[0]), data[:4]] = int(topics[1], 16)
        elif kind == authority.TARGET_CLOSED:
            change = found.closed.add if any(data) else found.closed.discard
            change(_account(topics[0]))
        elif kind == authority.OPERATION_SCHEDULED:
            found.announced[bytes.fromhex(topics[0][2:])] = authority.decode_operation(log)
        elif kind in (authority.OPERATION_EXECUTED, authority.OPERATION_CANCELLED):
            found.announced.pop(bytes.fromhex(topics[0][2:]), None)
    return found


def compare_governance(found: Governance, addresses: Mapping[str, str], governors: Governors) -> list[str]:
    """Return one line for each power that is held otherwise than these governors should hold it."""
    wanted = governors.holdings()
    differences = [
        f"role {role}: {account} has {_told(found.holdings.get((role, account)))}"
        f" instead of {_told(wanted.get((role, account)))}"
        for role, account in sorted(wanted.keys() | found.holdings.keys())
        if wanted.get((role, account)) != found.holdings.get((role, account))
    ]
    functions = {
        (addresses[contract].lower(), selector(signature)): int(role)
        for contract, listed in FUNCTIONS.items()
        for signature, role in listed.items()
    }
    differences += [
        f"function 0x{function.hex()} of {target} is open to role {found.functions.get((target, function), 0)}"
        f" instead of {functions.get((target, function), 0)}"
        for target, function in sorted(functions.keys() | found.functions.keys())
        if functions.get((target, function), 0) != found.functions.get((target, function), 0)
    ]
    return differences + [f"{target} is closed" for target in sorted(found.closed)]


def _told(notice_seconds: int | None) -> str:
    return "no power" if notice_seconds is None else f"power with {notice_seconds} s of notice"


def _account(topic: str) -> str:
    return "0x" + topic[-40:].lower()
