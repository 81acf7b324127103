"""Python, TypeScript and Solidity answer the same, and keep the same, whatever they are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.comparing import Counts, compare_city
from tests.differential.solidity import Chain

SEEDS = range(20, 25)
ENTRIES_A_CITY = 1000


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain() as running:
        yield running


@pytest.fixture(scope="module")
def counts() -> Counts:
    return Counts()


class TestThreeLanguages:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_answer_and_keep_the_same_in_a_hostile_city(self, seed: int, chain: Chain, counts: Counts) -> None:
        compare_city(seed, ENTRIES_A_CITY, chain, counts)

    def test_come_by_every_outcome_flaw_and_refusal(self, counts: Counts) -> None:
        print("\n".join(counts.lines()))
        assert counts.entries >= len(SEEDS) * ENTRIES_A_CITY
        assert counts.never_reached() == []
