"""JSON as strangers send it: one value, each key once, plain numbers, nested no deeper than sense.

Python's own reader takes NaN, lets a doubled key win, and follows nesting down its own stack: a library
that raises the recursion limit (the Ethereum ones do) turns a hundred thousand brackets into a crash.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


class InvalidJson(ValueError):
    """The bytes are not JSON that means one thing only."""


def read_json(data: bytes) -> Any:
    """Return the value.

    Raises:
        InvalidJson: not UTF-8, not JSON, a key twice in one object, or nested too deep.
    """
    try:
        orjson.loads(data)  # bounds the nesting and knows no NaN
        return json.loads(data.decode(), object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(f"{type(error).__name__}: {error}") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found
