"""What a phone carries for its shift, and the seals that let it check that: docs/spec/directory.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.domain.bundle import Certificate
from backend.usecases.views import Name, OrganisationView, SiteView

BINS_MAX = 5_000
"""Bins in one answer: more than any crew lifts in a shift, and a download of a minute on a bad line."""

EntryKey = tuple[str, int]
"""(device, seq)"""


@dataclass(frozen=True)
class ListedDevice:
    """A device that somebody may meet, and the entry that enrolled it."""

    device: str
    role: int
    enrolled_by: EntryKey


@dataclass(frozen=True)
class ListedRegistrar:
    """A registrar between a root and what it sealed; of a revoked one, the last seq that counts."""

    device: str
    enrolled_by: EntryKey
    seen_seq: int | None


@dataclass(frozen=True)
class ListedPlacement:
    """Bins that one entry attests: 43 bytes each, and each one's place in the list of points.

    None in place of a point: the bin does not stand there any more.
    """

    site: str
    sealed_by: EntryKey
    packed: bytes
    points: tuple[int | None, ...]


@dataclass(frozen=True)
class ListedBin:
    """A bin that no seal covers."""

    number: str
    serial_digest: str
    stream: int
    site: str
    point: int
    placed_from: int


@dataclass(frozen=True)
class RouteDirectory:
    """One route's directory.

    `streets` has the organisation's streets with how many bins stand there; `are_bins_left_out` when they are too
    many and none of them was asked for. `opened_by` names the entry that attests a site, where there is one.
    `runs` hold all entries named: the place in it of (device, seq) is that of the run which holds it.
    """

    organisations: list[OrganisationView]
    sites: list[SiteView]
    streets: list[tuple[str, int]]
    are_bins_left_out: bool
    points: list[Name] = field(default_factory=list)
    placements: list[ListedPlacement] = field(default_factory=list)
    bins: list[ListedBin] = field(default_factory=list)
    devices: list[ListedDevice] = field(default_factory=list)
    roots: list[tuple[str, str]] = field(default_factory=list)
    registrars: list[ListedRegistrar] = field(default_factory=list)
    opened_by: Mapping[str, EntryKey] = field(default_factory=dict)
    runs: list[Certificate] = field(default_factory=list)
    run_of: Mapping[EntryKey, int] = field(default_factory=dict)

    def entries(self) -> set[EntryKey]:
        """Return the sealed entries that are named."""
        return {
            *self.opened_by.values(),
            *(placement.sealed_by for placement in self.placements),
            *(device.enrolled_by for device in self.devices),
            *(registrar.enrolled_by for registrar in self.registrars),
        }
