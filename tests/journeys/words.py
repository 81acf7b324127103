"""The words and colours in which journeys are drawn."""

from __future__ import annotations

from backend.domain.types import Flaw, Outcome, Stream

STREAM_COLOURS = {
    Stream.RECYCLABLE: "#2b6cb0",
    Stream.HAZARDOUS: "#c53030",
    Stream.FOOD: "#2f855a",
    Stream.RESIDUAL: "#5f6b7a",
}
STREAM_NAMES = {
    Stream.RECYCLABLE: ("可回收物", "recyclable"),
    Stream.HAZARDOUS: ("有害垃圾", "hazardous"),
    Stream.FOOD: ("厨余垃圾", "food"),
    Stream.RESIDUAL: ("其他垃圾", "residual"),
}
OUTCOME_COLOURS = {
    Outcome.APPLIED: "#2f855a",
    Outcome.DEFERRED: "#b7791f",
    Outcome.LATE: "#b7791f",
    Outcome.CONFLICT: "#c53030",
    Outcome.QUARANTINED: "#6b46c1",
    Outcome.INVALID: "#c53030",
    Outcome.UNKNOWN: "#718096",
}
OUTCOME_NAMES = {
    Outcome.APPLIED: ("已生效", "applied"),
    Outcome.DEFERRED: ("等待对方", "deferred"),
    Outcome.LATE: ("过迟", "late"),
    Outcome.CONFLICT: ("冲突", "conflict"),
    Outcome.QUARANTINED: ("已隔离", "quarantined"),
    Outcome.INVALID: ("无效", "invalid"),
    Outcome.UNKNOWN: ("未知", "unknown"),
}
FLAW_COLOUR = "#c05621"
FLAW_NAMES = {
    Flaw.MIXED: ("混投", "mixed"),
    Flaw.UNATTESTED: ("无人证明", "unattested"),
    Flaw.NOT_A_SCALE: ("不是秤", "not a scale"),
    Flaw.TICKET_SKIPPED: ("跳号", "ticket skipped"),
    Flaw.TICKET_REPEATED: ("重号", "ticket repeated"),
    Flaw.CALIBRATION_EXPIRED: ("检定过期", "calibration expired"),
    Flaw.CLEANER_STREAM: ("类别变干净", "cleaner stream"),
    Flaw.MANDATE_FOREIGN: ("委托不属于他", "mandate foreign"),
    Flaw.MANDATE_ENDED: ("委托已撤销", "mandate ended"),
    Flaw.MANDATE_EXPIRED: ("委托已过期", "mandate expired"),
    Flaw.MANDATE_STREAM: ("委托不含此类", "mandate stream"),
    Flaw.MANDATE_SITE: ("委托不含此场所", "mandate site"),
    Flaw.MANDATE_GRAMS: ("超出委托量", "mandate grams"),
    Flaw.MANDATE_DEPTH: ("转委托过深", "mandate depth"),
    Flaw.FORKED: ("分叉", "forked"),
}


def mass(grams: int) -> str:
    """Return a mass as it stands on screen: tonnes with two or three decimals, below that kilograms."""
    if grams == 0:
        return "0"
    if grams < 1_000_000:
        return f"{grams / 1000:g} kg"
    tonnes = f"{grams / 1_000_000:.3f}"
    return f"{tonnes[:-1] if tonnes.endswith('0') else tonnes} t"
