"""What an inspector sees of a bin beyond the public page: findings, complaints and refusals, all in one place."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from backend.console.language import Words, language_of
from backend.console.pages import Pages
from backend.console.radar import shown
from backend.console.who import require
from backend.domain.permissions import RouteGroup
from backend.domain.types import device_text
from backend.store.complaints import ComplaintStore
from backend.store.findings import FindingReading
from backend.usecases.finding_views import FindingFilter

_BIN: Final = re.compile(r"[0-9a-f]{10}")
_FINDINGS_SHOWN: Final = 20
_CASES_SHOWN: Final = 20
REFUSALS_SECONDS: Final = 90 * 86_400


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the page."""

    @router.get("/bins/{number}/oversight", dependencies=[Depends(require(RouteGroup.OVERSIGHT))])
    def oversight(request: Request, number: str) -> HTMLResponse:
        if not _BIN.fullmatch(number):
            return pages.not_found(request, about="bin")
        deps, words, wanted = pages.deps, Words(language_of(request)), FindingFilter(bin=number)
        rules = {(rule.rule_id, rule.version): rule for rule in deps.thresholds}
        with deps.read() as reader:
            bin_view = reader.find_bin(number)
            if bin_view is None:
                return pages.not_found(request, about="bin")
            reading = FindingReading(reader)
            found = reading.page(wanted, offset=0, limit=_FINDINGS_SHOWN)
            complaints = ComplaintStore(reader.connection)
            cases = complaints.cases_about(int(number, 16), limit=_CASES_SHOWN)
            newest = {case.case: complaints.newest_anchor(int(case.case, 16)) for case in cases}
            owners = {case.owner: reader.organisation(case.owner).name for case in cases if int(case.owner, 16)}
            return pages.render(
                request,
                "bin_oversight.html",
                bin=bin_view,
                findings=[shown(one, rules, reader, words) for one in found],
                findings_count=reading.count(wanted),
                looked_at=reading.looked_at(),
                cases=cases,
                owners=owners,
                anchors={
                    case: f"{device_text(anchor.device)}/{anchor.seq}"
                    for case, anchor in newest.items()
                    if anchor is not None
                },
                refusals=reader.refusals_to_collect(number, since=deps.now() - REFUSALS_SECONDS),
                refusals_days=REFUSALS_SECONDS // 86_400,
                now=deps.now(),
            )
