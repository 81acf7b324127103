"""The city's 12345 hotline over HTTP and JSON: docs/spec/hotline.md.

No text and no photo goes out: whoever handles a complaint reads them here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import httpx

from backend.domain.complaint_rules import ComplaintKind
from backend.domain.complaints import Stage
from backend.domain.types import bin_text, device_text, organisation_text
from backend.usecases.ports import HotlineAway, HotlineNews

_TIMEOUT_SECONDS: Final = 10.0
_ORDER_CHARACTERS_MAX: Final = 64


class HttpHotline:
    """Tells a hotline's server; fulfils the use cases' `Hotline`."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=url, timeout=_TIMEOUT_SECONDS, headers={"Authorization": f"Bearer {key}"}
        )

    def tell(self, news: HotlineNews) -> str:
        """Tell the hotline where a complaint stands; return the number of its work order.

        Raises:
            HotlineAway: it did not answer, or not as agreed.
        """
        try:
            answer = self._client.put(f"work-orders/{news.case:024x}", json=news_body(news))
            answer.raise_for_status()
            order = answer.json()["order"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise HotlineAway(type(error).__name__) from error
        if not isinstance(order, str) or not 0 < len(order) <= _ORDER_CHARACTERS_MAX:
            raise HotlineAway("its answer names no work order")
        return order

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def news_body(news: HotlineNews) -> dict[str, Any]:
    """Return what is sent."""
    return {
        "case": f"{news.case:024x}",
        "statements": news.statements,
        "bin": bin_text(news.bin),
        "site": device_text(news.site),
        "kind": kind_name(news.kind),
        "reported_at": instant(news.reported_at),
        "stage": Stage(news.stage).name.lower(),
        "owner": organisation_text(news.owner),
        "due_at": None if news.due_at is None else instant(news.due_at),
        "closed_at": None if news.closed_at is None else instant(news.closed_at),
    }


def kind_name(kind: int) -> str:
    """Return a kind of complaint as programs write it."""
    return ComplaintKind(kind).name.lower().replace("_", "-")


def instant(seconds: int) -> str:
    """Return an instant in RFC 3339, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
