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


DEMO_PEOPLE: Final = (
    DemoPerson(PersonRole.REGULATOR, "演示监管员 / Demo regulator", 1),
    DemoPerson(PersonRole.CITY_ADMINISTRATOR, "演示市级管理员 / Demo city administrator", 1),
    DemoPerson(PersonRole.DISTRICT_ADMINISTRATOR, "演示区级管理员 / Demo district administrator", 1),
    DemoPerson(PersonRole.COMPANY_ADMINISTRATOR, "演示企业管理员 / Demo company administrator", 2),
    DemoPerson(PersonRole.DISPATCHER, "演示调度员 / Demo dispatcher", 2),
    DemoPerson(PersonRole.PARK_OPERATOR, "演示园区操作员 / Demo park operator", 4),
)
