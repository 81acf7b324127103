"""Requests for a next key are kept once, and are waiting until their key is enrolled."""

from __future__ import annotations

from custody_stories import NOON

from backend.domain.seal import key_hash
from backend.domain.types import Role, device_id
from backend.store.intake import IntakeStore
from backend.store.renewals import RenewalStore
from backend.store.session import Database
from backend.usecases.ports import KnownDevice
from backend.usecases.renewals import Asked, Renewal

ORGANISATION = (1 << 24) - 1
REGISTRAR = device_id(ORGANISATION, 1)


def know(database: Database, serial: int, key: tuple[int, int] = (1, 2)) -> int:
    device = device_id(ORGANISATION, serial)
    known = KnownDevice(device, key_hash(*key), Role.CREW, NOON, False, REGISTRAR, serial)
    with database.transaction() as connection:
        IntakeStore(connection).know_device(known)
    return device


def ask(database: Database, device: int, *, x: int = (1 << 256) - 1, asked_at: int = NOON) -> Renewal:
    renewal = Renewal(device, x, 4, (1 << 256) - 5, 6, asked_at)
    with database.transaction() as connection:
        RenewalStore(connection).keep(renewal)
    return renewal


def find(database: Database, device: int) -> Asked | None:
    with database.transaction(writes=False) as connection:
        return RenewalStore(connection).find(device)


def waiting(database: Database, limit: int = 10, organisation: int = ORGANISATION) -> list[Renewal]:
    with database.transaction(writes=False) as connection:
        return list(RenewalStore(connection).waiting(organisation, limit))


class TestRenewalStore:
    def test_gives_back_what_was_kept(self, database: Database) -> None:
        device = know(database, 7)
        assert find(database, device) is None
        renewal = ask(database, device)
        assert find(database, device) == Asked(renewal, None)
        assert waiting(database) == [renewal]
        assert waiting(database, organisation=1) == []

    def test_keeps_the_first_request_of_a_device(self, database: Database) -> None:
        device = know(database, 7)
        first = ask(database, device)
        ask(database, device, x=3, asked_at=NOON + 1)
        assert find(database, device) == Asked(first, None)

    def test_answers_one_once_its_key_is_enrolled(self, database: Database) -> None:
        device = know(database, 7)
        renewal = ask(database, device)
        renewed = know(database, 8, (renewal.x, renewal.y))
        assert find(database, device) == Asked(renewal, renewed)
        assert waiting(database) == []

    def test_does_not_take_a_root_registrars_naming_for_an_answer(self, database: Database) -> None:
        device = know(database, 7)
        renewal = ask(database, device)
        named = KnownDevice(REGISTRAR, key_hash(renewal.x, renewal.y), Role.REGISTRAR, 0, False, None, None)
        with database.transaction() as connection:
            IntakeStore(connection).know_device(named)
        assert find(database, device) == Asked(renewal, None)
        assert waiting(database) == [renewal]

    def test_lists_the_oldest_first_those_of_revoked_devices_last_and_no_more_than_asked(
        self, database: Database
    ) -> None:
        devices = [know(database, serial) for serial in (7, 8, 9)]
        asked = [ask(database, device, asked_at=NOON - at) for at, device in enumerate(devices)]
        with database.transaction() as connection:
            IntakeStore(connection).forget_trust(devices[2])
        assert waiting(database) == [asked[1], asked[0], asked[2]]
        assert waiting(database, limit=1) == [asked[1]]
