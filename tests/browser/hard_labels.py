"""Bins' labels as a crew meets them: far off, aslant, out of focus, dirty, in the dark. Each as a short video.

Everything follows from a seed. Made pictures are kinder than the street in one way (it is still the printed label)
and harder in another (nothing of a phone's own sharpening): they are no substitute for photos.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from camera import HEIGHT, WIDTH, perspective
from PIL import Image, ImageDraw, ImageFilter

from backend.domain.keccak import keccak256
from backend.domain.label import LabelSerial, label_url
from backend.domain.types import BinNumber, Stream
from backend.labels.layout import HEIGHT_MM, WIDTH_MM, BinLabel, draw_label
from backend.labels.lettering import find_lettering
from backend.labels.png import draw

KINDS = ("small", "tilted", "blurred", "dirty", "dim")
LOOKS_A_SECOND, SECONDS = 10, 2
"""A cheap phone looks at ten frames a second; a label that takes longer than two seconds is typed."""
BASE_URL = "https://bins.example.org"
_FOCAL_PIXELS = 1100
"""About what a phone's main camera has at 1280 pixels: 60 degrees from left to right."""
_DOTS_PER_MM = 8


@dataclass(frozen=True)
class HardLabel:
    """A label, and what makes it hard."""

    kind: str
    seed: str

    @property
    def label(self) -> BinLabel:
        made = keccak256(self.seed.encode())
        return BinLabel(
            BinNumber(int.from_bytes(made[:5], "big")),
            LabelSerial(made[16:]),
            Stream(made[5] % 4 + 1),
            "锦绣里一号楼东侧",
        )

    @property
    def text(self) -> str:
        return label_url(self.label.serial, base_url=BASE_URL)

    def frames(self) -> Iterator[bytes]:
        """Two seconds of it as JPEGs, at the pace at which a phone looks."""
        rng = random.Random(f"{self.kind} {self.seed}")
        held = _held(self.kind, rng)
        flat = _printed(self)
        if self.kind == "dirty":
            flat = _soiled(flat, rng)
        street = _street(rng.randrange(4))
        for number in range(LOOKS_A_SECOND * SECONDS):
            yield _frame(flat, street, held, number, rng)


def hard_labels(count: int) -> list[HardLabel]:
    """So many labels of each kind."""
    return [HardLabel(kind, f"hard {kind} {number}") for kind in KINDS for number in range(count)]


@dataclass(frozen=True)
class _Held:
    """How a phone is held before a label, and how well it sees."""

    distance_mm: float
    tilt: float
    """Radians between the line of sight and the label's own."""
    tilt_towards: float
    roll: float
    blur_mm: float
    """Out of focus by this much on the label, at worst; a phone goes on focusing."""
    light: float
    noise: float


def _held(kind: str, rng: random.Random) -> _Held:
    # Far off a module of the code is two to three pixels wide; else four to six.
    distance = rng.uniform(400, 520) if kind == "small" else rng.uniform(160, 260)
    tilt = rng.uniform(45, 60) if kind == "tilted" else rng.uniform(5, 20)
    return _Held(
        distance_mm=distance,
        tilt=math.radians(tilt),
        tilt_towards=rng.uniform(0, math.tau),
        roll=rng.uniform(0, math.tau) if kind == "tilted" else rng.gauss(0, 0.2),
        blur_mm=rng.uniform(0.75, 1.0) if kind == "blurred" else 0.12,
        light=rng.uniform(0.07, 0.12) if kind == "dim" else rng.uniform(0.7, 1.0),
        noise=rng.uniform(3, 5) if kind == "dim" else 2,
    )


@lru_cache(maxsize=1)
def _printed(hard: HardLabel) -> Image.Image:
    lettering = find_lettering()
    drawing = draw_label(hard.label, base_url=BASE_URL, lettering=lettering)
    return draw(drawing, lettering=lettering, dots_per_inch=round(_DOTS_PER_MM * 25.4)).convert("L")


def _soiled(flat: Image.Image, rng: random.Random) -> Image.Image:
    """Mud, scratches and a film of grease, all over the label."""
    dirt = Image.new("L", flat.size, 0)
    pen = ImageDraw.Draw(dirt)
    for _ in range(26):
        x, y, radius = (
            rng.uniform(0, flat.width),
            rng.uniform(0, flat.height),
            rng.uniform(0.5, 2.3) * _DOTS_PER_MM,
        )
        stretch = rng.uniform(0.6, 1.6)
        pen.ellipse(
            (x - radius * stretch, y - radius, x + radius * stretch, y + radius), fill=rng.randrange(200, 256)
        )
    for _ in range(9):
        x, y, along = rng.uniform(0, flat.width), rng.uniform(0, flat.height), rng.uniform(0, math.tau)
        length = rng.uniform(8, 30) * _DOTS_PER_MM
        end = x + length * math.cos(along), y + length * math.sin(along)
        pen.line((x, y, *end), fill=230, width=rng.randrange(2, 6))
    dirt = dirt.filter(ImageFilter.GaussianBlur(_DOTS_PER_MM * 0.2))
    muddy = Image.composite(Image.new("L", flat.size, rng.randrange(70, 120)), flat, dirt)
    film = Image.effect_noise((flat.width // 16, flat.height // 16), 70).resize(
        flat.size, Image.Resampling.BICUBIC
    )
    return Image.blend(muddy, film, 0.25)


@lru_cache(maxsize=4)
def _street(number: int) -> Image.Image:
    return _noise_picture((WIDTH, HEIGHT), random.Random(number), coarse=12)


def _noise_picture(size: tuple[int, int], rng: random.Random, *, coarse: int) -> Image.Image:
    drawn = np.random.default_rng(rng.randrange(1 << 32)).integers(
        40, 200, (size[1] // coarse, size[0] // coarse), dtype=np.uint8
    )
    return Image.fromarray(drawn).resize(size, Image.Resampling.BICUBIC)


def _frame(flat: Image.Image, street: Image.Image, held: _Held, number: int, rng: random.Random) -> bytes:
    corners, pixels_a_mm = _corners(held, rng)
    # Pictures that get much smaller are made smaller first; what is left to the transform would be aliased.
    shrunk = min(1.0, 1.5 * pixels_a_mm / _DOTS_PER_MM)
    size = round(flat.width * shrunk), round(flat.height * shrunk)
    source = flat.resize(size, Image.Resampling.LANCZOS) if shrunk < 1 else flat
    edges = [(0.0, 0.0), (source.width, 0.0), (source.width, source.height), (0.0, source.height)]
    bend = perspective(corners, edges)
    how = (street.size, Image.Transform.PERSPECTIVE, bend, Image.Resampling.BICUBIC)
    scene = street.copy()
    scene.paste(source.transform(*how), (0, 0), Image.new("L", source.size, 255).transform(*how))
    # The focus swings around its worst.
    focus = 0.75 + 0.25 * math.cos(number * 0.9)
    scene = scene.filter(ImageFilter.GaussianBlur(held.blur_mm * pixels_a_mm * focus))
    grain = np.random.default_rng(rng.randrange(1 << 32)).normal(0, held.noise, (HEIGHT, WIDTH))
    seen = np.asarray(scene, dtype=np.float32) * held.light + 4 + grain
    written = io.BytesIO()
    Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8)).save(written, "JPEG", quality=80)
    return written.getvalue()


def _corners(held: _Held, rng: random.Random) -> tuple[list[tuple[float, float]], float]:
    """Where the label's corners are before a hand that is never quite still; and pixels a mm in its middle."""
    roll, towards = held.roll + rng.gauss(0, 0.02), held.tilt_towards + rng.gauss(0, 0.03)
    tilt = held.tilt + rng.gauss(0, 0.015)
    axis = np.array([math.cos(towards), math.sin(towards), 0.0])
    turned = _rotation(axis, tilt) @ _rotation(np.array([0.0, 0.0, 1.0]), roll)
    place = np.array([rng.gauss(0, 6), rng.gauss(0, 6), held.distance_mm * (1 + rng.gauss(0, 0.01))])
    half = WIDTH_MM / 2, HEIGHT_MM / 2
    corners = []
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        seen = turned @ np.array([x * half[0], y * half[1], 0.0]) + place
        across, down = seen[:2] * _FOCAL_PIXELS / seen[2]
        corners.append((WIDTH / 2 + float(across), HEIGHT / 2 + float(down)))
    return corners, _FOCAL_PIXELS / held.distance_mm


def _rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' formula."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
