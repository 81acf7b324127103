"""A city of one crew, a station and a park over real books, with a ledger that answers by the rules alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from custody_stories import FINALITY_DEPTH, NETWORK, NOON, BlockWriter, created, recorded, refused, settled
from migrated_file import new_database

from backend.api.deps import UPLOADS_MAX, Services
from backend.api.pressure import Pressure
from backend.chain.deploy import Deployment
from backend.domain import custody
from backend.domain.custody_state import Recorded, Root, State
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.types import Role, device_id, device_text, lot_id, organisation_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.books import BooksStore
from backend.store.directory import DirectoryStore
from backend.store.session import Database
from backend.usecases.ledger_events import BinsPlaced, Extend, PlacedBinEvent

CREW, STATION, PARK = 2, 3, 4
BINS = range(0x1000, 0x1010)
SITE = device_id(CREW, 1)
DEPLOYMENT = Deployment(
    chain_id=NETWORK.chain_id,
    genesis_hash="0x" + "aa" * 32,
    city_authority="0x" + "44" * 20,
    actor_registry="0x" + "11" * 20,
    custody_ledger="0x" + NETWORK.ledger.hex(),
    bin_registry="0x" + "22" * 20,
    ledger_versions="0x" + "33" * 20,
    code_hashes={},
    deployed_block=0,
)


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class SmallCity:
    """Devices with their journals, the books, and the ledger's side of it."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    state: State = field(default_factory=lambda: State(NETWORK))
    registrars: dict[int, JournalWriter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.books = BooksStore(self.database, NETWORK)
        self.pressure = Pressure(UPLOADS_MAX)
        self._blocks, self._folded = BlockWriter(), 0
        roots = []
        for organisation in (CREW, STATION, PARK):
            registrar = JournalWriter(NETWORK, device_id(organisation, 1), SigningKey.from_secret(organisation))
            root = Root(registrar.device, key_hash(*registrar.public), 1)
            self.registrars[organisation] = registrar
            self.state.roots[organisation], self.state.named_roots[root.device] = root, True
            roots.append(
                {
                    "organisation": organisation_text(organisation),
                    "device": device_text(root.device),
                    "key_hash": f"{root.key_hash:040x}",
                }
            )
        self.block([created(root) for root in roots])

    def block(self, *transactions: list[Callable[..., Any]]) -> None:
        """Fold one more block."""
        self._blocks.block(self.clock.now, *transactions)
        (batch,) = self.batches_after(self._blocks.blocks[-1][0].number - 1)
        assert self.books.extend(batch).disagreements == []

    def batches_after(self, number: int) -> list[Extend]:
        """Return the blocks after this one, as a watcher would bring them."""
        return [
            Extend((header,), events, max(header.number - FINALITY_DEPTH, 0))
            for header, events in self._blocks.blocks
            if header.number > number
        ]

    def device(self, organisation: int, serial: int, role: Role = Role.CREW, **more: int) -> JournalWriter:
        """Return a new device's journal; its enrolment is in the registrar's, not cut yet."""
        device = device_id(organisation, serial)
        writer = JournalWriter(NETWORK, device, SigningKey.from_secret(device))
        x, y = writer.public
        self.registrars[organisation].write(Kind.ENROL, device=device, role=role, scheme=1, x=x, y=y, **more)
        return writer

    def record(self, *sources: JournalWriter | Segment) -> None:
        """Let the ledger record everything that is not cut, or these segments, a block each."""
        for source in sources:
            for segment in [source] if isinstance(source, Segment) else source.cut_all():
                answer = custody.record_segment(self.state, segment, block_time=self.clock.now)
                if isinstance(answer, Recorded):
                    told = [settled(*step[:3], int(step.outcome)) for step in answer.settled]
                    self.block([*told, recorded(segment, answer.head, answer.outcomes)])
                else:
                    self.block([refused(segment.device, segment.first_seq, int(answer.reason))])

    def place_bins(self, stream: int = 4) -> None:
        """Name the bins, and have the chain say that they are placed."""
        rows = [
            {
                "number": f"{number:010x}",
                "serial": f"{number:032x}",
                "serial_digest": f"{number:064x}",
                "stream": stream,
                "site": device_text(SITE),
                "point_id": None,
                "placed_from": 0,
            }
            for number in BINS
        ]
        with self.database.transaction() as connection:
            DirectoryStore(connection).add_bins(rows)
        placed = tuple(PlacedBinEvent(n, n.to_bytes(32, "big"), stream, 0) for n in BINS)
        self.block([lambda place: BinsPlaced(place, SITE, placed)])

    def services(self, **more: Any) -> Services:
        """Return what the API is built on."""
        made = Services(
            database=self.database,
            books=self.books,
            network=NETWORK,
            deployment=DEPLOYMENT,
            finality=FINALITY_DEPTH,
            public_base_url="https://huanlian.example",
            chain_is_reachable=lambda: True,
            now=self.clock,
            pressure=self.pressure,
        )
        return replace(made, **more)


def open_city(folder: Path) -> SmallCity:
    return SmallCity(new_database(folder))


def write_lifts(writer: JournalWriter, count: int, *, serial: int = 1, stream: int = 4) -> int:
    """Open a lot and lift bins into it; return the lot."""
    lot = lot_id(writer.device, serial)
    writer.write(Kind.LOAD, lot=lot, stream=stream, occurred_at=NOON)
    for n in range(count):
        number = BINS[n % len(BINS)]
        writer.write(Kind.LIFT, bin=number, stream=stream, grade=1, basis=1, occurred_at=NOON + n, grams=1000 + n)
    return lot


def give(writer: JournalWriter, lot: int, to: int) -> dict[str, int]:
    """Give a lot away; return what the taker cites."""
    seq = writer.write(Kind.GIVE, lot=lot, to=to, occurred_at=NOON + 500)
    return {
        "lot": lot,
        "giver": writer.device,
        "give_seq": seq,
        "give_head": int.from_bytes(writer.head, "big"),
    }


def upload_of(segment: Segment, **more: Any) -> dict[str, Any]:
    """Return the JSON of an upload."""
    return {
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
        **more,
    }
