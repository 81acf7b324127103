"""Ids and code lists. All ids are integers; in text they are lower-case hex of their full width."""

from __future__ import annotations

from enum import IntEnum
from typing import NewType

OrganisationId = NewType("OrganisationId", int)
DeviceId = NewType("DeviceId", int)
SiteId = NewType("SiteId", int)
LotId = NewType("LotId", int)
BinNumber = NewType("BinNumber", int)
Grams = NewType("Grams", int)


class Stream(IntEnum):
    """The four classes of GB/T 19095-2019."""

    RECYCLABLE = 1
    HAZARDOUS = 2
    FOOD = 3
    RESIDUAL = 4


class Grade(IntEnum):
    """How well a bin was sorted, as the crew saw it."""

    NOT_GRADED = 0
    CLEAN = 1
    SOME_MIXING = 2
    BADLY_MIXED = 3


class Basis(IntEnum):
    """How a mass is known."""

    ESTIMATED = 1
    ONBOARD_SCALE = 2
    WEIGHED = 3


class Role(IntEnum):
    """What a device is for."""

    CREW = 1
    GATE = 2
    SCALE = 3
    REGISTRAR = 4
    OFFICE = 5


class Scheme(IntEnum):
    """How a device makes its seals."""

    RAW = 1
    WEBAUTHN = 2


class MandateOp(IntEnum):
    """What a mandate entry does."""

    GRANT = 1
    REVOKE = 2


class Fate(IntEnum):
    """Where the grams of a closed lot went."""

    PRODUCT = 1
    RESIDUE = 2
    LOSS = 3
    ENERGY = 4


class SiteKind(IntEnum):
    """What kind of place a site is."""

    STREET = 1
    TRANSFER_STATION = 2
    PARK = 3
    PLANT = 4


class Outcome(IntEnum):
    """The ledger's answer to an entry."""

    APPLIED = 1
    DEFERRED = 2
    LATE = 3
    CONFLICT = 4
    QUARANTINED = 5
    INVALID = 6
    UNKNOWN = 7


class Flaw(IntEnum):
    """What is wrong with an entry, in the high four bits of the ledger's answer."""

    NONE = 0
    MIXED = 1
    UNATTESTED = 2
    NOT_A_SCALE = 3
    TICKET_SKIPPED = 4
    TICKET_REPEATED = 5
    CALIBRATION_EXPIRED = 6
    CLEANER_STREAM = 7
    MANDATE_FOREIGN = 8
    MANDATE_ENDED = 9
    MANDATE_EXPIRED = 10
    MANDATE_STREAM = 11
    MANDATE_SITE = 12
    MANDATE_GRAMS = 13
    MANDATE_DEPTH = 14
    FORKED = 15


class Refusal(IntEnum):
    """Why the ledger stored nothing of a segment."""

    UNKNOWN_DEVICE = 1
    WRONG_KEY = 2
    BAD_SEAL = 3
    GAP = 4
    ALREADY_RECORDED = 5
    OVERLAP = 6
    MALFORMED = 7
    FORK = 8


def outcome_of(byte: int) -> Outcome:
    """Return the outcome in the low four bits of the ledger's answer to an entry."""
    return Outcome(byte & 0xF)


def flaw_of(byte: int) -> Flaw:
    """Return the flaw in the high four bits of the ledger's answer to an entry."""
    return Flaw(byte >> 4)


class Verdict(IntEnum):
    """What somebody says of another's entry."""

    ACKNOWLEDGED = 1
    CONTESTED = 2
    RELEASED = 3
    CLAIMED = 4


class AmendOp(IntEnum):
    """What an amend entry does: the first names the fact, the others the proposal."""

    PROPOSE = 1
    APPROVE = 2
    REFUSE = 3


class AmendedField(IntEnum):
    """What of a fact is amended; in lower case, the field's name in the fact's layout."""

    GRAMS = 1
    STREAM = 2
    LOT = 3
    BIN = 4
    GRADE = 5
    BASIS = 6
    OCCURRED_AT = 7
    VEHICLE = 8
    REASON = 9
    TO = 10
    GIVER = 11
    INTO = 12
    GROSS = 13
    TARE = 14
    NET = 15
    FATE = 16
    PRODUCT = 17
    SITE = 18
    LOSS = 19
    VOID = 255
    """No field of the entry: 1 says that what it tells did not happen."""


class DisputeOp(IntEnum):
    """What a dispute entry does: the first names the fact, the others the opening entry."""

    OPEN = 1
    EVIDENCE = 2
    ANSWER = 3
    RULE = 4
    APPEAL = 5


class Ground(IntEnum):
    """What a dispute is about (`rule` of its opening entry)."""

    MASS = 1
    STREAM = 2
    DECLINE_UNFOUNDED = 3
    REFUSAL_UNFOUNDED = 4
    NEVER_HAPPENED = 5


class DeclineReason(IntEnum):
    """Why a crew did not collect a bin."""

    MIXED = 1
    HAZARDOUS_INSIDE = 2
    CONSTRUCTION_WASTE = 3
    BULKY_ITEM = 4
    LIQUID = 5
    OVERFULL = 6
    BIN_DAMAGED = 7
    BIN_NOT_REACHABLE = 8


def is_code(codes: type[IntEnum], value: int) -> bool:
    """Say whether a number is in a code list."""
    return value in codes._value2member_map_


def organisation_of(device_or_site: int) -> OrganisationId:
    """Return the organisation that a device, site or vehicle id belongs to."""
    return OrganisationId(device_or_site >> 40)


def device_id(organisation: int, serial: int) -> DeviceId:
    """Return the id of an organisation's device; serial 0 means the organisation itself."""
    return DeviceId(organisation << 40 | serial)


def site_id(organisation: int, serial: int) -> SiteId:
    """Return the id of an organisation's site."""
    return SiteId(organisation << 40 | serial)


def lot_id(device: int, serial: int) -> LotId:
    """Return the id of the lot that a device opens with this serial (from 1)."""
    return LotId(device << 32 | serial)


def opener_of(lot: int) -> DeviceId:
    """Return the device that opened a lot, read from the lot's id."""
    return DeviceId(lot >> 32)


def organisation_text(organisation: int) -> str:
    """Return 6 hex digits."""
    return f"{organisation:06x}"


def device_text(device: int) -> str:
    """Return 16 hex digits; also for sites and vehicles."""
    return f"{device:016x}"


def lot_text(lot: int) -> str:
    """Return 24 hex digits."""
    return f"{lot:024x}"


def bin_text(number: int) -> str:
    """Return 10 hex digits."""
    return f"{number:010x}"
