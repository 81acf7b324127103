"""What the contracts revert with, as exceptions. No revert text is ever parsed."""

from __future__ import annotations

from typing import ClassVar

from backend.domain.keccak import keccak256


class ContractError(Exception):
    """A contract reverted with one of its own errors; `values` are its arguments by name."""

    signature: ClassVar[str] = ""
    names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **values: int) -> None:
        told = ", ".join(f"{name}={value:#x}" for name, value in values.items())
        super().__init__(f"{type(self).__name__}({told})")
        self.values = values


class NoP256(ContractError):
    """The chain has no P-256 precompile."""

    signature = "NoP256()"


class RuleFailed(ContractError):
    """A rule of the ledger that stands in a contract of its own did not come to an end: the gas was gone."""

    signature = "RuleFailed()"


class ActorRegistryZeroOrganisation(ContractError):
    """Organisations count from 1."""

    signature = "ActorRegistryZeroOrganisation()"


class ActorRegistryOrganisationExists(ContractError):
    """The organisation was created before."""

    signature, names = "ActorRegistryOrganisationExists(uint24)", ("organisation",)


class ActorRegistryUnknownOrganisation(ContractError):
    """There is no such organisation."""

    signature, names = "ActorRegistryUnknownOrganisation(uint24)", ("organisation",)


class ActorRegistryForeignDevice(ContractError):
    """The device does not belong to the organisation."""

    signature, names = "ActorRegistryForeignDevice(uint24,uint64)", ("organisation", "device")


class ActorRegistryDeviceNamedBefore(ContractError):
    """The device was once announced as a registrar."""

    signature, names = "ActorRegistryDeviceNamedBefore(uint64)", ("device",)


class ActorRegistryEmptyKey(ContractError):
    """A registrar needs a key."""

    signature, names = "ActorRegistryEmptyKey(uint64)", ("device",)


class ActorRegistryNothingProposed(ContractError):
    """No other registrar was announced."""

    signature, names = "ActorRegistryNothingProposed(uint24)", ("organisation",)


class ActorRegistryTooEarly(ContractError):
    """The announcement has not stood for 72 hours."""

    signature = "ActorRegistryTooEarly(uint24,uint40,uint256)"
    names = ("organisation", "effective_at", "now_at")


class ActorRegistryEpochsUsedUp(ContractError):
    """The organisation's registrar was replaced 255 times."""

    signature, names = "ActorRegistryEpochsUsedUp(uint24)", ("organisation",)


class BinRegistryNotAttested(ContractError):
    """No registrar of the site's organisation sealed this."""

    signature, names = "BinRegistryNotAttested(bytes32)", ("statement",)


class BinRegistryAlreadyUsed(ContractError):
    """This statement has been brought before."""

    signature, names = "BinRegistryAlreadyUsed(bytes32)", ("statement",)


class LedgerVersionsNoCode(ContractError):
    """There is no contract at the ledger's address."""

    signature, names = "LedgerVersionsNoCode(address)", ("ledger",)


class LedgerVersionsListedBefore(ContractError):
    """A ledger is listed once."""

    signature, names = "LedgerVersionsListedBefore(address)", ("ledger",)


class LedgerVersionsNotListed(ContractError):
    """The list does not have this ledger."""

    signature, names = "LedgerVersionsNotListed(address)", ("ledger",)


class LedgerVersionsNotLater(ContractError):
    """A ledger must come into force after the one before it."""

    signature = "LedgerVersionsNotLater(uint40,uint40)"
    names = ("active_from", "last_active_from")


class LedgerVersionsUnknown(ContractError):
    """There is no such version."""

    signature, names = "LedgerVersionsUnknown(uint256,uint256)", ("version", "count")


class AccessManagedUnauthorized(ContractError):
    """This account may not do this, or not while the registry is closed."""

    signature, names = "AccessManagedUnauthorized(address)", ("caller",)


class AccessManagedInvalidAuthority(ContractError):
    """There is no contract at the authority's address."""

    signature, names = "AccessManagedInvalidAuthority(address)", ("authority",)


class AccessManagedRequiredDelay(ContractError):
    """This has to be announced first."""

    signature, names = "AccessManagedRequiredDelay(address,uint32)", ("caller", "delay")


class AccessManagerAlreadyScheduled(ContractError):
    """The operation is announced already."""

    signature, names = "AccessManagerAlreadyScheduled(bytes32)", ("operation_id",)


class AccessManagerNotScheduled(ContractError):
    """The operation has to be announced first."""

    signature, names = "AccessManagerNotScheduled(bytes32)", ("operation_id",)


class AccessManagerNotReady(ContractError):
    """The operation's notice has not passed."""

    signature, names = "AccessManagerNotReady(bytes32)", ("operation_id",)


class AccessManagerExpired(ContractError):
    """The operation was announced too long ago."""

    signature, names = "AccessManagerExpired(bytes32)", ("operation_id",)


class AccessManagerLockedFunction(ContractError):
    """Nobody can open this function to another role."""

    signature, names = "AccessManagerLockedFunction(bytes4)", ("selector",)


class AccessManagerLockedRole(ContractError):
    """Nobody can change this of this role."""

    signature, names = "AccessManagerLockedRole(uint64)", ("role",)


class AccessManagerInvalidInitialAdmin(ContractError):
    """The authority was to be created without a city."""

    signature, names = "AccessManagerInvalidInitialAdmin(address)", ("admin",)


class AccessManagerBadConfirmation(ContractError):
    """Only the holder itself can renounce a role."""

    signature = "AccessManagerBadConfirmation()"


class AccessManagerUnauthorizedAccount(ContractError):
    """The account does not hold the role that this needs."""

    signature, names = "AccessManagerUnauthorizedAccount(address,uint64)", ("caller", "role")


class AccessManagerUnauthorizedCall(ContractError):
    """This account may not announce or carry out this operation, or not so soon."""

    signature = "AccessManagerUnauthorizedCall(address,address,bytes4)"
    names = ("caller", "target", "selector")


class AccessManagerUnauthorizedCancel(ContractError):
    """This account may not cancel this operation."""

    signature = "AccessManagerUnauthorizedCancel(address,address,address,bytes4)"
    names = ("sender", "caller", "target", "selector")


class AccessManagerUnauthorizedConsume(ContractError):
    """Only a registry in the middle of a call can use up an announcement."""

    signature, names = "AccessManagerUnauthorizedConsume(address)", ("target",)


class AddressEmptyCode(ContractError):
    """There is no contract at the address that was to be called."""

    signature, names = "AddressEmptyCode(address)", ("target",)


class FailedCall(ContractError):
    """A call within a call failed without a reason."""

    signature = "FailedCall()"


class InsufficientBalance(ContractError):
    """A contract was to send more than it holds."""

    signature, names = "InsufficientBalance(uint256,uint256)", ("balance", "needed")


class SafeCastOverflowedUintDowncast(ContractError):
    """A number does not fit."""

    signature, names = "SafeCastOverflowedUintDowncast(uint8,uint256)", ("bits", "value")


ERRORS: dict[bytes, type[ContractError]] = {
    keccak256(error.signature.encode())[:4]: error for error in ContractError.__subclasses__()
}


def read_contract_error(data: bytes) -> ContractError | None:
    """Return the error behind revert data, or `None` when it is not one of our contracts'."""
    error = ERRORS.get(data[:4])
    if error is None or len(data) != 4 + 32 * len(error.names):
        return None
    words = (data[at : at + 32] for at in range(4, len(data), 32))
    return error(**{name: int.from_bytes(word, "big") for name, word in zip(error.names, words, strict=True)})
