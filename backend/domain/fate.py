"""What became of one bin's grams: products, residue, energy, losses, and what is still on its way.

A bin's grams follow their lots through handoffs, merges, splits and transformations. Where lots were mixed nobody
can know whose grams went where: the likely share is proportional, and beside it stand what must and what may have
come from this bin. Source: docs/spec/fate.md, whose version this is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from backend.domain.mass_flows import Flow, Move
from backend.domain.recorded import EntryId

VERSION = "fate-1"
MILLION = 1_000_000
"""All is counted in millionths of a gram, so that nothing is lost by rounding where a load is cut."""


class End(Enum):
    """What grams came to; the value is its name in addresses and texts."""

    PRODUCT = "product"
    RESIDUE = "residue"
    ENERGY = "energy"
    LOSS = "loss"
    LIGHTER = "lighter"
    """A receiver's scale found less than was there: water, a wrong estimate, or waste that did not arrive."""
    UNTRACED = "untraced"
    """The way goes on further than is followed here."""
    ON_ITS_WAY = "on_its_way"


class BinLift(NamedTuple):
    """A lift of the bin that the ledger applied."""

    device: int
    seq: int
    lot: int
    grams: int


class Measure(NamedTuple):
    """What a transformation yields that is no lot: energy, gas, water, in the product's own unit."""

    product: int
    amount: int


@dataclass(frozen=True)
class Part:
    """What of the bin's grams came to one end; `likely`, `low` and `high` in millionths of a gram.

    At least `low` and at most `high` is the bin's, however the mixed loads lay. `facts` are the entries that ended
    it, `lots` those in which it still is.
    """

    end: End
    product: int
    likely: int
    low: int
    high: int
    share_ppm: int
    low_ppm: int
    high_ppm: int
    facts: tuple[EntryId, ...] = ()
    lots: tuple[int, ...] = ()


@dataclass(frozen=True)
class Yield:
    """The bin's proportional part of what its waste was turned into, in millionths of the product's unit."""

    product: int
    likely: int


@dataclass(frozen=True)
class BinFate:
    """The parts that a bin's lifts came to; their shares sum to exactly one million, or there are none."""

    grams: int
    lifts: int
    parts: tuple[Part, ...]
    yields: tuple[Yield, ...]


class _Content(NamedTuple):
    """A heap of grams, and what of it is the bin's."""

    grams: int = 0
    low: int = 0
    likely: int = 0
    high: int = 0

    def __add__(self, other: object) -> _Content:
        assert isinstance(other, _Content)
        grams = self.grams + other.grams
        return _Content(
            grams, self.low + other.low, self.likely + other.likely, min(self.high + other.high, grams)
        )

    def cut(self, amount: int) -> tuple[_Content, _Content]:
        """Return so much of it, or all there is, and the rest."""
        amount = min(amount, self.grams)
        rest = self.grams - amount
        likely = self.likely * amount // self.grams if self.grams else self.likely
        taken = _Content(amount, max(0, self.low - rest), likely, min(self.high, amount))
        return taken, _Content(rest, max(0, self.low - amount), self.likely - likely, min(self.high, rest))


@dataclass
class _Heap:
    """What came to one end so far."""

    content: _Content = field(default_factory=_Content)
    facts: dict[EntryId, None] = field(default_factory=dict)
    lots: dict[int, None] = field(default_factory=dict)


_ENDS: Mapping[int, End] = {
    Flow.PRODUCT: End.PRODUCT,
    Flow.RESIDUE: End.RESIDUE,
    Flow.ENERGY: End.ENERGY,
    Flow.LOSS: End.LOSS,
}
_WEIGHED_AGAIN = frozenset((Flow.TAKEN, Flow.MISSING))
_FROM_OUTSIDE = frozenset((Flow.LIFTED, Flow.UNATTESTED, Flow.GAINED))
_EndKey = tuple[End, int]


class _Tracing:
    """Follows moves in the ledger's order."""

    def __init__(self, products: Mapping[EntryId, int], measures: Mapping[EntryId, Sequence[Measure]]) -> None:
        self._products, self._measures = products, measures
        self.lots: dict[int, _Content] = {}
        self.heaps: dict[_EndKey, _Heap] = {}
        self.yields: dict[int, int] = {}

    def lift(self, lot: int, grams: int, own: int) -> None:
        """Put lifts into a lot, `own` grams of them the bin's."""
        self._put(lot, _Content(grams * MILLION, own * MILLION, own * MILLION, own * MILLION))

    def step(self, fact: EntryId, moves: Sequence[Move]) -> None:
        """Do what one entry did: what leaves its lots is at hand for those that it fills."""
        self._measure(fact, moves)
        at_hand = _Content()
        flows = {move.flow for move in moves}
        for move in moves:
            amount = abs(move.delta) * MILLION
            if move.delta < 0:
                out = self._take(move.lot, amount)
                if move.flow in _ENDS:
                    self._end((_ENDS[move.flow], self._products.get(fact, 0)), out, fact)
                else:
                    at_hand += out
            elif move.flow in _FROM_OUTSIDE:
                self._put(move.lot, _Content(amount))
            elif move.delta:
                into, at_hand = at_hand.cut(amount)
                self._put(move.lot, into + _Content(amount - into.grams))
        if at_hand.high:
            self._end((End.LIGHTER if flows & _WEIGHED_AGAIN else End.UNTRACED, 0), at_hand, fact)

    def _measure(self, fact: EntryId, moves: Sequence[Move]) -> None:
        for product, amount in self._measures.get(fact, ()):
            worked = self.lots.get(moves[0].lot, _Content())
            if worked.grams:
                likely = amount * MILLION * worked.likely // worked.grams
                self.yields[product] = self.yields.get(product, 0) + likely

    def _put(self, lot: int, content: _Content) -> None:
        self.lots[lot] = self.lots.get(lot, _Content()) + content

    def _take(self, lot: int, amount: int) -> _Content:
        taken, self.lots[lot] = self.lots.get(lot, _Content()).cut(amount)
        return taken

    def _end(self, key: _EndKey, content: _Content, fact: EntryId) -> None:
        if not content.high:
            return
        heap = self.heaps.setdefault(key, _Heap())
        heap.content += content
        heap.facts[fact] = None


def fate_of(
    lifts: Sequence[BinLift],
    moves: Iterable[Move],
    *,
    products: Mapping[EntryId, int],
    measures: Mapping[EntryId, Sequence[Measure]],
) -> BinFate:
    """Return what became of these lifts of one bin.

    `moves` are all moves of every lot that their grams may have come into, in the ledger's order; `products` says
    what a closed lot left as, `measures` what a transformation yielded beside its lots.
    """
    tracing = _Tracing(products, measures)
    total = sum(lift.grams for lift in lifts)
    listed = list(moves)
    own = _own_grams(lifts, listed)
    for (device, seq), group in groupby(listed, key=lambda move: (move.device, move.seq)):
        same = list(group)
        if same[0].flow == Flow.LIFTED:
            lot = same[0].lot
            tracing.lift(lot, sum(move.delta for move in same), own.pop((device, seq, lot), 0))
        else:
            tracing.step(EntryId(device, seq), same)
    for lot, content in tracing.lots.items():
        if content.high:
            heap = tracing.heaps.setdefault((End.ON_ITS_WAY, 0), _Heap())
            heap.content += content
            heap.lots[lot] = None
    if own:
        missing = sum(own.values()) * MILLION
        heap = tracing.heaps.setdefault((End.UNTRACED, 0), _Heap())
        heap.content += _Content(missing, missing, missing, missing)
    yields = tuple(Yield(product, likely) for product, likely in sorted(tracing.yields.items()) if likely)
    return BinFate(total, len(lifts), tuple(_parts(tracing.heaps, total * MILLION)), yields)


def _own_grams(lifts: Sequence[BinLift], moves: Sequence[Move]) -> dict[tuple[int, int, int], int]:
    """Return the bin's grams by the run of lifts that they were recorded in: a run is named by its first entry."""
    starts: dict[tuple[int, int], list[int]] = {}
    for move in moves:
        if move.flow == Flow.LIFTED:
            starts.setdefault((move.device, move.lot), []).append(move.seq)
    for seqs in starts.values():
        seqs.sort()
    own: dict[tuple[int, int, int], int] = {}
    for lift in lifts:
        seqs = starts.get((lift.device, lift.lot), [])
        at = bisect_right(seqs, lift.seq)
        key = (lift.device, seqs[at - 1] if at else 0, lift.lot)
        own[key] = own.get(key, 0) + lift.grams
    return own


def _parts(heaps: Mapping[_EndKey, _Heap], total: int) -> Iterator[Part]:
    """Yield the parts, the largest first; what one part must or may be narrows what the others may be."""
    if not total:
        return
    whole_low = sum(heap.content.low for heap in heaps.values())
    whole_high = sum(min(heap.content.high, total) for heap in heaps.values())
    shares = _shares({key: heap.content.likely for key, heap in heaps.items()}, total)
    order = list(End)
    for key, heap in sorted(
        heaps.items(), key=lambda one: (-one[1].content.likely, order.index(one[0][0]), one[0][1])
    ):
        content = heap.content
        high = min(content.high, total)
        low, high = max(content.low, total - (whole_high - high)), min(high, total - (whole_low - content.low))
        yield Part(
            key[0],
            key[1],
            content.likely,
            low,
            high,
            shares[key],
            low * MILLION // total,
            -(-high * MILLION // total),
            tuple(heap.facts),
            tuple(heap.lots),
        )


def _shares(likely: Mapping[_EndKey, int], total: int) -> dict[_EndKey, int]:
    """Return millionths that sum to exactly one million: the largest remainders get what rounding left over."""
    shares = {key: grams * MILLION // total for key, grams in likely.items()}
    left = MILLION - sum(shares.values())
    by_remainder = sorted(likely, key=lambda key: (-(likely[key] * MILLION % total), key[0].value, key[1]))
    for key in by_remainder[:left]:
        shares[key] += 1
    return shares
