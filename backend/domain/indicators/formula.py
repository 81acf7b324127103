"""What an indicator is: a fraction with a versioned formula."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

MILLION = 1_000_000


class Unit(Enum):
    """What numerator and denominator count."""

    LIFTS = "lifts"
    BINS = "bins"
    DEVICES = "devices"
    GRAMS = "grams"
    COMPLAINTS = "complaints"


class Scope(Enum):
    """What a value is of."""

    CITY = "city"
    DISTRICT = "district"
    STREET = "street"
    COMPANY = "company"


@dataclass(frozen=True)
class Formula:
    """A formula by its id and version: a new version is added when anything of it changes.

    `scopes` are those that it can be computed of; `less_is_better` where a small value is the good one.
    """

    formula_id: str
    version: int
    unit: Unit
    scopes: frozenset[Scope]
    less_is_better: bool = False

    @property
    def name(self) -> str:
        """Id and version, as answers give them."""
        return f"{self.formula_id}-{self.version}"


@dataclass(frozen=True)
class Ratio:
    """A value as the fraction that it is; a denominator of 0 means that there is nothing to say."""

    numerator: int
    denominator: int

    @property
    def ppm(self) -> int | None:
        """The value in millionths, rounded towards zero; None of nothing."""
        return self.numerator * MILLION // self.denominator if self.denominator > 0 else None

    def __add__(self, other: Ratio) -> Ratio:
        return Ratio(self.numerator + other.numerator, self.denominator + other.denominator)


NOTHING = Ratio(0, 0)
ALL_SCOPES = frozenset(Scope)
