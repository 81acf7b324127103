"""What the app's camera reads, and what it does not take for a reading."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import qrcode  # type: ignore[import-untyped]
from hard_labels import KINDS, LOOKS_A_SECOND, SECONDS, HardLabel
from PIL import Image
from playwright.sync_api import Browser
from reading_page import ReadingPage, open_reading


@pytest.fixture(scope="module")
def reading(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadingPage]:
    with open_reading(browser, tmp_path_factory.mktemp("reading")) as page:
        yield page


def png_of(text: str) -> bytes:
    code = qrcode.QRCode(border=4, box_size=6)
    code.add_data(text, optimize=0)
    written = io.BytesIO()
    code.make_image().get_image().save(written, "PNG")
    return written.getvalue()


def _noise() -> bytes:
    written = io.BytesIO()
    Image.effect_noise((640, 480), 60).save(written, "PNG")
    return written.getvalue()


class TestReading:
    @pytest.mark.parametrize("kind", KINDS)
    def test_finds_a_label_within_two_seconds_of_video(self, reading: ReadingPage, kind: str) -> None:
        for number in range(2):
            hard = HardLabel(kind, f"hard {kind} {number}")
            looks, text = reading.watch(hard.frames())
            assert text == hard.text, f"label {number} was not read in {len(looks)} looks"
            assert len(looks) <= LOOKS_A_SECOND * SECONDS

    def test_reads_a_frame_as_the_camera_lends_it(self, reading: ReadingPage) -> None:
        for kind in ("small", "dim"):
            hard = HardLabel(kind, f"lent {kind}")
            reading.load("frame", next(hard.frames()), "jpeg")
            assert [each.text for each in reading.ours_lent("frame")] == [hard.text], kind

    def test_is_silent_where_there_is_no_label(self, reading: ReadingPage) -> None:
        reading.load("blank", _noise(), "png")
        assert [each.text for each in reading.ours("blank")] == [None]

    def test_takes_no_empty_text_for_a_reading(self, reading: ReadingPage) -> None:
        reading.load("something", png_of("?"), "png")
        reading.load("nothing", png_of(""), "png")
        assert [each.text for each in reading.ours("something", "nothing")] == ["?", None]
