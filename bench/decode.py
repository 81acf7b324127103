"""Real photos of codes beside the library's own best settings, and videos of hard labels of ours."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.browsing import ROOT, how_busy, middle, missing_commands, open_browser, use_helpers
from bench.report import Report

PHOTOS = ROOT.parent / "shared" / "data" / "qr_photos"
LABELS_A_KIND = 20
WITHIN_TWO_SECONDS = 0.95
_GRID: dict[str, tuple[Any, ...]] = {
    "binarizer": ("LocalAverage", "GlobalHistogram", "FixedThreshold"),
    "tryDenoise": (False, True),
    "maxNumberOfSymbols": (1, 255),
    "downscaled": ((3, 500), None, (2, 200)),
}
"""`downscaled`: by which factor, and from which size on."""
_USUAL = {"formats": ["QRCode"], "textMode": "HRI"}
"""As the library comes."""


@dataclass(frozen=True)
class Photo:
    """A picture and what its code says."""

    name: str
    png: bytes
    truth: str


@dataclass(frozen=True)
class Score:
    """How one way of reading did over all photos."""

    exact: int
    wrong: tuple[str, ...]
    milliseconds: tuple[float, ...]

    @property
    def shown(self) -> str:
        """Everything in a line."""
        p50, p95 = (middle(list(self.milliseconds), share) for share in (0.5, 0.95))
        wrong = f", read otherwise: {', '.join(self.wrong)}" if self.wrong else ""
        return f"{self.exact} exact, p50 {p50:.1f} ms, p95 {p95:.1f} ms{wrong}"


def missing_material() -> list[str]:
    """Return the photos' folder and commands that are not there."""
    return [*([] if PHOTOS.is_dir() else [str(PHOTOS)]), *missing_commands("chromium")]


def photos() -> list[Photo]:
    """Return all photos that have their truth beside them."""
    files = sorted(PHOTOS.glob("*/*.png"), key=lambda file: (file.parent.name, len(file.name), file.name))
    return [
        Photo(f"{file.parent.name}/{file.stem}", file.read_bytes(), _truth(file.with_suffix(".txt")))
        for file in files
    ]


def _truth(file: Path) -> str:
    return file.read_bytes().decode("utf-8")


def prove(report: Report) -> None:
    """Read everything twice: as the app does, and with every setting of the library."""
    use_helpers()
    from reading_page import open_reading

    with (
        tempfile.TemporaryDirectory(prefix="huanlian-decode-") as folder,
        open_browser() as browser,
        open_reading(browser, Path(folder)) as page,
    ):
        _prove_photos(report, page)
        _prove_labels(report, page)


def _prove_photos(report: Report, page: Any) -> None:
    known = photos()
    report.say(f"\n## {len(known)} photos of codes\n")
    for photo in known:
        page.load(photo.name, photo.png, "png")
    # The first reading of a page fetches and compiles the reader.
    names = [photo.name for photo in known]
    page.ours(names[0])
    ours = _score(known, page.ours(*names))
    tried = [(_score(known, page.theirs(options, *names)), options) for options in _settings()]
    # Of settings that read as many, the quickest.
    best, options = max(tried, key=lambda one: (one[0].exact, -sum(one[0].milliseconds)))
    report.say(f"- zxing-wasm, best of {len(tried)} settings, {_told(options)}: {best.shown}")
    usual = _score(known, page.theirs(_USUAL, *names))
    report.say(f"- zxing-wasm as it comes: {usual.shown}")
    report.check("the app reads as many exactly, or more", ours.exact >= best.exact, ours.shown)
    page.forget()


def _settings() -> Iterator[dict[str, Any]]:
    """Every combination of the grid."""
    for values in itertools.product(*_GRID.values()):
        options = dict(zip(_GRID, values, strict=True))
        smaller = options.pop("downscaled")
        factor, threshold = smaller or (3, 500)
        shrinking = {"tryDownscale": bool(smaller), "downscaleFactor": factor, "downscaleThreshold": threshold}
        yield {**options, **shrinking, "formats": ["QRCode"], "tryHarder": True, "textMode": "Plain"}


def _told(options: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {str(value).lower()}" for name, value in options.items() if name not in ("formats", "tryHarder")
    )


def _score(known: list[Photo], readings: list[Any]) -> Score:
    pairs = list(zip(known, readings, strict=True))
    return Score(
        exact=sum(reading.text == photo.truth for photo, reading in pairs),
        wrong=tuple(photo.name for photo, reading in pairs if reading.text not in (photo.truth, None)),
        milliseconds=tuple(reading.milliseconds for reading in readings),
    )


def _prove_labels(report: Report, page: Any) -> None:
    from hard_labels import KINDS, LOOKS_A_SECOND, SECONDS, hard_labels

    report.say(f"\n## Hard labels, {LABELS_A_KIND} of each kind\n")
    report.say(
        f"Made pictures of 1280 x 720 with a fixed seed (tests/browser/hard_labels.py), as {SECONDS} s of video at"
        f" {LOOKS_A_SECOND} looks a second.\n"
    )
    needed: dict[str, list[int | None]] = {kind: [] for kind in KINDS}
    spent: list[float] = []
    for hard in hard_labels(LABELS_A_KIND):
        looks, text = page.watch(hard.frames())
        needed[hard.kind].append(len(looks) if text == hard.text else None)
        spent += [look.milliseconds for look in looks]
    for kind, looks_needed in needed.items():
        read = [count for count in looks_needed if count is not None]
        seconds = [
            f"{middle([float(count) for count in read], share) / LOOKS_A_SECOND:.1f} s" for share in (0.5, 0.95)
        ]
        report.say(
            f"- {kind}: {len(read)} of {len(looks_needed)} read, after {seconds[0]} (p95 {seconds[1]}) of video"
        )
    every = [count for counts in needed.values() for count in counts]
    share = sum(count is not None for count in every) / len(every)
    what = f"at least {WITHIN_TWO_SECONDS:.0%} are read within {SECONDS} s of video"
    report.check(what, share >= WITHIN_TWO_SECONDS, f"{share:.1%} of {len(every)}")
    p50, p95 = (middle(spent, part) for part in (0.5, 0.95))
    report.say(
        f"- one look at a frame: p50 {p50:.0f} ms, p95 {p95:.0f} ms on this machine, at full speed; {how_busy()}"
    )
