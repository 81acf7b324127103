from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backend.exchange
from backend.domain.radar.copied_labels import copied_labels
from backend.domain.radar.facts import Bins, Handoff, HeldLot, Lifts, Ticket
from backend.domain.radar.findings import Doubt, Finding, FindingKind
from backend.domain.radar.ghost_bins import ghost_bins
from backend.domain.radar.impossible_speed import impossible_speed
from backend.domain.radar.looking import look_at_handoffs, look_at_lifts
from backend.domain.radar.missing_mass import missing_mass
from backend.domain.radar.mixed_streams import mixed_streams
from backend.domain.radar.moved_clocks import clocks_apart, moved_clocks
from backend.domain.radar.replayed_scans import replayed_scans
from backend.domain.radar.round_weights import round_lifts, round_tickets
from backend.domain.radar.self_handoffs import self_handoffs
from backend.domain.radar.statistics import beyond, binomial_tail, spread_of, sure, usual_rate
from backend.domain.radar.tare_drift import tare_drift
from backend.domain.radar.thresholds import (
    FORMAT,
    VALUES,
    Threshold,
    UnusableThresholds,
    in_force,
    read_thresholds,
)
from backend.domain.recorded import EntryId

DOCUMENT: dict[str, Any] = json.loads(
    (Path(backend.exchange.__file__).parent / "data" / "radar.json").read_text(encoding="utf-8")
)
RULES = in_force(read_thresholds(DOCUMENT), 1_800_000_000)
MORNING = 1_772_316_000
METRE = 1 / 111_195
TRUCK, OTHER, THIRD = (11 << 40 | serial for serial in (1, 2, 3))
RESIDUAL, FOOD = 4, 3
SITE = 1 << 40 | 1


def street(count: int = 60, *, apart: int = 100, first: int = 1) -> list[tuple[int, int, int, int, float, float]]:
    """Bins in a row to the north, so many metres apart."""
    return [(first + n, SITE, RESIDUAL, MORNING - 86_400, 23.0 + n * apart * METRE, 113.0) for n in range(count)]


def lift(device: int, seq: int, number: int, at: int, **other: Any) -> dict[str, Any]:
    return {
        "device": device, "seq": seq, "bin": number, "stream": RESIDUAL, "basis": 2, "grams": 40_000 + 137 * seq,
        "occurred_at": at, "recorded_at": at + 60, "lot": 1, "lot_stream": RESIDUAL, "is_new": True, **other,
    }  # fmt: skip


def round_of(
    device: int, bins: range, *, start: int = MORNING, every: int = 60, **other: Any
) -> list[dict[str, Any]]:
    return [lift(device, n + 1, number, start + n * every, **other) for n, number in enumerate(bins)]


def columns(rows: list[dict[str, Any]]) -> Lifts:
    return Lifts.of(tuple(row.values()) for row in rows)  # type: ignore[misc]


def rule(kind: FindingKind, **values: int) -> Threshold:
    found = RULES[kind.value]
    return replace(found, values={**found.values, **values})


CROWD = [r for n in range(20) for r in round_of(11 << 40 | 100 + n, range(1, 40), start=MORNING + 7 * n)]
"""Twenty devices that do nothing strange, for the others to be compared with."""


class TestFacts:
    def test_find_bins_and_say_which_were_never_placed(self) -> None:
        bins = Bins.of(street(3, first=10))
        assert bins.find(np.array([11, 9, 99, 12])).tolist() == [1, -1, -1, 2]
        assert Bins.of([]).find(np.array([1])).tolist() == [-1]

    def test_stand_in_the_order_of_the_journals(self) -> None:
        lifts = columns([lift(OTHER, 2, 1, 5), lift(TRUCK, 2, 1, 3), lift(TRUCK, 1, 1, 9)])
        assert [(device, own.seq.tolist()) for device, own in lifts.by_device()] == [(TRUCK, [1, 2]), (OTHER, [2])]
        assert lifts.entries(np.array([1])) == (EntryId(TRUCK, 2),)
        assert len(Lifts.joined([])) == 0
        assert len(Lifts.joined([lifts, lifts])) == 6


class TestStatistics:
    def test_spread_ignores_a_wild_value(self) -> None:
        assert spread_of(np.array([1.0, 2.0, 3.0, 1e9])) == (2.5, pytest.approx(1.4826))

    def test_beyond_follows_cantelli(self) -> None:
        assert beyond(3.0, median=0.0, sigma=1.0) == pytest.approx(0.9)
        assert beyond(-1.0, median=0.0, sigma=1.0) == 0.0
        assert beyond(1.0, median=0.0, sigma=0.0) > 0.999_999

    @pytest.mark.parametrize(("count", "of", "chance"), [(3, 10, 0.2), (1, 5, 0.5), (10, 10, 0.9), (7, 40, 0.01)])
    def test_binomial_tail_is_exact(self, count: int, of: int, chance: float) -> None:
        exact = sum(math.comb(of, k) * chance**k * (1 - chance) ** (of - k) for k in range(count, of + 1))
        assert binomial_tail(count, of=of, chance=chance) == pytest.approx(exact)

    def test_binomial_tail_knows_the_certain_and_the_impossible(self) -> None:
        assert binomial_tail(0, of=3, chance=0.5) == 1.0
        assert binomial_tail(4, of=3, chance=0.5) == 0.0
        assert binomial_tail(1, of=3, chance=0.0) == 0.0
        assert binomial_tail(2, of=3, chance=1.0) == 1.0

    def test_many_tries_make_less_sure(self) -> None:
        assert sure(0.001, tries=10) == pytest.approx(0.99)
        assert sure(0.5, tries=10) == 0.0

    def test_usual_rate_leaves_out_the_highest_tenth(self) -> None:
        assert usual_rate([1] * 9 + [90], [100] * 10, at_least_permille=1) == pytest.approx(0.01)
        assert usual_rate([0] * 10, [100] * 10, at_least_permille=5) == pytest.approx(0.005)


class TestThresholds:
    def test_say_exactly_what_the_radar_needs(self) -> None:
        assert set(RULES) == set(VALUES) == {kind.value for kind in FindingKind}
        assert all(found.text_zh and found.text_en and found.source for found in RULES.values())

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda d: d.update(format="another"),
            lambda d: d.update(rules="none"),
            lambda d: d["rules"][0].pop("text"),
            lambda d: d["rules"][0].update(id="unknown"),
            lambda d: d["rules"][0].update(in_force_from="2026-01-01T00:00:00"),
            lambda d: d["rules"][0]["values"].pop("slack_metres"),
            lambda d: d["rules"][0]["values"].update(slack_metres=1.5),
            lambda d: d["rules"][0].update(version=2),
            lambda d: d["rules"].append({**d["rules"][0], "version": 2}),
        ],
    )
    def test_refuse_what_cannot_be_used(self, spoil: Callable[[dict[str, Any]], None]) -> None:
        document = copy.deepcopy(DOCUMENT)
        spoil(document)
        with pytest.raises(UnusableThresholds) as refused:
            read_thresholds(document)
        assert refused.value.reason

    def test_newest_version_in_force_counts(self) -> None:
        later = {**DOCUMENT["rules"][0], "version": 2, "in_force_from": "2027-01-01T00:00:00+08:00"}
        rules = read_thresholds({"format": FORMAT, "rules": [*DOCUMENT["rules"], later]})
        assert in_force(rules, 1_798_000_000)["copied-label"].version == 1
        assert in_force(rules, 1_800_000_000)["copied-label"].version == 2
        with pytest.raises(UnusableThresholds):
            in_force(rules, 0)


class TestFinding:
    def test_has_the_same_id_when_found_again_and_is_never_quite_certain(self) -> None:
        finding = Finding(
            FindingKind.GHOST_BIN, "x", 1, {}, (EntryId(1, 2),), 0.99999, {}, RULES["ghost-bin"]
        )  # fmt: skip
        assert finding.finding_id == replace(finding, at=2, confidence=0.5).finding_id
        assert finding.finding_id != replace(finding, evidence=(EntryId(1, 3),)).finding_id
        assert finding.confidence_permille == 999


class TestCopiedLabels:
    BINS = Bins.of(
        [*street(), (500, SITE, RESIDUAL, 0, 23.0, 113.0 + 5000 * METRE), (501, SITE, 4, 0, np.nan, np.nan)]
    )
    RULE = rule(FindingKind.COPIED_LABEL)

    def rows(self, *, at: int = 0) -> list[dict[str, Any]]:
        """A round with a bin five kilometres away in the middle, which another device lifts."""
        rows = round_of(TRUCK, range(1, 40))
        for row in rows[20:]:
            row["seq"] += 1
        return [*rows, lift(TRUCK, 21, 500, rows[19]["occurred_at"] + 10), lift(OTHER, 1, 500, MORNING + at)]

    def test_show_in_a_bin_that_two_devices_lift_where_one_cannot_be(self) -> None:
        (finding,) = copied_labels(columns(self.rows()), self.BINS, self.RULE)
        assert finding.subjects == {"bin": 500, "device": TRUCK, "other_device": OTHER}
        assert finding.evidence[0] == EntryId(TRUCK, 21)
        assert EntryId(OTHER, 1) in finding.evidence
        assert finding.site == SITE
        assert finding.confidence > 0.95

    def test_do_not_show_where_nobody_else_lifts_the_bin(self) -> None:
        assert copied_labels(columns(self.rows()[:-1]), self.BINS, self.RULE) == []
        assert copied_labels(columns(self.rows(at=200_000)), self.BINS, self.RULE) == []

    def test_do_not_show_where_the_device_lifted_it_believably_too(self) -> None:
        there = [lift(TRUCK, 40 + n, 500, MORNING + 20_000 + 60 * n) for n in range(2)]
        there.append(lift(TRUCK, 43, 39, MORNING + 40_000))
        assert copied_labels(columns([*self.rows(), *there]), self.BINS, self.RULE) == []

    def test_do_not_show_in_days_that_were_looked_at_before(self) -> None:
        old = [{**row, "is_new": False} for row in self.rows()]
        assert copied_labels(columns(old), self.BINS, self.RULE) == []

    def test_need_two_neighbours_and_known_places(self) -> None:
        two = [lift(TRUCK, 1, 1, MORNING), lift(TRUCK, 2, 500, MORNING + 1)]
        assert copied_labels(columns(two), self.BINS, self.RULE) == []
        nowhere = round_of(TRUCK, range(495, 510))
        assert copied_labels(columns(nowhere), self.BINS, self.RULE) == []


class TestImpossibleSpeed:
    BINS = Bins.of(street(200, apart=200))
    RULE = rule(FindingKind.IMPOSSIBLE_SPEED)

    def test_shows_in_many_bins_in_no_time(self) -> None:
        slow = round_of(TRUCK, range(1, 100))
        fast = [lift(TRUCK, 100 + n, 100 + n, slow[-1]["occurred_at"] + 60 + 3 * n) for n in range(30)]
        (finding,) = impossible_speed(columns([*slow, *fast, *CROWD]), self.BINS, self.RULE)
        assert finding.subjects == {"device": TRUCK}
        assert finding.numbers["km_per_h"] > 60
        assert {entry.device for entry in finding.evidence} == {TRUCK}
        assert len(finding.evidence) == 12

    def test_is_silent_of_honest_rounds_old_days_and_short_journals(self) -> None:
        assert impossible_speed(columns(CROWD), self.BINS, self.RULE) == []
        assert impossible_speed(columns(CROWD[:5]), self.BINS, self.RULE) == []
        fast = round_of(TRUCK, range(1, 30), every=3, is_new=False)
        assert impossible_speed(columns([*fast, *CROWD]), self.BINS, self.RULE) == []

    def test_is_silent_where_it_is_not_sure_enough(self) -> None:
        fast = round_of(TRUCK, range(1, 30), every=3)
        beyond_sure = rule(FindingKind.IMPOSSIBLE_SPEED, confidence_permille_min=1001)
        assert impossible_speed(columns([*fast, *CROWD]), self.BINS, beyond_sure) == []

    def test_is_silent_where_no_place_is_known(self) -> None:
        assert impossible_speed(columns(CROWD), Bins.of([]), self.RULE) == []


class TestReplayedScans:
    BINS = Bins.of(street())
    RULE = rule(FindingKind.REPLAYED_SCAN)

    def test_show_in_many_repeats_but_not_in_a_slip(self) -> None:
        again = [lift(TRUCK, 40 + n, 1 + n, MORNING + 3600 + 60 * n) for n in range(12)]
        slip = [lift(OTHER, 40, 39, MORNING + 2300)]
        rows = [*round_of(TRUCK, range(1, 40)), *again, *round_of(OTHER, range(1, 40)), *slip, *CROWD]
        (finding,) = replayed_scans(columns(rows), self.BINS, self.RULE)
        assert (finding.variant, finding.subjects, finding.numbers["repeats"]) == (
            "repeated",
            {"device": TRUCK},
            12,
        )
        assert finding.evidence[:2] == (EntryId(TRUCK, 40), EntryId(TRUCK, 1))

    def test_show_in_a_round_with_yesterdays_masses(self) -> None:
        days: list[dict[str, Any]] = []
        for device in (TRUCK, *range(OTHER, OTHER + 20)):
            for day in (0, 1):
                rows = round_of(device, range(1, 40), start=MORNING + 86_400 * day, is_new=bool(day))
                for row in rows:
                    row["seq"] += 100 * day
                    row["grams"] += 1000 * day if device != TRUCK else 0
                days += rows
        (finding,) = replayed_scans(columns(days), self.BINS, self.RULE)
        assert (finding.variant, finding.numbers["repeats"], finding.numbers["lifts"]) == ("same-masses", 39, 39)

    def test_do_not_show_where_everybody_repeats(self) -> None:
        rows = [
            lift(TRUCK + device, 1 + n, 1 + n % 30, MORNING + 60 * n, grams=40_000 + n)
            for device in range(9)
            for n in range(60)
        ]
        assert replayed_scans(columns(rows), self.BINS, self.RULE) == []


class TestMovedClocks:
    BINS = Bins.of(street())
    RULE = rule(FindingKind.MOVED_CLOCK)

    def test_show_in_time_that_runs_backwards(self) -> None:
        rows = round_of(TRUCK, range(1, 30))
        for row in rows[10:20]:
            row["occurred_at"] -= 7200
        (finding,) = moved_clocks(columns(rows), self.BINS, self.RULE)
        assert (finding.variant, finding.evidence) == ("backwards", (EntryId(TRUCK, 10), EntryId(TRUCK, 11)))
        assert finding.numbers == {"lifts": 1, "seconds": 7140}

    def test_show_in_lifts_of_the_future(self) -> None:
        rows = round_of(TRUCK, range(1, 4), recorded_at=MORNING - 3600)
        (finding,) = moved_clocks(columns(rows), self.BINS, self.RULE)
        assert (finding.variant, finding.numbers["lifts"]) == ("future", 3)

    def test_do_not_show_in_seconds(self) -> None:
        rows = round_of(TRUCK, range(1, 30))
        rows[5]["occurred_at"] -= 90
        assert moved_clocks(columns(rows), self.BINS, self.RULE) == []
        strict = rule(FindingKind.MOVED_CLOCK, tolerance_seconds=10)
        assert moved_clocks(columns(rows), self.BINS, strict) == []


class TestGhostBins:
    BINS = Bins.of([*street(), (900, SITE, RESIDUAL, MORNING + 86_400, 23.0, 113.0)])
    RULE = rule(FindingKind.GHOST_BIN)

    def test_show_in_bins_that_nobody_placed(self) -> None:
        ghosts = [lift(TRUCK, 40 + n, 5000 + n, MORNING + 3000 + 60 * n) for n in range(5)]
        rows = [*round_of(TRUCK, range(1, 40)), *ghosts, *CROWD]
        (finding,) = ghost_bins(columns(rows), self.BINS, self.RULE)
        assert finding.subjects == {"device": TRUCK, "bin": 5000}
        assert (finding.numbers["ghost_lifts"], finding.numbers["bins"], finding.site) == (5, 5, None)

    def test_do_not_show_in_a_stray_label_or_a_late_registry(self) -> None:
        rows = [*CROWD, lift(TRUCK, 1, 5000, MORNING), *(lift(TRUCK, 2 + n, 900, MORNING + n) for n in range(5))]
        assert ghost_bins(columns(rows), self.BINS, self.RULE) == []
        late = rule(FindingKind.GHOST_BIN, registry_grace_seconds=3600)
        assert len(ghost_bins(columns(rows), self.BINS, late)) == 1
        assert ghost_bins(columns(CROWD), self.BINS, self.RULE) == []


class TestMixedStreams:
    BINS = Bins.of([*street(), *((n, SITE, FOOD, 0, 23.0, 113.0) for n in range(700, 720))])
    RULE = rule(FindingKind.MIXED_STREAMS)

    def test_show_whatever_the_crew_said(self) -> None:
        hidden = [lift(TRUCK, 40 + n, 700 + n, MORNING + 3000 + n) for n in range(10)]
        said = [lift(OTHER, 40 + n, 1 + n, MORNING + 3000 + n, stream=FOOD) for n in range(10)]
        rows = [*round_of(TRUCK, range(1, 40)), *hidden, *round_of(OTHER, range(1, 40)), *said, *CROWD]
        found = mixed_streams(columns(rows), self.BINS, self.RULE)
        assert [finding.subjects["device"] for finding in found] == [TRUCK, OTHER]
        assert found[0].subjects["lot"] == TRUCK << 32 | 1
        assert [finding.numbers["mixed"] for finding in found] == [10, 10]

    def test_do_not_show_in_slips(self) -> None:
        assert mixed_streams(columns([*CROWD, lift(TRUCK, 1, 700, MORNING)]), self.BINS, self.RULE) == []
        assert mixed_streams(columns(CROWD), self.BINS, self.RULE) == []


class TestRoundWeights:
    BINS = Bins.of(street())
    RULE = rule(FindingKind.ROUND_WEIGHTS)

    def weighed(self, device: int, masses: list[int], **other: Any) -> list[dict[str, Any]]:
        return [
            lift(device, n + 1, 1 + n, MORNING + 60 * n, **{"grams": m, **other}) for n, m in enumerate(masses)
        ]

    def test_show_in_lifts_that_end_in_nothing(self) -> None:
        made_up = [5000 * (3 + n % 7) for n in range(30)] + [31_300 + 100 * n for n in range(15)]
        honest = [31_100 + 300 * n for n in range(45)]
        rows = [*self.weighed(TRUCK, made_up), *self.weighed(OTHER, honest)]
        (finding,) = round_lifts(columns(rows), self.BINS, self.RULE)
        assert (finding.subjects, finding.numbers["round"]) == ({"device": TRUCK}, 30)
        assert finding.numbers["division_grams"] == 100

    def test_show_where_nothing_is_left_of_the_scales_own_steps(self) -> None:
        (finding,) = round_lifts(columns(self.weighed(TRUCK, [35_000, 40_000] * 25)), self.BINS, self.RULE)
        assert finding.numbers["division_grams"] == 1000

    def test_do_not_show_in_estimates_coarse_scales_or_a_few_lifts(self) -> None:
        assert round_lifts(columns(self.weighed(TRUCK, [40_000] * 50, basis=1)), self.BINS, self.RULE) == []
        assert (
            round_lifts(columns(self.weighed(TRUCK, [31_000 + 1000 * n for n in range(50)])), self.BINS, self.RULE)
            == []
        )
        assert round_lifts(columns(self.weighed(TRUCK, [40_000] * 5)), self.BINS, self.RULE) == []

    def test_show_in_a_vehicles_tickets(self) -> None:
        def tickets(vehicle: int, nets: list[int]) -> list[Ticket]:
            return [
                Ticket(EntryId(THIRD, n + 1), n, vehicle, net, 8_000_000, MORNING + n)
                for n, net in enumerate(nets)
            ]

        made_up = [4_500_000, 5_000_000, 5_500_000, 4_980_000] * 6
        honest = [4_100_000 + 60_000 * n for n in range(24)]
        found = round_tickets([*tickets(7, made_up), *tickets(8, honest), *tickets(9, made_up[:3])], self.RULE)
        assert [finding.subjects["vehicle"] for finding in found] == [7]
        assert found[0].numbers["round"] == 18


class TestTareDrift:
    RULE = rule(FindingKind.TARE_DRIFT)

    def tickets(self, tares: list[int], vehicle: int = 7) -> list[Ticket]:
        return [
            Ticket(EntryId(THIRD, n + 1), n, vehicle, 5_000_000, tare, MORNING + 3600 * n)
            for n, tare in enumerate(tares)
        ]

    def noise(self, n: int) -> int:
        return 20_000 * ((n * 7) % 5 - 2)

    @pytest.mark.parametrize(("change", "variant"), [(-600_000, "lighter"), (600_000, "heavier")])
    def test_shows_in_a_step(self, change: int, variant: str) -> None:
        tares = [8_000_000 + self.noise(n) + (change if n >= 15 else 0) for n in range(30)]
        (finding,) = tare_drift(self.tickets(tares), self.RULE)
        assert (finding.variant, finding.subjects["vehicle"]) == (variant, 7)
        assert finding.numbers["change_grams"] == 600_000
        assert EntryId(THIRD, 15) in finding.evidence

    def test_shows_in_a_slow_drift(self) -> None:
        tares = [8_000_000 + self.noise(n) - 40_000 * n for n in range(30)]
        assert len(tare_drift(self.tickets(tares), self.RULE)) == 1

    def test_does_not_show_in_noise_in_few_tickets_or_without_a_vehicle(self) -> None:
        step = [8_000_000 - (600_000 if n >= 15 else 0) for n in range(30)]
        assert tare_drift(self.tickets([8_000_000 + self.noise(n) for n in range(30)]), self.RULE) == []
        assert tare_drift(self.tickets(step[10:20]), self.RULE) == []
        assert tare_drift(self.tickets(step, vehicle=0), self.RULE) == []
        wild = [8_000_000 + 900_000 * (n % 2) - (300_000 if n >= 15 else 0) for n in range(30)]
        assert tare_drift(self.tickets(wild), self.RULE) == []


GIVE = Handoff(EntryId(TRUCK, 9), TRUCK << 32 | 1, RESIDUAL, 5_000_000, MORNING)
STATION, SCALE, GATE = 2 << 40 | 9, 1 << 40 | 9, 11 << 40 | 901


def taken(by: int = STATION, *, after: int = 100, grams: int = 4_900_000, **other: Any) -> Handoff:
    at = MORNING + after
    made = GIVE._replace(
        take=EntryId(by, 1), taken_grams=grams, taken_at=at, take_recorded_at=at + 60, weigher=SCALE
    )
    return made._replace(**other)


class TestSelfHandoffs:
    RULE = rule(FindingKind.SELF_HANDOFF)

    def test_show_where_nobody_else_was_there(self) -> None:
        closed = EntryId(GATE, 2)
        (finding,) = self_handoffs([taken(GATE, weigher=0, closed_by=closed)], self.RULE)
        assert (finding.variant, finding.evidence) == ("ended", (GIVE.give, EntryId(GATE, 1), closed))
        assert finding.confidence == pytest.approx(1 - 0.7 * 0.7 * 0.6)
        own_scale = taken(GATE, weigher=GATE, after=3, closed_by=closed)
        assert self_handoffs([own_scale], self.RULE)[0].numbers["signs"] == 4
        low = rule(FindingKind.SELF_HANDOFF, confidence_permille_min=500)
        assert self_handoffs([taken(GATE, weigher=0)], low)[0].variant == "unseen"

    def test_do_not_show_in_an_own_station_or_with_others(self) -> None:
        honest = [GIVE, taken(), taken(GATE), taken(GATE, weigher=0)]
        assert self_handoffs(honest, self.RULE) == []


class TestMissingMass:
    RULE = rule(FindingKind.MISSING_MASS)
    USUAL = tuple(taken(after=100 + n, grams=4_900_000 + 2_000 * n) for n in range(30))

    def test_shows_in_a_lot_that_nobody_took_in_time(self) -> None:
        (finding,) = missing_mass([GIVE, *self.USUAL], [], self.RULE, now=MORNING + 3 * 86_400)
        assert (finding.variant, finding.evidence) == ("never-taken", (GIVE.give,))
        assert missing_mass([GIVE, *self.USUAL], [], self.RULE, now=MORNING + 86_400) == []

    def test_is_less_sure_where_nothing_was_ever_taken(self) -> None:
        low = rule(FindingKind.MISSING_MASS, confidence_permille_min=500)
        now = MORNING + 4 * 86_400
        assert missing_mass([GIVE], [], self.RULE, now=now) == []
        assert len(missing_mass([GIVE], [], low, now=now)) == 1

    def test_shows_in_a_load_that_arrives_far_too_light(self) -> None:
        dumped = taken(grams=3_000_000)
        (finding,) = missing_mass([dumped, *self.USUAL], [], self.RULE, now=MORNING)
        assert (finding.variant, finding.numbers["missing_permille"]) == ("too-light", 400)
        assert finding.evidence == (dumped.give, dumped.take)

    def test_does_not_show_in_few_handoffs_or_of_nothing(self) -> None:
        nothing = taken(given_grams=0)
        assert missing_mass([taken(grams=3_000_000), nothing, *self.USUAL[:5]], [], self.RULE, now=MORNING) == []


class TestCauses:
    RULE = rule(FindingKind.MISSING_MASS)

    def test_grams_that_were_never_lifted_are_missed_because_of_that(self) -> None:
        ghosts = [lift(TRUCK, 30 + n, 5000 + n, MORNING + 3000 + 60 * n, grams=400_000) for n in range(5)]
        found = look_at_lifts(columns([*CROWD, *round_of(TRUCK, range(1, 30)), *ghosts]), Bins.of(street()), RULES)
        (ghost,) = (finding for finding in found if finding.kind is FindingKind.GHOST_BIN)
        assert ghost.doubted_grams == {TRUCK << 32 | 1: 2_000_000}
        assert set(ghost.doubted) == {EntryId(TRUCK, 30 + n) for n in range(5)}
        light = taken(grams=3_000_000)._replace(lot=TRUCK << 32 | 1)
        handoffs = [light, *TestMissingMass.USUAL]
        (missing,) = missing_mass(handoffs, [], self.RULE, now=MORNING, doubts=[ghost.doubt])
        assert missing.follows_from == ghost.finding_id

    def test_more_is_missed_than_a_finding_explains(self) -> None:
        light = taken(grams=3_000_000)
        little = Doubt("0" * 32, {light.lot: 300_000})
        (missing,) = missing_mass([light, *TestMissingMass.USUAL], [], self.RULE, now=MORNING, doubts=[little])
        assert missing.follows_from is None
        enough = Doubt("1" * 32, {light.lot: 1_700_000})
        (missing,) = missing_mass(
            [light, *TestMissingMass.USUAL], [], self.RULE, now=MORNING, doubts=[little, enough]
        )
        assert missing.follows_from == enough.finding_id

    def test_a_clock_ahead_that_is_set_right_again_is_one_finding(self) -> None:
        rows = round_of(TRUCK, range(1, 40))
        for row in rows[10:20]:
            row["occurred_at"] += 7200
        found = look_at_lifts(columns([*CROWD, *rows]), Bins.of(street()), RULES)
        assert [(f.kind, f.variant) for f in found if f.follows_from is None] == [
            (FindingKind.MOVED_CLOCK, "future")
        ]
        (cause,) = (finding for finding in found if finding.follows_from is None)
        assert {(f.variant, f.follows_from) for f in found if f is not cause} == {("backwards", cause.finding_id)}

    def test_two_frauds_of_one_device_stay_two(self) -> None:
        ghosts = [lift(TRUCK, 40 + n, 5000 + n, MORNING + 3000 + 60 * n) for n in range(5)]
        late = [lift(TRUCK, 50 + n, 50 + n, MORNING + 9000 + 60 * n, recorded_at=MORNING) for n in range(5)]
        rows = [*CROWD, *round_of(TRUCK, range(1, 40)), *ghosts, *late]
        found = look_at_lifts(columns(rows), Bins.of(street()), RULES)
        assert {f.kind for f in found if f.follows_from is None} == {
            FindingKind.GHOST_BIN,
            FindingKind.MOVED_CLOCK,
        }

    def test_lifts_are_counted_by_lot_and_can_be_left_out(self) -> None:
        lifts = columns([lift(TRUCK, 1, 1, 5, lot=1), lift(TRUCK, 2, 2, 6, lot=2), lift(OTHER, 1, 1, 7, lot=1)])
        assert lifts.grams_by_lot() == {TRUCK << 32 | 1: 40_137, TRUCK << 32 | 2: 40_274, OTHER << 32 | 1: 40_137}
        assert lifts.without([EntryId(TRUCK, 1), EntryId(OTHER, 2)]).entries() == (
            EntryId(TRUCK, 2),
            EntryId(OTHER, 1),
        )


class TestLotsThatAreKept:
    HELD = HeldLot(TRUCK << 32 | 1, 5_000_000, EntryId(TRUCK, 8), MORNING)
    RULE = rule(FindingKind.MISSING_MASS)

    def test_show_when_the_deadline_has_passed(self) -> None:
        (finding,) = missing_mass([], [self.HELD], self.RULE, now=MORNING + 5 * 86_400)
        assert (finding.variant, finding.evidence) == ("never-given", (EntryId(TRUCK, 8),))
        assert finding.confidence > 0.95

    def test_do_not_show_before(self) -> None:
        assert missing_mass([], [self.HELD], self.RULE, now=MORNING + 3 * 86_400) == []


class TestClocksApart:
    RULE = rule(FindingKind.MOVED_CLOCK)

    def test_show_in_a_take_before_its_give(self) -> None:
        early = taken(after=-3600)
        (finding,) = clocks_apart([early], self.RULE)
        assert (finding.variant, finding.numbers) == ("taken-before-given", {"seconds": 3600})
        assert finding.evidence == (early.give, early.take)

    def test_do_not_show_in_seconds_in_waiting_or_without_a_take(self) -> None:
        assert clocks_apart([taken(after=-20), taken(after=90_000), GIVE], self.RULE) == []


class TestLooking:
    def test_finds_nothing_in_nothing(self) -> None:
        assert look_at_lifts(columns([]), Bins.of([]), RULES) == []
        assert look_at_handoffs([], [], [], RULES, now=MORNING) == []

    def test_asks_every_detector(self) -> None:
        ghosts = [lift(TRUCK, 1 + n, 5000 + n, MORNING + 60 * n) for n in range(5)]
        rows = [*ghosts, *CROWD, lift(OTHER, 1, 1, MORNING + 9000, recorded_at=MORNING)]
        found = look_at_lifts(columns(rows), Bins.of(street()), RULES)
        assert {finding.kind for finding in found} == {FindingKind.GHOST_BIN, FindingKind.MOVED_CLOCK}
        handoffs = [GIVE, *TestMissingMass.USUAL, taken(GATE, weigher=0, closed_by=EntryId(GATE, 2))]
        found = look_at_handoffs(handoffs, [], [], RULES, now=MORNING + 3 * 86_400)
        assert {finding.kind for finding in found} == {FindingKind.MISSING_MASS, FindingKind.SELF_HANDOFF}
