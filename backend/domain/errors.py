"""One class per rule that says no. They carry values and know nothing of HTTP."""

from __future__ import annotations


class DomainError(Exception):
    """A rule said no.

    `slug` names the rule for programs, `title` says it in one line; the message carries the values.
    """

    slug = "domain-error"
    title = "A rule was broken"


class MalformedSegment(DomainError):
    """The bytes of a segment cannot be read as entries."""

    slug = "malformed-segment"
    title = "The segment cannot be read"

    def __init__(self, reason: str, *, pointer: str = "/words") -> None:
        super().__init__(reason)
        self.reason, self.pointer = reason, pointer


class FieldOutOfRange(DomainError):
    """A value does not fit the bits that the layout gives it."""

    slug = "field-out-of-range"
    title = "A value does not fit its field"

    def __init__(self, *, field: str, value: int, bits: int) -> None:
        super().__init__(f"{field} = {value} does not fit {bits} bits.")
        self.field, self.value, self.bits = field, value, bits


class BadSeal(DomainError):
    """The seal is not this key's signature over this device, seq and head."""

    slug = "bad-seal"
    title = "The seal does not verify"

    def __init__(self, *, device: int, seq: int) -> None:
        super().__init__(f"The seal of device {device:016x} at seq {seq} does not verify.")
        self.device, self.seq = device, seq


class UnknownDevice(DomainError):
    """No registrar's enrolment of this device has been seen yet."""

    slug = "unknown-device"
    title = "This device is not enrolled"

    def __init__(self, *, device: int) -> None:
        super().__init__(f"Device {device:016x} is not enrolled.")
        self.device = device


class WrongKey(DomainError):
    """The segment shows another key than the one its registrar enrolled."""

    slug = "wrong-key"
    title = "This is not the device's enrolled key"

    def __init__(self, *, device: int) -> None:
        super().__init__(f"The key shown is not the one enrolled for device {device:016x}.")
        self.device = device


class SegmentTooHeavy(DomainError):
    """More is sealed as one segment than one transaction can bring to the ledger."""

    slug = "segment-too-heavy"
    title = "The segment is too heavy"

    def __init__(self, *, entries: int, entries_max: int) -> None:
        super().__init__(f"Of these {entries} entries at most {entries_max} can be sealed as one segment.")
        self.entries, self.entries_max = entries, entries_max


class Gap(DomainError):
    """Entries before this segment are missing."""

    slug = "gap"
    title = "Entries before this segment are missing"

    def __init__(self, *, device: int, next_seq: int, first_seq: int) -> None:
        super().__init__(
            f"Device {device:016x} continues at seq {next_seq}, but the segment begins at {first_seq}."
        )
        self.device, self.next_seq, self.first_seq = device, next_seq, first_seq


class Fork(DomainError):
    """The device sealed two different histories for the same seq."""

    slug = "fork"
    title = "The journal differs from what was sealed before"

    def __init__(self, *, device: int, seq: int) -> None:
        super().__init__(f"Device {device:016x} has already sealed another entry at or before seq {seq}.")
        self.device, self.seq = device, seq
