"""To complain from the bin's code on, to follow the case by its code, and what strangers may not do."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from console_city import CITY, CREW, HOSTILE, MORNING, City
from console_client import client_of
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import Connection, select
from test_pages import Page

from backend.console.deps import ConsoleDeps
from backend.console.forms import RateLimit
from backend.console.language import TEXTS
from backend.domain.case_code import code_digest, read_case_code
from backend.domain.complaint_statements import Act, read_statement, salted_digest
from backend.domain.complaints import Stage, fold_case
from backend.domain.label import giai_of
from backend.domain.recorded import EntryId
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.store.complaints import ComplaintStore
from backend.store.tables import Complaint, ComplaintPhoto, ComplaintStatement, table_of
from backend.usecases.complaints import step_complaint

RULES = load_complaint_rules()
LANGUAGES = ("zh", "en")
OWN = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Neighbourhood:
    """A city whose residents complain: its pages, its clock, and what its organisations do."""

    city: City
    deps: ConsoleDeps
    now: int = MORNING + 86_400
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.deps = replace(self.deps, write=self.write, now=lambda: self.now)
        self.client = self.visitor()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.city.database.transaction() as connection:
            yield connection

    def visitor(self) -> TestClient:
        return client_of(self.deps)

    def bin(self, index: int = 1) -> str:
        number: str = self.city.bins[index]["number"]
        return number

    def form(self, client: TestClient | None = None, index: int = 1) -> str:
        """Open the form; return its token."""
        page = Page((client or self.client).get(f"/bins/{self.bin(index)}/complaint").text)
        return next(str(each["value"]) for each in page.all("input") if each.get("name") == "token")

    def send(self, client: TestClient | None = None, index: int = 1, **fields: Any) -> Any:
        client = client or self.client
        files = {"photo": ("p", fields.pop("photo"), "image/jpeg")} if "photo" in fields else None
        headers = fields.pop("headers", OWN)
        token = fields.pop("token", None) or self.form(client, index)
        data = {"token": token, "kind": "3", "text": "", "website": "", **fields}
        address = f"/bins/{self.bin(index)}/complaint"
        return client.post(address, data=data, files=files, headers=headers, follow_redirects=False)

    def complain(self, **fields: Any) -> str:
        """Complain; return the address of the case."""
        answer = self.send(**fields)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def case_of(self, address: str) -> int:
        with self.write() as connection:
            case = ComplaintStore(connection).find_case(code_digest(read_case_code(address.split("/")[2])))
        assert case is not None
        return case

    def step(self, address: str, act: Act, by: int, **values: Any) -> None:
        case = self.case_of(address)
        with self.write() as connection:
            step_complaint(ComplaintStore(connection), case, RULES, act=act, by=by, now=self.now, **values)

    def a_lift(self) -> EntryId:
        with self.city.read() as reader:
            trace = reader.find_bin_trace(self.bin())
        assert trace is not None
        entry = trace.lifts[0].entry
        return EntryId(int(entry.device, 16), entry.seq)

    def answer(self, address: str, **values: Any) -> None:
        self.step(address, Act.ASSIGN, CITY, to=CREW)
        self.step(address, Act.ANSWER, CREW, **{"finding": 1, "facts": (self.a_lift(),), **values})
        self.step(address, Act.ACCEPT, CITY)

    def stored(self) -> str:
        """Everything that is stored of complaints, as text."""
        with self.write() as connection:
            rows = [connection.execute(select(table_of(t))).all() for t in (Complaint, ComplaintStatement)]
        return repr(rows)


@pytest.fixture
def neighbourhood(city: City, deps: ConsoleDeps) -> Iterator[Neighbourhood]:
    made = Neighbourhood(city, deps)
    yield made
    with made.write() as connection:
        for table in (ComplaintPhoto, ComplaintStatement, Complaint):
            connection.execute(table_of(table).delete())


def picture(width: int = 40, height: int = 20, *, format: str = "JPEG", exif: Any = None) -> bytes:
    drawn = io.BytesIO()
    values = {} if exif is None else {"exif": exif}
    Image.new("RGB", (width, height), (200, 30, 30)).save(drawn, format, **values)
    return drawn.getvalue()


class TestCode:
    def test_leads_to_four_branches(self, neighbourhood: Neighbourhood) -> None:
        page = Page(neighbourhood.client.get(f"/8004/{giai_of(neighbourhood.city.serial(1))}").text)
        links = [a["href"] for a in page.all("a")]
        assert {"#last", "#services", "#oversight", f"/bins/{neighbourhood.bin()}/complaint"} <= set(links)
        ids = {attrs.get("id") for _, attrs in page.tags}
        assert {"last", "services", "oversight"} <= ids
        for name in ("information", "complaint", "services", "oversight"):
            assert TEXTS["zh"][f"branch.{name}"] in page.text
        assert page.flaws == []

    def test_says_of_a_branch_that_is_not_there_that_it_is_not(self, neighbourhood: Neighbourhood) -> None:
        text = neighbourhood.client.get(f"/8004/{giai_of(neighbourhood.city.serial(1))}").text
        assert TEXTS["zh"]["oversight.not_yet"] in text
        assert f"/bins/{neighbourhood.bin()}/pickup" in text


class TestPickUp:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_is_asked_for_with_a_day_and_followed_like_a_complaint(
        self, neighbourhood: Neighbourhood, language: str
    ) -> None:
        client, texts = neighbourhood.client, TEXTS[language]
        client.headers["Accept-Language"] = language
        page = Page(client.get(f"/bins/{neighbourhood.bin()}/pickup").text)
        assert page.flaws == []
        assert texts["pickup.about"] in page.text
        (day,) = (each for each in page.all("input") if each.get("type") == "date")
        assert (day["min"], day["max"]) == ("2026-03-03", "2026-03-16")
        address = neighbourhood.complain(kind="8", wanted="2026-03-05", text="旧沙发一张")
        page = Page(client.get(address).text)
        assert page.flaws == []
        assert texts["pickup.case"] in page.text
        assert "2026-03-05" in page.text
        neighbourhood.step(address, Act.ASSIGN, CITY, to=CREW)
        assert "03-06 00:00" in Page(client.get(address).text).text
        html = client.get("/complaints").text
        assert texts["complaints.none"] in html
        assert texts["complaints.pickups"].format(count=1, overdue=0) in html

    @pytest.mark.parametrize("day", ["", "2026-03-02", "2026-03-17", "tomorrow", "2026-02-30", "0001-01-01"])
    def test_is_refused_on_another_day(self, neighbourhood: Neighbourhood, day: str) -> None:
        answer = neighbourhood.send(kind="9", wanted=day, text="留着")
        assert answer.status_code == 422
        assert TEXTS["zh"]["complain.wrong.day"] in answer.text
        assert TEXTS["zh"]["pickup.title"] in answer.text
        assert "留着" in answer.text

    def test_is_withdrawn_by_whoever_asked(self, neighbourhood: Neighbourhood) -> None:
        address, client = neighbourhood.complain(kind="10", wanted="2026-03-05"), neighbourhood.client
        assert client.post(f"{address}/withdraw", follow_redirects=False).status_code == 303
        text = Page(client.get(address).text).text
        assert TEXTS["zh"]["complaint.act.withdraw"] in text
        assert TEXTS["zh"]["complaint.withdrawn"] in text
        assert TEXTS["zh"]["complaint.ahead"] not in text
        again = client.post(f"{address}/withdraw")
        assert TEXTS["zh"]["complaint.wrong.case-closed"] in again.text


class TestForm:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_is_whole_in_both_languages(self, neighbourhood: Neighbourhood, language: str) -> None:
        answer = neighbourhood.client.get(
            f"/bins/{neighbourhood.bin()}/complaint", headers={"Accept-Language": language}
        )
        page = Page(answer.text)
        assert page.flaws == []
        assert TEXTS[language]["complain.privacy"] in page.text
        assert len([i for i in page.all("input") if i.get("type") == "radio"]) == 7
        assert answer.headers["cache-control"] == "private, no-store"

    def test_becomes_a_case_that_is_found_by_its_code_only(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain(text="桶满了")
        code = address.split("/")[2]
        assert re.fullmatch(r"([0-9A-Z]{5}-){4}[0-9A-Z]{5}", code)
        assert code.replace("-", "") not in neighbourhood.stored()
        text = Page(neighbourhood.client.get(address).text).text
        assert code in text
        assert "桶满了" in text
        assert TEXTS["zh"]["complaint.stage.2"] in text

    def test_sent_twice_is_one_case(self, neighbourhood: Neighbourhood) -> None:
        token = neighbourhood.form()
        first, second = (neighbourhood.complain(token=token, text="满了") for _ in range(2))
        assert first == second
        assert neighbourhood.complain(token=token, text="还是满的") != first

    def test_is_refused_from_another_site(self, neighbourhood: Neighbourhood) -> None:
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ):
            answer = neighbourhood.send(headers=headers, text="留着")
            assert answer.status_code == 403
            assert "留着" in answer.text
        assert neighbourhood.send(headers={"Origin": "http://testserver"}).status_code == 303

    def test_is_refused_without_the_visitors_own_token(self, neighbourhood: Neighbourhood) -> None:
        other = neighbourhood.form(neighbourhood.visitor())
        assert neighbourhood.send(token=other).status_code == 403
        assert neighbourhood.send(token="x" * 43).status_code == 403
        assert neighbourhood.send(token="short").status_code == 403
        stranger = neighbourhood.visitor()
        assert neighbourhood.send(stranger, token=other).status_code == 403

    def test_is_refused_from_a_program_that_fills_in_everything(self, neighbourhood: Neighbourhood) -> None:
        answer = neighbourhood.send(website="https://spam.example", text="买药")
        assert answer.status_code == 400
        assert TEXTS["zh"]["complain.wrong.trap"] in answer.text

    @pytest.mark.parametrize("kind", ["", "0", "11", "-1", "1.0", "99999999999999999999", "三"])
    def test_is_refused_without_a_kind(self, neighbourhood: Neighbourhood, kind: str) -> None:
        answer = neighbourhood.send(kind=kind, text="留着")
        assert answer.status_code == 422
        assert TEXTS["zh"]["complain.wrong.kind"] in answer.text
        assert "留着" in answer.text

    def test_is_refused_when_it_is_too_long(self, neighbourhood: Neighbourhood) -> None:
        assert neighbourhood.send(text="满" * 501).status_code == 422
        assert neighbourhood.send(text="满" * 500).status_code == 303

    def test_is_refused_when_it_is_no_form(self, neighbourhood: Neighbourhood) -> None:
        headers = {**OWN, "Content-Type": "multipart/form-data; boundary=x"}
        address = f"/bins/{neighbourhood.bin()}/complaint"
        assert neighbourhood.client.post(address, content=b"nothing", headers=headers).status_code in (400, 403)
        many = {f"f{n}": "1" for n in range(50)}
        answer = neighbourhood.client.post(address, data=many, headers=OWN)
        assert answer.status_code in (400, 403)

    def test_is_refused_for_a_bin_that_is_not_there(self, neighbourhood: Neighbourhood) -> None:
        for number in ("ffffffffff", "1", "<script>"):
            assert neighbourhood.client.get(f"/bins/{number}/complaint").status_code == 404
            assert neighbourhood.client.post(f"/bins/{number}/complaint", data={}).status_code == 404

    def test_is_refused_when_one_address_sends_too_many(self, neighbourhood: Neighbourhood) -> None:
        answers = [neighbourhood.send(index=n, text=str(n)).status_code for n in range(22)]
        assert answers == [303] * 20 + [429] * 2
        neighbourhood.now += 601
        assert neighbourhood.send(text="later").status_code == 303

    def test_is_refused_when_a_bin_has_too_many(self, city: City, neighbourhood: Neighbourhood) -> None:
        for n in range(12):
            neighbourhood.complain(text=str(n))
        answer = neighbourhood.send(text="one more")
        assert answer.status_code == 429
        assert answer.headers["retry-after"]
        assert TEXTS["zh"]["complain.wrong.many"] in answer.text

    def test_is_not_offered_where_nothing_can_be_written(self, deps: ConsoleDeps, city: City) -> None:
        client = client_of(replace(deps, write=None))
        address = f"/bins/{city.bins[1]['number']}/complaint"
        assert client.get(address).status_code == 404
        assert client.post(address, data={}).status_code == 404


class TestRateLimit:
    def test_forgets_the_oldest_address_rather_than_grow(self) -> None:
        limit = RateLimit(count=1, window_seconds=60, now=lambda: 0)
        assert limit.allows("first")
        assert not limit.allows("first")
        for number in range(10_000):
            assert limit.allows(f"other {number}")
        assert limit.allows("first")


class TestPhoto:
    def test_is_redrawn_small_upright_and_without_metadata(self, neighbourhood: Neighbourhood) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # the phone was held upright
        exif[0x010F] = "SecretPhone"
        exif.get_ifd(0x8825)[1] = "N"
        sent = picture(2600, 1300, exif=exif)
        assert b"SecretPhone" in sent
        address = neighbourhood.complain(photo=sent)
        answer = neighbourhood.client.get(f"{address}/photo/0")
        assert answer.status_code == 200
        assert b"SecretPhone" not in answer.content
        kept = Image.open(io.BytesIO(answer.content))
        assert (kept.format, kept.size) == ("JPEG", (640, 1280))
        assert not kept.getexif()
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "no-store" in answer.headers["cache-control"]

    @pytest.mark.parametrize("format", ["PNG", "WEBP"])
    def test_may_be_png_or_webp(self, neighbourhood: Neighbourhood, format: str) -> None:
        address = neighbourhood.complain(photo=picture(format=format))
        assert neighbourhood.client.get(f"{address}/photo/0").content.startswith(b"\xff\xd8\xff")

    @pytest.mark.parametrize(
        "content",
        [
            b"<script>alert(1)</script>",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            b"GIF89a" + bytes(100),
            picture(format="GIF"),
            picture(format="BMP"),
            picture()[:-200],
            b"\xff\xd8\xff" + b"\0" * 100,
            picture(5000, 5000, format="PNG"),
            picture() + bytes(10 * 1024 * 1024),
        ],
    )  # fmt: skip
    def test_is_refused_when_it_is_none(self, neighbourhood: Neighbourhood, content: bytes) -> None:
        answer = neighbourhood.send(photo=content, text="留着")
        assert answer.status_code == 422
        assert TEXTS["zh"]["complain.wrong.photo"] in answer.text
        assert "留着" in answer.text

    def test_hides_nothing_behind_its_end(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain(photo=picture() + b"<script>alert(1)</script>")
        assert b"script" not in neighbourhood.client.get(f"{address}/photo/0").content

    def test_is_shown_to_nobody_else(self, neighbourhood: Neighbourhood) -> None:
        with_photo = neighbourhood.complain(photo=picture())
        other = neighbourhood.complain(index=2)
        for address in (
            f"{other}/photo/0",
            f"{with_photo}/photo/1",
            f"{with_photo}/photo/x",
            "/complaints/x/photo/0",
        ):
            assert neighbourhood.client.get(address).status_code == 404


class TestCase:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_shows_the_whole_way_in_both_languages(self, neighbourhood: Neighbourhood, language: str) -> None:
        address = neighbourhood.complain(text="满了")
        neighbourhood.answer(address, text="已收运")
        answer = neighbourhood.client.get(address, headers={"Accept-Language": language})
        page = Page(answer.text)
        assert page.flaws == []
        assert "None" not in page.text
        for stage in Stage:
            assert TEXTS[language][f"complaint.stage.{stage}"] in page.text
        assert "已收运" in page.text
        lift = neighbourhood.a_lift()
        assert f"/verify/{lift.device:016x}/{lift.seq}" in answer.text
        ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
        assert len(ids) == len(set(ids))

    def test_has_the_bins_custody_facts_attached(self, neighbourhood: Neighbourhood) -> None:
        declined = next(i for i, b in enumerate(neighbourhood.city.bins) if b["stream"] == 3)
        neighbourhood.now = MORNING + 3600
        html = neighbourhood.client.get(neighbourhood.complain(index=declined)).text
        refusal = f"{TEXTS['zh']['kind.20']} · {TEXTS['zh']['decline.1']}"
        assert refusal in Page(html).text
        with neighbourhood.city.read() as reader:
            (entry,) = reader.refusals_to_collect(neighbourhood.bin(declined), since=0)
            trace = reader.find_bin_trace(neighbourhood.bin(declined))
            assert reader.refusals_to_collect(neighbourhood.bin(declined), since=10**10) == []
        assert f"/verify/{entry.device}/{entry.seq}" in html
        assert trace is not None
        for lift in trace.lifts[:6]:
            assert f"/verify/{lift.entry.device}/{lift.entry.seq}" in html
        other = neighbourhood.client.get(neighbourhood.complain(index=declined + 1)).text
        assert refusal not in Page(other).text

    def test_is_kept_by_nobody_on_the_way(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain()
        headers = neighbourhood.client.get(address).headers
        assert headers["referrer-policy"] == "no-referrer"
        assert "noindex" in headers["x-robots-tag"]
        assert headers["cache-control"] == "private, no-store"

    def test_is_overdue_in_red_once_its_clock_has_run_out(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain()
        overdue = TEXTS["zh"]["complaint.overdue_by"]
        neighbourhood.now += 4 * 3600 - 1
        assert overdue not in neighbourhood.client.get(address).text
        neighbourhood.now += 3 * 3600 + 1
        text = neighbourhood.client.get(address).text
        assert overdue in text
        assert TEXTS["zh"]["complaint.hours"].format(count=3) in text
        assert 'class="stage now late"' in text
        neighbourhood.step(address, Act.ASSIGN, CITY, to=CREW)
        text = neighbourhood.client.get(address).text
        assert overdue not in text
        assert 'class="stage done late"' in text

    def test_is_rated_appealed_and_closed(self, neighbourhood: Neighbourhood) -> None:
        address, client = neighbourhood.complain(), neighbourhood.client
        assert "/rating" not in client.get(address).text
        neighbourhood.answer(address)
        assert "/rating" in client.get(address).text
        answer = client.post(f"{address}/rating", data={"stars": "2", "text": "慢"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, address)
        text = client.get(address).text
        assert TEXTS["zh"]["complaint.stars.2"] in text
        assert "/rating" not in text
        again = client.post(f"{address}/rating", data={"stars": "5"})
        assert again.status_code == 422
        assert TEXTS["zh"]["complaint.wrong.already-rated"] in again.text
        assert client.post(f"{address}/appeal", data={"text": "没有来"}, follow_redirects=False).status_code == 303
        neighbourhood.answer(address)
        neighbourhood.now += 121 * 3600
        neighbourhood.step(address, Act.CLOSE, CITY)
        text = client.get(address).text
        assert "/appeal" not in text
        assert TEXTS["zh"]["complaint.closed"] in text
        late = client.post(f"{address}/appeal", data={})
        assert TEXTS["zh"]["complaint.wrong.already-appealed"] in late.text

    @pytest.mark.parametrize("stars", ["", "0", "6", "10", "-1", "<script>", "五"])
    def test_takes_no_other_rating(self, neighbourhood: Neighbourhood, stars: str) -> None:
        address = neighbourhood.complain()
        neighbourhood.answer(address)
        answer = neighbourhood.client.post(f"{address}/rating", data={"stars": stars})
        assert answer.status_code == 422
        assert TEXTS["zh"]["complaint.wrong.stars-out-of-range"] in answer.text

    def test_takes_no_step_that_is_not_the_complainants(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain()
        assert neighbourhood.client.post(f"{address}/appeal", data={}).status_code == 422
        for step in ("assign", "answer", "close"):
            assert neighbourhood.client.post(f"{address}/{step}", data={}).status_code in (404, 405)

    @pytest.mark.parametrize("field", ["text of the report", "answer", "rating", "appeal"])
    def test_lets_no_text_become_markup(self, neighbourhood: Neighbourhood, field: str) -> None:
        attack = "</textarea></p><script>alert('环')</script><img src=x onerror=alert(1)>{{ 7*7 }}"
        address = neighbourhood.complain(text=attack if field == "text of the report" else "")
        neighbourhood.answer(address, text=attack if field == "answer" else "")
        if field == "rating":
            neighbourhood.client.post(f"{address}/rating", data={"stars": "1", "text": attack})
        if field == "appeal":
            neighbourhood.client.post(f"{address}/appeal", data={"text": attack})
        html = neighbourhood.client.get(address).text
        assert attack in Page(html).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert Page(html).flaws == []

    def test_lets_no_text_become_markup_in_the_form_shown_again(self, neighbourhood: Neighbourhood) -> None:
        for name in ("kind", "text", "token", "website"):
            html = neighbourhood.send(**{"kind": "9", name: f'"></textarea>{HOSTILE}'}).text
            assert HOSTILE not in html, name
        html = neighbourhood.client.post("/complaints", data={"code": HOSTILE}).text
        assert HOSTILE not in html

    def test_is_not_found_by_guessing(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain(text="秘密")
        code = address.split("/")[2]
        case = f"{neighbourhood.case_of(address):024x}"
        wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
        for other in (
            wrong,
            case,
            "00000-00000-00000-00000-00000",
            "%27%20or%201%3D1",
            "..%2Fcomplaints",
            "x" * 5000,
        ):
            for path, post in (("", False), ("/record.json", False), ("/rating", True), ("/erase", True)):
                url = f"/complaints/{other}{path}"
                data = {"stars": "5", "sure": "1"}
                answer = neighbourhood.client.post(url, data=data) if post else neighbourhood.client.get(url)
                assert answer.status_code == 404, url
                assert "秘密" not in answer.text
        assert "秘密" in neighbourhood.client.get(address).text

    def test_is_found_by_its_code_typed_in(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain()
        typed = address.split("/")[2].replace("-", " ").lower()
        answer = neighbourhood.client.post("/complaints", data={"code": typed}, follow_redirects=False)
        assert answer.headers["location"] == address
        wrong = neighbourhood.client.post("/complaints", data={"code": "12345"})
        assert wrong.status_code == 422
        assert TEXTS["zh"]["complaints.wrong.code"] in wrong.text

    def test_leaves_no_code_in_the_log_when_its_page_breaks(
        self, neighbourhood: Neighbourhood, caplog: pytest.LogCaptureFixture
    ) -> None:
        address = neighbourhood.complain()

        def broken(_device: str, _seq: int) -> None:
            raise RuntimeError("the verifier fell over")

        case, lift = neighbourhood.case_of(address), neighbourhood.a_lift()
        with neighbourhood.write() as connection:
            ComplaintStore(connection).put_anchor(case, 0, lift)
        client = client_of(replace(neighbourhood.deps, verify_entry=broken))
        assert client.get(address).status_code == 200, "an anchor that holds something else is not verified"
        assert TEXTS["zh"]["complaint.anchor.foreign"] in client.get(address).text

        @contextmanager
        def away() -> Iterator[Any]:
            raise RuntimeError("no database")
            yield

        with caplog.at_level(logging.INFO):
            assert client_of(replace(neighbourhood.deps, read=away)).get(address).status_code == 500
        ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("backend"))
        assert "/complaints/{code}" in ours
        assert address.split("/")[2] not in ours


class TestHotlineLine:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_says_what_the_hotline_knows(self, neighbourhood: Neighbourhood, language: str) -> None:
        address, texts = neighbourhood.complain(), TEXTS[language]
        client = client_of(replace(neighbourhood.deps, tells_hotline=True))
        client.headers["Accept-Language"] = language
        assert texts["complaint.hotline.waiting"].format(attempts=0) in client.get(address).text
        case = neighbourhood.case_of(address)
        with neighbourhood.write() as connection:
            ComplaintStore(connection).note_not_told(case, retry_at=0)
        assert texts["complaint.hotline.waiting"].format(attempts=1) in client.get(address).text
        with neighbourhood.write() as connection:
            assert ComplaintStore(connection).note_told(case, statements=1, order="GZ<b>1")
        assert texts["complaint.hotline.told"].format(order="GZ&lt;b&gt;1") in client.get(address).text
        assert "12345" not in neighbourhood.client.get(address).text


class TestErasing:
    def test_deletes_texts_and_photos_and_keeps_the_order_provable(self, neighbourhood: Neighbourhood) -> None:
        address, client = neighbourhood.complain(text="我叫陈某", photo=picture()), neighbourhood.client
        neighbourhood.answer(address, text="联系了陈某")
        assert client.post(f"{address}/erase", data={}).status_code == 422
        assert "我叫陈某" in client.get(address).text
        assert client.post(f"{address}/erase", data={"sure": "1"}, follow_redirects=False).status_code == 303
        html = client.get(address).text
        assert "陈某" not in html + neighbourhood.stored()
        assert TEXTS["zh"]["complaint.text_erased"] in html
        assert TEXTS["zh"]["complaint.photo_erased"] in html
        assert client.get(f"{address}/photo/0").status_code == 404
        record = client.get(f"{address}/record.json").json()
        kept = []
        for each in record["statements"]:
            document = each["document"].encode()
            assert salted_digest(bytes.fromhex(each["salt"]), document).hex() == each["digest"]
            kept.append((read_statement(document), bytes.fromhex(each["digest"])))
            assert each["text"] is None
        assert fold_case(kept, RULES).stage is Stage.CLOSE

    def test_record_binds_the_texts_while_they_are_there(self, neighbourhood: Neighbourhood) -> None:
        address = neighbourhood.complain(text="满了")
        answer = neighbourhood.client.get(f"{address}/record.json")
        assert "attachment" in answer.headers["content-disposition"]
        (report,) = answer.json()["statements"]
        said = json.loads(report["document"])
        digest = salted_digest(bytes.fromhex(report["text_salt"]), report["text"].encode())
        assert digest.hex() == said["text"]


class TestCounts:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_say_how_many_and_nothing_else(self, neighbourhood: Neighbourhood, language: str) -> None:
        empty = neighbourhood.client.get("/complaints", headers={"Accept-Language": language}).text
        assert TEXTS[language]["complaints.none"] in empty
        neighbourhood.complain(text="私事")
        closed = neighbourhood.complain(text="已了")
        neighbourhood.answer(closed)
        neighbourhood.now += 121 * 3600
        neighbourhood.step(closed, Act.CLOSE, CITY)
        html = neighbourhood.client.get("/complaints", headers={"Accept-Language": language}).text
        page = Page(html)
        assert page.flaws == []
        assert "私事" not in html
        for name, count in (("stage.2", 1), ("stage.3", 0), ("stage.0", 1), ("overdue", 1)):
            assert re.search(rf"{TEXTS[language][f'complaint.{name}']}\s*{count}(?!\d)", page.text), name
