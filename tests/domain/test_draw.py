from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.draw import draw
from backend.domain.inspection_statements import commitment_of, list_root
from backend.domain.keccak import keccak256

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "draws.json").read_text())


class TestVectors:
    @pytest.mark.parametrize(
        "case", VECTORS["samples"], ids=lambda case: f"{case['count']} of {len(case['items'])}"
    )
    def test_are_what_is_drawn(self, case: dict[str, Any]) -> None:
        items = [int(item, 16) for item in case["items"]]
        assert list_root(tuple(items)).hex() == case["root"]
        drawn = draw(items, case["count"], bytes.fromhex(case["seed"]))
        assert [f"{item:010x}" for item in drawn] == case["sample"]

    def test_bind_commitments(self) -> None:
        told = VECTORS["commitment"]
        opening, secret = bytes.fromhex(told["opening"]), bytes.fromhex(told["secret"])
        assert commitment_of(opening, told["organisation"], secret).hex() == told["commitment"]
        assert commitment_of(opening, "00000c", secret).hex() != told["commitment"]


class TestDraw:
    @given(st.integers(0, 80), st.integers(0, 90), st.binary(min_size=32, max_size=32))
    def test_takes_each_item_at_most_once_and_all_when_asked_for_all(
        self, whole: int, count: int, seed: bytes
    ) -> None:
        drawn = draw(range(whole), count, seed)
        assert len(set(drawn)) == len(drawn) == min(whole, count)
        assert set(drawn) <= set(range(whole))

    @given(st.integers(1, 60), st.binary(min_size=32, max_size=32))
    def test_draws_more_by_going_on(self, count: int, seed: bytes) -> None:
        assert draw(range(70), count + 1, seed)[:count] == draw(range(70), count, seed)

    def test_favours_no_item_also_where_numbers_are_thrown_away(self) -> None:
        # Five items need three bits: three of eight numbers are thrown away. With a modulo instead, items 0 to 2
        # would come twice as often as 3 and 4.
        count = 4000
        firsts = Counter(draw(range(5), 1, keccak256(n.to_bytes(4, "big")))[0] for n in range(count))
        # Four degrees of freedom: 27.9 is passed once in 80,000 fair series, and these seeds are fixed.
        assert sum((firsts[n] - count / 5) ** 2 / (count / 5) for n in range(5)) < 27.9
