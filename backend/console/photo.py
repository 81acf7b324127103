"""How a complainant's photo is shown: as a picture, and as nothing else that a browser could make of it."""

from __future__ import annotations

from typing import Final

PRIVATE: Final = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
"""A page whose address is the key to it: not kept, not told to the next site, not found by search engines."""
PHOTO_HEADERS: Final = {
    **PRIVATE,
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": 'inline; filename="photo.jpg"',
}
