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


class ActorRegistryNoAdmin(ContractError):
    """The registry was to be created without an admin."""

    signature = "ActorRegistryNoAdmin()"


class ActorRegistryNotAdmin(ContractError):
    """Only the admin may do this."""

    signature, names = "ActorRegistryNotAdmin(address,address)", ("sender", "admin")


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


class LedgerVersionsNoAdmin(ContractError):
    """The list was to be created without an admin."""

    signature = "LedgerVersionsNoAdmin()"


class LedgerVersionsNotAdmin(ContractError):
    """Only the admin may add a ledger."""

    signature, names = "LedgerVersionsNotAdmin(address,address)", ("sender", "admin")


class LedgerVersionsNoCode(ContractError):
    """There is no contract at the ledger's address."""

    signature, names = "LedgerVersionsNoCode(address)", ("ledger",)


class LedgerVersionsNotLater(ContractError):
    """A ledger must come into force after the one before it."""

    signature = "LedgerVersionsNotLater(uint40,uint40)"
    names = ("active_from", "last_active_from")


class LedgerVersionsUnknown(ContractError):
    """There is no such version."""

    signature, names = "LedgerVersionsUnknown(uint256,uint256)", ("version", "count")


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
