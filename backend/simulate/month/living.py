"""A month lived on a running server: named, enrolled, placed, and handed in as its hours pass on the chain.

An entry tells when it occurred, and its block when it was recorded; between both lie minutes, as in a real month,
because the chain is told the time (see `huanlian devnet --begins-at`). The server's own clock stays the present.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from backend.chain.client import RpcError
from backend.chain.ledger import Ledger
from backend.domain.days import DAY_SECONDS
from backend.domain.errors import DomainError
from backend.domain.layout import Kind
from backend.domain.types import Role, Scheme, organisation_of
from backend.domain.writer import JournalWriter
from backend.simulate.courier import ends_of
from backend.simulate.day import BINS_IN_A_PLACEMENT, Placement, SimulatedBin, SiteOpening
from backend.simulate.month.district import District
from backend.simulate.month.month import Month
from backend.simulate.month.naming import organisations, sites, write_directory
from backend.simulate.month.sealing import Arrival, seal
from backend.simulate.run import Field, create_organisations, publish, registrar_for
from backend.store.directory import DirectoryStore

BEGINS_BEFORE_SECONDS = 2 * 86_400
"""So long before its first midnight a month's chain begins: devices are enrolled and bins placed then."""
_LOOK_SECONDS = 0.02


class ChainTooLate(DomainError):
    """The chain's clock has passed the month already, or cannot be set."""

    slug = "chain-too-late"
    title = "The chain's clock cannot be set back"


@dataclass(frozen=True)
class LivedMonth:
    """What a month handed in."""

    bins: int
    lifts: int
    segments: int
    repeats: int
    warnings: Mapping[str, int]


def live_month(field: Field, month: Month, *, name: str, step_seconds: int) -> LivedMonth:
    """Hand the month in; return once the ledger has recorded all of it. Safe to repeat.

    What arrives within a step is recorded together at its end: short steps are truer, and there are more of them.

    Raises:
        ChainTooLate: the chain cannot be told the month's hours.
        TimeoutError: the server or the chain was silent for too long.
    """
    clock = _Clock(field)
    if not _is_recorded(field, month):
        clock.require_told(month, step_seconds)
    _found_district(field, month, name)
    writers = _enrol(field, month, name)
    done = 0
    for arrival in seal(month, writers, step_seconds=step_seconds):
        day = (arrival.at - month.midnight) // DAY_SECONDS
        if day > done:
            field.say(f"day {day} of {month.days} is recorded")
        done = max(day, done)
        clock.set(arrival.at)
        _bring(field, arrival)
    clock.let_go()
    courier = field.courier
    return LivedMonth(len(month.district.bins), month.lifts, courier.handed_in, courier.repeats, courier.warnings)


class _Clock:
    """The chain's time, which is told forwards only."""

    def __init__(self, field: Field) -> None:
        self._rpc = field.rpc

    def head(self) -> int:
        """Return the newest block's time."""
        return int(self._rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def require_told(self, month: Month, step_seconds: int) -> None:
        """Refuse a chain that goes by the present: everything would seem to be recorded weeks late."""
        begins_at, head = month.midnight - BEGINS_BEFORE_SECONDS, self.head()
        ends_at = max(lines[-1].recorded_at for lines in month.journals.lines.values())
        try:
            self._rpc.call("evm_setNextBlockTimestamp", head + 1)
            why = "its newest block is later than the month" if head > ends_at + step_seconds else ""
        except RpcError as error:
            why = str(error)
        if why:
            raise ChainTooLate(
                f"This chain cannot be told the month's hours: {why}. Start a fresh one with "
                f"`huanlian devnet --begins-at {begins_at}`, or `scripts/serve --month`."
            )

    def set(self, at: int) -> None:
        """Let the next block be of this time, unless the chain is past it."""
        if self.head() < at:
            self._rpc.call("evm_setNextBlockTimestamp", at)

    def let_go(self) -> None:
        """Let the chain go by the clock from here on, as it does already where it refuses."""
        with suppress(RpcError):
            self._rpc.call("evm_setNextBlockTimestamp", int(time.time()))


def _found_district(field: Field, month: Month, name: str) -> None:
    with field.database.transaction() as connection:
        write_directory(
            month,
            DirectoryStore(connection),
            source=f"month {name}",
            serial_of=lambda number: _serial(field, name, number),
        )
    create_organisations(field, organisations())


def _serial(field: Field, name: str, number: int) -> bytes:
    return field.vault.serial(f"month/{name}/{number}")


def _enrol(field: Field, month: Month, name: str) -> dict[int, JournalWriter]:
    """Let registrars enrol all devices, open all sites and place all bins; return the devices' empty journals."""
    registrars: dict[int, JournalWriter] = {
        one.id: registrar_for(field, one.id, f"registrar/month/{name}") for one in organisations()
    }
    writers: dict[int, JournalWriter] = {}
    for device, role in sorted(month.journals.roles.items()):
        key = field.vault.key(f"month/{name}/{device:016x}")
        x, y = key.public
        registrars[organisation_of(device)].write(
            Kind.ENROL,
            device=device,
            role=Role(role),
            scheme=Scheme.RAW,
            x=x,
            y=y,
            occurred_at=month.midnight - DAY_SECONDS,
        )
        writers[device] = JournalWriter(field.network, device, key)
    openings = _open_sites(field, month, registrars)
    placements = _place_bins(field, month, name, registrars)
    segments = [segment for registrar in registrars.values() for segment in registrar.cut_all()]
    field.courier.hand_in_many(segments)
    field.courier.wait_recorded(ends_of(segments))
    publish(field, openings, placements)
    return writers


def _open_sites(field: Field, month: Month, registrars: Mapping[int, JournalWriter]) -> list[SiteOpening]:
    openings = []
    for site in sites(month.district):
        opening = SiteOpening(site.id, int(site.kind), field.vault.digest(f"site/{site.id}", site.name.zh))
        openings.append(opening)
        registrars[organisation_of(site.id)].write(
            Kind.SITE,
            site=opening.site,
            site_kind=opening.kind,
            digest=int.from_bytes(opening.digest, "big"),
            occurred_at=month.midnight - DAY_SECONDS,
        )
    return openings


def _place_bins(field: Field, month: Month, name: str, registrars: Mapping[int, JournalWriter]) -> list[Placement]:
    placements = []
    for (site, placed_day), bins in _by_placement(field, month.district, name).items():
        placed_from = month.midnight + placed_day * DAY_SECONDS
        for start in range(0, len(bins), BINS_IN_A_PLACEMENT):
            placement = Placement(site, tuple(bins[start : start + BINS_IN_A_PLACEMENT]), placed_from)
            placements.append(placement)
            registrars[organisation_of(site)].write(
                Kind.PLACE,
                site=site,
                count=len(placement.bins),
                digest=int.from_bytes(placement.digest, "big"),
                occurred_at=month.midnight - DAY_SECONDS,
            )
    return placements


def _by_placement(field: Field, district: District, name: str) -> dict[tuple[int, int], list[SimulatedBin]]:
    found: dict[tuple[int, int], list[SimulatedBin]] = {}
    for one in district.bins:
        placed = SimulatedBin(
            one.number, _serial(field, name, one.number), one.stream, district.site(one.street), str(one.point)
        )
        found.setdefault((placed.site, one.placed_day), []).append(placed)
    return found


def _bring(field: Field, arrival: Arrival) -> None:
    """Hand in, and wait until the ledger has it: the next hour must not come before."""
    field.courier.hand_in_many(arrival.segments)
    ends = ends_of(arrival.segments)
    deadline = time.monotonic() + field.courier.patience_seconds
    while not _has(field, ends):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(ends)} journals are not recorded yet; nothing is lost, run again")
        time.sleep(_LOOK_SECONDS)


def _is_recorded(field: Field, month: Month) -> bool:
    return _has(field, {device: len(lines) for device, lines in month.journals.lines.items()})


def _has(field: Field, ends: Mapping[int, int]) -> bool:
    """Say whether the ledger has each of these journals up to its seq."""
    next_seqs = Ledger(field.rpc, custody_ledger=field.deployment.custody_ledger).next_seqs(list(ends))
    return all(next_seqs[device] > seq for device, seq in ends.items())
