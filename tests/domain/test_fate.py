"""What became of a bin's grams: nothing is lost, bounds hold, and an example is computed by hand."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mass_facts import GATE, LOT, NOON, POOL, PRODUCT, SLAG, TRUCK, WORKS, Diary, collected, moves_of

from backend.domain.fate import MILLION, BinFate, BinLift, End, Measure, Part, fate_of
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import Fate, Stream, lot_id

TONNE = 1_000_000
OTHER = lot_id(TRUCK, 2)


def fate(diary: Diary, lifts: list[BinLift], **more: dict[EntryId, object]) -> BinFate:
    _, moves = moves_of(diary.facts)
    products = more.get("products", {})
    measures = more.get("measures", {})
    return fate_of(lifts, moves, products=products, measures=measures)  # type: ignore[arg-type]


def part(found: BinFate, end: End) -> Part:
    (one,) = (one for one in found.parts if one.end is end)
    return one


def lifted(diary: Diary, lot: int, own: int, others: int) -> list[BinLift]:
    """Let a truck lift our bin, and then others, into a lot."""
    diary.write(Kind.LOAD, TRUCK, lot=lot, stream=Stream.RESIDUAL)
    diary.lifts(TRUCK, lot, (own, diary.now))
    seq = diary.seqs[TRUCK]
    diary.lifts(TRUCK, lot, (others, diary.now))
    return [BinLift(TRUCK, seq, lot, own)]


class TestAnExampleByHand:
    """1 t of ours in 4 t; 3.6 t arrive; 0.6 t is split off and lost; of the rest 20 % slag, 80 % energy."""

    @pytest.fixture
    def found(self) -> BinFate:
        diary = Diary()
        lifts = lifted(diary, LOT, TONNE, 3 * TONNE)
        diary.hand_over(TRUCK, WORKS, LOT, 4 * TONNE, taken=3_600_000)
        away = lot_id(WORKS, 9)
        diary.write(Kind.SPLIT, WORKS, lot=LOT, into=away, grams=600_000, stream=Stream.RESIDUAL)
        diary.write(Kind.CLOSE, WORKS, lot=away, grams=600_000, fate=Fate.LOSS)
        made = ({"lot": SLAG, "amount": 600_000, "product": 50}, {"lot": PRODUCT, "amount": 2_400_000})
        work = diary.write(Kind.TRANSFORM, WORKS, items=made, lot=LOT, grams=3 * TONNE, outputs=2)
        slag = diary.write(Kind.CLOSE, WORKS, lot=SLAG, grams=600_000, fate=Fate.RESIDUE, product=50)
        diary.write(Kind.CLOSE, WORKS, lot=PRODUCT, grams=2_400_000, fate=Fate.ENERGY)
        return fate(
            diary,
            lifts,
            products={EntryId(WORKS, slag.seq): 50},
            measures={EntryId(WORKS, work.seq): [Measure(100, 1_500)]},
        )

    def test_shares_by_mass_where_loads_are_cut(self, found: BinFate) -> None:
        # 0.4 of 4 t is a tenth of ours; then 0.6 of 3.6, and a fifth and four fifths of what is left.
        assert {one.end: one.likely // MILLION for one in found.parts} == {
            End.ENERGY: 600_000,
            End.RESIDUE: 150_000,
            End.LOSS: 150_000,
            End.LIGHTER: 100_000,
        }
        assert [one.share_ppm for one in found.parts] == [600_000, 150_000, 150_000, 100_000]

    def test_says_what_must_and_what_may_be_ours(self, found: BinFate) -> None:
        # 3 t were others', so of 2.4 t none must be ours, and all of our tonne may be.
        assert (part(found, End.ENERGY).low, part(found, End.ENERGY).high) == (0, TONNE * MILLION)
        assert part(found, End.RESIDUE).high == 600_000 * MILLION
        assert part(found, End.LIGHTER).high == 400_000 * MILLION

    def test_names_product_entry_and_its_part_of_the_power(self, found: BinFate) -> None:
        assert part(found, End.RESIDUE).product == 50
        assert len(part(found, End.RESIDUE).facts) == 1
        ((power),) = found.yields
        # 0.75 of 3 t was ours when it was burnt: a quarter of 1,500 kWh.
        assert (power.product, power.likely) == (100, 375 * MILLION)


class TestALotOfOursAlone:
    def test_has_no_uncertainty(self) -> None:
        diary = Diary()
        diary.write(Kind.LOAD, TRUCK, lot=LOT, stream=Stream.RESIDUAL)
        diary.lifts(TRUCK, LOT, (700, NOON))
        lifts = [BinLift(TRUCK, diary.seqs[TRUCK], LOT, 700)]
        diary.hand_over(TRUCK, GATE, LOT, 700)
        diary.write(Kind.CLOSE, GATE, lot=LOT, grams=700, fate=Fate.PRODUCT)
        (only,) = fate(diary, lifts).parts
        assert (only.end, only.low, only.likely, only.high) == (
            End.PRODUCT,
            700 * MILLION,
            700 * MILLION,
            700 * MILLION,
        )
        assert (only.share_ppm, only.low_ppm, only.high_ppm) == (MILLION, MILLION, MILLION)

    def test_is_on_its_way_until_somebody_closes_it(self) -> None:
        diary = Diary()
        lifts = lifted(diary, LOT, 100, 300)
        diary.write(Kind.GIVE, TRUCK, lot=LOT, grams=400, to=GATE)
        (only,) = fate(diary, lifts).parts
        assert (only.end, only.lots, only.likely) == (End.ON_ITS_WAY, (LOT,), 100 * MILLION)


class TestAMixedLoad:
    def test_must_hold_ours_where_it_is_larger_than_all_others(self) -> None:
        diary = Diary()
        lifts = lifted(diary, LOT, 900, 100)
        diary.hand_over(TRUCK, GATE, LOT, 1000)
        diary.write(Kind.SPLIT, GATE, lot=LOT, into=POOL, grams=500, stream=Stream.RESIDUAL)
        diary.write(Kind.CLOSE, GATE, lot=POOL, grams=500, fate=Fate.PRODUCT)
        found = fate(diary, lifts)
        product, left = part(found, End.PRODUCT), part(found, End.ON_ITS_WAY)
        assert (product.low, product.likely, product.high) == (400 * MILLION, 450 * MILLION, 500 * MILLION)
        assert (left.low, left.likely, left.high) == (400 * MILLION, 450 * MILLION, 500 * MILLION)

    def test_that_weighs_more_than_was_given_makes_no_more_of_ours(self) -> None:
        diary = Diary()
        lifts = lifted(diary, LOT, 100, 100)
        diary.hand_over(TRUCK, GATE, LOT, 200, taken=400)
        (only,) = fate(diary, lifts).parts
        assert (only.end, only.likely) == (End.ON_ITS_WAY, 100 * MILLION)

    def test_keeps_what_is_merged_from_two_loads(self) -> None:
        diary = Diary()
        lifts = lifted(diary, LOT, 100, 100) + lifted(diary, OTHER, 50, 0)
        for lot, grams in ((LOT, 200), (OTHER, 50)):
            diary.hand_over(TRUCK, GATE, lot, grams)
            diary.write(Kind.MERGE, GATE, lot=lot, into=POOL, grams=grams, stream=Stream.RESIDUAL)
        diary.write(Kind.CLOSE, GATE, lot=POOL, grams=250, fate=Fate.RESIDUE)
        (only,) = fate(diary, lifts).parts
        assert (only.end, only.low, only.high) == (End.RESIDUE, 150 * MILLION, 150 * MILLION)


class TestALiftThatNoMoveTellsOf:
    def test_is_not_traced_rather_than_lost(self) -> None:
        diary = Diary()
        collected(diary)
        found = fate(diary, [BinLift(TRUCK, 1, lot_id(TRUCK, 99), 500)])
        assert [(one.end, one.likely) for one in found.parts] == [(End.UNTRACED, 500 * MILLION)]

    def test_leaves_a_way_that_is_not_followed_untraced(self) -> None:
        diary = Diary()
        lifts = lifted(diary, LOT, 100, 300)
        diary.hand_over(TRUCK, GATE, LOT, 400)
        diary.write(Kind.SPLIT, GATE, lot=LOT, into=POOL, grams=200, stream=Stream.RESIDUAL)
        _, moves = moves_of(diary.facts)
        found = fate_of(lifts, [move for move in moves if move.lot != POOL], products={}, measures={})
        assert part(found, End.UNTRACED).likely == part(found, End.ON_ITS_WAY).likely == 50 * MILLION


def a_city(seed: int, steps: int) -> tuple[Diary, list[BinLift]]:
    """A city whose lots are given, weighed, merged, split, worked and closed at random."""
    rng, diary = Random(seed), Diary()
    held: list[tuple[int, int]] = []
    grams: dict[int, int] = {}
    lifts: list[BinLift] = []
    serial = iter(range(1, 10_000))

    def new(device: int) -> int:
        return lot_id(device, next(serial))

    for _ in range(3):
        lot = new(TRUCK)
        own, others = rng.randrange(1, 500), rng.randrange(0, 2_000)
        lifts += lifted(diary, lot, own, others)
        diary.hand_over(TRUCK, GATE, lot, own + others, taken=(taken := rng.randrange(1, 3_000)))
        held.append((lot, GATE))
        grams[lot] = taken
    for _ in range(steps):
        if not held:
            break
        at = rng.randrange(len(held))
        lot, holder = held[at]
        size = grams[lot]
        act = rng.choice(("merge", "split", "transform", "close", "give"))
        if act == "merge" and len(held) > 1:
            into, _ = held[(at + 1) % len(held)]
            diary.write(Kind.MERGE, GATE, lot=lot, into=into, grams=size, stream=Stream.RESIDUAL)
            grams[into] += size
            held.pop(at)
        elif act == "split" and size > 1:
            part_of, made = rng.randrange(1, size), new(GATE)
            diary.write(Kind.SPLIT, GATE, lot=lot, into=made, grams=part_of, stream=Stream.RESIDUAL)
            grams[lot], grams[made] = size - part_of, part_of
            held.append((made, holder))
        elif act == "transform" and size > 3:
            loss = rng.randrange(size // 2)
            first = rng.randrange(1, size - loss)
            made = [new(GATE), new(GATE)]
            amounts = [first, size - loss - first]
            items = tuple({"lot": m, "amount": a, "product": 40} for m, a in zip(made, amounts, strict=True))
            diary.write(Kind.TRANSFORM, GATE, items=items, lot=lot, grams=size, outputs=2, loss=loss)
            held.pop(at)
            grams.update(zip(made, amounts, strict=True))
            held += [(one, holder) for one in made]
        elif act == "close":
            diary.write(Kind.CLOSE, GATE, lot=lot, grams=size, fate=rng.choice(list(Fate)))
            held.pop(at)
    return diary, lifts


class TestAnyCity:
    @given(st.integers(0, 10**9), st.integers(0, 25))
    def test_loses_nothing(self, seed: int, steps: int) -> None:
        diary, lifts = a_city(seed, steps)
        found = fate(diary, lifts)
        assert found.grams == sum(lift.grams for lift in lifts)
        assert sum(one.likely for one in found.parts) == found.grams * MILLION
        assert sum(one.share_ppm for one in found.parts) == MILLION

    @given(st.integers(0, 10**9), st.integers(0, 25))
    def test_keeps_the_likely_share_between_its_bounds(self, seed: int, steps: int) -> None:
        found = fate(*a_city(seed, steps))
        whole = found.grams * MILLION
        for one in found.parts:
            assert 0 <= one.low <= one.likely <= one.high <= whole
        assert sum(one.low for one in found.parts) <= whole <= sum(one.high for one in found.parts)
        assert all(first.likely >= second.likely for first, second in pairwise(found.parts))

    @given(st.integers(0, 10**9), st.integers(0, 25))
    def test_counts_every_gram_of_all_bins_together_as_certain(self, seed: int, steps: int) -> None:
        """With all lifts ours, nothing is anybody else's: where no scale found more, the bounds meet."""
        diary, _ = a_city(seed, steps)
        _, moves = moves_of(diary.facts)
        everything = [BinLift(m.device, m.seq, m.lot, m.grams) for m in moves if m.flow == 1]
        found = fate_of(everything, moves, products={}, measures={})
        assert sum(one.likely for one in found.parts) == found.grams * MILLION
        gained = any(m.flow == 2 and m.grams > m.given for m in moves)
        if not gained:
            assert all(one.low == one.likely == one.high for one in found.parts)
