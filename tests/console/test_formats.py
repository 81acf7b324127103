from __future__ import annotations

from backend.console import formats
from backend.console.places import facts_of

THIN = "\N{NARROW NO-BREAK SPACE}"


class TestMass:
    def test_is_in_kilograms_up_to_a_tonne(self) -> None:
        assert formats.mass(0) == f"0{THIN}kg"
        assert formats.mass(30_001) == f"30.001{THIN}kg"
        assert formats.mass(500) == f"0.5{THIN}kg"
        assert formats.mass(-1_500) == f"\N{MINUS SIGN}1.5{THIN}kg"
        assert formats.mass(999_999) == f"999.999{THIN}kg"

    def test_is_in_tonnes_from_there(self) -> None:
        assert formats.mass(1_000_000) == f"1.000{THIN}t"
        assert formats.mass(24_466_000_499) == f"24{THIN}466.000{THIN}t"

    def test_tells_its_grams_when_pointed_at(self) -> None:
        assert f'title="2{THIN}316{THIN}001{THIN}g"' in formats.mass_html(2_316_001)

    def test_is_exact_in_kilograms(self) -> None:
        assert formats.kilograms(2_315_729) == f"2{THIN}315.729{THIN}kg"
        assert formats.kilograms(-1) == f"\N{MINUS SIGN}0.001{THIN}kg"


class TestShare:
    def test_has_a_sign_and_two_decimals(self) -> None:
        assert formats.per_cent(-7, 100) == f"\N{MINUS SIGN}7.00{THIN}%"
        assert formats.per_cent(1, 100) == f"+1.00{THIN}%"
        assert formats.per_cent(0, 100) == f"0.00{THIN}%"
        assert formats.per_cent(5, 0) == "\N{EM DASH}"


class TestTime:
    def test_is_that_of_guangzhou(self) -> None:
        assert formats.instant(1_772_337_600) == "2026-03-01 12:00:00"
        assert 'datetime="2026-03-01T04:00:00Z"' in formats.instant_html(1_772_337_600)


class TestId:
    def test_stands_in_groups_of_four(self) -> None:
        html = formats.id_html("0000020000000007")
        assert html.count("<i>") == 4
        assert 'title="0000020000000007"' in html

    def test_copies_the_whole_value_when_shortened(self) -> None:
        value = "ab" * 32
        html = formats.id_html(value, "copy", ends=True)
        assert html.count("<i>") == 5
        assert f'data-copy="{value}"' in html

    def test_escapes_what_is_no_id(self) -> None:
        assert "<b>" not in formats.id_html('<b>"x', "copy")


class TestFacts:
    def test_are_shown_with_their_source(self) -> None:
        (fact,) = facts_of('[{"zh": "厂", "en": "plant", "source": "s", "source_date": null}, {"zh": "无源"}, 3]')
        assert (fact.name.zh, fact.source, fact.source_date, fact.reliability) == ("厂", "s", "", "")

    def test_that_cannot_be_read_are_left_out(self) -> None:
        for text in ("", "{}", "null", "[", '["a"]'):
            assert facts_of(text) == []
