"""A running city with something of everything on its chain, and a node between it and an auditor that can lie."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from chain_support import dev_key
from click.testing import Result
from custody_stories import NOON
from running_city import RunningCity
from small_city import give, write_lifts

from backend.chain.ledger_calls import encode_open_site, encode_place, encode_record, encode_witness
from backend.chain.ledger_events import PlacedBin
from backend.chain.transactions import send_and_wait
from backend.domain.devices import Witness
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.passkey import SoftwarePasskey
from backend.domain.seal import seal_digest
from backend.domain.types import Role, Scheme, device_id, site_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.audit_ledger import placement_digest
from backend.usecases.ledger_events import BinsPlaced, LogPlace, PlacedBinEvent
from tests.faults.proxy import FaultyProxy

CREW, STATION = 2, 3
STRANGER = 3
ORIGIN = "https://huanlian.example"
_LIFTS, _LIFTS_A_SEGMENT = 91, 4


@dataclass
class Audited:
    """The city, its trust file, and the truck whose lifts most of it is."""

    city: RunningCity
    truck: JournalWriter
    lot: int
    truck_segments: list[Segment]

    @property
    def trust(self) -> Path:
        return self.city.data_dir / "trust.json"

    @property
    def rpc_url(self) -> str:
        return f"http://127.0.0.1:{self.city.rpc_port}"

    def audit(self, *more: str, rpc: str = "", language: str = "en") -> Result:
        arguments = ["--trust", str(self.trust), "--rpc", rpc or self.rpc_url, "--language", language]
        return self.city.huanlian("audit", *arguments, *more)

    def report(self, folder: Path, *more: str, rpc: str = "") -> tuple[int, dict[str, Any]]:
        """Return the exit status and the JSON report."""
        path = folder / "report.json"
        done = self.audit(*more, "--report", str(path), rpc=rpc)
        assert path.exists(), done.output
        return done.exit_code, json.loads(path.read_bytes())

    def send(self, to: str, data: bytes) -> None:
        send_and_wait(self.city.rpc, key=dev_key(STRANGER), to=to, data=data)


def live_a_day(city: RunningCity) -> Audited:
    """Enrol, place bins, lift, give and take; witness an entry, and seal one with a passkey."""
    registrars = {number: city.organisation(number) for number in (CREW, STATION)}

    def enrol(organisation: int, serial: int, **more: int) -> JournalWriter:
        writer = JournalWriter(city.network, device_id(organisation, serial), SigningKey.from_secret(serial))
        x, y = writer.public
        values = {"role": Role.CREW, "scheme": Scheme.RAW, **more}
        registrars[organisation].write(Kind.ENROL, device=writer.device, x=x, y=y, **values)
        return writer

    truck, gate = enrol(CREW, 7), enrol(STATION, 8, role=Role.GATE)
    passkey = SoftwarePasskey(SigningKey.from_secret(9), ORIGIN)
    office = enrol(CREW, 9, role=Role.OFFICE, scheme=Scheme.WEBAUTHN, origin=passkey.origin_digest)
    site = site_id(CREW, 1)
    bins = (PlacedBinEvent(5, bytes(32), 4, 0), PlacedBinEvent(6, bytes(31) + b"\1", 4, 0))
    digest = placement_digest(BinsPlaced(LogPlace(0, b"", b"", 0), site, bins))
    registrars[CREW].write(Kind.SITE, site=site, site_kind=1, digest=1)
    registrars[CREW].write(Kind.PLACE, site=site, count=2, digest=int.from_bytes(digest, "big"))
    city.hand_in(*registrars.values())

    lot = write_lifts(truck, _LIFTS)
    given = give(truck, lot, gate.device)
    gate.write(Kind.TAKE, **given, grams=90_000, occurred_at=NOON + 900)
    segments = []
    while truck.uncut:
        segments.append(truck.cut(min(_LIFTS_A_SEGMENT, len(truck.uncut))))
    done = Audited(city, truck, lot, segments)
    registry = city.deployment.bin_registry
    done.send(registry, encode_open_site(site=site, site_kind=1, digest=(1).to_bytes(32, "big")))
    placed = [PlacedBin(b.number, b.serial_digest, b.stream, b.placed_from) for b in bins]
    done.send(registry, encode_place(site=site, bins=placed))
    city.hand_in(gate)  # its take waits for the give
    for segment in segments[:-1]:
        city.courier.hand_in(segment)
    city.wait(segments[:-1])
    last, before = segments[-1], city.ledger.head_of(truck.device)
    witness = Witness(truck.device, last.first_seq, before, last.words, last.x, last.y, last.r, last.s)
    done.send(city.deployment.custody_ledger, encode_witness(witness))
    city.courier.hand_in(last)
    office.write(Kind.ANCHOR, subject=1, digest=2)
    sealed = with_passkey(office, passkey)
    done.send(city.deployment.custody_ledger, encode_record([sealed, last]))  # the second is refused
    city.wait([last, sealed])
    city.wait_final(gate.device, 1)
    return done


def with_passkey(writer: JournalWriter, passkey: SoftwarePasskey) -> Segment:
    """Return all that is not cut yet under a passkey's seal."""
    segment = writer.cut()
    digest = seal_digest(writer.network, device=writer.device, seq=writer.next_seq - 1, head=writer.head)
    asserted = passkey.assertion_over(digest)
    return replace(segment, r=asserted.r, s=asserted.s, assertion=asserted.assertion)


class LyingNode(FaultyProxy):
    """Alters, or leaves out, logs wherever the node tells of them, so that it never contradicts itself."""

    def __init__(self, node_url: str, lie: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda log: log):
        super().__init__(lambda: node_url, Random(0), silence_seconds=0)
        self._lie = lie
        self._hold_at, self._asked = 0, 0
        self.is_held, self._go_on = threading.Event(), threading.Event()

    def hold_at(self, number: int) -> None:
        """Keep the answer to this many-th request for a range of logs back until `close`."""
        self._hold_at = number

    def exchange(self, body: bytes) -> tuple[int, bytes] | None:
        answer = super().exchange(body)
        if b"fromBlock" in body:
            self._asked += 1
            if self._asked == self._hold_at:
                self.is_held.set()
                self._go_on.wait()
        if answer is None:
            return None
        return answer[0], json.dumps(self._told(json.loads(answer[1]))).encode()

    def _told(self, value: Any) -> Any:
        if isinstance(value, list):
            told = [self._told(item) for item in value]
            return [item for item in told if item is not None]
        if isinstance(value, dict):
            if "topics" in value:
                return self._lie(value)
            return {name: None if part is None else self._told(part) for name, part in value.items()}
        return value

    def close(self) -> None:
        self._go_on.set()
        super().close()
