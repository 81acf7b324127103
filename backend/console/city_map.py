"""The city's map and a day's time lapse: drawn by the server, and by MapLibre where a browser can."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from backend.console.days import asked_day
from backend.console.language import Words, language_of
from backend.console.lapse import hours_of, spark_of
from backend.console.map_geojson import collection_of
from backend.console.map_level import Level, Levels
from backend.console.map_picture import picture_of
from backend.console.map_sites import DayOfSites, Sites
from backend.console.pages import SAFETY, Pages
from backend.console.parks import parks_of
from backend.domain.periods import date_text
from backend.exchange.map_layers_file import policy_with
from backend.store.reading import Reader
from backend.store.reading.balance import BalanceReader
from backend.store.reading.city import CityReader

_SITE: Final = re.compile(r"[0-9a-f]{16}")
_SCRIPT, _WORKER = "citymap.js", "citymap-worker.js"
_BUILT: Final = (_SCRIPT, _WORKER)
_POLICY: Final = "Content-Security-Policy"
_YEAR_SECONDS: Final = 31_536_000
_WORDS_OF_SCRIPT: Final = "map.script."


def add_routes(router: APIRouter, pages: Pages) -> None:
    """Add the map, its features for programs, and the built script that draws it."""
    policy = policy_with(SAFETY[_POLICY], pages.deps.map_layers)

    @router.get("/city/map")
    def city_map(request: Request) -> HTMLResponse:
        words = Words(language_of(request))
        with pages.deps.read() as reader:
            level = level_of(request.query_params, pages, reader, words)
        if level is None:
            return pages.not_found(request, about="day")
        day = level.period.first_day
        return pages.render(
            request,
            "city_map.html",
            headers={_POLICY: policy},
            level=level,
            day=level.period.text,
            yesterday=date_text(day - 1),
            tomorrow=date_text(day + 1),
            lying=picture_of(level, width=1100, height=520, room=70),
            upright=picture_of(level, width=360, height=400, room=44),
            hours=hours_of(level),
            spark_of=spark_of,
            script=_address(pages.deps.app_dist, _SCRIPT),
            worker=_address(pages.deps.app_dist, _WORKER),
            layers=[layer.model_dump() for layer in pages.deps.map_layers],
            words_of_script=_words_of_script(words),
            source=level.address("/city/map.geojson", lang=words.language),
        )

    @router.get("/city/map.geojson")
    def features(request: Request) -> Response:
        """The same level for programs: GeoJSON (RFC 7946), with a day's quarters of an hour."""
        words = Words(language_of(request))
        with pages.deps.read() as reader:
            level = level_of(request.query_params, pages, reader, words)
        if level is None:
            return pages.not_found(request, about="day")
        content = json.dumps(collection_of(level), ensure_ascii=False, separators=(",", ":"))
        return Response(
            content,
            media_type="application/geo+json",
            headers={"Cache-Control": "no-cache", "Vary": SAFETY["Vary"]},
        )

    @router.get("/console/static/map/{name}")
    def built(request: Request, name: str) -> Response:
        path = pages.deps.app_dist / name
        if name not in _BUILT or not path.is_file():
            return pages.not_found(request)
        content, gzipped, digest = _content(path, path.stat().st_mtime_ns)
        is_exact = request.query_params.get("v") == digest
        age = f"public, max-age={_YEAR_SECONDS}, immutable" if is_exact else "no-cache"
        # A worker obeys the policy that its own file came with, and it is the worker that fetches tiles.
        headers = {"Cache-Control": age, "Vary": "Accept-Encoding", _POLICY: policy}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers |= {"Content-Encoding": "gzip"}
            content = gzipped
        return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)


def level_of(asked: Mapping[str, str], pages: Pages, reader: Reader, words: Words) -> Level | None:
    """Return the level that an address names, of its day or else the newest; None where it names none."""
    deps = pages.deps
    books, now = BalanceReader(reader.connection, deps.tolerances.rules), reader.present(deps.now())
    day = asked_day(asked.get("day", ""), books, now)
    if day is None:
        return None
    levels = Levels(reader, words, day, now=now)
    if asked.get("street"):
        return levels.street(asked["street"]) if _SITE.fullmatch(asked["street"]) else None
    passages = CityReader(reader.connection, deps.tolerances.rules).passages(day)
    of_day = DayOfSites(day, books.table(day), passages, levels.map.receipts(day))
    sites = Sites(words, reader.sites(), parks_of(deps.parks, reader), of_day)
    district = asked.get("district", "")
    return levels.district(district, sites) if district else levels.city(sites)


def _address(folder: Path, name: str) -> str | None:
    """Return the address of a built file; None where it was not built."""
    path = folder / name
    if not path.is_file():
        return None
    return f"/console/static/map/{name}?v={_content(path, path.stat().st_mtime_ns)[2]}"


@lru_cache(maxsize=8)
def _content(path: Path, _changed_at_ns: int) -> tuple[bytes, bytes, str]:
    content = path.read_bytes()
    return content, gzip.compress(content, mtime=0), hashlib.sha256(content).hexdigest()[:12]


def _words_of_script(words: Words) -> dict[str, str]:
    return {key.removeprefix(_WORDS_OF_SCRIPT): text for key, text in words.starting(_WORDS_OF_SCRIPT).items()}
