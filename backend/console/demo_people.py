"""The made-up people of a demonstration; outside one there is no way in for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backend.domain.permissions import PersonRole


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who does not exist, in the demo organisation of that number (`backend/demo`)."""

    role: PersonRole
    name: str
    organisation: int


_NAME: Final = "演示人员 Demo"
DEMO_PEOPLE: Final = (
    DemoPerson(PersonRole.REGULATOR, _NAME, 1),
    DemoPerson(PersonRole.CITY_ADMINISTRATOR, _NAME, 1),
    DemoPerson(PersonRole.DISTRICT_ADMINISTRATOR, _NAME, 1),
    DemoPerson(PersonRole.COMPANY_ADMINISTRATOR, _NAME, 2),
    DemoPerson(PersonRole.DISPATCHER, _NAME, 2),
    DemoPerson(PersonRole.PARK_OPERATOR, _NAME, 4),
)
