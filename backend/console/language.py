"""Which language a visitor reads, and the texts in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import Request

from backend.usecases.views import Name

COOKIE: Final = "lang"
COOKIE_AGE_SECONDS: Final = 365 * 86_400
FOLDER: Final = Path(__file__).parent / "i18n"
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    language: json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8")) for language in ("zh", "en")
}
_LOG = logging.getLogger(__name__)


def language_of(request: Request) -> str:
    """Return `zh` or `en`: the address says it, or the cookie, or the browser."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if asked is not None and asked in TEXTS:
            return asked
    return _preferred(request.headers.get("accept-language", ""))


def _preferred(header: str) -> str:
    """Return the better liked of the two; Chinese where neither is named."""
    liked = {"zh": 0.0, "en": 0.0}
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        if language in liked:
            liked[language] = max(liked[language], _weight(parameters))
    return "en" if liked["en"] > liked["zh"] else "zh"


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its values filled in; a key that is missing shows itself."""
        text = TEXTS[self.language].get(key)
        if text is None:
            _LOG.error("the text %r is missing in %s", key, self.language)
            return key
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Say whether there is such a text."""
        return key in TEXTS[self.language]

    def starting(self, prefix: str) -> dict[str, str]:
        """Return all texts whose key begins so."""
        return {key: text for key, text in TEXTS[self.language].items() if key.startswith(prefix)}

    def name(self, name: Name | None) -> str:
        """Return a name in this language; in the other where this one has none."""
        if name is None:
            return ""
        first, second = (name.zh, name.en) if self.language == "zh" else (name.en, name.zh)
        return first or second
