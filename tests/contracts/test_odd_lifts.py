"""The ledger hashes and sums lifts four at a time; each must still be judged where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from test_gas_handoffs import City

from backend.domain.layout import Kind
from backend.domain.types import lot_id


class TestARunOfLifts:
    @pytest.mark.parametrize("odd_one", ["mixed", "invalid", "no lift", "a load"])
    def test_is_judged_as_in_the_books_wherever_one_of_them_differs(self, chain: Any, odd_one: str) -> None:
        city = City(chain)
        city.add_trucks(1)
        (truck,) = city.trucks
        truck.write(Kind.LOAD, lot=lot_id(truck.device, 7), stream=4)
        segments = []
        for count in (1, 3, 4, 5, 8, 9):
            for place in range(count + 1):
                for n in range(count):
                    fields = {"grams": (1 << 32) - 1 - n, "bin": n, "evidence": (1 << 120) - 1}
                    if n != place:
                        truck.write(Kind.LIFT, stream=4, **fields)
                    elif odd_one == "mixed":
                        truck.write(Kind.LIFT, stream=3, **fields)
                    elif odd_one == "invalid":
                        truck.write(Kind.LIFT, stream=15, **fields)
                    elif odd_one == "no lift":
                        truck.write(Kind.MARK, block=1, hash=(1 << 256) - 1)
                    else:
                        truck.write(Kind.LOAD, lot=lot_id(truck.device, 7), stream=4)
                segments.append(truck.cut())
        # The twin compares each outcome and head with those of the books.
        city.twin.record(*segments)
        city.twin.compare()
