"""Whole cities gone wrong: everything that people do rightly, wrongly and on purpose, as a list of operations.

Same seed and network, same operations. The city folds its own operations in Python as it goes, as phones and
registrars look at what the ledger has said; whoever runs the operations starts from nothing.
"""

from __future__ import annotations

from backend.domain.journal import Network
from backend.domain.seal import key_hash
from backend.domain.types import Role, device_id
from tests.differential.hostile_devices import PROPOSED_SERIAL
from tests.differential.hostile_people import HostilePerson
from tests.differential.hostile_uploads import WildUploads
from tests.differential.journals import NETWORK, NOON, Gift
from tests.differential.operations import Operation, Record, Settle, World, apply

NETWORKS = (NETWORK, Network(NETWORK.chain_id, bytes.fromhex("e7f1725e7734ce288f8367e1bb143e90bb3f0512")))
"""A ledger and its successor."""
SUSPENDED = 9
"""An organisation that the city has suspended."""


class HostileCity(WildUploads):
    """Four organisations, one of them a regulator, and a suspended one."""

    def __init__(self, seed: object, *, networks: tuple[Network, ...] = NETWORKS) -> None:
        self.gifts: list[Gift] = []
        self.next_serials: dict[int, int] = {}
        self.block_time = NOON + 60
        self.operations: list[Operation] = []
        self.recorded = 0
        super().__init__(seed, network=networks[0])
        self._found_the_suspended()
        self.has_flood = self.chance(0.1)
        self.world = World(
            networks,
            tuple(self.roots.items()),
            (*(root.device for root in self.roots.values()), device_id(1, PROPOSED_SERIAL)),
        )
        self.states = self.world.fresh_states()

    def _found_the_suspended(self) -> None:
        registrar = self._person(SUSPENDED, 1, Role.REGISTRAR)
        self.registrars[SUSPENDED] = registrar
        hash_ = key_hash(*registrar.writer.public)
        one = self.roots[1]
        self.roots[SUSPENDED] = one._replace(
            device=registrar.id, key_hash=hash_, is_suspended=True, is_regulator=self.chance(0.5)
        )
        self.roots[2] = self.roots[2]._replace(epoch=3)
        crew = self._person(SUSPENDED, 2, Role.CREW)
        self.people.append(crew)
        self.enrol(registrar, crew)

    def carry_out(self, operation: Operation) -> None:
        """Do something to the ledger, and remember it."""
        self.operations.append(operation)
        answer = apply(self.states, operation)
        if isinstance(operation, Record):
            self.recorded += len(answer.get("outcomes", "")) // 2

    def run(self, entries: int) -> list[Operation]:
        """Return operations in which at least so many entries are recorded, ending with everything settled."""
        for registrar in self.registrars.values():
            if self.chance(0.85):
                self.flush(registrar)
        while self.recorded < entries:
            self._round()
        self._settle_all()
        return self.operations

    def _round(self) -> None:
        self.pass_time()
        for _ in range(self.rng.randint(1, 8)):
            self._act(self.any_person())
        for person in (*self.people, *self.registrars.values()):
            if self.chance(person.haste * 0.4):
                self._reach_the_ledger(person)
        if self.chance(0.5):
            self.settle()

    def _act(self, person: HostilePerson) -> None:
        if self.chance(0.45):
            self.live_as(person)
            return
        if self.has_flood:
            self.has_flood = False
            self.flood(person)
        acts = [
            *(self.wild_give, self.wild_take, self.wild_take, self.wild_refuse, self.wild_refuse),
            *(self.wild_unattested, self.wild_withdraw),
            *(self.take_and_withdraw, self.wild_redirect, self.wild_merge, self.merge_and_use, self.wild_split),
            *(self.wild_transform, self.wild_transform, self.wild_close, self.wild_lift, self.anything),
            *(self.noise, self.wild_mandate, self.take_for_another, self.take_for_another, self.take_for_another),
            *(self.attest, self.wild_enrol, self.transcribe, self.transcribe, self.lose_some, self.mixed_handoff),
            *(self.weigh_some, self.mixed_handoff),
        ]
        rare = [
            *(self.new_device, self.revoke_device, self.move_away, self.fork, self.fork, self.fork),
            *(self.heavy_lot, self.crowd_a_queue, self.move_away, self.move_registrar),
        ]
        self.rng.choice(acts if self.chance(0.93) else rare)(person)

    def live_as(self, person: HostilePerson) -> None:
        """Do one honest thing."""
        acts = [
            *(self._lift, self._lift, self._lift, self._hand_over, self._hand_over, self._hand_over, self._split),
            *(self._merge, self._transform, self._close, self._weigh, self._note, self._unattested, self._blunder),
        ]
        self.rng.choice(acts)(person)

    def _reach_the_ledger(self, person: HostilePerson) -> None:
        turn = self.rng.random()
        if turn < 0.8:
            self.upload(person)
        elif turn < 0.9:
            self.wild_upload(person)
        else:
            forked = [p for p in self.people if p.branches]
            self.show(self.rng.choice(forked) if forked and self.chance(0.4) else person)
        if self.chance(0.06 if person.branches else 0.01):
            self.prove_fork(person)

    def _settle_all(self) -> None:
        """Judge every queue until nothing moves any more."""
        moved = True
        while moved:
            moved = False
            for ledger, state in enumerate(self.states):
                for lot, device in list(state.queues):
                    before = state.queues.get((lot, device))
                    self.carry_out(Settle(self.block_time, lot, device, 100, ledger))
                    moved = moved or state.queues.get((lot, device)) != before
