"""What docs/journeys shows is what the stories tell and the ledger says."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import draw
import pytest
from canvas import text_width, wrapped
from frames import frames_of
from picture import draw as draw_picture
from story import STORIES, Story, read_stories, read_story

each_story = pytest.mark.parametrize("story", read_stories(), ids=lambda story: story.slug)
SVG = "{http://www.w3.org/2000/svg}"


@each_story
class TestAPicture:
    def test_ends_with_the_custody_that_the_ledger_ends_with(self, story: Story) -> None:
        lots = frames_of(story)[-1].lots
        assert {
            name: (lot.holder, lot.grams, lot.status.name.lower(), lot.stream) for name, lot in lots.items()
        } == {
            name: (told["holder"], told["grams"], told["status"], _stream(told["stream"]))
            for name, told in story.end["lots"].items()
        }

    def test_names_every_actor_organisation_and_step_in_both_languages(self, story: Story) -> None:
        texts = [element.text or "" for element in _shapes(story).iter(f"{SVG}text")]
        drawn = "".join(texts).replace(" ", "")
        for named in (
            story.called,
            *(actor.called for actor in story.actors.values()),
            *(story.organisations[actor.organisation] for actor in story.actors.values()),
            *(step.told for step in story.steps),
        ):
            assert named.zh.replace(" ", "") in drawn
            assert named.en.replace(" ", "") in drawn

    def test_keeps_its_text_inside_its_frame(self, story: Story) -> None:
        picture = _shapes(story)
        width, height = (float(picture.attrib[side]) for side in ("width", "height"))
        for element in picture.iter(f"{SVG}text"):
            x, y, size = (float(element.attrib[name]) for name in ("x", "y", "font-size"))
            drawn = text_width(element.text or "", size)
            left = {"start": x, "middle": x - drawn / 2, "end": x - drawn}[element.attrib["text-anchor"]]
            assert left >= 0, element.text
            assert left + drawn <= width, element.text
            assert 0 < y < height


class TestWrapping:
    def test_breaks_chinese_anywhere_but_before_a_comma(self) -> None:
        assert wrapped("收运一百桶，再走", 10, 50) == ["收运一百", "桶，再走"]

    def test_keeps_latin_words_whole(self) -> None:
        assert wrapped("lifts 120 bins of it", 10, 50) == ["lifts 120", "bins of it"]


class TestTheCommand:
    def test_finds_nothing_stale_here(self) -> None:
        assert draw.main(["--check"]) == 0

    def test_finds_and_repairs_what_is_stale(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(draw, "PAGES", tmp_path / "journeys")
        assert draw.main(["--check"]) == 1
        assert draw.main([]) == 0
        assert draw.main(["--check"]) == 0
        (tmp_path / "journeys" / "normal_day.svg").write_text("something else")
        (tmp_path / "journeys" / "forgotten.md").write_text("no story any more")
        assert draw.main(["--check"]) == 1
        assert draw.main([]) == 0
        assert sorted(path.name for path in (tmp_path / "journeys").iterdir()) == sorted(draw.drawn())


class TestAStoryFile:
    @pytest.mark.parametrize(
        ("told", "instead"),
        [
            ('does = "lift", bins', 'does = "lift", lorries'),
            ('by = "truck", does = "lift"', 'by = "stranger", does = "lift"'),
            ("at = 2026-03-02T06:30:00", "at = 2026-03-02T04:30:00"),
            ('id = "at station"', 'id = "to station"'),
            ('of = "cleaning", role', 'of = "nobody", role'),
        ],
        ids=["unknown word", "stranger", "out of time", "same id", "unknown organisation"],
    )
    def test_is_refused_when_it_contradicts_itself(self, tmp_path: Path, told: str, instead: str) -> None:
        text = (STORIES / "normal_day.toml").read_text(encoding="utf-8")
        assert told in text
        path = tmp_path / "story.toml"
        path.write_text(text.replace(told, instead), encoding="utf-8")
        with pytest.raises(ValueError, match=r"story|step"):
            read_story(path)


def _shapes(story: Story) -> ElementTree.Element:
    return ElementTree.fromstring(draw_picture(story))


def _stream(name: str) -> int:
    return ["", "recyclable", "hazardous", "food", "residual"].index(name)
