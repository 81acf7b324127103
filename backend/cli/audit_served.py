"""The books that a server shows, as an auditor asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from backend.jobs.audit import ChainAudit
from backend.usecases.audit_books import (
    compare_bins,
    compare_devices,
    compare_journals,
    compare_lots,
    compare_totals,
)
from backend.usecases.audit_faults import Fault
from backend.usecases.audit_ledger import Audit
from backend.usecases.views import StreamTotals


class ServedBooks:
    """A Huanlian server's books, a page at a time."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._bins = 0

    def block(self) -> int | None:
        """Return the block that the books stand on."""
        block: int | None = self._get("/api/v1/totals")["following"]["block_number"]
        return block

    def compare(self, audit: Audit, walked: ChainAudit) -> tuple[list[Fault], dict[str, int]]:
        """Return where the books differ from the chain's, and how much was compared."""
        lots = {row[0]: tuple(row[1:]) for row in self._pages("lots")}
        devices = {row[0]: (row[1], row[2]) for row in self._pages("devices")}
        journals = dict(self._pages("journals"))
        totals = [StreamTotals(**line) for line in self._get("/api/v1/totals")["totals"]]
        self._bins = 0
        faults = [
            *compare_lots(audit.lots, lots),
            *compare_devices(audit.devices, devices),
            *compare_journals(walked.records, journals),
            *compare_totals(audit.totals, totals),
            *compare_bins(walked.bins(), self._served_bins()),
        ]
        compared = {
            "lots": len(audit.lots),
            "devices": sum(1 for line in audit.devices.values() if line[0]),
            "entries": audit.tally.entries,
            "bins": self._bins,
            "streams": len(audit.totals),
        }
        return faults, compared

    def _served_bins(self) -> Iterator[tuple[int, int]]:
        for number, lifts in self._pages("bins"):
            self._bins += 1
            yield int(number, 16), lifts

    def _pages(self, name: str) -> Iterator[Any]:
        after = ""
        while True:
            page = self._get(f"/api/v1/books/{name}", after=after)
            yield from page[name]
            if page["next"] is None:
                return
            after = page["next"]

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        answer = self._client.get(path, params=parameters)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content
