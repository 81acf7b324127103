"""What OpenAPI says of a body that comes in several forms and that a route reads by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe_body(*shapes: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what OpenAPI says of a body that comes in several forms."""
    content = {media_type: {"schema": dict(schema)} for media_type, schema in shapes}
    return {"requestBody": {"required": True, "content": content}}


def also_csv(answers: Mapping[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that gives its rows as JSON or, with `format=csv`, as CSV."""
    shown = {"description": "As JSON, or as CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}
    return {200: shown, **answers}


def inline(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema without references, to stand inside another document."""
    definitions = schema.get("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            name = value.get("$ref", "").removeprefix("#/$defs/")
            if name:
                return resolve(definitions[name])
            return {key: resolve(item) for key, item in value.items() if key != "$defs"}
        return [resolve(item) for item in value] if isinstance(value, list) else value

    resolved: dict[str, Any] = resolve(dict(schema))
    return resolved
