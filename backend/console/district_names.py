"""What a district is called: the directory has one text for it, in Chinese, or in Chinese and then in English."""

from __future__ import annotations

import re
from typing import Final

from backend.usecases.views import Name

_BOTH: Final = re.compile(r"([^\x00-\x7f]+) ([\x20-\x7e]+)")


def district_name(text: str) -> Name:
    """Return the two names in a text like "演示区 Demo District"; a text in one language is both."""
    found = _BOTH.fullmatch(text)
    return Name(text, text) if found is None else Name(found[1], found[2])
