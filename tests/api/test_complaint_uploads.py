"""Forms with photos through the whole server: how much is read, and what is logged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from small_city import BINS, SITE, SmallCity
from sqlalchemy import Connection

from backend.api.app import create_api
from backend.api.limits import PHOTO_BODY_BYTES
from backend.console.deps import ConsoleDeps
from backend.console.routes import create_console_router
from backend.domain.types import bin_text, device_text
from backend.main import _page_for
from backend.store.directory import DirectoryStore
from backend.store.reading import Reader

FORM = f"/bins/{bin_text(BINS[0])}/complaint"
BROWSER = {"Accept": "text/html", "Accept-Language": "zh", "Sec-Fetch-Site": "same-origin"}


def asked_by_nobody(*_: object) -> Any:
    raise AssertionError("no form needs this")


@pytest.fixture
def browser(city: SmallCity, tmp_path: Path) -> Iterator[TestClient]:
    city.place_bins()
    row = {"site": device_text(SITE), "organisation": "000002", "kind": 1, "name_zh": "街", "name_en": "Street"}
    with city.database.transaction() as connection:
        DirectoryStore(connection).put_sites([{**row, "parent": None, "lat": None, "lng": None, "facts": "[]"}])

    @contextmanager
    def read() -> Iterator[Reader]:
        with city.database.transaction(writes=False) as connection:
            yield Reader(connection)

    @contextmanager
    def write() -> Iterator[Connection]:
        with city.database.transaction() as connection:
            yield connection

    deps = ConsoleDeps(
        read=read,
        state=city.books.reading_state,
        base_url="",
        is_demo=False,
        verify_entry=lambda _device, _seq: None,
        continuity=asked_by_nobody,
        open_days=asked_by_nobody,
        open_day=asked_by_nobody,
        app_dist=tmp_path,
        now=city.clock,
        write=write,
    )
    app = create_api(city.services(), max_body_bytes=2 * 1024 * 1024, error_page=_page_for(deps))
    app.include_router(create_console_router(deps))
    with TestClient(app, raise_server_exceptions=False) as made:
        made.headers.update(BROWSER)
        yield made


def token_of(browser: TestClient) -> str:
    found = re.search(r'name="token" value="([^"]+)"', browser.get(FORM).text)
    assert found is not None
    return found[1]


class TestForm:
    def test_may_bring_more_than_a_segment_and_not_without_end(self, browser: TestClient) -> None:
        data = {"token": token_of(browser), "kind": "3"}
        answer = browser.post(FORM, data=data, files={"photo": ("p", bytes(5 * 1024 * 1024))})
        assert answer.status_code == 422, "read, and found to be no photo"
        answer = browser.post(FORM, data=data, files={"photo": ("p", bytes(PHOTO_BODY_BYTES))})
        assert answer.status_code == 413
        assert "内容太大" in answer.text
        assert answer.headers["content-type"].startswith("text/html")

    def test_is_stopped_when_it_does_not_say_how_long_it_is(self, browser: TestClient) -> None:
        read = 0

        def endless() -> Iterator[bytes]:
            nonlocal read
            yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\n\r\n'
            for _ in range(64):
                read += 1
                yield bytes(1024 * 1024)

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = browser.post(FORM, content=endless(), headers=headers)
        assert answer.status_code == 413
        assert "内容太大" in answer.text
        program = browser.post(FORM, content=endless(), headers={**headers, "Accept": "application/json"})
        assert program.status_code == 413

    def test_of_another_address_may_not(self, browser: TestClient) -> None:
        for address in ("/complaints", "/api/v1/segments", "/bins/x/y/complaint"):
            assert browser.post(address, content=bytes(3 * 1024 * 1024)).status_code == 413, address

    def test_leaves_neither_code_nor_words_in_the_log(
        self, browser: TestClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data = {"token": token_of(browser), "kind": "3", "text": "我叫陈某"}
        answer = browser.post(FORM, data=data, follow_redirects=False)
        assert answer.status_code == 303
        page = browser.get(answer.headers["location"])
        assert "我叫陈某" in page.text
        said = capsys.readouterr().out
        assert '"path": "/complaints/…"' in said
        assert answer.headers["location"].rpartition("/")[2] not in said
        assert "陈某" not in said
