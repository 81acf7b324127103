"""Walking a real chain that is replaced, ends early, or is large enough for many processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chain_support import City, PlainAnvil, found_city, write_lifts

from backend.chain.client import Rpc
from backend.domain.types import lot_id, lot_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.jobs.audit import ChainAudit, ChainAway, OtherChain
from backend.jobs.seal_pool import SealPool
from backend.store.audit_state import AuditState, Checkpoint, InUse
from backend.usecases.audit_faults import FaultKind
from backend.usecases.audit_seals import SealCheck


@contextmanager
def auditing(
    city: City, path: Path, *, rpc: Rpc | None = None, pool: SealPool | None = None
) -> Iterator[tuple[ChainAudit, list[tuple[str, dict[str, Any]]]]]:
    notes: list[tuple[str, dict[str, Any]]] = []
    state = AuditState(path, city.network)
    try:
        with pool or SealPool() as checking:
            yield (
                ChainAudit(
                    rpc or city.rpc,
                    city.deployment,
                    state,
                    checking,
                    on_note=lambda key, **values: notes.append((key, values)),
                    checkpoint_seconds=0,
                ),
                notes,
            )
    finally:
        state.close()


def lift_and_record(city: City, serial: int, lifts: int = 3) -> str:
    (crew,) = city.crews(serial)
    write_lifts(crew, lifts)
    city.record(*crew.cut_all())
    return lot_text(lot_id(crew.device, 1))


class TestAReplacedChain:
    def test_is_followed_from_the_last_checkpoint(self, anvil: PlainAnvil, tmp_path: Path) -> None:
        city = found_city(anvil.rpc)
        kept = lift_and_record(city, 21)
        anvil.mine(3)
        gone = lift_and_record(city, 22)
        with auditing(city, tmp_path / "state.db") as (walked, notes):
            walked.catch_up()
            assert {kept, gone} <= walked.finish().lots.keys()
            anvil.rpc.call("anvil_reorg", 1, [])
            anvil.mine(2)
            walked.catch_up()
            found = walked.finish()
            assert (found.faults, notes) == ([], [])
            assert kept in found.lots
            assert gone not in found.lots
            assert walked.compare_state()[0] == []
            assert sum(lifts for _, lifts in walked.bins()) == 3

    def test_is_walked_again_where_a_checkpoint_is_gone(self, anvil: PlainAnvil, tmp_path: Path) -> None:
        city = found_city(anvil.rpc)
        kept = lift_and_record(city, 23)
        gone = lift_and_record(city, 24)
        anvil.mine(4)
        with auditing(city, tmp_path / "state.db") as (walked, notes):
            walked.catch_up()
            anvil.mine(1)
            walked.catch_up()  # the blocks before are final now, and a checkpoint stands on them
            anvil.rpc.call("anvil_reorg", 6, [])
            anvil.mine(2)
            walked.catch_up()
            found = walked.finish()
            assert [key for key, _ in notes] == ["replaced"]
            assert (kept in found.lots, gone in found.lots, found.faults) == (True, False, [])
            assert walked.compare_state()[0] == []

    def test_is_no_chain_that_ends_before_the_checkpoint(self, anvil: PlainAnvil, tmp_path: Path) -> None:
        city = found_city(anvil.rpc)
        snapshot = anvil.rpc.call("evm_snapshot")
        anvil.mine(6)
        with auditing(city, tmp_path / "state.db") as (walked, _):
            walked.catch_up()
        anvil.rpc.call("evm_revert", snapshot)
        with auditing(city, tmp_path / "state.db") as (walked, notes):
            assert [key for key, _ in notes] == ["goes_on"]
            with pytest.raises(ChainAway, match="ends at block"):
                walked.catch_up()


class TestALargeChain:
    def test_is_checked_by_other_processes_with_the_same_result(self, city: City, tmp_path: Path) -> None:
        lift_and_record(city, 831, lifts=250)
        for serial in range(832, 870):
            lift_and_record(city, serial, lifts=250)
        results = []
        for count in (1, 3):
            pool = SealPool(processes=count)
            with auditing(city, tmp_path / f"{count}.db", pool=pool) as (walked, _):
                walked.catch_up()
                assert len(pool._processes) == count
                found = walked.finish()
                results.append((found.lots, found.devices, found.faults, found.tally, walked.records))
            assert all(process.poll() is not None for process in pool._processes)
        assert results[0] == results[1]
        assert results[0][2] == []

    def test_hides_no_forged_seal_among_the_others(self, city: City) -> None:
        writer = JournalWriter(city.network, city.registrar.device, SigningKey.from_secret(5))
        checks = []
        for number in range(80):
            before = writer.head
            write_lifts(writer, 200)
            checks.append(SealCheck(city.network, number, 0, writer.cut(), before, writer.head, None))
        forged = replace(checks[70].segment, s=checks[70].segment.s ^ 1)
        with SealPool(processes=2) as pool:
            pool.submit([*checks[:70], replace(checks[70], segment=forged), *checks[71:]])
            found = pool.drain()
            assert len(pool._processes) == 2
            assert [(fault.kind, fault.block) for fault in found] == [(FaultKind.SEAL, 70)]
            assert pool.drain() == []

    def test_is_no_matter_for_those_who_have_checked_it_already(self, city: City, tmp_path: Path) -> None:
        lift_and_record(city, 71)
        path = tmp_path / "state.db"
        with auditing(city, path) as (walked, _):
            walked.catch_up()
            first = walked.finish()
            bins = list(walked.bins())
        with auditing(city, path) as (walked, notes):
            assert [key for key, _ in notes] == ["goes_on"]
            walked.catch_up()
            again = walked.finish()
            assert (again, list(walked.bins())) == (first, bins)


class TestTheStateFile:
    def test_belongs_to_one_audit_at_a_time(self, city: City, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        with auditing(city, path), pytest.raises(InUse):
            AuditState(path, city.network)

    def test_is_of_one_ledger(self, city: City, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        with auditing(city, path) as (walked, _):
            walked.catch_up()
        state = AuditState(path, city.network)
        assert state.checkpoint is not None
        other = replace(state.checkpoint, basis={**state.checkpoint.basis, "chain_id": 5})
        state.save(other, faults=[], bins=Counter())
        state.close()
        with pytest.raises(OtherChain, match="chain_id"), auditing(city, path):
            raise AssertionError("it must not be taken up")

    def test_counts_lifts_of_a_bin_over_checkpoints(self, city: City, tmp_path: Path) -> None:
        state = AuditState(tmp_path / "state.db", city.network)
        made = Checkpoint(basis={}, block_number=1, block_hash="", block_time=0, tally={})
        state.save(made, faults=[{"kind": "seal"}], bins=Counter({3: 2, 9: 1}))
        state.save(made, faults=[], bins=Counter({3: 1, 5: 1}))
        assert list(state.bins(Counter({1: 4, 5: 2, 12: 1}))) == [(1, 4), (3, 3), (5, 3), (9, 1), (12, 1)]
        state.roll_back()
        assert (state.faults, state.checkpoint) == ([{"kind": "seal"}], made)
        state.clear()
        assert (state.faults, state.checkpoint, list(state.bins(Counter()))) == ([], None, [])
        state.remove()
        assert not (tmp_path / "state.db").exists()
