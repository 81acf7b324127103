"""What governors ask of the registries, and how an organisation or a ledger stands there."""

from __future__ import annotations

from dataclasses import dataclass

from backend.chain.abi import selector
from backend.chain.client import Rpc
from backend.chain.ledger import Block, call_contract

_CANCEL_PROPOSAL = selector("cancelProposal(uint24)")
_SUSPEND_ORGANISATION = selector("suspendOrganisation(uint24)")
_RESUME_ORGANISATION = selector("resumeOrganisation(uint24)")
_SET_REGULATOR = selector("setRegulator(uint24,bool)")
_STANDING_OF = selector("standingOf(uint24)")
_SUCCESSOR_OF = selector("successorOf(address)")


@dataclass(frozen=True, slots=True)
class Standing:
    """How an organisation stands; epoch 0 when there is none."""

    epoch: int
    is_suspended: bool
    is_regulator: bool


def encode_cancel_proposal(organisation: int) -> bytes:
    """Return the auditor's call that drops the announcement of another root registrar."""
    return _CANCEL_PROPOSAL + _word(organisation)


def encode_suspend_organisation(organisation: int) -> bytes:
    """Return the city's call that stops an organisation's registrars."""
    return _SUSPEND_ORGANISATION + _word(organisation)


def encode_resume_organisation(organisation: int) -> bytes:
    """Return the city's call that lets a suspended organisation's registrars act again."""
    return _RESUME_ORGANISATION + _word(organisation)


def encode_set_regulator(organisation: int, *, is_regulator: bool) -> bytes:
    """Return the city's call that says whether an organisation is a regulator."""
    return _SET_REGULATOR + _word(organisation) + _word(is_regulator)


def standing_of(rpc: Rpc, actor_registry: str, organisation: int, *, block: Block = "latest") -> Standing:
    """Return whether an organisation is there, suspended, or a regulator."""
    epoch, is_suspended, is_regulator = _words(
        call_contract(rpc, actor_registry, _STANDING_OF + _word(organisation), block=block), 3
    )
    return Standing(epoch, bool(is_suspended), bool(is_regulator))


def ledger_after(
    rpc: Rpc, ledger_versions: str, ledger: str, *, block: Block = "latest"
) -> tuple[str, int] | None:
    """Return the ledger that follows a listed one and from when it is in force; `None` when it is the last.

    Raises:
        LedgerVersionsNotListed: the list does not have this ledger.
    """
    call = _SUCCESSOR_OF + _word(int(ledger, 16))
    successor, active_from = _words(call_contract(rpc, ledger_versions, call, block=block), 2)
    return (f"0x{successor:040x}", active_from) if successor else None


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _words(data: bytes, count: int) -> list[int]:
    if len(data) != 32 * count:
        raise ValueError(f"a call answered {len(data)} bytes: is there a contract at this address?")
    return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]
