"""Which column of somebody's file holds which fact about a collection point."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from backend.domain.errors import DomainError
from backend.domain.types import Stream

FIELDS: Final = (
    "code",
    "name_zh",
    "name_zh_hans",
    "name_en",
    "address",
    "district",
    "lat",
    "lng",
    "streams",
    "route",
    "truck",
    "arrives_at",
    "leaves_at",
)
"""`name_zh` is the name in Chinese of any script; `name_zh_hans` the same in simplified characters, if a file
has both."""

STREAM_NAMES: Final[Mapping[str, Stream | None]] = {
    **{stream.name.lower(): stream for stream in Stream},
    "可回收物": Stream.RECYCLABLE,
    "有害垃圾": Stream.HAZARDOUS,
    "厨余垃圾": Stream.FOOD,
    "餐厨垃圾": Stream.FOOD,
    "其他垃圾": Stream.RESIDUAL,
}
_FOLDER: Final = Path(__file__).with_name("mappings")
_ALIASES: Final = {"name": "name_zh", "latitude": "lat", "longitude": "lng"}
_KEYS: Final = {
    "source",
    "about",
    "join",
    "delimiter",
    "encoding",
    "code_is_digest",
    "bounds",
    "columns",
    "streams",
}


class BadMapping(DomainError):
    """The mapping itself is wrong, or does not fit the file."""

    slug = "bad-mapping"
    title = "The column mapping cannot be used"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Bounds:
    """A rectangle that holds every point of a source."""

    lat_min: float
    lng_min: float
    lat_max: float
    lng_max: float

    def hold(self, *, lat: float, lng: float) -> bool:
        """Whether a position lies inside."""
        return self.lat_min <= lat <= self.lat_max and self.lng_min <= lng <= self.lng_max


WORLD: Final = Bounds(-90, -180, 90, 180)


@dataclass(frozen=True)
class ColumnMapping:
    """How to read one source.

    A field may be made of several columns: those that are not blank are joined by `join`. `code_is_digest`
    makes the code from a digest of its columns, for files whose rows have no id. A stream value that maps to
    `None` is known and left out, with a warning; one that is not in the map is refused.
    """

    source: str
    columns: Mapping[str, tuple[str, ...]]
    join: str = " "
    delimiter: str = ","
    encoding: str | None = None
    code_is_digest: bool = False
    bounds: Bounds = WORLD
    stream_separator: str = ","
    stream_values: Mapping[str, Stream | None] = field(default_factory=lambda: dict(STREAM_NAMES))
    stream_default: tuple[Stream, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.columns) - set(FIELDS)
        if unknown:
            raise BadMapping(f"Unknown fields: {', '.join(sorted(unknown))}. Known: {', '.join(FIELDS)}.")
        for needed in ("code", "name_zh"):
            if not self.columns.get(needed):
                raise BadMapping(f"The mapping names no column for {needed}.")
        if not self.columns.get("streams") and not self.stream_default:
            raise BadMapping("The mapping names neither a column for streams nor a default.")
        if not self.source.strip():
            raise BadMapping("The mapping names no source.")

    def require_columns(self, header: Sequence[str]) -> None:
        """Check that the file has every column that the mapping names.

        Raises:
            BadMapping: with the missing and the available names.
        """
        missing = {name for names in self.columns.values() for name in names} - set(header)
        if missing:
            raise BadMapping(f"The file has no column {', '.join(sorted(missing))}. It has: {', '.join(header)}.")


def built_in_names() -> list[str]:
    """Return the names of the mappings that come with the program."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def find_mapping(name: str) -> ColumnMapping:
    """Return a built-in mapping, or the one in the TOML file of that path.

    Raises:
        BadMapping: there is neither, or it cannot be used.
    """
    path = _FOLDER / f"{name}.toml" if name in built_in_names() else Path(name)
    try:
        return read_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        names = ", ".join(built_in_names())
        raise BadMapping(f"{name!r} is neither built in ({names}) nor a mapping file: {error}.") from error


def read_mapping(content: Mapping[str, Any]) -> ColumnMapping:
    """Return the mapping that a TOML document describes.

    Raises:
        BadMapping: a key or value that has no meaning here.
    """
    unknown = set(content) - _KEYS
    if unknown:
        raise BadMapping(f"Unknown keys: {', '.join(sorted(unknown))}.")
    streams = content.get("streams", {})
    values = {str(k): _stream_or_none(v) for k, v in streams.get("values", {}).items()}
    bounds = content.get("bounds")
    if bounds is not None and len(bounds) != 4:
        raise BadMapping("bounds are [lat_min, lng_min, lat_max, lng_max].")
    return ColumnMapping(
        source=str(content.get("source", "")),
        columns={str(k): _names(v) for k, v in content.get("columns", {}).items()},
        join=str(content.get("join", " ")),
        delimiter=str(content.get("delimiter", ",")),
        encoding=content.get("encoding"),
        code_is_digest=bool(content.get("code_is_digest", False)),
        bounds=Bounds(*map(float, bounds)) if bounds else WORLD,
        stream_separator=str(streams.get("separator", ",")),
        stream_values=values or dict(STREAM_NAMES),
        stream_default=tuple(_stream(name) for name in streams.get("default", [])),
    )


def with_columns(mapping: ColumnMapping, text: str) -> ColumnMapping:
    """Return the mapping with columns replaced as in `name=address_tc,address=road+number`.

    Raises:
        BadMapping: a part is not `field=column`, or the field is unknown.
    """
    columns = dict(mapping.columns)
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, column = part.partition("=")
        if not equals or not column.strip():
            raise BadMapping(f"{part!r} is not field=column.")
        columns[_ALIASES.get(name.strip(), name.strip())] = tuple(c.strip() for c in column.split("+"))
    return replace(mapping, columns=columns)


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else (str(value),)


def _stream(name: str) -> Stream:
    stream = STREAM_NAMES.get(name)
    if stream is None:
        raise BadMapping(f"{name!r} is no stream; the streams are {', '.join(s.name.lower() for s in Stream)}.")
    return stream


def _stream_or_none(name: str) -> Stream | None:
    return None if name == "" else _stream(name)
