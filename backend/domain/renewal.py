"""A crew's phone asks for its next number and key: what it seals, and when it may.

Source: docs/spec/renewal.md.
"""

from __future__ import annotations

from typing import Final

from backend.domain.errors import DomainError
from backend.domain.journal import Network
from backend.domain.keccak import keccak256
from backend.domain.seal import domain_separator
from backend.domain.types import Role

ASKED_AHEAD_SECONDS: Final = 14 * 86_400
"""How long before the end of its certificate a device may ask; a phone asks ten days before, by its own clock."""

_RENEWAL_TYPE = keccak256(b"Renewal(uint64 device,uint256 x,uint256 y)")


class RevokedDevice(DomainError):
    """A revoked device asks for what only a trusted one is given."""

    slug = "revoked-device"
    title = "This device is revoked"

    def __init__(self, *, device: int) -> None:
        super().__init__(f"Device {device:016x} is revoked.")
        self.device = device


class UnsealedRenewal(DomainError):
    """The request is not sealed by the key that is to be replaced."""

    slug = "bad-seal"
    title = "The seal does not verify"

    def __init__(self, *, device: int) -> None:
        super().__init__(f"The request is not sealed by device {device:016x}.")
        self.device = device


class NotRenewable(DomainError):
    """Only a crew's phone whose certificate has an end gets its next key this way."""

    slug = "not-renewable"
    title = "This device is not renewed this way"

    def __init__(self, *, device: int) -> None:
        super().__init__(f"Device {device:016x} is not a crew's phone with a certificate that ends.")
        self.device = device


class RenewalTooEarly(DomainError):
    """The certificate is good for longer than a renewal may be asked ahead."""

    slug = "renewal-too-early"
    title = "It is too early to renew this device"

    def __init__(self, *, device: int, from_at: int) -> None:
        super().__init__(f"Device {device:016x} can be renewed from {from_at} on (Unix seconds).")
        self.device, self.from_at = device, from_at


class RenewalDiffers(DomainError):
    """The device has asked for another key before: whoever asks first is answered."""

    slug = "renewal-differs"
    title = "This device has asked for another key"

    def __init__(self, *, device: int) -> None:
        super().__init__(f"Device {device:016x} has offered another key before.")
        self.device = device


def renewal_digest(network: Network, *, device: int, x: int, y: int) -> bytes:
    """Return the 32 bytes that a device signs with its old key to ask for (x, y) as its next; as for a seal."""
    struct_hash = keccak256(
        _RENEWAL_TYPE + device.to_bytes(32, "big") + x.to_bytes(32, "big") + y.to_bytes(32, "big")
    )
    return keccak256(b"\x19\x01" + domain_separator(network) + struct_hash)


def require_due(device: int, *, role: int, is_passkey: bool, not_after: int, now: int) -> None:
    """Return if a device may ask now. A certificate that has ended may still be renewed: its registrar decides.

    Raises:
        NotRenewable, RenewalTooEarly: it may not.
    """
    if role != Role.CREW or is_passkey or not_after == 0:
        raise NotRenewable(device=device)
    from_at = not_after - ASKED_AHEAD_SECONDS
    if now < from_at:
        raise RenewalTooEarly(device=device, from_at=from_at)
