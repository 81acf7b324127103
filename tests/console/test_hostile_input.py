"""What strangers and insiders send to do harm: markup, another's ids, and files that are not what they say."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
import zlib
from typing import Any, Final

import pytest
from console_city import CITY, CREW, PARK, RECYCLER, STATION
from fastapi.testclient import TestClient
from people_city import PeopleCity, form_token, group_of, routes_of
from PIL import Image
from test_complaint_pages import picture
from test_pages import Page

from backend.console.language import TEXTS
from backend.domain.case_code import code_digest, read_case_code
from backend.domain.permissions import PersonRole, is_permitted
from backend.store.complaints import ComplaintStore, case_text
from backend.store.tables import Complaint, ComplaintPhoto, ComplaintStatement
from backend.usecases.people import invite

ATTACKS: Final = (
    "</textarea></p><script>alert('环')</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "<svg/onload=alert(1)>",
    "{{ 7*7 }}{% include 'base.html' %}",
    "javascript:alert(1)",
    "\u202e<b>\u2066",
)
MEMORY_BYTES_MAX: Final = 64 * 1024 * 1024


def complain(people_city: PeopleCity, index: int = 1, text: str = "", photo: Any = None) -> tuple[str, str]:
    """Complain as a visitor; return the case's page and its public id."""
    answer = send(people_city, index=index, text=text, photo=photo)
    assert answer.status_code == 303, answer.text
    address = str(answer.headers["location"])
    with people_city.write() as connection:
        case = ComplaintStore(connection).find_case(code_digest(read_case_code(address.split("/")[2])))
    assert case is not None
    return address, case_text(case)


def send(people_city: PeopleCity, *, index: int = 1, text: str = "", photo: Any = None) -> Any:
    visitor, number = people_city.visitor(), people_city.city.bins[index]["number"]
    page = Page(visitor.get(f"/bins/{number}/complaint").text)
    token = next(str(each["value"]) for each in page.all("input") if each.get("name") == "token")
    data = {"token": token, "kind": "3", "text": text, "website": ""}
    return visitor.post(f"/bins/{number}/complaint", data=data, files={"photo": photo} if photo else None)


def step(browser: TestClient, case: str, name: str, **fields: Any) -> Any:
    return browser.post(f"/desk/complaints/{case}/{name}", data={"token": form_token(browser), **fields})


def a_fact(browser: TestClient, case: str) -> str:
    page = Page(browser.get(f"/desk/complaints/{case}").text)
    return next(str(each["value"]) for each in page.all("input") if each.get("name") == "fact")


def require_harmless(html: str, where: str) -> None:
    """The words are there as words: as many scripts as any page has, no handler, no frame."""
    page = Page(html)
    assert page.flaws == [], where
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "base"), where
        assert not [name for name in attributes if name.startswith("on")], (where, attributes)
        assert tag != "script" or str(attributes.get("src")).startswith("/console/static/"), where
        assert tag != "img" or attributes.get("src") != "x", where
        assert not str(attributes.get("href") or "").lower().startswith("javascript:"), where


class TestWordsOfPeople:
    @pytest.mark.parametrize("attack", ATTACKS)
    def test_stay_words_wherever_they_are_shown(self, people_city: PeopleCity, attack: str) -> None:
        """A resident's, the city's, the handler's, a rating's and an appeal's, on every page that has them."""
        address, case = complain(people_city, text=attack)
        city, crew = (
            people_city.signed_in(PersonRole.CITY_ADMINISTRATOR),
            people_city.signed_in(PersonRole.DISPATCHER),
        )
        resident = people_city.visitor()
        assert step(city, case, "assign", to=f"{CREW:06x}", text=attack).status_code == 303
        said = {"finding": "1", "fact": a_fact(crew, case), "text": attack}
        assert step(crew, case, "answer", **said).status_code == 303
        shown = {"desk of the handler": crew.get(f"/desk/complaints/{case}")}
        assert step(city, case, "accept", text=attack).status_code == 303
        assert resident.post(f"{address}/rating", data={"stars": "1", "text": attack}).status_code == 303
        assert resident.post(f"{address}/appeal", data={"text": attack}).status_code == 303
        shown |= {
            "complainant": resident.get(address),
            "desk of the city": city.get(f"/desk/complaints/{case}"),
            "form shown again": send(people_city, text=attack, photo=("p", b"none", "image/jpeg")),
            "list": city.get("/desk/complaints"),
        }
        times = {
            "complainant": 6,
            "desk of the city": 6,
            "desk of the handler": 3,
            "form shown again": 1,
            "list": 0,
        }
        for where, answer in shown.items():
            assert Page(answer.text).text.count(attack) == times[where], where
            require_harmless(answer.text, where)

    @pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.isprintable()])
    def test_in_a_persons_name_stay_words(self, people_city: PeopleCity, attack: str) -> None:
        with people_city.people() as people:
            person = invite(
                people, name=attack, role=PersonRole.CITY_ADMINISTRATOR, organisation=CITY, now=people_city.now
            ).person
        browser = people_city.browser_of(person)
        browser.get("/desk/complaints")
        reader = people_city.signed_in(PersonRole.REGULATOR)
        for page in (browser.get("/account"), browser.get("/"), reader.get("/reads")):
            require_harmless(page.text, str(page.url))
        assert attack in Page(browser.get("/account").text).text

    @pytest.mark.parametrize("attack", ATTACKS)
    def test_in_an_address_stay_words(self, people_city: PeopleCity, attack: str) -> None:
        """Whatever a link leads to: every page, with the attack in each parameter that any page reads."""
        names = re.findall(
            r"\w+",
            "q next lang day month period kind state organisation site page device seq by confidence stream flow "
            "code error return token",
        )
        browser = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR)
        asked = 0
        for route in routes_of(people_city.app):
            if "GET" not in route.methods or route.path.startswith(("/api/", "/console/static")):
                continue
            address = "/".join("1" if part.startswith("{") else part for part in route.path.split("/"))
            answer = browser.get(address, params=dict.fromkeys(names, attack))
            assert answer.status_code < 500, address
            if answer.headers.get("content-type", "").startswith("text/html"):
                asked += 1
                require_harmless(answer.text, address)
        assert asked > 30


class TestAnotherOrganisationsCase:
    @pytest.mark.parametrize("role", list(PersonRole))
    def test_is_not_there_for_any_role_of_a_stranger(self, people_city: PeopleCity, role: PersonRole) -> None:
        """By its id, its photo and each of its steps, with a good session and a good form."""
        _, case = complain(people_city, text="只给负责的单位看", photo=("p", picture(), "image/jpeg"))
        before = rows(people_city)
        for organisation in (CREW, STATION, PARK, RECYCLER):
            stranger = people_city.signed_in(role, organisation=organisation)
            for route in routes_of(people_city.app):
                if "/desk/complaints/{case}" not in route.path:
                    continue
                address = route.path.replace("{case}", case).replace("{number}", "0")
                for method in route.methods:
                    data = {"token": form_token(stranger), "to": f"{CREW:06x}", "finding": "1", "sure": "1"}
                    answer = stranger.request(method, address, **({"data": data} if method == "POST" else {}))
                    group = group_of(route)
                    assert group is not None, address
                    wanted = 404 if is_permitted(role, group) else 403
                    assert answer.status_code == wanted, (method, address, organisation)
                    assert "只给负责的单位看" not in answer.text
        assert rows(people_city) == before

    def test_cannot_be_acted_on_with_a_field_that_names_another(self, people_city: PeopleCity) -> None:
        _, case = complain(people_city)
        stranger = people_city.signed_in(PersonRole.CITY_ADMINISTRATOR, organisation=CREW)
        for name in ("by", "organisation", "owner", "as", "supervisor"):
            answer = step(stranger, case, "assign", to=f"{CREW:06x}", **{name: f"{CITY:06x}"})
            assert answer.status_code == 404, name

    def test_code_opens_no_other_case(self, people_city: PeopleCity) -> None:
        mine, _ = complain(people_city, text="甲")
        _, case = complain(people_city, index=2, text="乙", photo=("p", picture(), "image/jpeg"))
        visitor = people_city.visitor()
        for address in (f"/complaints/{case}", f"/complaints/{case}/record.json", f"/complaints/{case}/photo/0",
                        f"{mine}/photo/0", f"{mine}/../{case}", f"/desk/complaints/{case}"):  # fmt: skip
            answer = visitor.get(address)
            assert answer.status_code in (303, 404), address
            assert "乙" not in answer.text
        assert visitor.post(f"{mine}/withdraw", data={"case": case}).status_code == 303
        with people_city.write() as connection:
            other = ComplaintStore(connection).find_row(int(case, 16))
        assert other is not None
        assert other.closed_at is None


def rows(people_city: PeopleCity) -> tuple[int, ...]:
    return tuple(people_city.count(model) for model in (Complaint, ComplaintStatement, ComplaintPhoto))


def png(width: int, height: int) -> bytes:
    """A picture of zeros that is small until somebody draws it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    squeezer, rows_left, lines = zlib.compressobj(9), height, b""
    while rows_left:
        count = min(rows_left, 256)
        lines += squeezer.compress(bytes((1 + 3 * width) * count))
        rows_left -= count
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", lines + squeezer.flush())
        + chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    """A small picture whose comment is 100 MB once it is unpacked."""
    head, tail = picture(format="PNG")[:33], picture(format="PNG")[33:]
    data = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    return head + chunk + tail


def frames_bomb() -> bytes:
    """Thousands of frames behind one small one."""
    drawn = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), (n % 256, 0, 0)) for n in range(300)]
    frames[0].save(drawn, "WEBP", save_all=True, append_images=frames[1:])
    return drawn.getvalue()


SVG: Final = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HTML: Final = b"<!doctype html><script>alert(1)</script>"
JPEG_HEAD: Final = b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00\xff\xd9"
COMMENT: Final = b"\xff\xfe\x00\x1b<script>alert(1)</script>"
PROFILE: Final = b"\0\0\0\x19iCCPx\0\0<script>alert(1)</scr\0\0\0\0"
PNG: Final = picture(format="PNG")
REFUSED: Final = {
    "svg": ("photo.svg", SVG, "image/svg+xml"),
    "svg as jpeg": ("photo.jpg", SVG, "image/jpeg"),
    "html as png": ("photo.png", HTML, "image/png"),
    "huge dimensions": ("photo.png", png(9_000, 9_000), "image/png"),
    "huge jpeg header": ("photo.jpg", picture()[:2] + JPEG_HEAD, "image/jpeg"),
    "zip": ("photo.zip", b"PK\x03\x04" + bytes(200), "application/zip"),
    "postscript": ("photo.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "application/postscript"),
    "tiff": ("photo.tif", picture(format="TIFF"), "image/tiff"),
    "icon": ("photo.ico", picture(format="ICO"), "image/x-icon"),
    "nothing but a name": ("../../../../etc/passwd", b"\0", "image/jpeg"),
}
REDRAWN: Final = {
    "script behind the picture": ("photo.jpg", picture() + HTML, "image/jpeg"),
    "script in a comment": ("photo.jpg", picture()[:2] + COMMENT + picture()[2:], "image/jpeg"),
    "script in a colour profile": ("photo.png", PNG[:33] + PROFILE + PNG[33:], "image/png"),
    "a picture that says it is html": ("x.html", picture(), "text/html"),
    "a path for a name": ("../../../../tmp/evil.jpg", picture(), "image/jpeg"),
    "a name of markup": ('"><script>alert(1)</script>.jpg', picture(), "image/jpeg"),
    "many frames": ("photo.webp", frames_bomb(), "image/webp"),
}


class TestAPhoto:
    @pytest.mark.parametrize("name", REFUSED)
    def test_that_is_none_is_refused_and_not_kept(self, people_city: PeopleCity, name: str) -> None:
        tracemalloc.start()
        answer = send(people_city, text="留着", photo=REFUSED[name])
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.status_code == 422
        assert TEXTS["zh"]["complain.wrong.photo"] in answer.text
        assert "留着" in answer.text
        assert rows(people_city) == (0, 0, 0)
        assert used < MEMORY_BYTES_MAX

    @pytest.mark.parametrize("name", REDRAWN)
    def test_that_is_more_than_a_picture_becomes_nothing_but_one(self, people_city: PeopleCity, name: str) -> None:
        answer = send(people_city, photo=REDRAWN[name])
        if answer.status_code == 422:  # refused is as good as redrawn
            assert rows(people_city) == (0, 0, 0)
            return
        shown = people_city.visitor().get(answer.headers["location"] + "/photo/0")
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["content-disposition"] == 'inline; filename="photo.jpg"'
        assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert b"script" not in shown.content
        assert b"evil" not in shown.content
        kept = Image.open(io.BytesIO(shown.content))
        assert (kept.format, getattr(kept, "n_frames", 1)) == ("JPEG", 1)

    def test_whose_comment_would_fill_memory_fills_none(self, people_city: PeopleCity) -> None:
        bomb = ("photo.png", text_bomb(), "image/png")
        tracemalloc.start()
        answer = send(people_city, photo=bomb)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.status_code in (303, 422)
        assert used < MEMORY_BYTES_MAX

    def test_comes_alone(self, people_city: PeopleCity) -> None:
        """Two photos, a file where words belong, and fields without end are no form."""
        visitor, number = people_city.visitor(), people_city.city.bins[1]["number"]
        page = Page(visitor.get(f"/bins/{number}/complaint").text)
        token = next(str(each["value"]) for each in page.all("input") if each.get("name") == "token")
        data, one = {"token": token, "kind": "3", "text": "", "website": ""}, ("p.jpg", picture(), "image/jpeg")
        for files in ([("photo", one), ("photo", one)], [("text", one), ("photo", one)]):
            assert visitor.post(f"/bins/{number}/complaint", data=data, files=files).status_code == 400
        many = data | {f"x{n}": "1" for n in range(50)}
        assert visitor.post(f"/bins/{number}/complaint", data=many).status_code == 400
        assert rows(people_city) == (0, 0, 0)
