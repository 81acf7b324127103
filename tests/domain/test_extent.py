"""Extents: eight extremes that join, and the octagon around them."""

from __future__ import annotations

import random

import pytest

from backend.domain.extent import Extent, Position, extent_of, joined


def cloud(seed: int, count: int = 40) -> list[Position]:
    rng = random.Random(seed)
    return [Position(113 + rng.random() / 10, 23 + rng.random() / 20) for _ in range(count)]


def known(extent: Extent | None) -> Extent:
    assert extent is not None
    return extent


def area(corners: list[Position]) -> float:
    """Twice the signed area: above zero where the corners run counterclockwise."""
    return sum(a.lng * b.lat - b.lng * a.lat for a, b in zip(corners, corners[1:] + corners[:1], strict=True))


def is_inside(point: Position, corners: list[Position]) -> bool:
    return all(
        (b.lng - a.lng) * (point.lat - a.lat) - (b.lat - a.lat) * (point.lng - a.lng) >= -1e-9
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    )


class TestAnOutline:
    @pytest.mark.parametrize("seed", range(8))
    @pytest.mark.parametrize("margin", [0.0, 0.002])
    def test_holds_every_point_and_runs_counterclockwise(self, seed: int, margin: float) -> None:
        points = cloud(seed)
        corners = known(extent_of(points)).outline(margin=margin)
        assert area(corners) > 0
        assert all(is_inside(point, corners) for point in points)
        assert 3 <= len(corners) <= 8

    def test_cuts_the_corners_that_no_point_is_in(self) -> None:
        cross = [Position(113, 23.1), Position(113.2, 23.1), Position(113.1, 23), Position(113.1, 23.2)]
        corners = known(extent_of(cross)).outline(margin=0)
        assert not is_inside(Position(113, 23), corners)

    def test_of_one_point_is_as_wide_as_its_margin(self) -> None:
        corners = known(extent_of([Position(113, 23)])).outline(margin=0.01)
        assert max(c.lng for c in corners) == pytest.approx(113.01)
        assert min(c.lat for c in corners) == pytest.approx(22.99)
        assert is_inside(Position(113, 23), corners)


class TestExtents:
    def test_join_to_that_of_all_points(self) -> None:
        first, second = cloud(1), cloud(2)
        assert joined([known(extent_of(first)), known(extent_of(second))]) == extent_of([*first, *second])

    def test_of_nothing_are_none(self) -> None:
        assert extent_of([]) is None
        assert joined([]) is None
