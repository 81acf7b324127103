"""Pages to complain, to follow a complaint by its code, to rate and appeal, and the public counts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, TypeVar

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.exc import IntegrityError
from starlette.datastructures import FormData, UploadFile

from backend.console.complaint_view import view_complaint
from backend.console.forms import RateLimit, form_token, give_token, is_own_form, read_form
from backend.console.pages import Pages
from backend.console.photo import PHOTO_HEADERS, PRIVATE
from backend.domain.case_code import BadCaseCode, code_digest, grouped_code, read_case_code
from backend.domain.complaint_errors import ComplaintError, NoSuchDay, TextTooLong
from backend.domain.complaint_rules import WANTED_DAYS_MAX, ComplaintKind, number_of_day
from backend.domain.complaint_statements import COMPLAINANT, TEXT_CHARACTERS_MAX, Act
from backend.domain.complaints import Stage
from backend.domain.working_time import local_day
from backend.exchange.photos import UnusablePhoto, redraw
from backend.store.complaints import ComplaintStore, case_text
from backend.usecases.complaints import Report, TooManyComplaints, UnknownComplaint, file_complaint, step_complaint
from backend.usecases.views import BinView

_Result = TypeVar("_Result")
_BIN: Final = re.compile(r"[0-9a-f]{10}")
_FORM_FIELD_BYTES: Final = 16 * 1024
_FORMS_A_WINDOW: Final = 20
_WINDOW_SECONDS: Final = 600


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the pages of complaints."""
    limit = RateLimit(count=_FORMS_A_WINDOW, window_seconds=_WINDOW_SECONDS, now=pages.deps.now)
    _add_form(router, pages, limit)
    _add_status(router, pages)
    _add_answers(router, pages)
    _add_list(router, pages)


def _add_form(router: APIRouter, pages: Pages, limit: RateLimit) -> None:
    @router.get("/bins/{number}/complaint")
    def form(request: Request, number: str) -> Response:
        bin_view = _find_bin(pages, number)
        if bin_view is None or pages.deps.write is None:
            return pages.not_found(request, about="bin")
        return _form_page(pages, request, bin_view)

    @router.get("/bins/{number}/pickup")
    def pickup(request: Request, number: str) -> Response:
        bin_view = _find_bin(pages, number)
        if bin_view is None or pages.deps.write is None:
            return pages.not_found(request, about="bin")
        return _form_page(pages, request, bin_view, kind=str(int(ComplaintKind.BULKY_PICKUP)))

    @router.post("/bins/{number}/complaint")
    async def send(request: Request, number: str) -> Response:
        bin_view = await run_in_threadpool(_find_bin, pages, number)
        if bin_view is None or bin_view.site is None or pages.deps.write is None:
            return pages.not_found(request, about="bin")
        fields = await read_form(request, files_max=1, fields_max=10, field_bytes_max=_FORM_FIELD_BYTES)
        if fields is None:
            return _form_page(pages, request, bin_view, status=400, wrong="form")
        address = request.client.host if request.client else ""
        if not limit.allows(address):
            return _again(pages, request, bin_view, fields, 429, "often")
        if not is_own_form(request, _text(fields, "token")):
            return _again(pages, request, bin_view, fields, 403, "token")
        if _text(fields, "website"):
            # Nobody sees this field; a program that fills in everything does, and so may a helpful browser.
            return _again(pages, request, bin_view, fields, 400, "trap")
        content = await _photo_of(fields)
        return await run_in_threadpool(_file, pages, request, bin_view, fields, content)


def _file(pages: Pages, request: Request, bin_view: BinView, fields: FormData, content: bytes) -> Response:
    assert bin_view.site is not None
    kind = _text(fields, "kind")
    if not kind.isdecimal() or len(kind) > 3:
        return _again(pages, request, bin_view, fields, 422, "kind")
    try:
        photo = redraw(content) if content else b""
        report = Report(
            bin=int(bin_view.number, 16),
            site=int(bin_view.site.site, 16),
            kind=int(kind),
            text=_text(fields, "text"),
            photo=photo,
            wanted=_day(_text(fields, "wanted")),
        )
        deps = pages.deps
        token = _text(fields, "token").encode()
        code = _write(
            pages,
            lambda store: file_complaint(store, report, deps.complaint_rules, token=token, now=deps.now()),
        )
    except UnusablePhoto:
        return _again(pages, request, bin_view, fields, 422, "photo")
    except NoSuchDay:
        return _again(pages, request, bin_view, fields, 422, "day")
    except TextTooLong:
        return _again(pages, request, bin_view, fields, 422, "text")
    except TooManyComplaints:
        return _again(pages, request, bin_view, fields, 429, "many")
    except ComplaintError:
        return _again(pages, request, bin_view, fields, 422, "kind")
    return _go_to(code)


def _add_status(router: APIRouter, pages: Pages) -> None:
    @router.get("/complaints/{code}")
    def status(request: Request, code: str) -> HTMLResponse:
        return _status_page(pages, request, code)

    @router.get("/complaints/{code}/photo/{number}")
    def photo(request: Request, code: str, number: str) -> Response:
        with pages.deps.read() as reader:
            store = ComplaintStore(reader.connection)
            case = _find_case(store, code)
            is_one = case is not None and re.fullmatch("[0-9]{1,4}", number)
            jpeg = store.find_photo(case, int(number)) if case is not None and is_one else None
        if jpeg is None:
            return pages.not_found(request, about="complaint")
        return Response(jpeg, media_type="image/jpeg", headers=PHOTO_HEADERS)

    @router.get("/complaints/{code}/record.json")
    def record(request: Request, code: str) -> Response:
        """Everything needed to check order and digests without this server: docs/spec/complaints.md."""
        with pages.deps.read() as reader:
            store = ComplaintStore(reader.connection)
            case = _find_case(store, code)
            kept = [] if case is None else store.statements_of(case)
        if case is None:
            return pages.not_found(request, about="complaint")
        statements = [
            {
                "document": each.document.decode(),
                "salt": each.salt.hex(),
                "digest": each.digest.hex(),
                "text": each.text,
                "text_salt": None if each.text_salt is None else each.text_salt.hex(),
                "anchor": None if each.anchor is None else [f"{each.anchor.device:016x}", each.anchor.seq],
            }
            for each in kept
        ]
        content = json.dumps({"case": case_text(case), "statements": statements}, ensure_ascii=False, indent=1)
        headers = {**PRIVATE, "Content-Disposition": 'attachment; filename="complaint.json"'}
        return Response(content, media_type="application/json", headers=headers)


def _add_answers(router: APIRouter, pages: Pages) -> None:
    """Add what a complainant sends. The address holds the code, which no other site can know: it is the token."""

    @router.post("/complaints/{code}/rating")
    async def rate(request: Request, code: str) -> Response:
        fields = await _small_form(request)
        stars = _text(fields, "stars")
        number = int(stars) if re.fullmatch("[0-9]", stars) else 0
        return await run_in_threadpool(_say, pages, request, code, fields, Act.RATE, number)

    @router.post("/complaints/{code}/appeal")
    async def appeal(request: Request, code: str) -> Response:
        return await run_in_threadpool(_say, pages, request, code, await _small_form(request), Act.APPEAL, 0)

    @router.post("/complaints/{code}/withdraw")
    async def withdraw(request: Request, code: str) -> Response:
        return await run_in_threadpool(_say, pages, request, code, await _small_form(request), Act.WITHDRAW, 0)

    @router.post("/complaints/{code}/erase")
    async def erase(request: Request, code: str) -> Response:
        fields = await _small_form(request)

        def work() -> Response:
            if not _text(fields, "sure"):
                return _status_page(pages, request, code, status=422, wrong="sure")
            try:
                _write(pages, lambda store: store.erase(_require_case(store, code)))
            except UnknownComplaint:
                return pages.not_found(request, about="complaint")
            return _go_to(code)

        return await run_in_threadpool(work)


def _say(pages: Pages, request: Request, code: str, fields: FormData, act: Act, stars: int) -> Response:
    deps = pages.deps
    try:
        _write(
            pages,
            lambda store: step_complaint(
                store,
                _require_case(store, code),
                deps.complaint_rules,
                act=act,
                by=COMPLAINANT,
                now=deps.now(),
                stars=stars,
                text=_text(fields, "text"),
            ),
        )
    except UnknownComplaint:
        return pages.not_found(request, about="complaint")
    except ComplaintError as error:
        return _status_page(pages, request, code, status=422, wrong=error.slug)
    return _go_to(code)


def _add_list(router: APIRouter, pages: Pages) -> None:
    @router.get("/complaints")
    def complaints(request: Request) -> HTMLResponse:
        return _list_page(pages, request)

    @router.post("/complaints")
    async def look_up(request: Request) -> Response:
        fields = await _small_form(request)
        try:
            return _go_to(read_case_code(_text(fields, "code")))
        except BadCaseCode:
            return await run_in_threadpool(_list_page, pages, request, status=422, wrong="code")


def _list_page(pages: Pages, request: Request, *, status: int = 200, wrong: str = "") -> HTMLResponse:
    with pages.deps.read() as reader:
        store, now = ComplaintStore(reader.connection), pages.deps.now()
        counts, pickups = store.counts(now), store.counts(now, services=True)
        sites = {site.site: site for site in reader.sites()}
    streets: dict[str, dict[int, int]] = {}
    for found in counts:
        streets.setdefault(found.site, {})[found.stage] = found.count
    stages = [*(int(stage) for stage in Stage if stage is not Stage.REPORT), 0]
    return pages.render(
        request,
        "complaints.html",
        status=status,
        wrong=wrong,
        stages=stages,
        totals={stage: sum(found.count for found in counts if found.stage == stage) for stage in stages},
        pickups=sum(found.count for found in pickups if found.stage),
        pickups_overdue=sum(found.overdue for found in pickups),
        overdue=sum(found.overdue for found in counts),
        streets=streets,
        overdue_of={site: sum(f.overdue for f in counts if f.site == site) for site in streets},
        sites=sites,
    )


def _status_page(pages: Pages, request: Request, code: str, *, status: int = 200, wrong: str = "") -> HTMLResponse:
    deps = pages.deps
    try:
        read_code = read_case_code(code)
        with deps.read() as reader:
            case = _find_case(ComplaintStore(reader.connection), code)
            if case is None:
                raise UnknownComplaint
            view = view_complaint(reader, case, deps.complaint_rules, deps.verify_entry)
    except (BadCaseCode, UnknownComplaint):
        return pages.not_found(request, about="complaint")
    return pages.render(
        request,
        "complaint.html",
        status=status,
        headers=PRIVATE,
        view=view,
        code=read_code,
        now=deps.now(),
        wrong=wrong,
        text_max=TEXT_CHARACTERS_MAX,
        tells_hotline=deps.tells_hotline,
    )


def _form_page(
    pages: Pages, request: Request, bin_view: BinView, *, status: int = 200, wrong: str = "", **said: str
) -> HTMLResponse:
    token, today = form_token(request), local_day(pages.deps.now())
    said_kind = said.get("kind", "")
    # One form in two dresses; a kind that says nothing is a complaint's.
    is_service = said_kind.isdecimal() and int(said_kind[:3]) >= ComplaintKind.BULKY_PICKUP
    page = pages.render(
        request,
        "complain.html",
        status=status,
        headers={"Cache-Control": "private, no-store"},
        bin=bin_view,
        kinds=[kind for kind in ComplaintKind if kind.is_service is is_service],
        is_service=is_service,
        days=(today + timedelta(days=1), today + timedelta(days=WANTED_DAYS_MAX)),
        wanted=said.get("wanted", ""),
        token=token,
        wrong=wrong,
        kind=said_kind,
        text=said.get("text", ""),
        text_max=TEXT_CHARACTERS_MAX,
    )
    give_token(request, page, token)
    return page


def _again(
    pages: Pages, request: Request, bin_view: BinView, fields: FormData, status: int, wrong: str
) -> HTMLResponse:
    """Show the form once more with what was written, and what is wrong with it."""
    said = {name: _text(fields, name) for name in ("kind", "text", "wanted")}
    page = _form_page(pages, request, bin_view, status=status, wrong=wrong, **said)
    if status == 429:
        page.headers["Retry-After"] = str(_WINDOW_SECONDS)
    return page


def _find_bin(pages: Pages, number: str) -> BinView | None:
    if not _BIN.fullmatch(number):
        return None
    with pages.deps.read() as reader:
        return reader.find_bin(number)


def _find_case(store: ComplaintStore, code: str) -> int | None:
    try:
        return store.find_case(code_digest(read_case_code(code)))
    except BadCaseCode:
        return None


def _day(text: str) -> int:
    """Return a day that a form names (2026-03-02) as a number; one that is none becomes 1, which no rule takes."""
    try:
        return number_of_day(date.fromisoformat(text)) if text else 0
    except ValueError:
        return 1


async def _small_form(request: Request) -> FormData:
    fields = await read_form(request, files_max=0, fields_max=10, field_bytes_max=_FORM_FIELD_BYTES)
    return FormData() if fields is None else fields


async def _photo_of(fields: FormData) -> bytes:
    upload = fields.get("photo")
    return await upload.read() if isinstance(upload, UploadFile) else b""


def _text(fields: FormData, name: str) -> str:
    value = fields.get(name)
    # A lone surrogate or a NUL is nothing that a person typed, and no database keeps them.
    return value.encode(errors="replace").decode().replace("\0", "") if isinstance(value, str) else ""


def _require_case(store: ComplaintStore, code: str) -> int:
    case = _find_case(store, code)
    if case is None:
        raise UnknownComplaint
    return case


def _write(pages: Pages, work: Callable[[ComplaintStore], _Result]) -> _Result:
    """Do something in a transaction; once more when somebody else took the same number in the meantime."""
    write = pages.deps.write
    if write is None:
        raise UnknownComplaint
    try:
        with write() as connection:
            return work(ComplaintStore(connection))
    except IntegrityError:
        with write() as connection:
            return work(ComplaintStore(connection))


def _go_to(code: str) -> RedirectResponse:
    return RedirectResponse(f"/complaints/{grouped_code(read_case_code(code))}", 303, headers=PRIVATE)
