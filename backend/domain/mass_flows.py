"""What every applied entry moves: grams into, through and out of a site, one signed fact at a time.

Which site a fact belongs to follows from the chain alone. Nothing here changes custody: it is what the books make
of entries that the ledger applied, in the ledger's order. Source: docs/spec/mass-balance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from backend.domain.days import day_of
from backend.domain.journal import Entry
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.lifts import grams_in, lifted_at, stream_of
from backend.domain.types import Basis, Fate, organisation_of

_BASIS_BYTE = 7
_TIME_BYTES = 8, 9, 10, 11


class Flow(IntEnum):
    """What a move means for the site where it happens."""

    OPENED = 0
    LIFTED = 1
    TAKEN = 2
    UNATTESTED = 3
    MOVED_IN = 4
    GAINED = 5
    GIVEN = 11
    MOVED_OUT = 12
    PRODUCT = 13
    RESIDUE = 14
    ENERGY = 15
    LOSS = 16
    OFFERED = 20
    WITHIN = 21
    MISSING = 22
    """A later fact shows a lot elsewhere than the facts before it: a receipt is not there."""


class Place(NamedTuple):
    """An organisation, and its site; site 0 where the chain does not say which."""

    organisation: int
    site: int


class Stock(NamedTuple):
    """A lot as the facts so far leave it. `basis` is the weakest by which its grams are known.

    `offered_seq` and `offered_grams` are of its last give: what its giver declared.
    """

    place: Place
    stream: int
    grams: int
    basis: int
    offered_seq: int = 0
    offered_grams: int = 0


class Move(NamedTuple):
    """What one entry does to one lot at one place.

    `grams` is what the entry declares to have come or gone, `delta` what the lot's own grams change by: where all
    facts are there and true, the two agree. `given` is what a receiver's scale is held against: the giver's grams.
    """

    device: int
    seq: int
    lot: int
    place: Place
    stream: int
    occurred_at: int
    day: int
    recorded_day: int
    flow: Flow
    grams: int
    delta: int
    basis: int = Basis.ESTIMATED
    given: int = 0
    given_basis: int = 0


@dataclass(frozen=True, slots=True)
class AppliedEntry:
    """An entry other than a lift that the ledger applied, at once or after it had waited; the block's time."""

    device: int
    seq: int
    entry: Entry
    block_time: int


@dataclass(frozen=True, slots=True)
class AppliedLifts:
    """Lifts in a row that went into one lot, those that the ledger applied; `seq` is the run's first."""

    device: int
    seq: int
    lot: int
    words: bytes
    block_time: int


Applied = AppliedEntry | AppliedLifts


def in_order(entries: Sequence[Applied], settled: Sequence[AppliedEntry]) -> list[Applied]:
    """Return what one segment did, and what it set free, in the order in which the ledger did it.

    The ledger tells of the steps set free before it tells of the segment; each stands behind the entry that it
    waited for.
    """
    waiting, ordered = list(settled), list[Applied]()
    for one in entries:
        ordered.append(one)
        freed = next((step for step in waiting if sets_free(one, step)), None)
        if freed is not None:
            waiting.remove(freed)
            ordered.append(freed)
    return ordered + waiting


def sets_free(one: Applied, step: AppliedEntry) -> bool:
    """Say whether a step waited for this.

    A give frees the answer to it; a refusal, or a take in part, what the giver does with the lot then.
    """
    if isinstance(one, AppliedLifts):
        return False
    fields, freed = one.entry.fields, step.entry.fields
    if one.entry.kind in (Kind.GIVE, Kind.REDIRECT):
        return (freed.get("giver"), freed.get("give_seq")) == (one.device, one.seq)
    is_answer = one.entry.kind in (Kind.TAKE, Kind.REFUSE)
    return is_answer and fields["giver"] == step.device and fields["lot"] == freed.get("lot")


def day_of_fact(occurred_at: int, block_time: int) -> int:
    """Return the day that a fact counts for: that of the device's clock, unless it names none or a later one."""
    recorded = day_of(block_time)
    return min(day_of(occurred_at), recorded) if occurred_at else recorded


def lifted_by_day(lifts: bytes, block_time: int) -> dict[int, tuple[int, int]]:
    """Return (grams, when the first was lifted) by day; nearly always of one day, which is seen at a glance."""
    slices = [lifts[at::WORD_BYTES] for at in _TIME_BYTES]
    if all(len(set(part)) == 1 for part in slices[:3]):
        high = int.from_bytes(bytes(part[0] for part in slices[:3]), "big") << 16
        first, last = (high | end(slices[3]) << 8 for end in (min, max))
        day = day_of_fact(first, block_time)
        if first and day == day_of_fact(last | 0xFF, block_time):
            return {day: (grams_in(lifts), lifted_at(lifts))}
    days: dict[int, tuple[int, int]] = {}
    for at in range(0, len(lifts), WORD_BYTES):
        lift = lifts[at : at + WORD_BYTES]
        when = lifted_at(lift)
        day = day_of_fact(when, block_time)
        grams, first = days.get(day, (0, when))
        days[day] = grams + grams_in(lift), first
    return days


class MassFlows:
    """Turns applied entries into moves. `sites` names, by organisation, the sites that the chain knows of it."""

    def __init__(self, stocks: MutableMapping[int, Stock], sites: MutableMapping[int, frozenset[int]]) -> None:
        self.stocks, self.sites = stocks, sites
        self._moves: list[Move] = []

    def apply(self, fact: Applied) -> list[Move]:
        """Return what a fact moves; facts come in the order in which the ledger applied them."""
        self._moves = []
        if isinstance(fact, AppliedLifts):
            self._lifts(fact)
        elif fact.entry.kind in _APPLY:
            _APPLY[fact.entry.kind](self, fact)
        return self._moves

    def place_of(self, organisation: int, named: int = 0) -> Place:
        """Return where a fact of an organisation happens: the site it names of its own, else its only one."""
        if named and organisation_of(named) == organisation:
            return Place(organisation, named)
        known = self.sites.get(organisation, frozenset())
        return Place(organisation, next(iter(known)) if len(known) == 1 else 0)

    # --- moving ---

    def _move(
        self,
        fact: Applied,
        lot: int,
        flow: Flow,
        *,
        grams: int = 0,
        delta: int = 0,
        place: Place | None = None,
        stream: int = 0,
        basis: int = 0,
        given: int = 0,
        given_basis: int = 0,
        day: int | None = None,
        occurred_at: int | None = None,
    ) -> None:
        """Write a move down, and change the lot by it. What is not said stays as it is with the lot."""
        before = self.stocks.get(lot)
        if before is None:
            assert place is not None, "a lot begins somewhere"
            before = Stock(place, stream, 0, basis)
        stock = before
        if place is not None:
            stock = stock._replace(place=place, stream=stream or stock.stream)
        if delta > 0 and basis:
            stock = stock._replace(basis=min(basis, before.basis) if before.grams else basis)
        if occurred_at is None:
            assert isinstance(fact, AppliedEntry), "runs of lifts say when"
            occurred_at = fact.entry.fields["occurred_at"]
        self.stocks[lot] = stock._replace(grams=before.grams + delta)
        self._moves.append(
            Move(
                fact.device,
                fact.seq,
                lot,
                stock.place,
                stock.stream,
                occurred_at,
                day_of_fact(occurred_at, fact.block_time) if day is None else day,
                day_of(fact.block_time),
                flow,
                grams,
                delta,
                stock.basis,
                given,
                given_basis,
            )
        )

    def _in_hands(self, fact: AppliedEntry, lot: int, organisation: int, grams: int, stream: int = 0) -> Stock:
        """Return a lot that the ledger says this organisation had in hand.

        Where the facts have it elsewhere, or nowhere, a receipt is missing: the lot is moved without one.
        """
        stock = self.stocks.get(lot)
        if stock is not None and stock.place.organisation == organisation:
            return stock
        if stock is not None:
            self._move(fact, lot, Flow.MISSING, delta=-stock.grams, place=stock.place)
        here = self.place_of(organisation)
        basis = Basis.ESTIMATED
        self._move(fact, lot, Flow.MISSING, delta=grams, place=here, stream=stream, basis=basis)
        return self.stocks[lot]

    def _at_named_site(self, fact: AppliedEntry, lot: int, stock: Stock) -> Stock:
        """Return the lot at the site that the entry names of its own, moved there where it was not."""
        named = fact.entry.fields["site"]
        to = self.place_of(organisation_of(fact.device), named)
        if not named or to.site != named or to == stock.place:
            return stock
        grams = stock.grams
        self._move(fact, lot, Flow.MOVED_OUT, grams=grams, delta=-grams)
        self._move(fact, lot, Flow.MOVED_IN, grams=grams, delta=grams, place=to, basis=stock.basis)
        return self.stocks[lot]

    # --- facts ---

    def _lifts(self, fact: AppliedLifts) -> None:
        place = stream = None
        if fact.lot not in self.stocks:
            place, stream = self.place_of(organisation_of(fact.device)), stream_of(fact.words)
        basis = min(fact.words[_BASIS_BYTE::WORD_BYTES]) >> 4
        for day, (grams, first) in lifted_by_day(fact.words, fact.block_time).items():
            self._move(
                fact,
                fact.lot,
                Flow.LIFTED,
                grams=grams,
                delta=grams,
                place=place,
                stream=stream or 0,
                basis=basis,
                day=day,
                occurred_at=first,
            )

    def _site(self, fact: AppliedEntry) -> None:
        site = fact.entry.fields["site"]
        organisation = organisation_of(site)
        self.sites[organisation] = self.sites.get(organisation, frozenset()) | {site}

    def _load(self, fact: AppliedEntry) -> None:
        lot, stream = fact.entry.fields["lot"], fact.entry.fields["stream"]
        if lot not in self.stocks:
            self._open(fact, lot, stream)

    def _open(self, fact: AppliedEntry, lot: int, stream: int) -> None:
        self._move(fact, lot, Flow.OPENED, place=self.place_of(organisation_of(fact.device)), stream=stream)

    def _offer(self, fact: AppliedEntry) -> None:
        """A give; the grams that it declares count when it is taken. 0 declares nothing."""
        lot, declared = fact.entry.fields["lot"], fact.entry.fields["grams"]
        stock = self._in_hands(fact, lot, organisation_of(fact.device), declared)
        self._offered(fact, lot, declared or stock.grams)

    def _redirect(self, fact: AppliedEntry) -> None:
        """A give goes to somebody else; what it declared stays."""
        lot = fact.entry.fields["lot"]
        stock = self._in_hands(fact, lot, organisation_of(fact.device), fact.entry.fields["grams"])
        is_known = stock.offered_seq == fact.entry.fields["give_seq"]
        self._offered(fact, lot, stock.offered_grams if is_known else stock.grams)

    def _offered(self, fact: AppliedEntry, lot: int, grams: int) -> None:
        self._move(fact, lot, Flow.OFFERED, grams=grams)
        self.stocks[lot] = self.stocks[lot]._replace(offered_seq=fact.seq, offered_grams=grams)

    def _take(self, fact: AppliedEntry) -> None:
        f = fact.entry.fields
        lot, grams, stream = f["lot"], f["grams"], f["stream"]
        to = self.place_of(organisation_of(fact.device), f["site"])
        basis = Basis.WEIGHED if f["weigh_seq"] else Basis.ESTIMATED
        if f["giver"] == 0:
            self._move(fact, lot, Flow.UNATTESTED, grams=grams, delta=grams, place=to, stream=stream, basis=basis)
            return
        stock = self._in_hands(fact, lot, organisation_of(f["giver"]), grams, stream)
        stream = stream or stock.stream
        moved = min(stock.grams, grams) if f["into"] else stock.grams
        # Without its give nobody has signed what left.
        declared = stock.offered_grams if stock.offered_seq == f["give_seq"] else 0
        self._move(fact, lot, Flow.GIVEN, grams=moved if f["into"] else declared, delta=-moved)
        self._move(
            fact,
            f["into"] or lot,
            Flow.TAKEN,
            grams=grams,
            delta=grams,
            place=to,
            stream=stream,
            basis=basis,
            given=moved if f["into"] else declared,
            given_basis=0 if f["into"] else stock.basis,
        )

    def _merge(self, fact: AppliedEntry) -> None:
        f = fact.entry.fields
        lot, into = f["lot"], f["into"]
        stock = self._in_hands(fact, lot, organisation_of(fact.device), f["grams"], f["stream"])
        if into not in self.stocks:
            self._move(fact, into, Flow.OPENED, place=stock.place, stream=f["stream"])
        to = self.stocks[into].place
        here, there = (Flow.WITHIN, Flow.WITHIN) if to == stock.place else (Flow.MOVED_OUT, Flow.MOVED_IN)
        declared = 0 if to == stock.place else stock.grams
        self._move(fact, lot, here, grams=declared, delta=-stock.grams)
        self._move(fact, into, there, grams=declared, delta=stock.grams, basis=stock.basis)

    def _split(self, fact: AppliedEntry) -> None:
        f = fact.entry.fields
        stock = self._in_hands(fact, f["lot"], organisation_of(fact.device), f["grams"], f["stream"])
        self._move(fact, f["lot"], Flow.WITHIN, delta=-f["grams"])
        self._made(fact, f["into"], f["grams"], stock)

    def _made(self, fact: AppliedEntry, lot: int, grams: int, source: Stock) -> None:
        """A part, or a product, lies where its source lay; nobody has weighed it yet."""
        self._move(
            fact,
            lot,
            Flow.WITHIN,
            delta=grams,
            place=source.place,
            stream=source.stream,
            basis=Basis.ESTIMATED,
        )

    def _transform(self, fact: AppliedEntry) -> None:
        f = fact.entry.fields
        lot, change = f["lot"], f["loss"]
        made = fact.entry.items[: f["outputs"]]
        whole = sum(item["amount"] for item in made) + (-change if f["is_gain"] else change)
        stock = self._in_hands(fact, lot, organisation_of(fact.device), whole)
        stock = self._at_named_site(fact, lot, stock)
        if change:
            flow = Flow.GAINED if f["is_gain"] else Flow.LOSS
            self._move(fact, lot, flow, grams=change, delta=change if f["is_gain"] else -change)
        self._move(fact, lot, Flow.WITHIN, delta=-self.stocks[lot].grams)
        for item in made:
            self._made(fact, item["lot"], item["amount"], stock)

    def _close(self, fact: AppliedEntry) -> None:
        f = fact.entry.fields
        lot, declared = f["lot"], f["grams"]
        stock = self._in_hands(fact, lot, organisation_of(fact.device), declared)
        stock = self._at_named_site(fact, lot, stock)
        self._move(fact, lot, _FLOW_OF_FATE[f["fate"]], grams=declared or stock.grams, delta=-stock.grams)


_FLOW_OF_FATE: Mapping[int, Flow] = {
    Fate.PRODUCT: Flow.PRODUCT,
    Fate.RESIDUE: Flow.RESIDUE,
    Fate.LOSS: Flow.LOSS,
    Fate.ENERGY: Flow.ENERGY,
}

_APPLY: Mapping[int, Callable[[MassFlows, AppliedEntry], None]] = {
    Kind.SITE: MassFlows._site,
    Kind.LOAD: MassFlows._load,
    Kind.GIVE: MassFlows._offer,
    Kind.REDIRECT: MassFlows._redirect,
    Kind.TAKE: MassFlows._take,
    Kind.MERGE: MassFlows._merge,
    Kind.SPLIT: MassFlows._split,
    Kind.TRANSFORM: MassFlows._transform,
    Kind.CLOSE: MassFlows._close,
}


COUNTED = frozenset({int(kind) for kind in _APPLY} | {int(Kind.REFUSE)})
"""The kinds that move grams, or set free a step that does."""


class Held(NamedTuple):
    """What the ledger's own slot says of a lot: in whose hands, how much, of which stream. 0 grams: it is gone."""

    holder: int
    grams: int
    stream: int


def unexplained(moves: Iterable[Move], stocks: Mapping[int, Stock], held: Mapping[int, Held]) -> list[Move]:
    """Return the moves that the facts lack: where the ledger's slots say otherwise of lots that they know.

    The difference counts for the day of the last fact about the lot.
    """
    last = {move.lot: move for move in moves}
    lacking: list[Move] = []
    for lot, slot in held.items():
        stock, move = stocks.get(lot), last.get(lot)
        if stock is None or move is None:
            continue
        organisation = int(organisation_of(slot.holder))
        here = stock.place if stock.place.organisation == organisation else Place(organisation, 0)
        if (here, slot.grams, slot.stream) == (stock.place, stock.grams, stock.stream) or (
            stock.grams == slot.grams == 0
        ):
            continue
        missing = move._replace(
            flow=Flow.MISSING, grams=0, given=0, given_basis=0, place=stock.place, stream=stock.stream
        )
        lacking.append(missing._replace(delta=-stock.grams))
        lacking.append(missing._replace(place=here, stream=slot.stream, delta=slot.grams))
    return lacking
