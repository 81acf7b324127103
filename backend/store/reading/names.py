"""Who and where: organisations and sites by name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from backend.store.tables import (
    OrganisationName,
    SiteName,
    table_of,
)
from backend.usecases.views import (
    Name,
    OrganisationView,
    SiteView,
)

_ORGANISATIONS = table_of(OrganisationName)
_SITES = table_of(SiteName)


class NameReading:
    """Reads within one transaction; what others are called is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._organisations: dict[str, OrganisationView] | None = None
        self._sites: list[SiteView] | None = None
        self._head: int | None = None
        self._final_to: int | None = None

    @property
    def connection(self) -> Connection:
        """The transaction that this reads in, for those who read other things beside it."""
        return self._connection

    def _count(self, table: Any, *where: Any) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def organisation(self, organisation: str) -> OrganisationView:
        """Return an organisation; one without a name is shown by its id."""
        if self._organisations is None:
            self._organisations = {}
            for row in self._connection.execute(select(_ORGANISATIONS)):
                name = Name(row.name_zh, row.name_en)
                self._organisations[row.organisation] = OrganisationView(row.organisation, name, row.part)
        known = self._organisations.get(organisation)
        if known is None:
            known = OrganisationView(
                organisation, Name(f"机构 {organisation}", f"organisation {organisation}"), ""
            )
        return known

    def organisations(self) -> list[OrganisationView]:
        """Return all organisations with a name."""
        self.organisation("")
        return list((self._organisations or {}).values())

    def sites(self) -> list[SiteView]:
        """Return all sites with a name."""
        if self._sites is None:
            self._sites = [_site(row) for row in self._connection.execute(select(_SITES).order_by(_SITES.c.site))]
        return list(self._sites)

    def find_site(self, site: str) -> SiteView | None:
        """Return a site."""
        row = self._connection.execute(select(_SITES).where(_SITES.c.site == site)).one_or_none()
        return None if row is None else _site(row)


def _site(row: Row[Any]) -> SiteView:
    return SiteView(
        row.site,
        row.kind,
        row.organisation,
        Name(row.name_zh, row.name_en),
        row.parent,
        row.lat,
        row.lng,
        row.facts,
    )
