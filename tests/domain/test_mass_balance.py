"""opening + in = out + products, residue, energy + loss + closing; and what is shown where it does not."""

from __future__ import annotations

import pytest
from mass_facts import (
    CREW,
    DAY_SECONDS,
    GATE,
    HALL,
    KILN,
    LOT,
    NOON,
    PARK,
    PIT,
    POOL,
    PRODUCT,
    SLAG,
    STATION,
    STREET,
    TODAY,
    TRUCK,
    WORKS,
    Diary,
    collected,
    moves_of,
)

from backend.domain.layout import Kind
from backend.domain.mass_balance import Row, RowKey, is_beyond, table_of
from backend.domain.mass_flows import (
    AppliedEntry,
    Flow,
    Held,
    Place,
    Stock,
    day_of_fact,
    in_order,
    lifted_by_day,
    unexplained,
)
from backend.domain.types import Basis, Fate, Stream, lot_id
from backend.exchange.tolerance_file import load_tolerances

RULES = load_tolerances().rules
RESIDUAL, FOOD = Stream.RESIDUAL, Stream.FOOD


def rows_of(diary: Diary, day: int = TODAY, *, without: AppliedEntry | None = None) -> dict[Place, Row]:
    _, moves = moves_of([fact for fact in diary.facts if fact is not without])
    return {row.key.place: row for row in table_of(moves, day, RULES)}


class TestASitesDay:
    def test_closes_when_all_receipts_are_there(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000, 4_950_000)
        rows = rows_of(diary)
        street, hall = rows[Place(CREW, STREET)], rows[Place(STATION, HALL)]
        assert (street.inward, street.outward, street.closing, street.error) == (5_000_000, 5_000_000, 0, 0)
        assert (hall.inward, hall.outward, hall.closing, hall.error) == (4_950_000, 0, 4_950_000, 0)
        assert hall.difference == -50_000
        assert not street.is_red
        assert not hall.is_red

    def test_opens_with_what_lay_there_the_evening_before(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        diary.now += DAY_SECONDS
        diary.write(Kind.CLOSE, GATE, lot=LOT, grams=5_000_000, fate=Fate.ENERGY)
        row = rows_of(diary, TODAY + 1)[Place(STATION, HALL)]
        assert (row.opening, row.inward, row.sum_of(Flow.ENERGY), row.closing) == (5_000_000, 0, 5_000_000, 0)
        assert row.error_ppm == 0
        assert Place(CREW, STREET) not in rows_of(diary, TODAY + 1)

    def test_counts_what_came_out_of_work_by_its_fate(self) -> None:
        diary = Diary()
        collected(diary)
        diary.sites(PIT)
        diary.hand_over(TRUCK, WORKS, LOT, 5_000_000)
        made = (
            {"lot": PRODUCT, "amount": 3_000_000, "product": 30},
            {"lot": SLAG, "amount": 1_200_000, "product": 1},
        )
        measure = {"lot": 0, "amount": 900, "product": 100}
        diary.write(Kind.TRANSFORM, WORKS, lot=LOT, outputs=2, loss=800_000, items=(*made, measure))
        diary.write(Kind.CLOSE, WORKS, lot=PRODUCT, grams=3_000_000, fate=Fate.PRODUCT)
        diary.write(Kind.CLOSE, WORKS, lot=SLAG, grams=1_200_000, fate=Fate.RESIDUE)
        row = rows_of(diary)[Place(PARK, PIT)]
        assert (row.sum_of(Flow.PRODUCT), row.sum_of(Flow.RESIDUE), row.loss) == (3_000_000, 1_200_000, 800_000)
        assert (row.closing, row.error) == (0, 0)

    def test_counts_water_gained_in_work_as_coming_in(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        made = ({"lot": POOL, "amount": 5_300_000},)
        diary.write(Kind.TRANSFORM, GATE, lot=LOT, outputs=1, loss=300_000, is_gain=1, items=made)
        row = rows_of(diary)[Place(STATION, HALL)]
        assert (row.inward, row.closing, row.error) == (5_300_000, 5_300_000, 0)

    def test_loses_nothing_in_work_that_only_sorts(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        made = ({"lot": POOL, "amount": 5_000_000},)
        diary.write(Kind.TRANSFORM, GATE, lot=LOT, outputs=1, items=made)
        row = rows_of(diary)[Place(STATION, HALL)]
        assert (row.loss, row.closing, row.error) == (0, 5_000_000, 0)

    def test_counts_waste_from_somebody_who_is_not_registered(self) -> None:
        diary = Diary()
        diary.sites(HALL)
        diary.write(Kind.TAKE, GATE, lot=POOL, grams=700_000, stream=FOOD, weigh_seq=1)
        row = rows_of(diary)[Place(STATION, HALL)]
        assert (row.key.stream, row.sum_of(Flow.UNATTESTED), row.closing) == (FOOD, 700_000, 700_000)

    def test_keeps_merges_and_splits_to_itself(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        diary.write(Kind.MERGE, GATE, lot=LOT, grams=5_000_000, into=POOL, stream=RESIDUAL)
        diary.write(Kind.SPLIT, GATE, lot=POOL, grams=2_000_000, into=lot_id(GATE, 2), stream=RESIDUAL)
        row = rows_of(diary)[Place(STATION, HALL)]
        assert (row.inward, row.outward, row.closing, row.error) == (5_000_000, 0, 5_000_000, 0)

    def test_takes_a_part_at_what_left_its_lot(self) -> None:
        diary = Diary()
        collected(diary)
        part = lot_id(GATE, 5)
        give = diary.write(Kind.GIVE, TRUCK, lot=LOT, grams=5_000_000, to=GATE)
        diary.write(Kind.TAKE, GATE, lot=LOT, grams=2_000_000, giver=TRUCK, give_seq=give.seq, into=part)
        rows = rows_of(diary)
        street, hall = rows[Place(CREW, STREET)], rows[Place(STATION, HALL)]
        assert (street.outward, street.closing, street.error) == (2_000_000, 3_000_000, 0)
        assert (hall.inward, hall.closing, hall.error, hall.difference) == (2_000_000, 2_000_000, 0, 0)

    def test_follows_a_change_of_stream_into_the_row_of_the_new_one(self) -> None:
        diary = Diary()
        collected(diary)
        give = diary.write(Kind.GIVE, TRUCK, lot=LOT, grams=5_000_000, to=GATE)
        taken = {"lot": LOT, "grams": 5_000_000, "giver": TRUCK, "give_seq": give.seq, "stream": FOOD}
        diary.write(Kind.TAKE, GATE, **taken)
        _, moves = moves_of(diary.facts)
        found = {row.key: row for row in table_of(moves, TODAY)}
        assert found[RowKey(Place(CREW, STREET), RESIDUAL)].outward == 5_000_000
        assert found[RowKey(Place(STATION, HALL), FOOD)].inward == 5_000_000

    def test_shows_nothing_where_nothing_lay_or_happened(self) -> None:
        assert table_of([], TODAY) == []
        diary = Diary()
        collected(diary)
        assert rows_of(diary, TODAY - 1) == {}


class TestARowIsRed:
    def test_when_less_was_declared_than_was_there(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        diary.write(Kind.CLOSE, GATE, lot=LOT, grams=4_000_000, fate=Fate.PRODUCT)
        row = rows_of(diary)[Place(STATION, HALL)]
        assert (row.error, row.error_ppm, row.is_red) == (1_000_000, 200_000, True)

    def test_when_more_was_declared_than_was_there(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 6_000_000, 5_000_000)
        row = rows_of(diary)[Place(CREW, STREET)]
        assert (row.error, row.error_ppm, row.is_red) == (-1_000_000, -200_000, True)

    def test_when_two_scales_differ_by_more_than_the_rule_allows(self) -> None:
        diary = Diary()
        collected(diary)
        take = diary.hand_over(TRUCK, GATE, LOT, 5_000_000, 4_000_000)
        row = rows_of(diary)[Place(STATION, HALL)]
        assert (row.error, row.beyond, row.is_red) == (0, 1, True)
        _, moves = moves_of(diary.facts)
        taken = next(move for move in moves if (move.flow, move.seq) == (Flow.TAKEN, take.seq))
        assert (taken.given, taken.given_basis) == (5_000_000, Basis.ONBOARD_SCALE)
        assert not is_beyond(taken, [])

    def test_when_clocks_let_more_leave_than_was_there(self) -> None:
        diary = Diary()
        collected(diary)
        diary.now -= DAY_SECONDS
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        row = rows_of(diary, TODAY - 1)[Place(CREW, STREET)]
        assert (row.closing, row.error, row.error_ppm, row.is_red) == (-5_000_000, 0, None, True)


def whole_way() -> tuple[Diary, dict[str, AppliedEntry]]:
    """From the street over the station to the park, each step once."""
    diary, named = Diary(), {}
    collected(diary)
    diary.sites(PIT)
    named["take"] = diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
    named["merge"] = diary.write(Kind.MERGE, GATE, lot=LOT, grams=5_000_000, into=POOL, stream=RESIDUAL)
    named["second take"] = diary.hand_over(GATE, WORKS, POOL, 5_000_000)
    named["close"] = diary.write(Kind.CLOSE, WORKS, lot=POOL, grams=5_000_000, fate=Fate.ENERGY)
    return diary, named


class TestAReceiptThatIsNotThere:
    def test_leaves_no_row_of_the_whole_way_red(self) -> None:
        diary, _ = whole_way()
        assert not any(row.is_red for row in rows_of(diary).values())

    @pytest.mark.parametrize(
        ("which", "giver", "taker"),
        [
            ("take", Place(CREW, STREET), Place(STATION, HALL)),
            ("second take", Place(STATION, HALL), Place(PARK, PIT)),
        ],
    )
    def test_makes_both_rows_red_by_its_grams(self, which: str, giver: Place, taker: Place) -> None:
        diary, named = whole_way()
        rows = rows_of(diary, without=named[which])
        assert (rows[giver].error, rows[taker].error) == (5_000_000, -5_000_000)
        assert all(rows[place].is_red and rows[place].missing_facts for place in (giver, taker))

    def test_is_noticed_when_it_is_a_give(self) -> None:
        diary, named = whole_way()
        give = next(fact for fact in diary.facts if fact.seq == named["merge"].seq + 1 and fact.device == GATE)
        assert isinstance(give, AppliedEntry)
        assert rows_of(diary, without=give)[Place(STATION, HALL)].error == 5_000_000

    def test_is_noticed_of_a_lot_that_nobody_loaded(self) -> None:
        diary = Diary()
        diary.lifts(TRUCK, LOT, (10_000, NOON))
        diary.write(Kind.CLOSE, WORKS, lot=PRODUCT, grams=3, fate=Fate.LOSS)
        rows = rows_of(diary)
        assert rows[Place(CREW, 0)].inward == 10_000
        assert rows[Place(PARK, 0)].error == -3

    def test_is_noticed_by_the_ledgers_slot_where_nothing_happened_since(self) -> None:
        diary = Diary()
        collected(diary)
        take = diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        flows, moves = moves_of([fact for fact in diary.facts if fact is not take])
        held = {LOT: Held(GATE, 5_000_000, RESIDUAL), POOL: Held(GATE, 1, RESIDUAL)}
        lacking = unexplained(moves, flows.stocks, held)
        rows = {row.key.place: row for row in table_of([*moves, *lacking], TODAY)}
        assert rows[Place(CREW, STREET)].error == 5_000_000
        assert rows[Place(STATION, 0)].error == -5_000_000

    def test_is_not_seen_where_the_slots_agree(self) -> None:
        diary, _ = whole_way()
        flows, moves = moves_of(diary.facts)
        held = {LOT: Held(GATE, 0, RESIDUAL), POOL: Held(WORKS, 0, RESIDUAL)}
        assert unexplained(moves, flows.stocks, held) == []
        diary = Diary()
        collected(diary)
        flows, moves = moves_of(diary.facts)
        assert unexplained(moves, flows.stocks, {LOT: Held(TRUCK, 5_000_000, RESIDUAL)}) == []


class TestWhichSite:
    def test_is_unknown_where_the_organisation_has_several_or_none(self) -> None:
        diary = Diary()
        collected(diary)
        diary.sites(PIT, KILN)
        diary.hand_over(TRUCK, WORKS, LOT, 5_000_000)
        assert rows_of(diary)[Place(PARK, 0)].inward == 5_000_000

    def test_is_the_one_that_the_take_names_of_its_own(self) -> None:
        diary = Diary()
        collected(diary)
        give = diary.write(Kind.GIVE, TRUCK, lot=LOT, grams=5_000_000, to=WORKS)
        taken = {"lot": LOT, "grams": 5_000_000, "giver": TRUCK, "give_seq": give.seq}
        diary.write(Kind.TAKE, WORKS, **taken, site=KILN)
        assert rows_of(diary)[Place(PARK, KILN)].inward == 5_000_000

    def test_is_not_one_of_somebody_else(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 5_000_000)
        diary.write(Kind.CLOSE, GATE, lot=LOT, grams=5_000_000, fate=Fate.LOSS, site=PIT)
        rows = rows_of(diary)
        assert rows[Place(STATION, HALL)].loss == 5_000_000
        assert not any(place.organisation == PARK for place in rows)

    def test_changes_with_the_site_that_a_later_step_names(self) -> None:
        diary = Diary()
        collected(diary)
        diary.sites(PIT, KILN)
        diary.hand_over(TRUCK, WORKS, LOT, 5_000_000)
        diary.write(Kind.CLOSE, WORKS, lot=LOT, fate=Fate.ENERGY, site=KILN)
        rows = rows_of(diary)
        unknown, kiln = rows[Place(PARK, 0)], rows[Place(PARK, KILN)]
        assert (unknown.sum_of(Flow.MOVED_OUT), unknown.error) == (5_000_000, 0)
        assert (kiln.sum_of(Flow.MOVED_IN), kiln.sum_of(Flow.ENERGY), kiln.error) == (5_000_000, 5_000_000, 0)

    def test_is_that_of_the_lot_merged_into(self) -> None:
        diary = Diary()
        collected(diary)
        pool = lot_id(WORKS, 3)
        diary.write(Kind.TAKE, WORKS, lot=pool, grams=1, stream=RESIDUAL, site=KILN)
        diary.hand_over(TRUCK, WORKS, LOT, 5_000_000)
        diary.write(Kind.MERGE, WORKS, lot=LOT, grams=5_000_000, into=pool, stream=RESIDUAL)
        rows = rows_of(diary)
        assert rows[Place(PARK, 0)].sum_of(Flow.MOVED_OUT) == 5_000_000
        assert rows[Place(PARK, KILN)].closing == 5_000_001


class TestTheDay:
    def test_is_the_devices_unless_it_is_later_than_the_blocks_or_none(self) -> None:
        assert day_of_fact(NOON - DAY_SECONDS, NOON) == TODAY - 1
        assert day_of_fact(NOON + DAY_SECONDS, NOON) == TODAY
        assert day_of_fact(0, NOON) == TODAY

    def test_of_a_late_fact_is_the_one_on_which_it_happened(self) -> None:
        diary = Diary()
        diary.sites(STREET)
        diary.write(Kind.LOAD, TRUCK, lot=LOT, stream=RESIDUAL)
        diary.lifts(TRUCK, LOT, (40_000, NOON), block_time=NOON + 2 * DAY_SECONDS)
        row = rows_of(diary)[Place(CREW, STREET)]
        assert (row.flows[Flow.LIFTED], row.late[Flow.LIFTED], row.late_facts) == (40_000, 40_000, 1)

    def test_of_lifts_is_each_ones_own(self) -> None:
        midnight = TODAY * DAY_SECONDS - 8 * 3600
        for lifted in (
            [(10, midnight - 5), (20, midnight + 5)],
            [(10, NOON), (20, NOON + 70_000 - 30_000)],
            [(10, 0), (20, 0)],
        ):
            diary = Diary()
            diary.lifts(TRUCK, LOT, *lifted, block_time=NOON + DAY_SECONDS)
            words = diary.facts[0].words  # type: ignore[union-attr]
            expected: dict[int, int] = {}
            for grams, at in lifted:
                day = day_of_fact(at, NOON + DAY_SECONDS)
                expected[day] = expected.get(day, 0) + grams
            found = lifted_by_day(words, NOON + DAY_SECONDS)
            assert {day: grams for day, (grams, _) in found.items()} == expected


class TestDeclared:
    def test_a_redirection_keeps_what_its_give_declared(self) -> None:
        diary = Diary()
        collected(diary)
        give = diary.write(Kind.GIVE, TRUCK, lot=LOT, grams=5_100_000, to=GATE)
        sent = diary.write(Kind.REDIRECT, TRUCK, lot=LOT, give_seq=give.seq, to=WORKS)
        diary.write(Kind.TAKE, WORKS, lot=LOT, grams=5_000_000, giver=TRUCK, give_seq=sent.seq)
        assert rows_of(diary)[Place(CREW, STREET)].outward == 5_100_000
        rows = rows_of(diary, without=give)
        assert rows[Place(CREW, STREET)].outward == 5_000_000

    def test_nothing_declared_is_the_lots_own_grams(self) -> None:
        diary = Diary()
        collected(diary)
        diary.hand_over(TRUCK, GATE, LOT, 0, 5_000_000)
        diary.write(Kind.CLOSE, GATE, lot=LOT, fate=Fate.PRODUCT)
        assert not any(row.error for row in rows_of(diary).values())

    def test_a_second_load_of_a_lot_changes_nothing(self) -> None:
        diary = Diary()
        collected(diary)
        diary.write(Kind.LOAD, TRUCK, lot=LOT, stream=RESIDUAL)
        diary.lifts(TRUCK, LOT, (1_000, NOON))
        diary.write(Kind.WEIGH, GATE, lot=LOT, gross=3, tare=1, net=2, ticket=1)
        flows, _ = moves_of(diary.facts)
        assert flows.stocks[LOT] == Stock(Place(CREW, STREET), RESIDUAL, 5_001_000, Basis.ONBOARD_SCALE)


class TestWhatOneSegmentDid:
    def test_puts_an_answer_behind_its_give(self) -> None:
        diary = Diary()
        collected(diary)
        give = diary.write(Kind.GIVE, TRUCK, lot=LOT, grams=1, to=GATE)
        diary.lifts(TRUCK, lot_id(TRUCK, 2), (1, NOON))
        entries = list(diary.facts)
        take = diary.write(Kind.TAKE, GATE, lot=LOT, giver=TRUCK, give_seq=give.seq)
        left = diary.write(Kind.CLOSE, WORKS, lot=POOL, fate=1)
        ordered = in_order(entries, [left, take])
        assert ordered.index(take) == ordered.index(give) + 1
        assert ordered[-1] is left

    def test_puts_what_the_giver_does_behind_a_refusal_of_his_lot(self) -> None:
        diary = Diary()
        refused = diary.write(Kind.REFUSE, GATE, lot=LOT, giver=TRUCK, give_seq=1)
        other = diary.write(Kind.REFUSE, GATE, lot=POOL, giver=TRUCK, give_seq=2)
        merged = diary.write(Kind.MERGE, TRUCK, lot=POOL, into=lot_id(TRUCK, 9), stream=RESIDUAL)
        assert in_order([refused, other], [merged]) == [refused, other, merged]
        assert in_order([other, refused], [merged]) == [other, merged, refused]
