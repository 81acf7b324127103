"""Cases in a real browser: passkeys seal what ends them, and every red row leads to a bundle that verifies."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from office import Office
from people import DESK, PATIENCE, PHONE, Registrar, Town, overflow_of, take_picture
from playwright.sync_api import Locator, Page, expect
from running_system import ROOT
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.cli.field import open_field
from backend.domain.cases import CaseKind, case_name
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import AmendedField, AmendOp, Role, Scheme, Stream, device_id, device_text, lot_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.simulate.run import registrar_for

CARRIER, PARK = 2, 4
CLICKS_MAX = 4
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
# The demo's note is every page's, between header and main; it is not looked at here.
_VIOLATIONS = """
axe.run({exclude: ['.demo']}, {resultTypes: ['violations']}).then(({violations}) => violations)
"""


@dataclass
class Trouble:
    """What two software devices sealed: a give, its take far beyond tolerance, proposals, refusals to collect."""

    lot: int
    give: EntryId
    take: EntryId
    proposals: list[EntryId]
    declines: list[EntryId]
    crew_key: SigningKey

    @property
    def difference(self) -> str:
        return case_name(CaseKind.WEIGHT_DIFFERENCE, self.take)


def make_trouble(town: Town) -> Trouble:
    system = town.system
    with open_field(system.data_dir, system.rpc_url, system.url, patience_seconds=120) as here:
        writers: dict[int, JournalWriter] = {}
        name = f"cases/{secrets.token_hex(4)}"
        for organisation, role in ((CARRIER, Role.CREW), (PARK, Role.GATE)):
            registrar = here.courier.continued(registrar_for(here, organisation, "registrar/desk"))
            device, key = here.vault.device(organisation, name), here.vault.key(f"{name}/{organisation}")
            x, y = key.public
            registrar.write(Kind.ENROL, device=device, role=role, scheme=Scheme.RAW, x=x, y=y)
            here.courier.hand_in(registrar.cut())
            writers[organisation] = JournalWriter(here.network, device, key)
        crew, gate = writers[CARRIER], writers[PARK]
        now = int(time.time())
        lot, bins = lot_id(crew.device, 1), [system.bin_of(Stream.RESIDUAL, n).number for n in (-1, -2, -3)]
        crew.write(Kind.LOAD, lot=lot, stream=4, occurred_at=now)
        crew.write(Kind.LIFT, bin=bins[0], stream=4, grade=1, basis=1, grams=500_000, occurred_at=now)
        declines = [
            crew.write(Kind.DECLINE, bin=number, stream=4, reason=1, evidence=7, occurred_at=now)
            for number in bins[1:]
        ]
        give = crew.write(Kind.GIVE, lot=lot, grams=500_000, to=device_id(PARK, 0), lifts=1, occurred_at=now)
        give_head = int.from_bytes(crew.head, "big")
        about = {"device": crew.device, "seq": give, "op": AmendOp.PROPOSE, "field": AmendedField.GRAMS}
        proposals = [crew.write(Kind.AMEND, value=value, occurred_at=now, **about) for value in (520_000, 530_000)]
        here.courier.hand_in(crew.cut())
        take = gate.write(
            Kind.TAKE,
            lot=lot,
            grams=900_000,
            giver=crew.device,
            give_seq=give,
            give_head=give_head,
            occurred_at=now,
        )
        here.courier.hand_in(gate.cut())
        here.courier.wait_recorded({crew.device: proposals[-1], gate.device: take})
        return Trouble(
            lot,
            EntryId(crew.device, give),
            EntryId(gate.device, take),
            [EntryId(crew.device, seq) for seq in proposals],
            [EntryId(crew.device, seq) for seq in declines],
            crew.key,
        )


@pytest.fixture(scope="module")
def trouble(town: Town) -> Trouble:
    made = make_trouble(town)
    wait_for_case(town, made.difference)
    return made


@pytest.fixture(scope="module")
def parks_office(town: Town, park_desk: Registrar) -> Iterator[Office]:
    """Enrolled at the desk, as people do it."""
    office = Office(town, "office")
    office.invited_by(park_desk)
    yield office
    office.context.close()


@pytest.fixture(scope="module")
def carriers_office(town: Town) -> Iterator[Office]:
    office = Office(town, "office-carrier", "en")
    office.invited(CARRIER)
    yield office
    office.context.close()


def wait_for_case(town: Town, code: str, stage: str | None = None) -> dict[str, Any]:
    """Return a case once it is in the inbox, and at a stage."""
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        cases = town.system.get("/api/v1/cases?state=all&limit=500")["cases"]
        found = next((case for case in cases if case["code"] == code), None)
        if found is not None and stage in (None, found["stage"]):
            case: dict[str, Any] = found
            return case
        assert time.monotonic() < deadline, f"{code} is {found}, wanted {stage}"
        time.sleep(0.5)


def at(town: Town, office: Office, code: str) -> None:
    wait_for_case(town, code)
    office.page.goto(f"{town.system.url}/cases/{code}")


class TestAPasskey:
    @pytest.mark.parametrize(
        ("turn", "action", "op", "stage"), [(0, "approve", 2, "approved"), (1, "refuse", 3, "refused")]
    )
    def test_answers_an_amendment(
        self, town: Town, trouble: Trouble, parks_office: Office, turn: int, action: str, op: int, stage: str
    ) -> None:
        proposal = trouble.proposals[turn]
        code = case_name(CaseKind.AMENDMENT, proposal)
        at(town, parks_office, code)
        said = parks_office.review(action, reason="已核对磅单")
        assert device_text(proposal.device) in said
        assert f" {proposal.seq} " in said
        assert "已核对磅单" in said
        take_picture(parks_office.page, f"case-review-{action}", "zh", full=True)
        device, seq = parks_office.seal()
        take_picture(parks_office.page, f"case-sealed-{action}", "zh", full=True)
        fields = parks_office.fields_of(device, seq)
        assert (fields["op"], fields["device"], fields["seq"]) == (op, device_text(proposal.device), proposal.seq)
        assert int(fields["evidence"], 16) != 0
        case = wait_for_case(town, code, stage)
        assert {"device": device, "seq": seq} in case["entries"]
        bundle_verifies(town, parks_office.page, f"/api/v1/entries/{device}/{seq}/bundle")

    @pytest.mark.parametrize(
        ("turn", "action", "verdict", "stage"),
        [(0, "acknowledge", 1, "acknowledged"), (1, "contest", 2, "contested")],
    )
    def test_answers_a_refusal_to_collect(
        self,
        town: Town,
        trouble: Trouble,
        carriers_office: Office,
        turn: int,
        action: str,
        verdict: int,
        stage: str,
    ) -> None:
        decline = trouble.declines[turn]
        code = case_name(CaseKind.REFUSAL_TO_COLLECT, decline)
        at(town, carriers_office, code)
        carriers_office.review(action)
        device, seq = carriers_office.seal()
        fields = carriers_office.fields_of(device, seq)
        assert (fields["verdict"], fields["seq"], fields["evidence"]) == (verdict, decline.seq, "0" * 30)
        wait_for_case(town, code, stage)

    def test_opens_a_dispute_and_another_answers_it(
        self, town: Town, trouble: Trouble, carriers_office: Office, parks_office: Office
    ) -> None:
        at(town, carriers_office, trouble.difference)
        said = carriers_office.review("dispute", value="505.5", reason="scale of the station")
        assert "505.5 kg" in said
        opening = carriers_office.seal()
        assert int(carriers_office.fields_of(*opening)["value"], 16) == 505_500
        wait_for_case(town, trouble.difference, "disputed")
        code = case_name(CaseKind.DISPUTE, EntryId(int(opening[0], 16), opening[1]))
        at(town, parks_office, code)
        parks_office.review("evidence", reason="过磅单照片已存档")
        parks_office.seal()
        at(town, parks_office, code)
        parks_office.review("answer", value="900")
        answer = parks_office.seal()
        case = wait_for_case(town, code, "awaiting-ruling")
        assert {"device": answer[0], "seq": answer[1]} in case["entries"]

    def test_seals_nothing_when_its_person_is_not_verified_or_not_concerned(
        self, town: Town, trouble: Trouble, parks_office: Office
    ) -> None:
        code = case_name(CaseKind.REFUSAL_TO_COLLECT, trouble.declines[0])
        wait_for_case(town, code)
        before = town.system.get(f"/api/v1/devices/{parks_office.device}")["accepted"]["seq"]
        lone = make_lone_proposal(town, trouble)
        at(town, parks_office, case_name(CaseKind.AMENDMENT, lone))
        parks_office.review("approve")
        parks_office.can_be_verified(False)
        parks_office.tap("act-seal")
        parks_office.seen("act-wrong")
        parks_office.can_be_verified(True)
        assert town.system.get(f"/api/v1/devices/{parks_office.device}")["accepted"]["seq"] == before

    def test_is_not_asked_behind_a_head_that_it_did_not_seal(
        self, town: Town, trouble: Trouble, parks_office: Office
    ) -> None:
        lone = make_lone_proposal(town, trouble)
        at(town, parks_office, case_name(CaseKind.AMENDMENT, lone))
        place = f"**/api/v1/devices/{parks_office.device}"

        def lie(route: Any) -> None:
            answer = route.fetch()
            told = answer.json()
            told["accepted"]["head"] = "ab" * 32
            route.fulfill(response=answer, json=told)

        parks_office.page.route(place, lie)
        parks_office.seen("act-do-approve").click()
        parks_office.tap("act-review")
        parks_office.seen("act-wrong")
        expect(parks_office.find("act-seal")).to_have_count(0)
        parks_office.page.unroute(place)

    def test_goes_on_in_a_browser_that_forgot_where_the_journal_ends(
        self, town: Town, trouble: Trouble, parks_office: Office
    ) -> None:
        lone = make_lone_proposal(town, trouble)
        code = case_name(CaseKind.AMENDMENT, lone)
        at(town, parks_office, code)
        parks_office.page.evaluate(
            """() => {
                const kept = JSON.parse(localStorage.getItem("huanlian-sealer"));
                delete kept.end;
                localStorage.setItem("huanlian-sealer", JSON.stringify(kept));
            }"""
        )
        parks_office.review("approve")
        parks_office.seal()
        wait_for_case(town, code, "approved")


def make_lone_proposal(town: Town, trouble: Trouble) -> EntryId:
    """Let the crew propose once more; return the proposal once it is recorded."""
    system = town.system
    with open_field(system.data_dir, system.rpc_url, system.url, patience_seconds=120) as here:
        device = trouble.give.device
        accepted = here.courier.get(f"/api/v1/devices/{device_text(device)}")["accepted"]
        crew = JournalWriter(
            here.network,
            device,
            trouble.crew_key,
            next_seq=accepted["seq"] + 1,
            head=bytes.fromhex(accepted["head"]),
        )
        seq = crew.write(
            Kind.AMEND,
            op=AmendOp.PROPOSE,
            device=device,
            seq=trouble.give.seq,
            field=AmendedField.GRAMS,
            value=510_000,
            occurred_at=int(time.time()),
        )
        here.courier.hand_in(crew.cut())
        here.courier.wait_recorded({device: seq})
    return EntryId(device, seq)


# --- from a red row to the signed source ---------------------------------------------------------------------


@dataclass
class Walk:
    """Somebody who clicks, and counts."""

    town: Town
    page: Page
    clicks: int = 0

    def start(self, address: str) -> None:
        self.page.goto(self.town.system.url + address)
        self.clicks = 0

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def download(self, link: Locator, folder: Path) -> Path:
        with self.page.expect_download() as downloading:
            self.click(link)
        path = folder / "bundle.json"
        downloading.value.save_as(path)
        return path


@pytest.fixture
def walk(town: Town) -> Iterator[Walk]:
    page = town.page(DESK)
    yield Walk(town, page)
    page.context.close()


def verify(town: Town, bundle: Path) -> None:
    trust = town.system.data_dir / "trust.json"
    result = CliRunner().invoke(
        build_app(), ["verify", str(bundle), "--trust", str(trust), "--rpc", town.system.rpc_url]
    )
    assert result.exit_code == 0, result.output
    assert result.output.rstrip().endswith("VALID")


def bundle_verifies(town: Town, page: Page, address: str) -> None:
    answer = page.request.get(town.system.url + address)
    assert answer.ok
    path = town.system.data_dir / "downloaded-bundle.json"
    path.write_bytes(answer.body())
    verify(town, path)


class TestARedRow:
    def finish(self, walk: Walk, link: Locator, folder: Path) -> None:
        path = walk.download(link, folder)
        assert walk.clicks <= CLICKS_MAX
        verify(walk.town, path)

    def test_of_the_inbox_leads_to_a_valid_bundle(self, walk: Walk, trouble: Trouble, tmp_path: Path) -> None:
        walk.start("/cases?state=all&kind=weight-difference")
        walk.click(walk.page.locator(f'a[href="/cases/{trouble.difference}"]'))
        self.finish(walk, walk.page.locator("a[download^=bundle]").first, tmp_path)

    def test_of_the_balance_leads_to_a_valid_bundle(self, walk: Walk, trouble: Trouble, tmp_path: Path) -> None:
        walk.start("/balance")
        walk.click(walk.page.locator("tr.red th a").first)
        walk.click(walk.page.locator('a.button[href^="/verify/"]').first)
        self.finish(walk, walk.page.locator("a[download]"), tmp_path)

    def test_of_the_city_leads_to_a_valid_bundle(self, walk: Walk, trouble: Trouble, tmp_path: Path) -> None:
        walk.start("/city")
        walk.click(walk.page.locator(".figures .bad a").last)
        walk.click(walk.page.locator('.waits a[href^="/balance/"]').first)
        walk.click(walk.page.locator('a.button[href^="/verify/"]').first)
        self.finish(walk, walk.page.locator("a[download]"), tmp_path)

    def test_of_the_citys_scales_leads_to_a_valid_bundle(
        self, walk: Walk, trouble: Trouble, tmp_path: Path
    ) -> None:
        walk.start("/city")
        walk.click(walk.page.locator(".city-list a", has=walk.page.locator(".pill.beyond")).first)
        self.finish(walk, walk.page.locator("a[download]"), tmp_path)

    def test_of_a_lot_leads_to_a_valid_bundle(self, walk: Walk, trouble: Trouble, tmp_path: Path) -> None:
        walk.start(f"/lots/{trouble.lot:024x}")
        expect(walk.page.locator(".pill.beyond").first).to_be_visible()
        walk.click(walk.page.locator(f'a[href="/cases/{trouble.difference}"]'))
        self.finish(walk, walk.page.locator("a[download^=bundle]").first, tmp_path)

    def test_of_an_entry_leads_to_a_valid_bundle(self, walk: Walk, trouble: Trouble, tmp_path: Path) -> None:
        walk.start(f"/verify/{device_text(trouble.take.device)}/{trouble.take.seq}")
        self.finish(walk, walk.page.locator("a[download]"), tmp_path)


class TestTheCasesPages:
    @pytest.mark.parametrize("language", ["zh", "en"])
    @pytest.mark.parametrize("size", [PHONE, DESK])
    def test_are_right_for_everybody(
        self, town: Town, trouble: Trouble, language: str, size: tuple[int, int]
    ) -> None:
        page = town.page(size, language=language)
        addresses = {
            "cases": "/cases?state=all",
            "case-difference": f"/cases/{trouble.difference}",
            "case-amendment": f"/cases/{case_name(CaseKind.AMENDMENT, trouble.proposals[0])}",
            "case-refusal": f"/cases/{case_name(CaseKind.REFUSAL_TO_COLLECT, trouble.declines[0])}",
            "passkey": "/cases/passkey",
        }
        for name, address in addresses.items():
            page.goto(town.system.url + address)
            if name == "passkey":
                page.get_by_test_id("passkey-make").wait_for()
            take_picture(page, name, language, full=True)
            assert overflow_of(page) <= 0, name
            page.evaluate(AXE)
            violations: list[dict[str, Any]] = page.evaluate(_VIOLATIONS)
            assert [(rule["id"], rule["nodes"][0]["html"]) for rule in violations] == [], name
        page.context.close()
