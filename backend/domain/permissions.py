"""Who may do what on the console: one table, and no other place decides it.

What is in no group is public: residents read, verify and complain without an account. Source: docs/permissions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PersonRole(StrEnum):
    """What a person of the console is; a device's role is another thing (`types.Role`)."""

    REGULATOR = "regulator"
    DISTRICT_ADMINISTRATOR = "district-administrator"
    COMPANY_ADMINISTRATOR = "company-administrator"
    DISPATCHER = "dispatcher"
    PARK_OPERATOR = "park-operator"
    CITY_ADMINISTRATOR = "city-administrator"


class RouteGroup(StrEnum):
    """Routes that the same people may use."""

    ACCOUNT = "account"
    OVERSIGHT = "oversight"
    COMPLAINTS = "complaints"
    SUPERVISION = "supervision"
    READS = "reads"


@dataclass(frozen=True)
class Permission:
    """Which roles may use a group of routes, and whether it is written down who read them."""

    roles: frozenset[PersonRole]
    is_read_logged: bool = False


_R = PersonRole
PERMISSIONS: Final[Mapping[RouteGroup, Permission]] = {
    RouteGroup.ACCOUNT: Permission(frozenset(PersonRole)),
    RouteGroup.OVERSIGHT: Permission(
        frozenset({_R.REGULATOR, _R.DISTRICT_ADMINISTRATOR, _R.CITY_ADMINISTRATOR}), is_read_logged=True
    ),
    # A regulator only reads: no group with a step in it names that role.
    RouteGroup.COMPLAINTS: Permission(
        frozenset(
            {
                _R.DISTRICT_ADMINISTRATOR,
                _R.COMPANY_ADMINISTRATOR,
                _R.DISPATCHER,
                _R.PARK_OPERATOR,
                _R.CITY_ADMINISTRATOR,
            }
        ),
        is_read_logged=True,
    ),
    RouteGroup.SUPERVISION: Permission(
        frozenset({_R.DISTRICT_ADMINISTRATOR, _R.CITY_ADMINISTRATOR}), is_read_logged=True
    ),
    RouteGroup.READS: Permission(frozenset({_R.REGULATOR}), is_read_logged=True),
}


def is_permitted(role: PersonRole, group: RouteGroup) -> bool:
    """Say whether somebody in this role may use this group of routes."""
    return role in PERMISSIONS[group].roles
