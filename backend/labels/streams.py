"""How the four streams look and are called on a sign.

The colours are named by Pantone numbers (blue 647 C, red 485 C, green 2259 C, black or grey for the rest);
these are screen approximations, dark enough for white text. The drawings in `icons.py` are our own, in the
style of the standard; they are not its artwork.

Source: GB/T 19095-2019 as quoted at https://www.cn-hw.net/news/202009/06/75283_7.html (a secondary page).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backend.domain.types import Stream


@dataclass(frozen=True)
class StreamSign:
    """A stream's names and colour."""

    zh: str
    en: str
    colour: str


SIGNS: Final = {
    Stream.RECYCLABLE: StreamSign(zh="可回收物", en="Recyclable", colour="#236192"),
    Stream.HAZARDOUS: StreamSign(zh="有害垃圾", en="Hazardous Waste", colour="#c8281f"),
    Stream.FOOD: StreamSign(zh="厨余垃圾", en="Food Waste", colour="#1b7a3d"),
    Stream.RESIDUAL: StreamSign(zh="其他垃圾", en="Residual Waste", colour="#53565a"),
}
