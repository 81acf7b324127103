"""Writes tests/vectors/labels.json, which the app's `label.ts` must match as well.

Run `python -m tests.labels.label_vectors` from the project's root after a change of the label format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from backend.domain.keccak import keccak256
from backend.domain.label import (
    ALPHABET,
    COMPANY_PREFIX,
    LabelSerial,
    check_character,
    giai_of,
    human_readable,
    label_url,
    serial_digest,
)

PATH = Path(__file__).parents[1] / "vectors" / "labels.json"
BASE_URL = "https://huanlian.example"


class Good(TypedDict):
    """A serial and everything that follows from it; `texts` are all read as this serial."""

    serial: str
    giai: str
    url: str
    human_readable: str
    serial_digest: str
    texts: list[str]


class Bad(TypedDict):
    """A text that is no label of ours, and the slug of the reason."""

    name: str
    text: str
    slug: str


def build() -> dict[str, object]:
    """Return the whole file's content; the same on every run."""
    return {
        "about": "Labels (docs/spec/entries.md). `good`: serial ⇄ giai ⇄ url, and other texts that name it. "
        "`bad`: read_label(text) fails with this slug. Bytes are lower-case hex.",
        "base_url": BASE_URL,
        "good": good_vectors(),
        "bad": bad_vectors(),
    }


def good_vectors() -> list[Good]:
    """Return the edges of the number space and 21 serials that look random."""
    numbers = [0, 1, 61, 62, 62**21, 2**64, 2**127, 2**128 - 1]
    serials = [number.to_bytes(16, "big") for number in numbers]
    serials += [keccak256(f"label {index}".encode())[:16] for index in range(21)]
    return [_good(LabelSerial(serial)) for serial in serials]


def bad_vectors() -> list[Bad]:
    """Return texts that must be refused, with the reason's slug."""
    giai = giai_of(LabelSerial(keccak256(b"label 0")[:16]))
    other_check = ALPHABET[(ALPHABET.index(giai[-1]) + 1) % 62]
    other_first = ALPHABET[(ALPHABET.index(giai[7]) + 1) % 62]
    too_large = COMPANY_PREFIX + "z" * 22
    too_large += check_character(too_large)
    just_too_large = COMPANY_PREFIX + _base62(2**128)
    just_too_large += check_character(just_too_large)
    at = f"{BASE_URL}/8004/"
    rows = [
        ("empty", "", "empty-label"),
        ("only white space", " \t\r\n", "empty-label"),
        ("check character changed", at + giai[:-1] + other_check, "bad-check-character"),
        (
            "first character of the serial changed",
            at + giai[:7] + other_first + giai[8:],
            "bad-check-character",
        ),
        ("upper and lower case swapped", at + giai.swapcase(), "bad-check-character"),
        ("two neighbours swapped", at + _swap_unequal_neighbours(giai), "bad-check-character"),
        ("check character missing", at + giai[:-1], "wrong-label-length"),
        ("one character twice", at + giai + giai[-1], "wrong-label-length"),
        ("prefix alone", at + COMPANY_PREFIX, "wrong-label-length"),
        ("another company's asset", at + "4006381" + giai[7:], "foreign-prefix"),
        ("prefix cut short", at + "952", "foreign-prefix"),
        ("prefix in full-width digits", at + "９５２００００" + giai[7:], "foreign-prefix"),
        ("a hyphen in the serial", at + giai[:10] + "-" + giai[11:], "bad-label-character"),
        ("percent-encoded character", at + giai[:10] + "%41" + giai[13:], "bad-label-character"),
        ("a letter that is not ASCII", at + giai[:10] + "é" + giai[11:], "bad-label-character"),
        ("full-width letter", at + giai[:10] + "Ａ" + giai[11:], "bad-label-character"),
        ("largest 22 characters", at + too_large, "serial-out-of-range"),
        ("2 to the 128", at + just_too_large, "serial-out-of-range"),
        ("asset number without an address", giai, "not-our-label"),
        ("foreign address", "https://weixin.example/r/abc", "not-our-label"),
        ("another GS1 key", f"{BASE_URL}/01/09520000123456", "not-our-label"),
        ("no asset number", at, "not-our-label"),
        ("more path after the asset number", at + giai + "/21/x", "not-our-label"),
        ("asset number in the query only", f"{BASE_URL}/?x=/8004/" + giai, "not-our-label"),
        ("asset number in the fragment only", f"{BASE_URL}/#/8004/" + giai, "not-our-label"),
        ("other scheme", "ftp://huanlian.example/8004/" + giai, "not-our-label"),
        ("no scheme", "huanlian.example/8004/" + giai, "not-our-label"),
        ("no host", "https:///8004/" + giai, "not-our-label"),
        ("white space inside", f"{BASE_URL} /8004/" + giai, "not-our-label"),
        ("two lines", at + giai + "\n" + at + giai, "not-our-label"),
        ("a Wi-Fi code", "WIFI:T:WPA;S:x;P:y;;", "not-our-label"),
        ("too long", f"{BASE_URL}/{'a' * 2048}/8004/{giai}", "not-our-label"),
    ]
    return [{"name": name, "text": text, "slug": slug} for name, text, slug in rows]


def write() -> None:
    """Write the file."""
    PATH.write_text(json.dumps(build(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _good(serial: LabelSerial) -> Good:
    giai = giai_of(serial)
    return {
        "serial": serial.hex(),
        "giai": giai,
        "url": label_url(serial, base_url=BASE_URL),
        "human_readable": human_readable(serial),
        "serial_digest": serial_digest(serial).hex(),
        "texts": [
            f"http://localhost:8000/8004/{giai}",
            f"https://192.168.1.7:8443/8004/{giai}/",
            f"HTTPS://City.Example/a/path/8004/{giai}?from=poster",
            f" https://example.com/8004/8004/{giai}/?a=1&b=/8004/x#top\n",
            f"https://环链.example//8004/{giai}#验证",
        ],
    }


def _base62(number: int) -> str:
    characters = ""
    while number:
        number, value = divmod(number, 62)
        characters = ALPHABET[value] + characters
    return characters.rjust(22, "0")


def _swap_unequal_neighbours(giai: str) -> str:
    """Swap the first two neighbours in the serial that differ and whose swap the check character notices."""
    for index in range(8, len(giai) - 2):
        swapped = giai[:index] + giai[index + 1] + giai[index] + giai[index + 2 :]
        if swapped != giai and check_character(swapped[:-1]) != giai[-1]:
            return swapped
    raise ValueError(giai)


if __name__ == "__main__":
    write()
