"""Tolerance rules: public, versioned, and never reaching back."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.keccak import keccak256
from backend.domain.tolerances import (
    NoToleranceInForce,
    ToleranceRule,
    UnusableTolerances,
    judge,
    read_rules,
    require_only_added,
    rules_digest,
)
from backend.domain.types import Basis, Stream
from backend.exchange.tolerance_file import PUBLISHED, load_tolerances

TONNE = 1_000_000
START = int(datetime.fromisoformat("2026-01-01T00:00:00+08:00").timestamp())
DOCUMENT: dict[str, Any] = json.loads(PUBLISHED.read_text(encoding="utf-8"))


def rule(version: int = 1, in_force_from: int = 1_000, permille: int = 100, floor: int = 0) -> ToleranceRule:
    streams, bases = frozenset([Stream.RESIDUAL]), frozenset([Basis.ESTIMATED])
    return ToleranceRule("r", version, in_force_from, streams, bases, permille, floor, "字", "text", "source")


def verdict(declared: int, weighed: int, rules: list[ToleranceRule], at: int = 5_000) -> tuple[Any, ...]:
    found = judge(
        declared_grams=declared,
        weighed_grams=weighed,
        stream=Stream.RESIDUAL,
        basis=Basis.ESTIMATED,
        at=at,
        rules=rules,
    )
    return found.version, found.difference_grams, found.permille, found.is_within


class TestJudge:
    def test_finds_ten_tonnes_declared_and_8_9_weighed_outside_the_published_band(self) -> None:
        found = judge(
            declared_grams=10 * TONNE,
            weighed_grams=8_900_000,
            stream=Stream.RESIDUAL,
            basis=Basis.ONBOARD_SCALE,
            at=START,
            rules=load_tolerances().rules,
        )
        assert (found.rule_id, found.version) == ("bulk-10", 1)
        assert (found.difference_grams, found.permille, found.is_within) == (-1_100_000, 110, False)

    def test_lets_exactly_ten_percent_pass_and_a_gram_more_not(self) -> None:
        assert verdict(10 * TONNE, 9 * TONNE, [rule()]) == (1, -TONNE, 100, True)
        assert verdict(10 * TONNE, 11 * TONNE, [rule()]) == (1, TONNE, 100, True)
        assert verdict(10 * TONNE, 9 * TONNE - 1, [rule()]) == (1, -TONNE - 1, 101, False)
        assert verdict(10 * TONNE, 11 * TONNE + 1, [rule()]) == (1, TONNE + 1, 101, False)

    def test_lets_small_loads_differ_by_the_floor(self) -> None:
        assert verdict(100, 150, [rule(floor=50)]) == (1, 50, 500, True)
        assert verdict(100, 151, [rule(floor=50)]) == (1, 51, 510, False)

    def test_has_no_share_of_nothing_declared(self) -> None:
        assert verdict(0, 0, [rule()]) == (1, 0, None, True)
        assert verdict(0, 1, [rule()]) == (1, 1, None, False)

    @given(st.integers(1, 2**48 - 1), st.integers(0, 2**48 - 1), st.integers(0, 1_000))
    def test_shows_a_share_inside_the_band_exactly_when_it_is(
        self, declared: int, weighed: int, band: int
    ) -> None:
        _, difference, permille, is_within = verdict(declared, weighed, [rule(permille=band)])
        assert difference == weighed - declared
        assert is_within is (permille <= band)

    @given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**8))
    def test_never_turns_a_verdict_when_the_masses_come_closer(
        self, declared: int, weighed: int, floor: int
    ) -> None:
        closer = (declared + weighed) // 2
        *_, far = verdict(declared, weighed, [rule(floor=floor)])
        *_, near = verdict(declared, closer, [rule(floor=floor)])
        assert near or not far

    @given(
        st.lists(
            st.tuples(st.integers(1, 10_000), st.integers(0, 500)),
            min_size=1,
            max_size=6,
            unique_by=lambda r: r[0],
        ),
        st.integers(0, 10_000),
        st.integers(0, 10**9),
        st.integers(0, 10**9),
    )
    def test_gives_the_same_verdict_whatever_versions_come_later(
        self, versions: list[tuple[int, int]], at: int, declared: int, weighed: int
    ) -> None:
        rules = [rule(n, start, band) for n, (start, band) in enumerate(sorted(versions), 1)]
        for count in range(1, len(rules) + 1):
            known = rules[:count]
            if known[0].in_force_from > at:
                with pytest.raises(NoToleranceInForce):
                    verdict(declared, weighed, known, at)
                continue
            later = [made for made in rules[count:] if made.in_force_from > at]
            assert verdict(declared, weighed, known, at) == verdict(declared, weighed, known + later, at)

    def test_takes_the_version_in_force_when_the_take_occurred(self) -> None:
        rules = [rule(1, 1_000, 100), rule(2, 2_000, 50)]
        assert verdict(1_000, 920, rules, 1_999) == (1, -80, 80, True)
        assert verdict(1_000, 920, rules, 2_000) == (2, -80, 80, False)

    def test_says_when_no_rule_was_in_force(self) -> None:
        with pytest.raises(NoToleranceInForce) as raised:
            verdict(1, 1, [rule()], 999)
        assert (raised.value.stream, raised.value.basis, raised.value.at) == (4, 1, 999)


class TestPublishedRules:
    def test_answer_for_every_stream_and_basis(self) -> None:
        for stream in Stream:
            for basis in Basis:
                found = judge(
                    declared_grams=TONNE,
                    weighed_grams=TONNE,
                    stream=stream,
                    basis=basis,
                    at=START,
                    rules=load_tolerances().rules,
                )
                assert found.is_within

    def test_are_wider_for_estimated_bins_than_for_weighed_loads(self) -> None:
        for stream in Stream:
            bands = {
                basis: next(
                    r for r in load_tolerances().rules if r.covers(stream=stream, basis=basis)
                ).permille_max
                for basis in Basis
            }
            assert bands[Basis.ESTIMATED] > bands[Basis.WEIGHED]

    def test_speak_chinese_and_english(self) -> None:
        for made in load_tolerances().rules:
            assert any("一" <= letter <= "鿿" for letter in made.text_zh)
            assert made.text_en.isascii()

    def test_have_a_digest_that_depends_on_every_value_but_not_on_layout(self, tmp_path: Path) -> None:
        digest = load_tolerances().digest
        respaced = tmp_path / "respaced.json"
        respaced.write_text(json.dumps(DOCUMENT, indent=7, sort_keys=True), encoding="utf-8")
        assert load_tolerances(respaced).digest == digest
        changed = copy.deepcopy(DOCUMENT)
        changed["rules"][0]["text"]["zh"] += "。"
        assert rules_digest(changed) != digest
        assert rules_digest({"b": 1, "a": 2}) == keccak256(b'{"a":2,"b":1}')


def _set(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["rules"][0].__setitem__(key, value)


def _add(index: int, **changed: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["rules"].append({**document["rules"][index], **changed})


class TestReadRules:
    @pytest.mark.parametrize("document", [None, [], {}, {"format": "huanlian-tolerances-2", "rules": []}])
    def test_refuses_another_format(self, document: Any) -> None:
        with pytest.raises(UnusableTolerances, match="not in the format"):
            read_rules(document)

    @pytest.mark.parametrize("listed", [None, [], {}])
    def test_refuses_a_document_without_rules(self, listed: Any) -> None:
        with pytest.raises(UnusableTolerances, match="lists no rules"):
            read_rules({"format": "huanlian-tolerances-1", "rules": listed})

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (_set("extra", 1), "exactly the keys"),
            (lambda d: d["rules"].append("rule"), "exactly the keys"),
            (_set("in_force_from", "yesterday"), "cannot be read"),
            (_set("in_force_from", 5), "cannot be read"),
            (_set("in_force_from", "2026-01-01T00:00:00"), "no time zone"),
            (_set("streams", ["glass"]), "cannot be read"),
            (_set("streams", [3]), "cannot be read"),
            (_set("bases", 3), "cannot be read"),
            (_set("text", {"zh": "字"}), "cannot be read"),
            (_set("permille_max", 1.5), "whole numbers"),
            (_set("permille_max", True), "whole numbers"),
            (_set("floor_grams", -1), "whole numbers"),
            (_set("version", 0), "whole numbers"),
            (_set("id", ""), "empty"),
            (_set("source", 5), "empty"),
            (_set("streams", []), "empty"),
            (_set("bases", []), "empty"),
            (_set("version", 2), "where 1 is next"),
            (_add(0, in_force_from="2027-01-01T00:00:00+08:00"), "where 2 is next"),
            (_add(0, version=2), "before the version it replaces"),
            (_add(0, id="other"), "come into force together"),
        ],
    )
    def test_refuses_rules_that_are_wrong_or_contradict_each_other(
        self, spoil: Callable[[dict[str, Any]], None], why: str
    ) -> None:
        document = copy.deepcopy(DOCUMENT)
        spoil(document)
        with pytest.raises(UnusableTolerances, match=why):
            read_rules(document)

    def test_takes_a_second_version(self) -> None:
        document = copy.deepcopy(DOCUMENT)
        _add(0, version=2, in_force_from="2027-01-01T00:00:00+08:00")(document)
        assert [made.version for made in read_rules(document) if made.rule_id == "bulk-10"] == [1, 2]

    def test_refuses_a_file_that_is_no_json(self, tmp_path: Path) -> None:
        path = tmp_path / "rules.json"
        path.write_text('{"format": 1, "format": 2}')
        with pytest.raises(UnusableTolerances, match=r"rules\.json"):
            load_tolerances(path)


class TestRequireOnlyAdded:
    def test_lets_later_versions_in(self) -> None:
        require_only_added([rule()], [rule(), rule(2, 5_001)], published_at=5_000)

    @pytest.mark.parametrize(
        "proposed", [[], [rule(permille=99)], [rule(2, 6_000), rule()]], ids=["missing", "changed", "moved"]
    )
    def test_refuses_to_touch_what_was_published(self, proposed: list[ToleranceRule]) -> None:
        with pytest.raises(UnusableTolerances, match="missing, changed or moved"):
            require_only_added([rule()], proposed, published_at=5_000)

    def test_refuses_a_version_that_reaches_back(self) -> None:
        with pytest.raises(UnusableTolerances, match="r 2 would reach back"):
            require_only_added([rule()], [rule(), rule(2, 5_000)], published_at=5_000)
