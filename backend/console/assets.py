"""Static files, named with a hash of their content so that browsers may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "static"
TEMPLATES: Final = Path(__file__).parent / "templates"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A static file."""

    content: bytes
    gzipped: bytes
    media_type: str
    digest: str


@cache
def find_asset(name: str) -> Asset | None:
    """Return one of our static files; only names that are in the folder are known."""
    path = {file.name: file for file in FOLDER.iterdir() if file.suffix in _TYPES}.get(name)
    if path is None:
        return None
    content = path.read_bytes()
    return Asset(
        content, gzip.compress(content, mtime=0), _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12]
    )


def asset_url(name: str) -> str:
    """Return the address of a static file.

    Raises:
        FileNotFoundError: there is no such file.
    """
    asset = find_asset(name)
    if asset is None:
        raise FileNotFoundError(name)
    return f"/console/static/{name}?v={asset.digest}"
