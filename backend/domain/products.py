"""What comes out of a transformation: the code list of `product`, with names and units.

Below 100 are lots, in grams. From 100 on are measures, which move nothing: energy, gas and water.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

FIRST_MEASURE = 100


class Unit(Enum):
    """What an `amount` counts, always in whole numbers."""

    GRAMS = "g"
    KILOWATT_HOURS = "kWh"
    CUBIC_METRES = "m3"


class Product(IntEnum):
    """What an output of a transformation is, or what a closed lot left as."""

    RESIDUE = 1
    RECYCLED_PLASTIC = 10
    RECYCLED_PAPER = 11
    RECYCLED_METAL = 12
    RECYCLED_GLASS = 13
    RECYCLED_TEXTILE = 14
    RECYCLED_WOOD = 15
    AGGREGATE = 30
    COMPOST = 40
    DIGESTATE = 41
    OIL = 42
    SLAG = 50
    FLY_ASH = 51
    ELECTRICITY = 100
    HEAT = 101
    BIOGAS = 102
    WATER = 103

    @property
    def unit(self) -> Unit:
        """The unit of its amounts."""
        return _UNITS.get(self, Unit.GRAMS)

    @property
    def is_measure(self) -> bool:
        """It stands in an item without a lot."""
        return self >= FIRST_MEASURE

    @property
    def names(self) -> ProductNames:
        """What people call it."""
        return _NAMES[self]


class ProductNames(NamedTuple):
    """A product's name in Chinese and in English."""

    zh: str
    en: str


_UNITS = {
    Product.ELECTRICITY: Unit.KILOWATT_HOURS,
    Product.HEAT: Unit.KILOWATT_HOURS,
    Product.BIOGAS: Unit.CUBIC_METRES,
    Product.WATER: Unit.CUBIC_METRES,
}

_NAMES = {
    Product.RESIDUE: ProductNames("残渣", "residue"),
    Product.RECYCLED_PLASTIC: ProductNames("再生塑料", "recycled plastic"),
    Product.RECYCLED_PAPER: ProductNames("再生纸", "recycled paper"),
    Product.RECYCLED_METAL: ProductNames("再生金属", "recycled metal"),
    Product.RECYCLED_GLASS: ProductNames("再生玻璃", "recycled glass"),
    Product.RECYCLED_TEXTILE: ProductNames("再生织物", "recycled textile"),
    Product.RECYCLED_WOOD: ProductNames("再生木材", "recycled wood"),
    Product.AGGREGATE: ProductNames("再生骨料", "aggregate"),
    Product.COMPOST: ProductNames("堆肥", "compost"),
    Product.DIGESTATE: ProductNames("沼渣", "digestate"),
    Product.OIL: ProductNames("毛油", "oil"),
    Product.SLAG: ProductNames("炉渣", "slag"),
    Product.FLY_ASH: ProductNames("飞灰", "fly ash"),
    Product.ELECTRICITY: ProductNames("电力", "electricity"),
    Product.HEAT: ProductNames("热力", "heat"),
    Product.BIOGAS: ProductNames("沼气", "biogas"),
    Product.WATER: ProductNames("中水", "reclaimed water"),
}
