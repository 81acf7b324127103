"""An audit can say in both languages whatever it can find, and its spec names it."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from markupsafe import escape

from backend.cli.audit_page import html_report
from backend.cli.audit_text import text_report
from backend.cli.audit_words import LANGUAGES, TEXTS, Words, language_of_locale
from backend.domain.types import Outcome, Refusal, Stream
from backend.usecases.audit_faults import Fault, FaultKind
from backend.usecases.audit_ledger import Audit
from backend.usecases.audit_report import FAULTS_LISTED, AuditedChain, Compared, report_of
from backend.usecases.audit_tally import Tally, name_of
from backend.usecases.views import StreamTotals

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<script>alert('环')</script>"
CHAIN = AuditedChain(31337, "0x" + "AB" * 20, (0, "0x" + "01" * 32, 1_700_000_000), (9, "02" * 32, 1_772_337_600))
SOFTWARE = {"version": "0.1.0", "rules": "00" * 32}


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    zh, en = (TEXTS[language] for language in LANGUAGES)
    assert zh.keys() == en.keys()
    for key in zh:
        assert fields_of(zh[key]) == fields_of(en[key]), key
        assert zh[key].strip(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_text(language: str) -> None:
    texts = TEXTS[language]
    for kind in FaultKind:
        assert f"kind.{kind}" in texts
    for outcome in Outcome:
        assert f"outcome.{name_of(outcome)}" in texts
    for refusal in Refusal:
        assert f"refusal.{name_of(refusal)}" in texts
    for stream in Stream:
        assert f"stream.{stream.name.lower()}" in texts


def test_the_spec_names_every_kind_and_every_part_of_the_report() -> None:
    text = (ROOT / "docs" / "spec" / "audit.md").read_text(encoding="utf-8")
    kinds = text.partition("Kinds:")[2].partition("**Custody digest**")[0]
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?: · )?)+) \|", kinds, re.M)
    assert {kind for row in rows for kind in re.findall(r"`([a-z-]+)`", row)} == set(FaultKind)
    report = report_of(CHAIN, Audit(), [], Compared(), SOFTWARE)
    for name in report:
        assert f"`{name}`" in text, name


def full_report(faults: int) -> dict[str, object]:
    tally = Tally(segments=3, entries=7, lifts=5, witnesses=1, gaps_closed=1, forks=1, sites=1, bins_placed=2)
    tally.seals.update({"raw": 3, "webauthn": 1})
    tally.outcomes.update({name_of(outcome): 1 for outcome in Outcome})
    tally.refused.update({name_of(refusal): 2 for refusal in Refusal})
    tally.transcribed["applied"] = 1
    totals = [StreamTotals(4, 100, 0, 60, 40, 0), StreamTotals(3, 100, 0, 60, 0, 0)]
    audit = Audit(tally, totals=totals)
    listed = [Fault(FaultKind.SOURCE, None, {"code": HOSTILE}, subject="BinRegistry")]
    listed += [Fault(kind, None, {"head": "ab" * 32}, 5, 1, 7, 9) for kind in FaultKind if kind != "source"]
    listed += [Fault(FaultKind.STATE, {"grams": 3}, {"grams": 4}, subject="organisation 000002, day 5, stream 4")]
    listed *= faults // len(listed) + 1
    compared = Compared({"devices": 1, "lots": 2, "streams": 4, "days": 1}, None, ["BinRegistry: differs"])
    return report_of(CHAIN, audit, listed[:faults], compared, SOFTWARE)


@pytest.mark.parametrize("language", LANGUAGES)
class TestReports:
    def test_tell_every_kind_of_fault(self, language: str) -> None:
        words = Words(language)
        report = full_report(len(FaultKind) + 1)
        text, page = text_report(report, words), html_report(report, words)
        for kind in FaultKind:
            said = words("kind." + kind)
            assert (said in text) or kind == "source"
            assert str(escape(said)) in page
        assert words("stream.residual") in text
        assert "31337" in page

    def test_take_nothing_for_markup(self, language: str) -> None:
        page = html_report(full_report(1), Words(language))
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page

    def test_say_how_many_faults_are_not_listed(self, language: str) -> None:
        report = full_report(FAULTS_LISTED + 5)
        words = Words(language)
        assert words("more_faults", count=5) in text_report(report, words)
        assert words("page.more", count=5) in html_report(report, words)

    def test_say_that_all_agrees(self, language: str) -> None:
        words = Words(language)
        report = report_of(CHAIN, Audit(), [], Compared(), SOFTWARE)
        assert text_report(report, words).endswith(words("agrees") + "\n")
        assert words("page.no_totals") in html_report(report, words)
        assert words("compared.state.no") in text_report(report, words)


def test_the_language_is_the_locales() -> None:
    assert language_of_locale({"LANG": "zh_CN.UTF-8"}) == "zh"
    assert language_of_locale({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}) == "en"
    assert language_of_locale({}) == "en"
