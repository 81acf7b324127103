"""Facts of a city that never was: entries that a ledger applied, written by hand."""

from __future__ import annotations

from backend.domain.journal import pack_entry_with_items, read_entry
from backend.domain.layout import Kind
from backend.domain.mass_flows import Applied, AppliedEntry, AppliedLifts, MassFlows, Move
from backend.domain.types import Basis, Role, Stream, device_id, lot_id, site_id

NOON = 1_772_337_600  # 2026-03-01 12:00 in Shanghai
DAY_SECONDS = 86_400
TODAY = (NOON + 8 * 3600) // DAY_SECONDS
CREW, STATION, PARK = 2, 3, 4
TRUCK, GATE, WORKS = device_id(CREW, 7), device_id(STATION, 7), device_id(PARK, 7)
STREET, HALL = site_id(CREW, 1), site_id(STATION, 1)
PIT, KILN = site_id(PARK, 1), site_id(PARK, 2)
LOT, POOL, PRODUCT, SLAG = lot_id(TRUCK, 1), lot_id(GATE, 1), lot_id(WORKS, 1), lot_id(WORKS, 2)
ROLES = {TRUCK: Role.CREW, GATE: Role.GATE, WORKS: Role.GATE}


class Diary:
    """Writes applied entries down in their order; every journal counts its own."""

    def __init__(self) -> None:
        self.facts: list[Applied] = []
        self.seqs: dict[int, int] = {}
        self.now = NOON

    def next_seq(self, device: int) -> int:
        self.seqs[device] = self.seqs.get(device, 0) + 1
        return self.seqs[device]

    def write(
        self,
        kind: Kind,
        device: int,
        *,
        items: tuple[dict[str, int], ...] = (),
        block_time: int | None = None,
        **fields: int,
    ) -> AppliedEntry:
        fields.setdefault("occurred_at", self.now)
        entry = read_entry(pack_entry_with_items(kind, fields, items))
        at = self.now if block_time is None else block_time
        fact = AppliedEntry(device, self.next_seq(device), entry, at)
        self.facts.append(fact)
        return fact

    def sites(self, *sites: int) -> None:
        for site in sites:
            self.write(Kind.SITE, device_id(site >> 40, 1), site=site, site_kind=2)

    def lifts(self, device: int, lot: int, *lifted: tuple[int, int], block_time: int | None = None) -> None:
        """Lift (grams, occurred_at) into a lot, all in one run."""
        words = b"".join(
            pack_entry_with_items(
                Kind.LIFT,
                {
                    "bin": 1,
                    "stream": Stream.RESIDUAL,
                    "basis": Basis.ONBOARD_SCALE,
                    "grams": grams,
                    "occurred_at": at,
                },
                (),
            )
            for grams, at in lifted
        )
        seq = self.next_seq(device)
        at = self.now if block_time is None else block_time
        self.facts.append(AppliedLifts(device, seq, lot, words, at))

    def hand_over(self, giver: int, taker: int, lot: int, grams: int, taken: int | None = None) -> AppliedEntry:
        give = self.write(Kind.GIVE, giver, lot=lot, grams=grams, to=taker)
        return self.write(
            Kind.TAKE,
            taker,
            lot=lot,
            grams=grams if taken is None else taken,
            giver=giver,
            give_seq=give.seq,
        )


def moves_of(facts: list[Applied]) -> tuple[MassFlows, list[Move]]:
    flows = MassFlows({}, {})
    return flows, [move for fact in facts for move in flows.apply(fact)]


def collected(diary: Diary, grams: int = 5_000_000) -> None:
    """A truck opens a lot and lifts into it."""
    diary.sites(STREET, HALL)
    diary.write(Kind.LOAD, TRUCK, lot=LOT, stream=Stream.RESIDUAL)
    diary.lifts(TRUCK, LOT, (grams, diary.now))
