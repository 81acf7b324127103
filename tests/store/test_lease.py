"""Of all processes that share a database, one does the work that only one may do."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.store.lease import Lease, LeaseLost
from backend.store.outbox import TransactionStore
from backend.store.session import Database
from backend.usecases.outgoing import StoredTx

WORK = "relay"


class TestLease:
    def test_is_held_by_one(self, database: Database) -> None:
        first, second = Lease(database, WORK), Lease(database, WORK)
        assert [first.hold(), second.hold(), first.hold()] == [True, False, True]
        assert first.term == 1

    def test_of_other_work_is_another(self, database: Database) -> None:
        assert Lease(database, WORK).hold()
        assert Lease(database, "follow").hold()

    def test_goes_to_one_of_many_that_begin_at_once(self, database: Database) -> None:
        leases = [Lease(database, WORK) for _ in range(8)]
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(Lease.hold, leases)) == 1

    def test_is_not_asked_for_again_a_moment_later(self, database: Database) -> None:
        holder = Lease(database, WORK, seconds=600)
        assert holder.hold()
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE lease SET until_ms = 1")
        assert holder.hold()
        with database.transaction(writes=False) as connection:
            assert connection.exec_driver_sql("SELECT until_ms FROM lease").scalar_one() == 1

    def test_that_was_lost_is_asked_for_at_once(self, database: Database) -> None:
        late, holder = Lease(database, WORK, seconds=600), Lease(database, WORK, seconds=600)
        assert late.hold()
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE lease SET until_ms = 1")
        assert holder.hold()
        with pytest.raises(LeaseLost), database.transaction() as connection:
            late.require(connection)
        assert not late.hold()

    def test_that_was_let_go_is_free_at_once(self, database: Database) -> None:
        first, second = Lease(database, WORK), Lease(database, WORK)
        assert first.hold()
        first.release()
        assert second.hold()
        assert second.term == 2
        assert not first.hold()

    def test_that_nobody_renews_goes_to_the_next(self, database: Database) -> None:
        silent, next_one = Lease(database, WORK, seconds=0.2), Lease(database, WORK)
        assert silent.hold()
        assert not next_one.hold()
        while not next_one.hold():  # the runner's own limit ends a wait that would not end
            time.sleep(0.05)
        assert next_one.term == 2

    def test_is_not_let_go_for_somebody_else(self, database: Database) -> None:
        first, second = Lease(database, WORK), Lease(database, WORK)
        assert first.hold()
        second.release()
        assert not second.hold()


class TestWhatOnlyTheHolderMayDo:
    def test_is_not_done_by_one_that_wakes_up_late(self, database: Database) -> None:
        late, holder = Lease(database, WORK, seconds=0), Lease(database, WORK)
        store = TransactionStore(database, "0xabc", lease=late)
        assert late.hold()
        time.sleep(0.002)
        assert holder.hold()
        with pytest.raises(LeaseLost, match="another process"):
            store.save(StoredTx(1, b"raw", b"\1" * 32))
        assert list(store.open_txs()) == []
        TransactionStore(database, "0xabc", lease=holder).save(StoredTx(1, b"raw", b"\1" * 32))
        assert [tx.nonce for tx in store.open_txs()] == [1]

    def test_renews_the_lease(self, database: Database) -> None:
        holder, other = Lease(database, WORK, seconds=30), Lease(database, WORK)
        assert holder.hold()
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE lease SET until_ms = 1")
        with database.transaction() as connection:
            holder.require(connection)
        assert not other.hold()
