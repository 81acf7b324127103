"""The month as real signed journals, answered by the real rules and folded into real books.

Only the chain is left out: the ledger's answers come from the domain's own rules, which are held against the
contracts elsewhere, and the blocks hold nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Root, State
from backend.domain.journal import Network, Segment
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.seal import CURVE_ORDER, key_hash
from backend.domain.types import Role, Scheme, device_id, organisation_of
from backend.domain.writer import JournalWriter, SigningKey
from backend.simulate.month.month import Month
from backend.simulate.month.naming import write_directory
from backend.simulate.month.sealing import seal
from backend.store.books import BooksStore
from backend.store.directory import DirectoryStore
from backend.store.session import Database
from backend.usecases.ledger_events import (
    BinsPlaced,
    Extend,
    Header,
    LedgerEvent,
    LogPlace,
    OrganisationCreated,
    PlacedBinEvent,
    SegmentRecorded,
    StepSettled,
)

NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
_DAY_SECONDS = 86_400


@dataclass
class Chain:
    """Blocks in the making."""

    state: State = field(default_factory=lambda: State(NETWORK))
    headers: list[Header] = field(default_factory=list)
    events: list[LedgerEvent] = field(default_factory=list)
    number: int = 0
    parent: bytes = bytes(32)

    def begin(self, time: int) -> None:
        """Begin a block."""
        self.number += 1
        block_hash = keccak256(self.number.to_bytes(8, "big"))
        self.headers.append(Header(self.number, block_hash, self.parent, time))
        self.parent = block_hash

    def place(self) -> LogPlace:
        """Return where the next event stands; each is a transaction of its own."""
        index = len(self.events)
        tx_hash = keccak256(self.parent + index.to_bytes(8, "big"))
        return LogPlace(self.number, self.parent, tx_hash, index)

    def record(self, segment: Segment) -> None:
        """Let the rules answer a segment, and note what they say."""
        answer = record_segment(self.state, segment, block_time=self.headers[-1].timestamp)
        assert isinstance(answer, Recorded), answer
        place = self.place()
        self.events += [StepSettled(place, s.device, s.seq, s.lot, int(s.outcome)) for s in answer.settled]
        s = segment
        self.events.append(
            SegmentRecorded(
                place, s.device, s.first_seq, answer.head, s.x, s.y, s.r, s.s, s.words, answer.outcomes
            )
        )

    def batch(self) -> Extend:
        """Return the blocks made so far, and forget them; the newest is not final."""
        made = Extend(tuple(self.headers), tuple(self.events), max(self.number - 1, 0))
        self.headers, self.events = [], []
        return made


def write_books(
    month: Month, database: Database, *, meanwhile: Callable[[], object] = lambda: None, blocks_at_once: int = 400
) -> int:
    """Fill an empty database with the month's books; return how many segments there are.

    `meanwhile` is done after each batch of blocks.
    """
    database.migrate()
    with database.transaction() as connection:
        write_directory(month, DirectoryStore(connection), source="demo month", serial_of=_serial)
    books, chain = BooksStore(database, NETWORK), Chain()
    writers = _begin(month, chain)
    count = 0
    for arrival in seal(month, writers):
        chain.begin(arrival.at)
        for segment in arrival.segments:
            chain.record(segment)
        count += len(arrival.segments)
        if len(chain.headers) >= blocks_at_once:
            _fold(books, chain)
            meanwhile()
    _fold(books, chain)
    return count


def _fold(books: BooksStore, chain: Chain) -> None:
    disagreements = books.extend(chain.batch()).disagreements
    assert not disagreements, disagreements[:3]


def _key(month: Month, name: str) -> SigningKey:
    number = int.from_bytes(keccak256(f"{month.district.seed}/{name}".encode()), "big")
    return SigningKey.from_secret(number % (CURVE_ORDER - 1) + 1)


def _begin(month: Month, chain: Chain) -> dict[int, JournalWriter]:
    """Create organisations, enrol all devices and place all bins; return the devices' journals."""
    roles = month.journals.roles
    chain.begin(month.midnight - 40 * _DAY_SECONDS)
    registrars: dict[int, JournalWriter] = {}
    for organisation in sorted({int(organisation_of(device)) for device in roles}):
        root = JournalWriter(NETWORK, device_id(organisation, 1), _key(month, f"root {organisation}"))
        digest = key_hash(*root.public)
        chain.state.roots[organisation] = Root(root.device, digest, 1)
        chain.state.named_roots[root.device] = True
        chain.events.append(OrganisationCreated(chain.place(), organisation, root.device, digest))
        registrars[organisation] = root
    writers = {device: JournalWriter(NETWORK, device, _key(month, f"{device}")) for device in sorted(roles)}
    for device, writer in writers.items():
        x, y = writer.public
        role = Role(roles[device])
        registrars[organisation_of(device)].write(
            Kind.ENROL, device=device, role=role, scheme=Scheme.RAW, x=x, y=y, occurred_at=month.midnight
        )
    chain.begin(month.midnight - 35 * _DAY_SECONDS)
    for registrar in registrars.values():
        for segment in registrar.cut_all():
            chain.record(segment)
    for street in range(month.district.streets):
        placed = tuple(
            PlacedBinEvent(
                b.number, keccak256(_serial(b.number)), b.stream, month.midnight + b.placed_day * _DAY_SECONDS
            )
            for b in month.district.bins
            if b.street == street
        )
        chain.events.append(BinsPlaced(chain.place(), month.district.site(street), placed))
    return writers


def _serial(number: int) -> bytes:
    return number.to_bytes(16, "big")
