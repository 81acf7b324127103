"""A lot's journey as pictures and tables: the stops on the way, what became of it, given against taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backend.domain.custody_state import LotStatus
from backend.domain.layout import Kind
from backend.domain.types import Fate, Outcome, SiteKind, device_text
from backend.store.reading import Reader
from backend.usecases.views import Journey, JourneyStep, LotView, Name, OrganisationView, SiteView

_SITE_STOPS: Final = {
    SiteKind.TRANSFER_STATION: "station",
    SiteKind.PARK: "park",
    SiteKind.PLANT: "plant",
}
_FATES: Final = {Fate.PRODUCT: "product", Fate.RESIDUE: "residue", Fate.LOSS: "loss", Fate.ENERGY: "energy"}


@dataclass(frozen=True)
class Stop:
    """One picture of a journey.

    `kind` names the drawing. `state` is `done`, `here` (where the lot is now), `coming` (it was given but not
    taken) or `open` (nothing is recorded after this).
    """

    kind: str
    state: str = "done"
    who: Name | None = None
    grams: int | None = None
    given: int | None = None
    count: int | None = None
    at: int | None = None
    holds_others: bool = False

    @property
    def difference(self) -> int | None:
        """Grams taken less grams given."""
        return None if self.given is None or self.grams is None else self.grams - self.given


@dataclass(frozen=True)
class Handoff:
    """What one side gave, and what the other took."""

    lot: str
    giver: OrganisationView
    taker: OrganisationView | None
    given: int
    taken: int | None
    give: JourneyStep
    take: JourneyStep | None

    @property
    def difference(self) -> int | None:
        """Grams taken less grams given."""
        return None if self.taken is None else self.taken - self.given


@dataclass(frozen=True)
class Portrait:
    """All that a page draws of a journey. `now` is the lot that holds the grams now."""

    lot: LotView
    now: LotView
    stops: tuple[Stop, ...]
    handoffs: tuple[Handoff, ...]
    steps: tuple[JourneyStep, ...]
    siblings: tuple[JourneyStep, ...]
    fates: tuple[Stop, ...]

    @property
    def is_ended(self) -> bool:
        """Whether the grams have left the books."""
        return self.now.status == LotStatus.CLOSED


class Places:
    """What is known of organisations' places; asked once a page."""

    def __init__(self, reader: Reader) -> None:
        self._sites = {site.site: site for site in reader.sites()}
        kinds: dict[str, set[int]] = {}
        for site in self._sites.values():
            kinds.setdefault(site.organisation, set()).add(site.kind)
        self._kinds: Mapping[str, set[int]] = kinds

    def site(self, site: str) -> SiteView | None:
        """Return a site that has a name."""
        return self._sites.get(site)

    def picture_of(self, organisation: str) -> str:
        """Return which drawing stands for an organisation that took a lot."""
        kinds = self._kinds.get(organisation, set())
        for kind in (SiteKind.TRANSFER_STATION, SiteKind.PARK, SiteKind.PLANT):
            if kind in kinds:
                return _SITE_STOPS[kind]
        return "station"


def portrait_of(journey: Journey, *, now: LotView, places: Places, street: Name | None = None) -> Portrait:
    """Return a journey as stops; `now` is the last lot that this one went into, or itself."""
    own = {journey.lot.lot, *journey.came_from}
    chain = own | set(journey.became)
    steps = tuple(s for s in journey.steps if s.lot in chain)
    siblings = tuple(s for s in journey.steps if s.lot not in chain and s.into_lot in chain)
    applied = [s for s in steps if s.entry.outcome == Outcome.APPLIED]
    shared = {s.into_lot for s in siblings if s.entry.outcome == Outcome.APPLIED}
    handoffs = _handoffs(steps)
    stops = [*_street_and_truck(applied, own, street), *_taken(applied, handoffs, shared, places)]
    fates = _fates(applied, shared, places)
    stops = _with_end(stops, fates, now, places)
    return Portrait(journey.lot, now, tuple(stops), tuple(handoffs), steps, siblings, tuple(fates))


def _street_and_truck(applied: Sequence[JourneyStep], own: set[str], street: Name | None) -> list[Stop]:
    runs = [s for s in applied if s.lifts is not None and s.lot in own]
    runs = runs or [s for s in applied if s.lifts is not None]
    if not runs:
        return []
    lots = {s.lot for s in runs}
    lifted = sum(s.grams or 0 for s in runs)
    given = [s for s in applied if s.entry.kind == Kind.GIVE and s.lot in lots]
    left = {s.lot: s.grams or 0 for s in given}
    carried = sum(left.values()) if len(left) == len(lots) else lifted
    return [
        Stop(
            "street",
            who=street,
            grams=lifted,
            count=sum(s.lifts or 0 for s in runs),
            at=runs[0].entry.occurred_at,
        ),
        Stop(
            "truck",
            who=runs[0].entry.organisation.name,
            grams=carried,
            count=len(lots),
            at=(given or runs)[-1].entry.occurred_at,
        ),
    ]


def _taken(
    applied: Sequence[JourneyStep], handoffs: Sequence[Handoff], shared: set[str | None], places: Places
) -> list[Stop]:
    """One stop for each organisation that took lots of the journey, in the order in which it did."""
    given = {(h.take.entry.device, h.take.entry.seq): h.given for h in handoffs if h.take is not None}
    stops: list[Stop] = []
    last = ""
    for step in applied:
        if step.entry.kind != Kind.TAKE:
            continue
        entry = step.entry
        grams, gave = step.grams or 0, given.get((entry.device, entry.seq))
        stop = Stop(
            places.picture_of(entry.organisation.organisation),
            who=entry.organisation.name,
            grams=grams,
            given=gave,
            count=1,
            at=entry.occurred_at,
            holds_others=step.lot in shared,
        )
        if stops and last == entry.organisation.organisation:
            before = stops.pop()
            both = None if before.given is None or gave is None else before.given + gave
            stop = replace(
                stop,
                grams=(before.grams or 0) + grams,
                given=both,
                count=(before.count or 0) + 1,
                holds_others=before.holds_others or stop.holds_others,
            )
        stops.append(stop)
        last = entry.organisation.organisation
    return stops


def _fates(applied: Sequence[JourneyStep], shared: set[str | None], places: Places) -> list[Stop]:
    fates: dict[str, Stop] = {}
    for step in applied:
        kind = _FATES.get(Fate(step.entry.fields["fate"])) if step.entry.kind == Kind.CLOSE else None
        if kind is None:
            continue
        site = places.site(device_text(step.entry.fields["site"]))
        before = fates.get(kind)
        fates[kind] = Stop(
            kind,
            who=step.entry.organisation.name if site is None else site.name,
            grams=(step.grams or 0) + (0 if before is None else before.grams or 0),
            at=step.entry.occurred_at,
            holds_others=step.lot in shared,
        )
    return list(fates.values())


def _with_end(stops: list[Stop], fates: Sequence[Stop], now: LotView, places: Places) -> list[Stop]:
    if now.status == LotStatus.CLOSED and fates:
        return [*stops, *fates]
    if now.status == LotStatus.GIVEN and now.given_to_organisation is not None:
        to = now.given_to_organisation
        coming = Stop(places.picture_of(to.organisation), "coming", who=to.name, given=now.grams)
        return [*_marked(stops), *fates, coming]
    return [*_marked(stops), *fates, Stop("open", "open")]


def _marked(stops: list[Stop]) -> list[Stop]:
    return [*stops[:-1], replace(stops[-1], state="here")] if stops else []


def _handoffs(steps: Sequence[JourneyStep]) -> list[Handoff]:
    """Every give that the ledger did not turn down, with its take."""
    takes = {
        (s.lot, s.entry.fields["giver"], s.entry.fields["give_seq"]): s
        for s in steps
        if s.entry.kind == Kind.TAKE and s.entry.outcome == Outcome.APPLIED
    }
    found = []
    for step in steps:
        if step.entry.kind != Kind.GIVE or step.entry.outcome not in (Outcome.APPLIED, Outcome.DEFERRED):
            continue
        take = takes.get((step.lot, int(step.entry.device, 16), step.entry.seq))
        found.append(
            Handoff(
                step.lot,
                step.entry.organisation,
                step.counterpart if take is None else take.entry.organisation,
                step.grams or 0,
                None if take is None else take.grams,
                step,
                take,
            )
        )
    return found


def draw(reader: Reader, places: Places, journey: Journey, *, street: bool = True) -> Portrait:
    """Return the portrait of a journey, with the lot that holds its grams now and the street it came from."""
    now = journey.lot
    if journey.became:
        now = reader.find_lot(journey.became[-1]) or now
    name = _street_of(reader, journey) if street else None
    return portrait_of(journey, now=now, places=places, street=name)


def _street_of(reader: Reader, journey: Journey) -> Name | None:
    """Return the street of the first lift whose bin is known."""
    for lift in reader.lifts_in_lots([*journey.came_from, journey.lot.lot], offset=0, limit=1):
        found = reader.find_bin(lift.bin)
        if found is not None and found.site is not None:
            return found.site.name
    return None
