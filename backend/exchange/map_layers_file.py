"""Layers of other services for the city's map: a JSON file that the operator writes (docs/city.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backend.domain.strict_json import InvalidJson, read_json

_HOLES: Final = ("{z}", "{x}", "{y}")
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", re.IGNORECASE)


class UnusableLayers(ValueError):
    """The file of map layers says something that cannot be meant."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LayerName(_Strict):
    """What a layer is called."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class LayerPart(_Strict):
    """What is drawn of a vector tile, and how."""

    layer: str = Field(min_length=1)
    draw: Literal["line", "fill"]


class MapLayer(_Strict):
    """A layer: pictures of a WMTS, parts of vector tiles, or the buildings of a CIM with their height in metres.

    `url` names a tile by {z}, {x} and {y}, in Web Mercator. `height` is the property that holds the metres.
    """

    id: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    kind: Literal["wmts", "vector", "cim"]
    name: LayerName
    url: str
    attribution: str = ""
    min_zoom: int = Field(default=0, ge=0, le=24)
    max_zoom: int = Field(default=18, ge=0, le=24)
    parts: tuple[LayerPart, ...] = ()
    layer: str = ""
    height: str = "height"

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if not all(hole in self.url for hole in _HOLES):
            raise ValueError(f"{self.id}: its url has to name a tile by {', '.join(_HOLES)}")
        if not self.url.startswith("/") and self.origin is None:
            raise ValueError(f"{self.id}: its url begins neither with / nor with http:// or https://")
        if (self.kind == "vector") != bool(self.parts) or (self.kind == "cim") != bool(self.layer):
            raise ValueError(f"{self.id}: vector tiles need parts, a CIM the layer of its buildings")
        return self

    @property
    def origin(self) -> str | None:
        """Where its tiles come from; None where that is this server."""
        parts = urlsplit(self.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        return origin if _ORIGIN.fullmatch(origin) else None


class _File(_Strict):
    layers: tuple[MapLayer, ...]


def load_map_layers(path: Path) -> tuple[MapLayer, ...]:
    """Return the layers in a file, the lowest first.

    Raises:
        UnusableLayers: it is no JSON, or says something that cannot be meant.
    """
    try:
        content: Any = read_json(path.read_bytes())
        layers = _File.model_validate(content).layers
    except (InvalidJson, ValidationError) as error:
        raise UnusableLayers(f"{path.name}: {error}") from None
    names = [layer.id for layer in layers]
    if len(set(names)) < len(names):
        raise UnusableLayers(f"{path.name}: two layers have one id")
    return layers


def policy_with(policy: str, layers: tuple[MapLayer, ...]) -> str:
    """Return a page's content security policy that lets it fetch these layers; without any it stays as it is."""
    origins = sorted({layer.origin for layer in layers if layer.origin is not None})
    if not origins:
        return policy
    others = " ".join(origins)
    return f"{policy}; img-src 'self' {others}; connect-src 'self' {others}"
