"""What a phone's camera sees: a picture lying on a street, aslant and a little out of focus, as a video."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import qrcode  # type: ignore[import-untyped]
from PIL import Image, ImageDraw, ImageFilter

from backend.labels.layout import BinLabel, draw_label
from backend.labels.lettering import find_lettering
from backend.labels.png import to_png

WIDTH, HEIGHT = 1280, 720
_MARGIN = 48
"""How far the hand that holds the phone moves."""
_FRAMES = 48


class Camera:
    """The one camera of the test browser. Chromium opens the file anew each time a page asks for the camera."""

    def __init__(self, folder: Path, ffmpeg: str) -> None:
        self._folder, self._ffmpeg = folder, ffmpeg
        self.file = folder / "camera.mjpeg"
        self.look_away()

    def look_away(self) -> None:
        """Hold the camera over nothing in particular."""
        self.show(Image.new("RGB", (400, 300), "#777777"))

    def show_label(self, label: BinLabel, *, base_url: str) -> None:
        """Hold the camera over a bin's printed label."""
        lettering = find_lettering()
        png = to_png(draw_label(label, base_url=base_url, lettering=lettering), lettering=lettering)
        self.show(Image.open(io.BytesIO(png)))

    def come_to_label(self, label: BinLabel, *, base_url: str) -> None:
        """Hold the camera over darkness for two seconds, and then over a bin's printed label."""
        self.show_label(label, base_url=base_url)
        self.file.write_bytes(self._darkness + self.file.read_bytes())

    @cached_property
    def _darkness(self) -> bytes:
        now = self.file.read_bytes()
        self.show(Image.new("RGB", (400, 300), "black"))
        dark = self.file.read_bytes()
        self.file.write_bytes(now)
        return dark

    def show_code(self, text: str) -> None:
        """Hold the camera over anybody's QR code."""
        code = qrcode.QRCode(border=4, box_size=12)
        code.add_data(text)
        self.show(code.make_image().get_image().convert("RGB"))

    def show_screen(self, png: bytes) -> None:
        """Hold the camera over somebody's screen."""
        self.show(Image.open(io.BytesIO(png)))

    def show_screens(self, pngs: Sequence[bytes]) -> None:
        """Hold the camera over a screen that shows one picture after the other, two seconds each."""
        films = []
        for png in pngs:
            self.show_screen(png)
            films.append(self.file.read_bytes())
        # Such a film is its pictures, one after the other.
        fresh = self._folder / "fresh.mjpeg"
        fresh.write_bytes(b"".join(films))
        fresh.replace(self.file)

    def show(self, picture: Image.Image) -> None:
        scene = self._folder / "scene.png"
        _scene_of(picture.convert("RGB")).save(scene)
        fresh = self._folder / "fresh.mjpeg"
        hand = f"crop={WIDTH}:{HEIGHT}:{_MARGIN}*(1+sin(n*PI/12)):{_MARGIN}*(1+cos(n*PI/24))"
        command = [self._ffmpeg, "-v", "error", "-y", "-loop", "1", "-framerate", "24", "-i", str(scene)]
        command += ["-vf", f"{hand},gblur=sigma=0.7", "-frames:v", str(_FRAMES), "-pix_fmt", "yuvj420p"]
        command += ["-c:v", "mjpeg", "-q:v", "4", "-f", "mjpeg", str(fresh)]
        subprocess.run(command, check=True)
        fresh.replace(self.file)


def _scene_of(picture: Image.Image) -> Image.Image:
    """Lay the picture on a dark bin's lid on a grey street, turned and seen from below its middle."""
    size = WIDTH + 2 * _MARGIN, HEIGHT + 2 * _MARGIN
    street = Image.effect_noise(size, 42).convert("RGB").filter(ImageFilter.GaussianBlur(1.5))
    street = Image.blend(street, Image.new("RGB", size, "#8d8a80"), 0.6)
    lid = ImageDraw.Draw(street)
    lid.rounded_rectangle((140, 40, size[0] - 140, size[1] + 80), 60, fill="#37423d")
    lid.rounded_rectangle((140, 40, size[0] - 140, 120), 40, fill="#4b5852")
    room = 760, 520
    scale = min(room[0] / picture.width, room[1] / picture.height)
    width, height = round(picture.width * scale), round(picture.height * scale)
    flat = picture.resize((width, height), Image.Resampling.LANCZOS).convert("RGBA")
    # The far edge is a little shorter than the near one.
    depth = width * 0.06
    corners = [(depth, 0), (width - depth, height * 0.02), (width, height), (0, height * 0.98)]
    tilted = flat.transform(
        flat.size,
        Image.Transform.PERSPECTIVE,
        perspective(corners, [(0, 0), (width, 0), (width, height), (0, height)]),
        Image.Resampling.BICUBIC,
    ).rotate(7, Image.Resampling.BICUBIC, expand=True)
    street.paste(tilted, ((size[0] - tilted.width) // 2, (size[1] - tilted.height) // 2), tilted)
    return street.filter(ImageFilter.GaussianBlur(0.8))


def perspective(to: list[tuple[float, float]], source: list[tuple[float, float]]) -> list[float]:
    """The eight numbers that carry each corner of `to` back to its corner of `source`."""
    rows, values = [], []
    for (x, y), (u, v) in zip(to, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(number) for number in np.linalg.solve(np.array(rows), np.array(values))]
