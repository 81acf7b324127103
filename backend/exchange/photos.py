"""A stranger's photo, made anew: what is kept is what we drew, and nothing that came with it.

Place, time and model of the phone are in EXIF, so nothing is copied but the pixels. Whatever else the bytes
were, an image of ours cannot be run as a page or a program.
"""

from __future__ import annotations

import io
from threading import Semaphore
from typing import Final

from PIL import Image, ImageOps

from backend.domain.errors import DomainError

PHOTO_BYTES_MAX: Final = 10 * 1024 * 1024
# iPhones send HEIC as JPEG to a form that asks for these three.
_PIXELS_MAX: Final = {"JPEG": 64_000_000, "PNG": 24_000_000, "WEBP": 24_000_000}
"""Phones take up to 50 million in JPEG, which is read at the size it is needed in; the others are read whole."""
_AT_ONCE: Final = Semaphore(2)
"""So many pictures are in memory at a time, however many people send one."""
_SIDE_MAX: Final = 1280
_QUALITY: Final = 80


class UnusablePhoto(DomainError):
    """The bytes are no picture that we take."""

    slug = "unusable-photo"
    title = "This photo cannot be used"

    def __init__(self) -> None:
        super().__init__("Send a JPEG, PNG or WebP picture of at most 10 MiB.")


def redraw(content: bytes) -> bytes:
    """Return a JPEG of at most 1280 pixels a side, upright and without metadata.

    Raises:
        UnusablePhoto: too large, of another kind, damaged, or made to fill memory.
    """
    if len(content) > PHOTO_BYTES_MAX:
        raise UnusablePhoto
    try:
        with _AT_ONCE, Image.open(io.BytesIO(content), formats=list(_PIXELS_MAX)) as picture:
            if picture.width * picture.height > _PIXELS_MAX[picture.format or ""]:
                raise UnusablePhoto
            picture.draft("RGB", (_SIDE_MAX, _SIDE_MAX))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.thumbnail((_SIDE_MAX, _SIDE_MAX))
    except Exception as error:  # decoders fed by strangers fail in more ways than they name
        raise UnusablePhoto from error
    clean = Image.frombytes("RGB", upright.size, upright.tobytes())
    drawn = io.BytesIO()
    clean.save(drawn, "JPEG", quality=_QUALITY, optimize=True)
    return drawn.getvalue()
