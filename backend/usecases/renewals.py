"""A phone asks for its next key; a registrar's page answers with a `rotate` entry, like any other upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.errors import UnknownDevice, WrongKey
from backend.domain.journal import Network
from backend.domain.renewal import RenewalDiffers, RevokedDevice, UnsealedRenewal, renewal_digest, require_due
from backend.domain.seal import is_seal_of, key_hash
from backend.usecases.ports import KnownDevice


@dataclass(frozen=True)
class Renewal:
    """The next key of a device, sealed by the one that it has."""

    device: int
    x: int
    y: int
    r: int
    s: int
    asked_at: int


@dataclass(frozen=True)
class Asked:
    """A request as it is kept, and the device that it became once a registrar has sealed that."""

    renewal: Renewal
    renewed: int | None


class Renewals(Protocol):
    """Requests for a next key. One value of it lives for one transaction."""

    def find(self, device: int) -> Asked | None:
        """Return what a device has asked for."""
        ...

    def keep(self, renewal: Renewal) -> None:
        """Keep a request, unless its device has one already."""
        ...

    def waiting(self, organisation: int, limit: int) -> Sequence[Renewal]:
        """Return an organisation's unanswered requests, oldest first, those of revoked devices last."""
        ...


class Devices(Protocol):
    """The devices whose enrolment has been seen."""

    def find_device(self, device: int) -> KnownDevice | None:
        """Return a device whose enrolment has been seen."""
        ...


def ask_renewal(
    asked: Renewal, key: tuple[int, int], *, network: Network, devices: Devices, renewals: Renewals
) -> Asked:
    """Keep a phone's request and return how it stands; the phone asks again to hear of its answer.

    1. the device is enrolled, with this key; 2. that key sealed the request; 3. it is not revoked; 4. it has not
    asked for another key; 5. its certificate nears its end. Nothing is written before 5.

    Raises:
        UnknownDevice, WrongKey, UnsealedRenewal, RevokedDevice, RenewalDiffers, NotRenewable, RenewalTooEarly:
            nothing is kept.
    """
    number = asked.device
    # 1.
    device = devices.find_device(number)
    if device is None:
        raise UnknownDevice(device=number)
    if key_hash(*key) != device.key_hash:
        raise WrongKey(device=number)
    # 2.
    digest = renewal_digest(network, device=number, x=asked.x, y=asked.y)
    is_passkey = device.origin is not None
    if not is_passkey and not is_seal_of(digest, x=key[0], y=key[1], r=asked.r, s=asked.s):
        raise UnsealedRenewal(device=number)
    # 3.
    if device.is_revoked:
        raise RevokedDevice(device=number)
    # 4.
    before = renewals.find(number)
    if before is None:
        # 5.
        require_due(
            number, role=device.role, is_passkey=is_passkey, not_after=device.not_after, now=asked.asked_at
        )
        renewals.keep(asked)
        before = renewals.find(number)
    if before is None or (before.renewal.x, before.renewal.y) != (asked.x, asked.y):
        raise RenewalDiffers(device=number)
    return before
