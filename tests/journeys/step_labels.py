"""What stands beside a step in a picture: lots, measures, and a remark on the ledger's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frames import Frame, LotThen
from story import Story
from words import FLAW_COLOUR, FLAW_NAMES, OUTCOME_COLOURS, OUTCOME_NAMES, STREAM_COLOURS, mass

from backend.domain.products import Product, Unit
from backend.domain.types import Flaw, Outcome, Stream


def pills_of(story: Story, frame: Frame, before: Mapping[str, LotThen]) -> list[tuple[str, str]]:
    """Return (text, colour): lots that a step changed, measures that it made, the step that it is about."""
    pills = []
    products = {made["lot"]: made["product"] for made in frame.step.says.get("outputs", ())}
    for name, lot in frame.lots.items():
        was = before.get(name)
        has_changed = was is None or (was.grams, was.holder, was.stream) != (lot.grams, lot.holder, lot.stream)
        if has_changed and lot.is_in_custody and lot.grams:
            zh = f" {_product(products[name]).names.zh}" if name in products else ""
            pills.append((f"{name}{zh} {mass(lot.grams)}", STREAM_COLOURS[Stream(lot.stream)]))
    for made in frame.step.says.get("measures", ()):
        product = _product(made["product"])
        unit = {Unit.CUBIC_METRES: "m³"}.get(product.unit, product.unit.value)
        pills.append((f"{product.names.zh} {made['amount']:,} {unit}", "#b7791f"))
    if "of" in frame.step.says:
        about = next(n for n, step in enumerate(story.steps, 1) if step.id == frame.step.says["of"])
        pills.append((f"↑ {about}", "#4a5568"))
    if "value" in frame.step.says:
        pills.append((mass(frame.step.says["value"]), "#4a5568"))
    return pills


def _product(name: str) -> Product:
    return Product[name.upper().replace(" ", "_")]


@dataclass(frozen=True)
class Remark:
    """What to say of the ledger's answer, and in which colour."""

    zh: str
    en: str
    colour: str


def remark_of(frame: Frame) -> Remark | None:
    """Return a remark on the ledger's answer; None for a plain `applied`, or where nothing was asked."""
    if frame.last is None or frame.first is None:
        return None
    zh, en = OUTCOME_NAMES[frame.last]
    if frame.first != frame.last:
        first_zh, first_en = OUTCOME_NAMES[frame.first]
        return Remark(f"{first_zh} → {zh}", f"{first_en} → {en}", OUTCOME_COLOURS[frame.first])
    if frame.flaw != Flaw.NONE:
        flaw_zh, flaw_en = FLAW_NAMES[frame.flaw]
        colour = FLAW_COLOUR if frame.last == Outcome.APPLIED else OUTCOME_COLOURS[frame.last]
        return Remark(f"{zh}：{flaw_zh}", f"{en}: {flaw_en}", colour)
    return None if frame.last == Outcome.APPLIED else Remark(zh, en, OUTCOME_COLOURS[frame.last])
