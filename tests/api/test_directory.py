"""What a phone downloads for its shift: a route of a thousand bins, small enough for a bad line in the morning."""

from __future__ import annotations

from fastapi.testclient import TestClient
from small_city import CREW, SITE, SmallCity

from backend.domain.types import Role, device_text
from backend.store.directory import DirectoryStore

_BINS = 1_000
_BYTES_MAX = 2_000_000


def lay_out_route(city: SmallCity) -> None:
    """A thousand bins, each at a point of its own with a long name, and the devices of a large carrier."""
    points = [
        {
            "code": f"P{n}", "name_zh": f"越秀区大新街道麓湖小筑第{n}栋旁垃圾分类投放点",
            "name_en": f"Yuexiu district, Daxin sub-district, Luhu Cottages, collection point by block {n}",
            "address": "", "district": "", "lat": None, "lng": None,
        }
        for n in range(_BINS)
    ]  # fmt: skip
    with city.database.transaction() as connection:
        directory = DirectoryStore(connection)
        assert directory.add_points("route", points) == _BINS
        ids = directory.points("route")
        directory.add_bins(
            [
                {
                    "number": f"{n:010x}", "serial": f"{n:032x}", "serial_digest": f"{n * 7919:064x}",
                    "stream": 1 + n % 4, "site": device_text(SITE), "point_id": ids[f"P{n}"],
                    "placed_from": 1_772_337_600,
                }
                for n in range(_BINS)
            ]
        )  # fmt: skip
    for serial in range(2, 252):
        city.device(CREW, serial, Role.CREW)
    city.record(city.registrars[CREW])


class TestTheDirectory:
    def test_of_a_thousand_bins_is_under_two_megabytes_and_dated(
        self, city: SmallCity, client: TestClient
    ) -> None:
        lay_out_route(city)
        answer = client.get("/api/v1/directory", params={"site": device_text(SITE)})
        assert answer.status_code == 200
        directory = answer.json()
        assert len({each["number"] for each in directory["bins"]}) == _BINS
        assert all(each["point"]["zh"] and each["point"]["en"] for each in directory["bins"])
        assert len(directory["devices"]) >= 250
        assert directory["dated_at"]
        assert len(answer.content) < _BYTES_MAX, f"{len(answer.content)} bytes"
