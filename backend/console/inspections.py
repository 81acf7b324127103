"""Random inspections: the list of them, and one with its stages, its sample and what was found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from backend.console.pages import Pages
from backend.domain.inspection import Anchored, Fault, Inspection, Party, Standing
from backend.domain.inspection_statements import (
    Candidates,
    Opening,
    Result,
    inspection_id,
    inspection_text,
)
from backend.domain.types import device_text
from backend.store.inspections import InspectionStore
from backend.store.reading import Reader
from backend.usecases.views import OrganisationView, SiteView

_CODE, _PAGE_NUMBER = re.compile(r"[0-9a-f]{24}"), re.compile(r"[1-9][0-9]{0,5}")
_INSPECTIONS_A_PAGE: Final = 20
_STREET: Final = 1


@dataclass(frozen=True)
class StageView:
    """One stage: whose it is, the entry that did it, and the block that it was, or is, due by.

    `state` is done, now, next, or late where it was not done in time.
    """

    name: str
    who: OrganisationView | None
    done: Anchored | None
    due: int | None
    state: str


@dataclass(frozen=True)
class ResultView:
    """What one party found of an item."""

    said: Result
    who: OrganisationView
    anchored: Anchored


@dataclass(frozen=True)
class ItemView:
    """A drawn item, where its own page is, and all that was found of it."""

    text: str
    href: str | None
    results: tuple[ResultView, ...]


@dataclass(frozen=True)
class InspectionView:
    """Everything on an inspection's page."""

    code: str
    inspection: Inspection
    regulator: OrganisationView
    auditor: OrganisationView
    silent: tuple[OrganisationView, ...]
    site: SiteView | None
    stages: tuple[StageView, ...]
    items: tuple[ItemView, ...]
    faults: tuple[tuple[Fault, str | None], ...]

    @property
    def opening(self) -> Opening:
        """What was fixed when it was opened."""
        return self.inspection.opening

    @property
    def found(self) -> int:
        """How many of the drawn items somebody has reported on."""
        return len(self.items) - len(self.inspection.outstanding)


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages."""

    @router.get("/inspections")
    def inspections(request: Request) -> HTMLResponse:
        asked = request.query_params.get("page", "1")
        page = int(asked) if _PAGE_NUMBER.fullmatch(asked) else 1
        with pages.deps.read() as reader:
            store = InspectionStore(reader.connection)
            # One more than is shown tells whether there is another page.
            codes = store.list_inspections(limit=_INSPECTIONS_A_PAGE + 1, offset=(page - 1) * _INSPECTIONS_A_PAGE)
            shown = [_view(pages, reader, store, code) for code in codes[:_INSPECTIONS_A_PAGE]]
        return pages.render(
            request,
            "inspections.html",
            inspections=[view for view in shown if view is not None],
            pending=sum(view is None for view in shown),
            page=page,
            pages=page + (len(codes) > _INSPECTIONS_A_PAGE),
        )

    @router.get("/inspections/{code}")
    def inspection(request: Request, code: str) -> Response:
        if not _CODE.fullmatch(code):
            return pages.not_found(request)
        with pages.deps.read() as reader:
            view = _view(pages, reader, InspectionStore(reader.connection), code)
        if view is None:
            return pages.not_found(request, about="inspection")
        return pages.render(request, "inspection.html", view=view)


def _view(pages: Pages, reader: Reader, store: InspectionStore, code: str) -> InspectionView | None:
    found = store.find_inspection(code, block_hash=pages.deps.block_hash)
    if found is None:
        return None
    opening = found.opening
    return InspectionView(
        inspection_text(inspection_id(found.opened.digest)),
        found,
        reader.organisation(opening.by),
        reader.organisation(opening.auditor),
        tuple(reader.organisation(name) for name in found.silent),
        reader.find_site(opening.site) if opening.site else None,
        tuple(_stages(reader, found, reader.final_to())),
        tuple(_items(reader, found)),
        tuple(
            (fault, fault.entry and f"/verify/{device_text(fault.entry.device)}/{fault.entry.seq}")
            for fault in found.faults
        ),
    )


def _stages(reader: Reader, found: Inspection, head: int) -> list[StageView]:
    opening, parties = found.opening, (found.regulator, found.auditor)
    by = {party.organisation: reader.organisation(party.organisation) for party in parties}
    stages = [StageView("open", by[opening.by], found.opened, None, "done")]
    stages += [_stage("commit", by, party, party.commit, opening.commit_by, head) for party in parties]
    is_committed = all(party.commit for party in parties)
    seed_state = ("done" if head >= opening.seed_block else "now") if is_committed else "next"
    stages.append(StageView("seed", None, None, opening.seed_block, seed_state))
    is_open = is_committed and head >= opening.seed_block
    for party in parties:
        stage = _stage("reveal", by, party, party.reveal, opening.reveal_by, head)
        is_ahead = party.reveal is None and not is_open
        stages.append(StageView(stage.name, stage.who, None, stage.due, "next") if is_ahead else stage)
    drawn = "done" if found.sample is not None else "next"
    stages.append(
        StageView("draw", None, None, None if found.sample is None else found.sample.block_number, drawn)
    )
    if found.standing is Standing.VOID:
        return [
            stage if stage.state in ("done", "late") else StageView(stage.name, stage.who, None, None, "next")
            for stage in stages
        ]
    return stages


def _stage(
    name: str, by: dict[str, OrganisationView], party: Party, done: Anchored | None, due: int, head: int
) -> StageView:
    state = "done" if done is not None else "late" if head > due else "now"
    return StageView(name, by[party.organisation], done, due, state)


def _items(reader: Reader, found: Inspection) -> list[ItemView]:
    kind = Candidates(found.opening.candidates)
    items = () if found.sample is None else found.sample.items
    return [
        ItemView(
            kind.text(item),
            _address(reader, kind, kind.text(item)),
            tuple(_result(reader, anchored) for anchored in found.results.get(item, ())),
        )
        for item in items
    ]


def _result(reader: Reader, anchored: Anchored) -> ResultView:
    said = anchored.statement
    assert isinstance(said, Result), "only results are kept as such"
    return ResultView(said, reader.organisation(said.by), anchored)


def _address(reader: Reader, kind: Candidates, text: str) -> str | None:
    """Return the page of an item, where there is one: the chain may name what the directory does not."""
    if kind is Candidates.BINS:
        return f"/bins/{text}" if reader.find_bin(text) is not None else None
    if kind is Candidates.LOTS:
        return f"/lots/{text}" if reader.find_lot(text) is not None else None
    site = reader.find_site(text)
    return f"/streets/{text}" if site is not None and site.kind == _STREET else None
