from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from backend.domain.draw import draw
from backend.domain.inspection import Anchored, Fault, FaultKind, Inspection, Standing, judge
from backend.domain.inspection_statements import (
    Commit,
    Drawing,
    Opening,
    Result,
    Reveal,
    Statement,
    UnreadableInspection,
    commitment_of,
    digest_of,
    inspection_id,
    list_root,
    read_statement,
    statement_document,
    statement_subject,
)
from backend.domain.keccak import keccak256
from backend.domain.recorded import EntryId

REGULATOR, AUDITOR, STRANGER = "000001", "00000b", "000002"
ITEMS = tuple(range(100, 140))
COMMIT_BY, SEED, REVEAL_BY, DEFAULT = 20, 21, 40, 41
SECRETS = {REGULATOR: b"\1" * 32, AUDITOR: b"\2" * 32}
OPENING = Opening(
    by=REGULATOR,
    at=1,
    auditor=AUDITOR,
    candidates="bins",
    site="",
    day="",
    list_block=5,
    list_count=len(ITEMS),
    list_root=list_root(ITEMS).hex(),
    sample=4,
    commit_by=COMMIT_BY,
    seed_block=SEED,
    reveal_by=REVEAL_BY,
    default_block=DEFAULT,
)


def hash_of(number: int) -> bytes:
    return keccak256(number.to_bytes(8, "big"))


@dataclass
class Table:
    """An inspection as its anchors are recorded, one after the other."""

    opening: Opening = OPENING
    anchors: list[Anchored] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.digest = digest_of(statement_document(self.opening))

    def anchor(self, statement: Statement | None, block: int, by: str = "", digest: bytes = b"") -> Anchored:
        organisation = by or (statement.by if statement else REGULATOR)
        name = EntryId(int(organisation, 16) << 40 | 1, len(self.anchors) + 1)
        digest = digest or digest_of(statement_document(statement) if statement else b"")
        self.anchors.append(Anchored(name, organisation, digest, block, 1000 + block, statement))
        return self.anchors[-1]

    def open(self, block: int = 10) -> None:
        self.anchor(self.opening, block)

    def commit(self, by: str, block: int = 12, at: int = 2) -> Anchored:
        bound = commitment_of(self.digest, by, SECRETS[by]).hex()
        return self.anchor(Commit(by=by, at=at, opening=self.digest.hex(), commitment=bound), block)

    def reveal(self, by: str, block: int = 25, secret: bytes = b"") -> Anchored:
        shown = (secret or SECRETS[by]).hex()
        return self.anchor(Reveal(by=by, at=3, opening=self.digest.hex(), secret=shown), block)

    def result(self, item: int, by: str = REGULATOR, remark: str = "as-recorded") -> Anchored:
        said = Result(
            by=by,
            at=4,
            opening=self.digest.hex(),
            item=f"{item:010x}",
            is_found=True,
            grams=None,
            photo="",
            remark=remark,
        )
        return self.anchor(said, 30)

    def judged(self, head: int = 100, **more: Any) -> Inspection:
        found = judge(self.anchors, more.pop("items", ITEMS), head=head, block_hash=hash_of, **more)
        assert found is not None
        return found


@pytest.fixture
def table() -> Table:
    made = Table()
    made.open()
    return made


def both(step: Callable[[str], object]) -> None:
    for party in (REGULATOR, AUDITOR):
        step(party)


def kinds(found: Inspection) -> list[FaultKind]:
    return [fault.kind for fault in found.faults]


class TestAnInspection:
    def test_draws_from_the_list_both_secrets_and_the_named_block(self, table: Table) -> None:
        both(table.commit)
        both(table.reveal)
        found = table.judged(regulators=[REGULATOR], chain_items=ITEMS)
        seed = keccak256(list_root(ITEMS) + SECRETS[REGULATOR] + SECRETS[AUDITOR] + hash_of(SEED))
        assert found.sample is not None
        assert (found.sample.seed, found.sample.items) == (seed, tuple(draw(ITEMS, 4, seed)))
        assert (found.standing, found.faults, found.sample.is_default) == (Standing.DRAWN, (), False)

    def test_goes_from_stage_to_stage(self, table: Table) -> None:
        assert table.judged(head=COMMIT_BY).standing is Standing.COMMITTING
        table.commit(AUDITOR)
        assert table.judged(head=COMMIT_BY).standing is Standing.COMMITTING
        table.commit(REGULATOR)
        assert table.judged(head=COMMIT_BY).standing is Standing.WAITING
        assert table.judged(head=SEED).standing is Standing.REVEALING
        table.reveal(REGULATOR)
        assert table.judged(head=REVEAL_BY).standing is Standing.REVEALING
        table.reveal(AUDITOR)
        assert table.judged(head=REVEAL_BY).standing is Standing.DRAWN

    def test_needs_its_opening(self) -> None:
        table = Table()
        table.commit(REGULATOR)
        assert judge(table.anchors, ITEMS, head=50, block_hash=hash_of) is None
        table.anchor(OPENING, 13, by=AUDITOR)
        assert judge(table.anchors, ITEMS, head=50, block_hash=hash_of) is None

    def test_has_no_sample_where_the_block_or_the_list_is_not_at_hand(self, table: Table) -> None:
        both(table.commit)
        both(table.reveal)
        assert table.judged(items=None).sample is None
        assert judge(table.anchors, ITEMS, head=50, block_hash=lambda _: None).sample is None  # type: ignore[union-attr]

    def test_keeps_every_result_and_knows_what_is_outstanding(self, table: Table) -> None:
        both(table.commit)
        both(table.reveal)
        sample = table.judged().sample
        assert sample is not None
        first, *others = sample.items
        table.result(first)
        table.result(first, by=AUDITOR, remark="mass-differs")
        found = table.judged()
        assert [said.organisation for said in found.results[first]] == [REGULATOR, AUDITOR]
        assert found.outstanding == tuple(others)


class TestWhoDoesNotReveal:
    @pytest.mark.parametrize("silent", [REGULATOR, AUDITOR])
    def test_is_named_and_twice_as_much_is_drawn_with_a_later_block(self, table: Table, silent: str) -> None:
        speaking = AUDITOR if silent == REGULATOR else REGULATOR
        both(table.commit)
        table.reveal(speaking)
        assert table.judged(head=REVEAL_BY).standing is Standing.REVEALING
        found = table.judged(head=DEFAULT)
        shown = [SECRETS[p] if p == speaking else bytes(32) for p in (REGULATOR, AUDITOR)]
        seed = keccak256(list_root(ITEMS) + b"".join(shown) + hash_of(DEFAULT))
        assert found.sample is not None
        assert found.sample.items == tuple(draw(ITEMS, 8, seed))
        assert (found.sample.is_default, found.silent) == (True, (silent,))

    def test_makes_it_void_when_nobody_does(self, table: Table) -> None:
        both(table.commit)
        found = table.judged(head=DEFAULT)
        assert (found.standing, found.silent, found.sample) == (Standing.VOID, (REGULATOR, AUDITOR), None)

    def test_makes_it_void_when_it_never_committed_itself(self, table: Table) -> None:
        table.commit(REGULATOR)
        found = table.judged(head=COMMIT_BY + 1)
        assert (found.standing, found.silent) == (Standing.VOID, (AUDITOR,))


class TestFaults:
    @pytest.mark.parametrize(
        "change",
        [
            {"list_block": 10},
            {"commit_by": 10},
            {"seed_block": 20},
            {"seed_block": 11},
            {"reveal_by": 21},
            {"default_block": 40},
        ],
    )
    def test_find_a_block_that_was_chosen_too_early(self, change: dict[str, int]) -> None:
        table = Table(replace(OPENING, **change))
        table.open()
        both(table.commit)
        both(lambda party: table.reveal(party, block=31))
        found = table.judged()
        assert kinds(found) == [FaultKind.BLOCK_TOO_EARLY]
        assert (found.standing, found.sample) == (Standing.VOID, None)

    def test_find_one_organisation_on_both_sides(self) -> None:
        table = Table(replace(OPENING, auditor=REGULATOR))
        table.open()
        assert (kinds(table.judged()), table.judged().standing) == ([FaultKind.ONE_PARTY], Standing.VOID)

    def test_find_who_is_no_regulator(self, table: Table) -> None:
        assert kinds(table.judged(regulators=[STRANGER])) == [FaultKind.NOT_A_REGULATOR]

    @pytest.mark.parametrize("items", [ITEMS[1:], (*ITEMS, 999), (99, *ITEMS[1:]), ()])
    def test_find_a_list_that_was_changed(self, table: Table, items: tuple[int, ...]) -> None:
        both(table.commit)
        both(table.reveal)
        published = table.judged(items=items)
        assert (kinds(published), published.sample) == ([FaultKind.LIST_DIFFERS], None)
        assert kinds(table.judged(chain_items=items)) == [FaultKind.LIST_NOT_OF_CHAIN]

    def test_find_a_reveal_that_does_not_match(self, table: Table) -> None:
        both(table.commit)
        table.reveal(REGULATOR)
        wrong = table.reveal(AUDITOR, secret=b"\3" * 32)
        found = table.judged()
        assert found.faults == (Fault(FaultKind.REVEAL_MISMATCH, wrong.entry),)
        assert found.silent == (AUDITOR,)
        table.reveal(AUDITOR)
        assert table.judged().silent == ()

    def test_find_who_shows_the_others_secret(self, table: Table) -> None:
        table.commit(REGULATOR)
        copied = commitment_of(table.digest, REGULATOR, SECRETS[REGULATOR]).hex()
        table.anchor(Commit(by=AUDITOR, at=2, opening=table.digest.hex(), commitment=copied), 13)
        table.reveal(REGULATOR)
        table.reveal(AUDITOR, secret=SECRETS[REGULATOR])
        assert kinds(table.judged()) == [FaultKind.REVEAL_MISMATCH]

    @pytest.mark.parametrize(
        ("block", "kind"), [(SEED, FaultKind.REVEAL_TOO_EARLY), (REVEAL_BY + 1, FaultKind.REVEAL_TOO_LATE)]
    )
    def test_find_a_reveal_out_of_its_time(self, table: Table, block: int, kind: FaultKind) -> None:
        both(table.commit)
        table.reveal(REGULATOR)
        table.reveal(AUDITOR, block=block)
        found = table.judged()
        assert (kinds(found), found.silent) == ([kind], (AUDITOR,))

    def test_find_a_reveal_without_a_commitment(self, table: Table) -> None:
        table.commit(REGULATOR)
        table.reveal(AUDITOR)
        assert kinds(table.judged()) == [FaultKind.REVEAL_MISMATCH]

    def test_find_a_commitment_that_comes_too_late(self, table: Table) -> None:
        table.commit(REGULATOR)
        table.commit(AUDITOR, block=COMMIT_BY + 1)
        found = table.judged()
        assert (kinds(found), found.standing) == ([FaultKind.COMMIT_TOO_LATE], Standing.VOID)

    def test_find_who_says_something_twice(self, table: Table) -> None:
        both(table.commit)
        table.commit(REGULATOR, at=9)
        both(table.reveal)
        table.anchor(replace(table.anchors[-1].statement, at=9), 26)  # type: ignore[type-var]
        found = table.judged()
        assert (kinds(found), found.standing) == ([FaultKind.SAID_TWICE] * 2, Standing.DRAWN)

    def test_find_what_was_not_published_by_the_two_parties_only(self, table: Table) -> None:
        table.anchor(None, 12, by=STRANGER, digest=b"\7" * 32)
        assert kinds(table.judged(head=15)) == []
        hidden = table.anchor(None, 12, by=AUDITOR, digest=b"\7" * 32)
        assert table.judged(head=15).faults == (Fault(FaultKind.UNPUBLISHED, hidden.entry),)

    def test_find_a_sample_that_is_not_the_one_drawn(self, table: Table) -> None:
        both(table.commit)
        both(table.reveal)
        sample = table.judged().sample
        assert sample is not None
        items = tuple(f"{item:010x}" for item in sample.items)
        right = Drawing(by=REGULATOR, at=5, opening=table.digest.hex(), seed=sample.seed.hex(), items=items)
        table.anchor(right, 30)
        assert kinds(table.judged()) == []
        table.anchor(replace(right, items=items[::-1], by=AUDITOR), 30)
        assert kinds(table.judged()) == [FaultKind.DRAW_DIFFERS]

    def test_find_a_result_of_what_was_not_drawn(self, table: Table) -> None:
        both(table.commit)
        both(table.reveal)
        sample = table.judged().sample
        assert sample is not None
        other = next(item for item in ITEMS if item not in sample.items)
        table.result(other)
        assert kinds(table.judged()) == [FaultKind.NOT_DRAWN]

    def test_pass_over_words_of_others_and_of_other_openings(self, table: Table) -> None:
        both(table.commit)
        stolen = table.anchors[1].statement
        table.anchor(stolen, 13, by=AUDITOR)
        foreign = Reveal(by=AUDITOR, at=3, opening="00" * 32, secret=SECRETS[AUDITOR].hex())
        table.anchor(foreign, 25)
        table.anchor(table.opening, 14)
        assert kinds(table.judged(head=REVEAL_BY)) == []


STATEMENTS: list[Statement] = [
    OPENING,
    replace(OPENING, candidates="lots", day="2026-03-01"),
    replace(OPENING, site="0000020000000001"),
    Commit(by=AUDITOR, at=2, opening="ab" * 32, commitment="cd" * 32),
    Reveal(by=AUDITOR, at=2, opening="ab" * 32, secret="cd" * 32),
    Drawing(by=AUDITOR, at=2, opening="ab" * 32, seed="cd" * 32, items=("0000000001",)),
    Result(
        by=AUDITOR, at=2, opening="ab" * 32, item="01" * 5, is_found=False, grams=0, photo="", remark="not-found"
    ),
]


class TestStatements:
    @pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: s.act)
    def test_are_read_as_they_were_written(self, statement: Statement) -> None:
        document = statement_document(statement)
        assert read_statement(document) == statement
        with pytest.raises(UnreadableInspection, match="canonical"):
            read_statement(document + b" ")

    @pytest.mark.parametrize(
        "change",
        [
            {"by": "1"},
            {"by": "00000B"},
            {"sample": -1},
            {"sample": True},
            {"list_root": "ab"},
            {"candidates": "people"},
            {"day": "2026-03-01"},
            {"candidates": "lots"},
            {"candidates": "lots", "day": "2026-02-30"},
            {"candidates": "lots", "day": "20260301"},
            {"candidates": "sites", "site": "0000020000000001"},
            {"site": "2"},
            {"commit_by": 1 << 40},
        ],
    )
    def test_are_refused_when_they_cannot_be_true(self, change: dict[str, Any]) -> None:
        with pytest.raises(UnreadableInspection):
            read_statement(statement_document(replace(OPENING, **change)))

    @pytest.mark.parametrize(
        "change", [{"remark": "see Mr Chen"}, {"is_found": 1}, {"grams": 1.5}, {"photo": "x"}, {"item": "xyz"}]
    )
    def test_say_only_what_is_on_the_list_of_remarks(self, change: dict[str, Any]) -> None:
        result = STATEMENTS[-1]
        assert isinstance(result, Result)
        with pytest.raises(UnreadableInspection):
            read_statement(statement_document(replace(result, **change)))

    @pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"act":"open"}', b'{"act":"dance"}', b"\xff"])
    def test_are_refused_when_they_are_none(self, document: bytes) -> None:
        with pytest.raises(UnreadableInspection):
            read_statement(document)

    def test_of_another_opening_are_of_another_inspection(self) -> None:
        digests = [digest_of(statement_document(replace(OPENING, sample=count))) for count in (4, 5)]
        assert inspection_id(digests[0]) != inspection_id(digests[1])
        assert statement_subject(OPENING, digests[0]) == inspection_id(digests[0])
        said = Commit(by=AUDITOR, at=2, opening=digests[1].hex(), commitment="cd" * 32)
        assert statement_subject(said, digests[0]) == inspection_id(digests[1])
