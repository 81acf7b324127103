"""Many entries in one file: a lot's journey and a site's day, believed whole or not at all."""

from __future__ import annotations

import datetime
import random
from dataclasses import replace

import pytest
from set_cases import DATE, RECORDED, SITE, Made, Street, journey, set_of, site_day

from backend.domain.bundle import BadBundle
from backend.domain.bundle_set import AboutDay, AboutLot, ProvedSegment, read_set, write_set
from backend.domain.layout import Kind
from backend.domain.proof import Report, Verdict
from backend.domain.types import device_id, lot_id


def require_invalid(report: Report, step: int) -> None:
    assert report.failed is not None, report
    assert (report.verdict, report.failed.number) == (Verdict.INVALID, step), report.failed
    assert report.facts == ()


class TestALotsJourney:
    def test_is_valid_and_tells_what_happened(self) -> None:
        made = journey()
        report = made.verify()
        assert report.verdict == Verdict.VALID, report.failed
        assert "0000030000000008 2-9 lift x8: 8013 g applied" in report.facts
        *steps, lifts = report.facts
        assert [line.split()[2] for line in steps] == ["take", "merge", "give", "close", "load", "lift", "give"]
        assert lifts.endswith("8 lifts, none left out; its give declares 8, and the same Merkle root")
        assert made.verify(offline=True).verdict == Verdict.CONSISTENT
        assert read_set(write_set(made.content)) == made.content

    def test_may_be_asked_from_either_end(self) -> None:
        made = journey()
        assert made.about(AboutLot(lot_id(device_id(3, 7), 1))).verdict == Verdict.VALID
        require_invalid(made.about(AboutLot(lot_id(device_id(3, 7), 2))), 4)

    def test_is_invalid_when_lifts_are_left_out(self) -> None:
        """The journal itself has no gap from the load to the give."""
        require_invalid(journey().without(0), 4)

    def test_is_invalid_when_it_hides_how_a_lot_began(self) -> None:
        """The gate gives a lot that it merged others into; the segment with the merge is the third."""
        require_invalid(journey().without(0, 1, 2), 4)
        require_invalid(journey().without(2), 4)

    def test_tells_when_the_give_names_other_lifts(self) -> None:
        """That is a fact about the give, and none about the bundle."""
        report = journey(given=7).verify()
        assert report.verdict == Verdict.VALID
        assert "and ANOTHER Merkle root" in report.facts[-1]

    def test_is_invalid_with_what_does_not_belong(self) -> None:
        made = journey()
        require_invalid(made.without(0, 1, 2, 3), 4)
        other = Street()
        before = other.gate.head
        other.gate.write(Kind.SHIFT_END)
        other.cut(other.gate, before)
        require_invalid(set_of(AboutLot(5), other.cuts).verify(), 4)

    def test_changed_anywhere_is_invalid(self) -> None:
        made, rng = journey(), random.Random(2)
        data = write_set(made.content)
        for _ in range(300):
            changed = bytearray(data)
            at = rng.randrange(len(data))
            changed[at] = rng.choice([byte for byte in b'0123456789abcdef{}[]:,"' if byte != changed[at]])
            report = made.verify(bytes(changed), offline=True)
            assert report.verdict == Verdict.INVALID
            assert report.failed is not None

    @pytest.mark.parametrize("change", [{"seal": True}, {"certificates": ()}, {"ledger": "00" * 20}])
    def test_rewritten_with_its_digest_is_judged_step_by_step(self, change: dict[str, object]) -> None:
        made = journey()
        first, *rest = made.content.segments
        if "seal" in change:
            require_invalid(self.rewritten(made, [replace(first, prev_head=bytes(32)), *rest]), 5)
        elif "certificates" in change:
            require_invalid(self.rewritten(made, [replace(first, certificates=()), *rest]), 7)
        else:
            require_invalid(made.verify(write_set(replace(made.content, ledger="00" * 20))), 2)
        wrong = replace(first.recorded, log=3)
        require_invalid(self.rewritten(made, [replace(first, recorded=wrong), *rest]), 3)

    @staticmethod
    def rewritten(made: Made, segments: list[ProvedSegment]) -> Report:
        return made.verify(write_set(replace(made.content, segments=tuple(segments))))


class TestASitesDay:
    def test_adds_up_what_the_ledger_applied(self) -> None:
        report = site_day().verify()
        assert report.verdict == Verdict.VALID, report.failed
        assert report.facts[-4:] == (
            "lost_in_work_grams: 900",
            "residue_grams: 2000",
            "taken_in_grams: 7900",
            "waiting_or_without_effect_entries: 1",
        )
        assert not any(" 100 g" in line for line in report.facts)

    def test_counts_a_take_that_waited_once_its_last_outcome_is_proved(self) -> None:
        report = site_day(3).verify()
        assert report.verdict == Verdict.VALID, report.failed
        assert report.facts[-1] == "taken_in_grams: 8400"
        require_invalid(site_day(1).verify(), 4)
        require_invalid(site_day(9).verify(), 4)

    def test_is_that_site_and_that_day(self) -> None:
        made = site_day()
        timestamp = 1_772_337_600 + RECORDED
        shown = datetime.datetime.fromtimestamp(timestamp, datetime.timezone(datetime.timedelta(hours=8)))
        assert shown.date().isoformat() == DATE
        for about in (AboutDay(SITE, "2026-03-02"), AboutDay(device_id(3, 902), DATE)):
            require_invalid(made.about(about), 4)
        require_invalid(made.without(0), 4)


class TestReadSet:
    def test_refuses_what_is_not_canonical_or_has_another_digest(self) -> None:
        data = write_set(journey().content)
        digest = data.index(b'"digest":"') + 10
        other = data[:digest] + (b"0" if data[digest : digest + 1] != b"0" else b"1") + data[digest + 1 :]
        for wrong in (data + b"\n", other, b"{}", data.replace(b'"block":0', b'"block":9', 1)):
            with pytest.raises(BadBundle):
                read_set(wrong)
