"""How grams, instants and ids look on a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from markupsafe import Markup

from backend.domain.types import AmendedField

SHANGHAI: Final = timezone(timedelta(hours=8))
"""China keeps one time, without summer time, since 1991."""

_THIN: Final = "\N{NARROW NO-BREAK SPACE}"
_TONNE_GRAMS: Final = 1_000_000
_MASSES: Final = frozenset(
    (AmendedField.GRAMS, AmendedField.GROSS, AmendedField.TARE, AmendedField.NET, AmendedField.LOSS)
)
_ID_DIGITS: Final = {
    AmendedField.LOT: 24,
    AmendedField.INTO: 24,
    AmendedField.BIN: 10,
    AmendedField.VEHICLE: 16,
    AmendedField.TO: 16,
    AmendedField.GIVER: 16,
    AmendedField.SITE: 16,
}


def grouped(number: int) -> str:
    """Return digits in groups of three."""
    return f"{number:,}".replace(",", _THIN).replace("-", "\N{MINUS SIGN}")


def kilograms(grams: int) -> str:
    """Return exact kilograms, to the gram."""
    whole, rest = divmod(abs(grams), 1000)
    sign = "\N{MINUS SIGN}" if grams < 0 else ""
    return f"{sign}{grouped(whole)}.{rest:03d}{_THIN}kg"


def mass(grams: int) -> str:
    """Return kilograms up to a tonne, then tonnes; three decimals at most."""
    sign = "\N{MINUS SIGN}" if grams < 0 else ""
    if abs(grams) >= _TONNE_GRAMS:
        whole, rest = divmod((abs(grams) + 500) // 1000, 1000)
        return f"{sign}{grouped(whole)}.{rest:03d}{_THIN}t"
    whole, rest = divmod(abs(grams), 1000)
    decimals = f".{rest:03d}".rstrip("0").rstrip(".")
    return f"{sign}{grouped(whole)}{decimals}{_THIN}kg"


def mass_html(grams: int) -> Markup:
    """Return a mass that tells its exact grams when pointed at."""
    return Markup('<span class="mass" title="{}{}g">{}</span>').format(grouped(grams), _THIN, mass(grams))


def value_html(value: int, field: AmendedField) -> Markup:
    """Return the value of an entry's field: masses as masses, instants as instants, ids as hex."""
    if field in _MASSES:
        return mass_html(value)
    if field is AmendedField.OCCURRED_AT:
        return instant_html(value)
    digits = _ID_DIGITS.get(field)
    return Markup("{}").format(value) if digits is None else id_html(f"{value:0{digits}x}")


def signed_mass(grams: int) -> str:
    """Return a mass with its sign, also when it is a gain."""
    return ("+" if grams > 0 else "") + mass(grams)


def per_cent(part: int, whole: int) -> str:
    """Return a share with two decimals and its sign."""
    if whole == 0:
        return "\N{EM DASH}"
    share = 100 * part / whole
    text = f"{share:+.2f}" if part else "0.00"
    return text.replace("-", "\N{MINUS SIGN}") + _THIN + "%"


def instant(seconds: int) -> str:
    """Return an instant as the clock in Guangzhou shows it."""
    return _local(seconds).strftime("%Y-%m-%d %H:%M:%S")


def day_and_minute(seconds: int) -> str:
    """Return an instant without its year and seconds."""
    return _local(seconds).strftime("%m-%d %H:%M")


def clock(seconds: int) -> str:
    """Return the time of day."""
    return _local(seconds).strftime("%H:%M:%S")


def instant_html(seconds: int, *, short: bool = False) -> Markup:
    """Return an instant as an element that programs can read too."""
    utc = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = day_and_minute(seconds) if short else instant(seconds)
    return Markup('<time datetime="{}" title="{} (UTC+8)">{}</time>').format(utc, instant(seconds), text)


def duration(seconds: int) -> tuple[str, int]:
    """Return a length of time in its largest whole unit (days, hours or minutes) and how many of them."""
    for unit, length in (("days", 86_400), ("hours", 3600)):
        if seconds >= 2 * length:
            return unit, seconds // length
    return "minutes", max(seconds // 60, 1)


def _local(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, SHANGHAI)


def id_html(value: str, copy_label: str = "", *, ends: bool = False) -> Markup:
    """Return an id in groups of four digits, with a button that copies it.

    `ends` shows the first and last eight digits only; the full value is in the tooltip and is what is copied.
    """
    if ends and len(value) > 20:
        groups = [value[:4], value[4:8], "\N{HORIZONTAL ELLIPSIS}", value[-8:-4], value[-4:]]
    else:
        groups = [value[start : start + 4] for start in range(0, len(value), 4)]
    spans = Markup("").join(Markup("<i>{}</i>").format(group) for group in groups)
    code = Markup('<code class="id" title="{}">{}</code>').format(value, spans)
    if not copy_label:
        return code
    return code + Markup(
        '<button type="button" class="copy" data-copy="{}" aria-label="{}" title="{}" hidden></button>'
    ).format(value, copy_label, copy_label)
