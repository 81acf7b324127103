"""Somebody has stuck another code over a bin's label."""

from __future__ import annotations

from people import Phone, Town
from playwright.sync_api import expect


def test_a_strangers_code_is_not_opened(town: Town, crew: Phone) -> None:
    crew.start_lot("hazardous")
    before = len(crew.context.pages)
    for address in ("https://evil.example/8004/", "https://evil.example/app/#enrol=AAAAAAAAAAAAAAAA"):
        town.camera.show_code(address)
        crew.tap("scan-open")
        expect(crew.seen("scan-foreign")).to_have_text("这不是本系统的桶标签")
        expect(crew.find("bin-found")).to_have_count(0)
        crew.picture("foreign-code")
        assert crew.page.url.startswith(town.system.url + "/app/")
        assert len(crew.context.pages) == before
        assert not [url for url in town.watch.requests if "evil" in url]
        crew.tap("back")
        crew.seen("scan-open")
