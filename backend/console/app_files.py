"""The phone app's built files: nothing from elsewhere may run in them, and they travel squeezed."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import lru_cache
from os import PathLike, stat_result
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

OWN_MACHINE: Final = "http://127.0.0.1:*"
"""A gate hears its scale from a gateway on its own machine, at a port chosen there (decisions 21 and 23)."""

APP_SAFETY: Final = {
    # The QR reader is WebAssembly; besides it nothing is made into code, and nothing comes from elsewhere.
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    f"img-src 'self' blob: data:; connect-src 'self' {OWN_MACHINE}; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    # Where a crew is stays with the crew.
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every file of the app is sent with; a worker obeys the policy that its own file came with."""

_SQUEEZED: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""What is worth squeezing, and its media type; pictures are squeezed already."""

_YEAR_SECONDS: Final = 31_536_000


def app_safety(nodes: Sequence[str]) -> dict[str, str]:
    """Return what a phone's files are sent with: it may ask these nodes of a block, and no other machine."""
    policy = APP_SAFETY["Content-Security-Policy"]
    origins = ["{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in nodes]
    others = [origin for origin in origins if not origin.startswith(OWN_MACHINE.removesuffix("*"))]
    return {**APP_SAFETY, "Content-Security-Policy": policy.replace(OWN_MACHINE, " ".join([OWN_MACHINE, *others]))}


class AppFiles(StaticFiles):
    """Serves the built app. Files under `assets/` are named by their content, and kept for a year."""

    def __init__(self, *, directory: Path, nodes: Sequence[str] = ()) -> None:
        super().__init__(directory=directory, html=True)
        self._safety = app_safety(nodes)

    def file_response(
        self, full_path: PathLike[str] | str, stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file, squeezed for those who take it so."""
        path = Path(full_path)
        is_named_by_content = path.parent.name == "assets"
        age = f"public, max-age={_YEAR_SECONDS}, immutable" if is_named_by_content else "no-cache"
        headers = {**self._safety, "Cache-Control": age, "Vary": "Accept-Encoding"}
        asked = Headers(scope=scope)
        if path.suffix in _SQUEEZED and "gzip" in asked.get("accept-encoding", ""):
            return self._squeezed(path, stat_result, asked, headers)
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(headers)
        return response

    def _squeezed(self, path: Path, kept: stat_result, asked: Headers, headers: dict[str, str]) -> Response:
        etag = f'"{kept.st_mtime_ns:x}-{kept.st_size:x}-gzip"'
        content = _gzipped(path, kept.st_mtime_ns)
        response = Response(content, media_type=_SQUEEZED[path.suffix])
        response.headers.update({**headers, "Content-Encoding": "gzip", "ETag": etag})
        return NotModifiedResponse(response.headers) if self.is_not_modified(response.headers, asked) else response


@lru_cache(maxsize=64)
def _gzipped(path: Path, _changed_at_ns: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)
