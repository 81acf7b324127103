"""The phone app's files as they are sent."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.console.app_files import AppFiles

PAGE, SCRIPT = "<!doctype html><title>app</title>", "console.log('read');" * 50


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "assets" / "index-abc.js").write_text(SCRIPT)
    (tmp_path / "assets" / "reader-abc.wasm").write_bytes(b"\0asm" + bytes(500))
    (tmp_path / "icon-192.png").write_bytes(b"\x89PNG")
    app = FastAPI()
    app.mount("/app", AppFiles(directory=tmp_path))
    return TestClient(app)


def policy_of(headers: dict[str, str]) -> dict[str, list[str]]:
    rules = [rule.split() for rule in headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in rules}


class TestAppFiles:
    @pytest.mark.parametrize("name", ["", "assets/index-abc.js", "assets/reader-abc.wasm", "icon-192.png"])
    @pytest.mark.parametrize("encoding", ["gzip", "identity"])
    def test_let_nothing_run_that_is_not_theirs(self, client: TestClient, name: str, encoding: str) -> None:
        answer = client.get(f"/app/{name}", headers={"Accept-Encoding": encoding})
        assert answer.status_code == 200
        policy = policy_of(dict(answer.headers))
        assert policy["default-src"] == ["'none'"]
        assert policy["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
        # Of other machines nothing, and of this one only what it has at its own loopback address.
        assert policy.pop("connect-src") == ["'self'", "http://127.0.0.1:*"]
        allowed = {source for sources in policy.values() for source in sources}
        assert allowed == {"'none'", "'self'", "'wasm-unsafe-eval'", "blob:", "data:"}
        assert "geolocation=()" in answer.headers["permissions-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_may_ask_the_nodes_that_were_named_and_no_other_machine(self, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text(PAGE)
        app = FastAPI()
        nodes = ("https://node.example/rpc/key", "http://127.0.0.1:8545", "http://10.0.0.7:8545")
        app.mount("/app", AppFiles(directory=tmp_path, nodes=nodes))
        policy = policy_of(dict(TestClient(app).get("/app/").headers))
        mine = ["'self'", "http://127.0.0.1:*"]
        assert policy["connect-src"] == [*mine, "https://node.example", "http://10.0.0.7:8545"]
        assert policy["script-src"] == ["'self'", "'wasm-unsafe-eval'"]

    def test_are_squeezed_for_those_who_take_them_so(self, client: TestClient) -> None:
        plain = client.get("/app/assets/index-abc.js", headers={"Accept-Encoding": "identity"})
        squeezed = client.get("/app/assets/index-abc.js", headers={"Accept-Encoding": "gzip"})
        assert plain.text == squeezed.text == SCRIPT
        assert "content-encoding" not in plain.headers
        assert squeezed.headers["content-encoding"] == "gzip"
        assert int(squeezed.headers["content-length"]) == len(gzip.compress(SCRIPT.encode(), mtime=0))
        assert plain.headers["vary"] == squeezed.headers["vary"] == "Accept-Encoding"
        assert plain.headers["etag"] != squeezed.headers["etag"]

    def test_are_of_the_kind_that_a_browser_starts(self, client: TestClient) -> None:
        kinds = {
            "": "text/html",
            "assets/index-abc.js": "text/javascript",
            "assets/reader-abc.wasm": "application/wasm",
        }
        for name, kind in kinds.items():
            for encoding in ("gzip", "identity"):
                answer = client.get(f"/app/{name}", headers={"Accept-Encoding": encoding})
                assert answer.headers["content-type"].startswith(kind)

    @pytest.mark.parametrize("encoding", ["gzip", "identity"])
    def test_are_not_sent_again_while_they_are_the_same(
        self, client: TestClient, tmp_path: Path, encoding: str
    ) -> None:
        asked = {"Accept-Encoding": encoding}
        first = client.get("/app/", headers=asked)
        asked["If-None-Match"] = first.headers["etag"]
        assert client.get("/app/", headers=asked).status_code == 304
        (tmp_path / "index.html").write_text(PAGE + "<p>a new version</p>")
        changed = client.get("/app/", headers=asked)
        assert (changed.status_code, changed.text) == (200, PAGE + "<p>a new version</p>")

    def test_are_kept_only_where_their_name_tells_their_content(self, client: TestClient) -> None:
        assert client.get("/app/").headers["cache-control"] == "no-cache"
        assert "immutable" in client.get("/app/assets/index-abc.js").headers["cache-control"]
