"""A dispute by passkeys: opened, answered, ruled on by the regulator, appealed by the loser, ruled on finally."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from office import Office
from people import Town, take_picture
from test_case_acting import CARRIER, PARK, at, bundle_verifies, make_trouble, wait_for_case

from backend.domain.cases import CaseKind, case_name
from backend.domain.recorded import EntryId

CITY = 1
CLAIMED, ANSWERED, RULED, FINAL = "505.5", "900", "880", "870"


@contextmanager
def office_of(town: Town, name: str, organisation: int) -> Iterator[Office]:
    office = Office(town, name)
    office.invited(organisation)
    yield office
    office.context.close()


def test_a_regulator_rules_by_passkey_and_the_loser_appeals(town: Town) -> None:
    trouble = make_trouble(town)
    wait_for_case(town, trouble.difference)
    with (
        office_of(town, "ruling-carrier", CARRIER) as carrier,
        office_of(town, "ruling-park", PARK) as park,
        office_of(town, "ruling-city", CITY) as city,
        office_of(town, "ruling-appeal", CITY) as other_judge,
    ):
        at(town, carrier, trouble.difference)
        carrier.review("dispute", value=CLAIMED, reason="过磅前已称重")
        device, seq = carrier.seal()
        code = case_name(CaseKind.DISPUTE, EntryId(int(device, 16), seq))
        at(town, park, code)
        park.review("answer", value=ANSWERED)
        park.seal()
        wait_for_case(town, code, "awaiting-ruling")

        at(town, city, code)
        said = city.review("rule", value=RULED, reason="以地磅为准")
        assert f"{RULED} kg" in said
        take_picture(city.page, "ruling-review", "zh", full=True)
        ruling = city.seal()
        assert int(city.fields_of(*ruling)["value"], 16) == int(RULED) * 1000
        ruled = wait_for_case(town, code, "appealable")
        assert ruled["owner"]["organisation"] == f"{CARRIER:06x}"
        bundle_verifies(town, city.page, f"/api/v1/entries/{ruling[0]}/{ruling[1]}/bundle")

        at(town, carrier, code)
        carrier.review("appeal", reason="磅单编号不符")
        appeal = carrier.seal()
        assert wait_for_case(town, code, "awaiting-final-ruling")["owner"]["organisation"] == f"{CITY:06x}"

        # Who ruled first does not rule on the appeal: what that office seals has no effect.
        at(town, city, code)
        city.review("rule", value=RULED)
        city.seal()
        at(town, other_judge, code)
        assert wait_for_case(town, code)["stage"] == "awaiting-final-ruling"
        other_judge.review("rule", value=FINAL, reason="复核磅单后改判")
        final = other_judge.seal()
        closed = wait_for_case(town, code, "closed")
        assert closed["state"] == "done"
        for sealed in (ruling, appeal, final):
            assert {"device": sealed[0], "seq": sealed[1]} in closed["entries"]
        bundle_verifies(town, other_judge.page, f"/api/v1/entries/{final[0]}/{final[1]}/bundle")
        other_judge.page.goto(f"{town.system.url}/cases/{code}")
        take_picture(other_judge.page, "ruling-closed", "zh", full=True)
