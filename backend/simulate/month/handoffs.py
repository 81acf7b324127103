"""What happens to loads: breakdowns, stations, the park; and the loads that never get there."""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.simulate.month.district import (
    CREW_ROLE,
    GATE_ROLE,
    OFFICE,
    PARK,
    SCALE_ROLE,
    STATION,
    device,
    gate_site,
)
from backend.simulate.month.frauds import Plan
from backend.simulate.month.journals import Case, Journals
from backend.simulate.month.rounds import Load
from backend.simulate.month.size import RESIDUAL

_GATE, _SECOND_PHONE, _RESCUER = 901, 700, 701
_STATION_SCALE, _PARK_SCALE, _PARK_GATE = device(OFFICE, 900), device(PARK, 900), device(PARK, _GATE)
_CONTAINER_TARE = 14_000_000
_LOADS_A_CONTAINER = 4
_PRODUCT, _ENERGY = 1, 4


@dataclass
class Yard:
    """Stations and park over the month, with what each vehicle weighs empty; things happen in order of time."""

    journals: Journals
    plan: Plan
    rng: random.Random
    now: float = 0
    tickets_since: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    monthly_cases: dict[int, Case] = field(default_factory=dict)
    _queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _queued: int = 0
    _onward: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def receive(self, loads: list[Load], day: int) -> None:
        """Take in a day's loads, in order of arrival, and send them on to the park."""
        for load in loads:
            self._schedule(load, day)
        self._run()
        for (gate, stream), lots in sorted(self._onward.items()):
            self._send_on(gate, stream, lots)
        self._onward.clear()
        self._run()

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self._queued += 1
        heapq.heappush(self._queue, (self.now + seconds, self._queued, act))

    def _run(self) -> None:
        while self._queue:
            self.now, _, act = heapq.heappop(self._queue)
            act()

    def _say(self, device: int, kind: str, **fields: int) -> int:
        at = round(self.now)
        return self.journals.write(device, kind, recorded_at=at + 90, case=None, occurred_at=at, **fields)

    def _schedule(self, load: Load, day: int) -> None:
        fraud = load.fraud
        self.now = load.at
        if load.broke_down:
            self._after(self.rng.uniform(25, 400), lambda: self._rescue(load, day))
        elif fraud is not None and fraud.kind == "self-handoff":
            self._after(2 + 60 * fraud.strength, lambda: self._to_itself(load))
        elif fraud is None or fraud.how == "part":
            give = (load.truck.device, load.give_seq)
            self._after(150, lambda: self._arrive(load, give, day))

    def _arrive(self, load: Load, give: tuple[int, int], day: int) -> None:
        gate = device(load.truck.gate_organisation, _GATE)
        dumped = 0.0 if load.fraud is None else 0.25 + 0.5 * load.fraud.strength
        # Water runs out on the way.
        arrives = load.true_grams * (1 - dumped) * self.rng.uniform(0.955, 0.995)
        net, weigh_seq = self._weigh(load, arrives, day)
        seq = self._take(gate, load.lot, load.taken_as, net, give, (_STATION_SCALE, weigh_seq))
        if load.case is not None:
            load.case.lines.add((gate, seq))
        waiting = self._onward[gate, load.taken_as]
        waiting.append((load.lot, net))
        if len(waiting) == _LOADS_A_CONTAINER:
            lots = self._onward.pop((gate, load.taken_as))
            self._after(self.rng.uniform(600, 2400), lambda: self._send_on(gate, load.taken_as, lots))

    def _rescue(self, load: Load, day: int) -> None:
        """The truck stands still; a colleague's phone takes the load and brings it in."""
        rescuer = device(load.truck.organisation, _RESCUER)
        self._take(rescuer, load.lot, load.taken_as, load.said_grams, (load.truck.device, load.give_seq), (0, 0))

        def bring_in() -> None:
            to = load.truck.gate_organisation << 40
            if to == load.truck.organisation << 40:
                to = device(load.truck.organisation, _GATE)
            seq = self._say(rescuer, "give", lot=load.lot, grams=load.said_grams, to=to, lifts=load.lifts)
            self._after(150, lambda: self._arrive(load, (rescuer, seq), day))

        self._after(self.rng.uniform(900, 3000), bring_in)

    def _to_itself(self, load: Load) -> None:
        """A second phone of the carrier takes the load and writes it off: nobody else was there."""
        case, grams, giver = load.case, load.said_grams, load.truck.device
        second = device(load.truck.organisation, _SECOND_PHONE)
        seq = self._take(second, load.lot, load.taken_as, grams, (giver, load.give_seq), (0, 0))

        def write_off() -> None:
            closed = self._say(second, "close", lot=load.lot, grams=grams, fate=_PRODUCT)
            if case is not None:
                case.lines |= {(second, seq), (second, closed)}

        self._after(300, write_off)

    def _take(
        self, taker: int, lot: int, stream: int, grams: int, give: tuple[int, int], ticket: tuple[int, int]
    ) -> int:
        is_gate = taker & 0xFFFF == _GATE
        self.journals.roles.setdefault(taker, GATE_ROLE if is_gate else CREW_ROLE)
        giver, give_seq = give
        weigher, weigh_seq = ticket
        return self._say(
            taker, "take", lot=lot, stream=stream, grams=grams, give_seq=give_seq, giver=giver,
            weigh_seq=weigh_seq, weigher=weigher, site=gate_site(taker >> 40) if is_gate else 0,
        )  # fmt: skip

    def _weigh(self, load: Load, arrives: float, day: int) -> tuple[int, int]:
        truck, rng = load.truck, self.rng
        tare = truck.tare_grams + rng.gauss(0, 55_000)
        net_of = arrives
        monthly, since = self.plan.monthly.get(truck.device, (None, 0))
        case = None
        is_round = False
        if monthly is not None and day >= since:
            case = self.monthly_cases.get(truck.device)
            if case is None:
                case = self.journals.new_case(monthly.kind, monthly.how, day, truck.vehicle)
                self.monthly_cases[truck.device] = case
            self.tickets_since[truck.device] += 1
            if monthly.kind == "tare-drift":
                least = 350_000 + 550_000 * monthly.strength
                share = min(1.0, self.tickets_since[truck.device] / 14) if monthly.how == "slowly" else 1.0
                tare -= least * share
                net_of += least * share
            else:
                is_round = rng.random() < 0.55 + 0.4 * monthly.strength
        tare20 = round(tare / 20_000) * 20_000
        net = max(20_000, round(net_of * rng.gauss(1, 0.002) / 20_000) * 20_000)
        if is_round:
            step = rng.choice((500_000, 1_000_000))
            net = max(step, round(net / step) * step)
            if case is not None:
                # The load seems to have lost, or gained, what was rounded off.
                case.implies("missing-mass", truck.device, load.give_seq)
        told = case if case is not None and (is_round or case.kind == "tare-drift") else None
        seq = self._ticket(_STATION_SCALE, load.lot, truck.vehicle, net, tare20, told)
        return net, seq

    def _ticket(self, scale: int, lot: int, vehicle: int, net: int, tare: int, case: Case | None = None) -> int:
        self.journals.roles.setdefault(scale, SCALE_ROLE)
        self.journals.tickets[scale] += 1
        return self.journals.write(
            scale, "weigh", case=case, lot=lot, net=net, ticket=self.journals.tickets[scale], gross=net + tare,
            tare=tare, vehicle=vehicle, calibration=1, calibration_until=1 << 33,
            occurred_at=round(self.now), recorded_at=round(self.now) + 20,
        )  # fmt: skip

    def _send_on(self, gate: int, stream: int, lots: list[tuple[int, int]]) -> None:
        """Put some loads into one container and bring it to the park, which burns or processes it."""
        into = self.journals.new_lot(gate)
        for lot, grams in lots:
            self._say(gate, "merge", lot=lot, grams=grams, into=into, stream=stream)
        total = sum(grams for _, grams in lots)
        give_seq = self._say(gate, "give", lot=into, grams=total, to=PARK << 40)

        def arrive() -> None:
            net = round(total * self.rng.gauss(0.992, 0.004) / 20_000) * 20_000
            tare = round((_CONTAINER_TARE + self.rng.gauss(0, 60_000)) / 20_000) * 20_000
            vehicle = device(STATION, 20_000 + self.rng.randrange(6))
            weigh_seq = self._ticket(_PARK_SCALE, into, vehicle, net, tare)
            self._take(_PARK_GATE, into, stream, net, (gate, give_seq), (_PARK_SCALE, weigh_seq))
            fate = _ENERGY if stream == RESIDUAL else _PRODUCT
            self._after(3600, lambda: close(net, fate))

        def close(net: int, fate: int) -> None:
            self._say(_PARK_GATE, "close", lot=into, grams=net, fate=fate, site=gate_site(PARK))

        self._after(self.rng.uniform(2400, 5400), arrive)
