"""Where organisations take complaints on: the cases that wait for them, and the step that is theirs.

The same use case as `huanlian complaint`; the person's organisation takes the step, and the case decides whether
it may. A case that an organisation has no part in is not there for it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from backend.console.complaint_view import ComplaintView, view_complaint
from backend.console.pages import Pages
from backend.console.photo import PHOTO_HEADERS
from backend.console.who import Who, require
from backend.domain.complaint_errors import ComplaintError
from backend.domain.complaint_statements import TEXT_CHARACTERS_MAX, Act, Finding
from backend.domain.complaints import Case, Stage
from backend.domain.permissions import RouteGroup, is_permitted
from backend.domain.recorded import EntryId
from backend.domain.types import organisation_text
from backend.store.complaints import ComplaintStore
from backend.store.reading import Reader
from backend.usecases.complaints import UnknownComplaint, find_case, step_complaint

_CASE: Final = re.compile(r"[0-9a-f]{24}")
_FACT: Final = re.compile(r"([0-9a-f]{16})/([1-9][0-9]{0,12})")
_ORGANISATION: Final = re.compile(r"[0-9a-f]{6}")
_NOT_KEPT: Final = {"Cache-Control": "private, no-store"}
_Handler = Annotated[Who, Depends(require(RouteGroup.COMPLAINTS))]
_Supervisor = Annotated[Who, Depends(require(RouteGroup.SUPERVISION))]


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the desk's pages and steps; without a database to write to there is none."""
    if pages.deps.write is None:
        return
    _add_pages(router, pages)
    _add_steps(router, pages)


def _add_pages(router: APIRouter, pages: Pages) -> None:
    @router.get("/desk/complaints")
    def desk(request: Request, who: _Handler) -> HTMLResponse:
        with pages.deps.read() as reader:
            cases = ComplaintStore(reader.connection).open_cases(owner=who.person.organisation)
            bins = {case.bin: reader.find_bin(case.bin) for case in cases}
        return pages.render(request, "desk_complaints.html", cases=cases, bins=bins, now=pages.deps.now())

    @router.get("/desk/complaints/{case}")
    def case_page(request: Request, case: str, who: _Handler) -> HTMLResponse:
        return _case_page(pages, request, case, who)

    @router.get("/desk/complaints/{case}/photo/{number}")
    def photo(request: Request, case: str, number: str, who: _Handler) -> Response:
        with pages.deps.read() as reader:
            store, found = ComplaintStore(reader.connection), _find(pages, reader, case, who)
            is_one = found is not None and re.fullmatch("[0-9]{1,4}", number)
            jpeg = store.find_photo(found.case, int(number)) if found is not None and is_one else None
        if jpeg is None:
            return pages.not_found(request, about="complaint")
        return Response(jpeg, media_type="image/jpeg", headers=PHOTO_HEADERS)


def _add_steps(router: APIRouter, pages: Pages) -> None:
    @router.post("/desk/complaints/{case}/assign")
    async def assign(request: Request, case: str, who: _Supervisor) -> Response:
        fields = await request.form()
        to = _text(fields, "to")
        handler = int(to, 16) if _ORGANISATION.fullmatch(to) else 0
        return await run_in_threadpool(_step, pages, request, case, who, fields, act=Act.ASSIGN, to=handler)

    @router.post("/desk/complaints/{case}/answer")
    async def answer(request: Request, case: str, who: _Handler) -> Response:
        fields = await request.form()
        finding = _text(fields, "finding")
        chosen = [_FACT.fullmatch(each) for each in fields.getlist("fact") if isinstance(each, str)]
        return await run_in_threadpool(
            _step,
            pages,
            request,
            case,
            who,
            fields,
            act=Act.ANSWER,
            finding=int(finding) if re.fullmatch("[0-9]", finding) else 0,
            facts=tuple(EntryId(int(each[1], 16), int(each[2])) for each in chosen if each),
        )

    @router.post("/desk/complaints/{case}/accept")
    async def accept(request: Request, case: str, who: _Supervisor) -> Response:
        return await run_in_threadpool(_step, pages, request, case, who, await request.form(), act=Act.ACCEPT)

    @router.post("/desk/complaints/{case}/return")
    async def send_back(request: Request, case: str, who: _Supervisor) -> Response:
        return await run_in_threadpool(_step, pages, request, case, who, await request.form(), act=Act.RETURN)

    @router.post("/desk/complaints/{case}/close")
    async def close(request: Request, case: str, who: _Supervisor) -> Response:
        return await run_in_threadpool(_step, pages, request, case, who, await request.form(), act=Act.CLOSE)


def _step(
    pages: Pages, request: Request, case: str, who: Who, fields: FormData, *, act: Act, **values: Any
) -> Response:
    """Take the step for the person's organisation, and show the case as it then stands."""
    deps, wrong = pages.deps, ""
    assert deps.write is not None
    with deps.read() as reader:
        found = _find(pages, reader, case, who)
    if found is None:
        return pages.not_found(request, about="complaint")
    try:
        with deps.write() as connection:
            step_complaint(
                ComplaintStore(connection),
                found.case,
                deps.complaint_rules,
                act=act,
                by=who.person.organisation,
                now=deps.now(),
                text=_text(fields, "text"),
                **values,
            )
    except ComplaintError as error:
        wrong = error.slug
    if wrong:
        return _case_page(pages, request, case, who, status=422, wrong=wrong)
    return RedirectResponse(f"/desk/complaints/{case}", 303, headers=_NOT_KEPT)


def _case_page(
    pages: Pages, request: Request, case: str, who: Who, *, status: int = 200, wrong: str = ""
) -> HTMLResponse:
    deps = pages.deps
    with deps.read() as reader:
        found = _find(pages, reader, case, who)
        if found is None:
            return pages.not_found(request, about="complaint")
        view = view_complaint(reader, found.case, deps.complaint_rules, deps.verify_entry)
        owner = reader.organisation(organisation_text(found.span.owner))
        return pages.render(
            request,
            "desk_complaint.html",
            status=status,
            wrong=wrong,
            view=view,
            code=case,
            owner=owner,
            step=_step_of(found, who),
            stages={stage.name: int(stage) for stage in Stage},
            findings=[int(finding) for finding in Finding],
            handlers=reader.organisations(),
            facts=_facts(view),
            text_max=TEXT_CHARACTERS_MAX,
            now=deps.now(),
        )


def _find(pages: Pages, reader: Reader, text: str, who: Who) -> Case | None:
    """Return a case that the person's organisation has, or had, a part in; any other is not there for them."""
    if not _CASE.fullmatch(text):
        return None
    try:
        case = find_case(ComplaintStore(reader.connection), int(text, 16), pages.deps.complaint_rules)
    except UnknownComplaint:
        return None
    parties = {case.supervisor, *(span.owner for span in case.spans)}
    return case if who.person.organisation in parties else None


def _step_of(case: Case, who: Who) -> str:
    """Return the step that this person can take now; empty: none."""
    if case.closed_at is not None or case.span.owner != who.person.organisation:
        return ""
    group = RouteGroup.COMPLAINTS if case.stage is Stage.HANDLE else RouteGroup.SUPERVISION
    return case.stage.name.lower() if is_permitted(who.person.role, group) else ""


def _facts(view: ComplaintView) -> list[Any]:
    """Return the bin's newest entries that the ledger holds: what an answer can rest on."""
    entries = [*view.refusals, *(lift.entry for lift in view.lifts)]
    return [entry for entry in entries if entry.block_number is not None]


def _text(fields: FormData, name: str) -> str:
    value = fields.get(name)
    return value.encode(errors="replace").decode().replace("\0", "") if isinstance(value, str) else ""
