"""The list of products has a name in both languages and a unit for every code."""

from __future__ import annotations

from backend.domain.products import FIRST_MEASURE, Product, Unit


class TestProduct:
    def test_has_names_of_its_own_in_both_languages(self) -> None:
        assert len({product.names.zh for product in Product}) == len(Product)
        assert len({product.names.en for product in Product}) == len(Product)

    def test_is_weighed_unless_it_is_a_measure(self) -> None:
        assert all((p.unit == Unit.GRAMS) == (p < FIRST_MEASURE) for p in Product)
        assert [p for p in Product if p.is_measure] == [
            Product.ELECTRICITY,
            Product.HEAT,
            Product.BIOGAS,
            Product.WATER,
        ]
        assert Product.HEAT.unit == Unit.KILOWATT_HOURS
