"""Outside layers of the map: what a file may say, and which origins the page's policy then lets in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.exchange.map_layers_file import UnusableLayers, load_map_layers, policy_with

TILES = "https://tiles.example.org/{z}/{x}/{y}.png"
NAME = {"zh": "底图", "en": "Base"}
WMTS = {"id": "base", "kind": "wmts", "name": NAME, "url": TILES}
VECTOR = {**WMTS, "id": "roads", "kind": "vector", "parts": [{"layer": "roads", "draw": "line"}]}
CIM = {**WMTS, "id": "cim", "kind": "cim", "url": "https://cim.example.org:8443/{z}/{x}/{y}.pbf", "layer": "b"}
POLICY = "default-src 'self'; frame-ancestors 'none'"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "city.md"


def write(folder: Path, *layers: dict[str, Any]) -> Path:
    path = folder / "layers.json"
    path.write_text(json.dumps({"layers": layers}), encoding="utf-8")
    return path


class TestAFile:
    def test_names_layers_of_each_kind_in_order(self, tmp_path: Path) -> None:
        found = load_map_layers(write(tmp_path, WMTS, VECTOR, CIM))
        assert [layer.kind for layer in found] == ["wmts", "vector", "cim"]
        assert found[2].origin == "https://cim.example.org:8443"

    def test_like_the_one_in_the_documentation_can_be_read(self, tmp_path: Path) -> None:
        example = PAGE.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]
        path = tmp_path / "layers.json"
        path.write_text(example, encoding="utf-8")
        assert {layer.kind for layer in load_map_layers(path)} == {"wmts", "vector", "cim"}

    @pytest.mark.parametrize(
        "said",
        [
            {**WMTS, "kind": "wms"},
            {**WMTS, "url": "https://tiles.example.org/one.png"},
            {**WMTS, "url": "javascript:alert(1)//{z}/{x}/{y}"},
            {**WMTS, "url": "https://a.example; script-src *//{z}/{x}/{y}"},
            {**WMTS, "url": "https://user:secret@tiles.example.org/{z}/{x}/{y}"},
            {**WMTS, "id": "Base map"},
            {**WMTS, "colour": "red"},
            {**VECTOR, "parts": []},
            {**WMTS, "parts": [{"layer": "roads", "draw": "line"}]},
            {**CIM, "layer": ""},
        ],
    )
    def test_that_cannot_be_meant_is_refused(self, tmp_path: Path, said: dict[str, Any]) -> None:
        with pytest.raises(UnusableLayers):
            load_map_layers(write(tmp_path, said))

    def test_with_one_id_twice_or_no_json_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableLayers, match="one id"):
            load_map_layers(write(tmp_path, WMTS, WMTS))
        (tmp_path / "layers.json").write_text("{")
        with pytest.raises(UnusableLayers):
            load_map_layers(tmp_path / "layers.json")


class TestThePolicy:
    def test_names_each_origin_once_for_pictures_and_fetches(self, tmp_path: Path) -> None:
        layers = load_map_layers(write(tmp_path, WMTS, VECTOR, CIM))
        others = "https://cim.example.org:8443 https://tiles.example.org"
        assert policy_with(POLICY, layers) == (f"{POLICY}; img-src 'self' {others}; connect-src 'self' {others}")

    def test_stays_as_it_is_without_layers_or_with_our_own(self, tmp_path: Path) -> None:
        own = load_map_layers(write(tmp_path, {**WMTS, "url": "/tiles/{z}/{x}/{y}.png"}))
        assert policy_with(POLICY, ()) == policy_with(POLICY, own) == POLICY
