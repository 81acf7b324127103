"""A level of the city's map as GeoJSON: for our own page, and for anybody's map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.console.map_level import Level, MapPlace
from backend.console.map_sites import Flow, SitePlace
from backend.domain.extent import Position

_DIGITS = 6


def collection_of(level: Level) -> dict[str, Any]:
    """Return all features of a level; `lapse` has lifts, grams and receipts of each quarter of the day's hours."""
    reach, quarters = level.reach, level.quarters
    features = [feature for place in level.places if place.at for feature in _place(place, place.at)]
    if level.hull:
        ring = [_pair(corner) for corner in (*level.hull, level.hull[0])]
        features.append(_feature("Polygon", [ring], {"shape": "hull", "name": level.name}))
    features += [_site(site) for site in level.sites]
    features += [_flow(flow) for flow in level.flows]
    return {
        "type": "FeatureCollection",
        **({} if reach is None else {"bbox": [reach.west, reach.south, reach.east, reach.north]}),
        "level": level.kind,
        "day": level.period.text,
        "lapse": {
            "lifts": quarters[0].tolist(),
            "grams": quarters[1].tolist(),
            "receipts": level.receipts.tolist(),
        },
        "features": features,
    }


def _place(place: MapPlace, at: Position) -> list[dict[str, Any]]:
    properties = {
        "kind": place.kind,
        "key": place.key,
        "name": place.name,
        "href": place.href,
        "tone": place.tone,
        "bins": place.day.bins,
        "heard": place.day.heard,
        "lifts": place.day.lifts,
        "grams": place.day.grams,
        "findings": place.day.findings,
        "overdue": place.day.overdue,
    }
    marked = {**properties, "shape": "mark", "quarters": place.quarters[0].tolist()}
    if place.kind == "point":
        marked["labels"] = [
            {"bin": number, "stream": stream, "heard": heard} for number, stream, heard in place.bins
        ]
    features = [_feature("Point", _pair(at), marked)]
    if place.outline:
        ring = [_pair(corner) for corner in (*place.outline, place.outline[0])]
        features.append(_feature("Polygon", [ring], {**properties, "shape": "outline"}))
    return features


def _site(site: SitePlace) -> dict[str, Any]:
    properties = {
        "kind": site.kind,
        "key": site.key,
        "name": site.name,
        "href": site.href,
        "tone": site.tone,
        "shape": "site",
        "rough": site.is_rough,
        "grams": site.grams,
        "red": site.red,
        "quarters": site.quarters.tolist(),
    }
    return _feature("Point", _pair(site.at), properties)


def _flow(flow: Flow) -> dict[str, Any]:
    properties = {
        "shape": "flow",
        "source": flow.source,
        "target": flow.target,
        "stream": flow.stream,
        "grams": flow.grams,
        "href": flow.href,
    }
    return _feature("LineString", [_pair(position) for position in flow.line], properties)


def _feature(kind: str, coordinates: Sequence[Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def _pair(position: Position) -> list[float]:
    return [round(position.lng, _DIGITS), round(position.lat, _DIGITS)]
