"""A plan lived twice gives the same bytes, and every gram of it arrives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from custody_stories import NETWORK, NOON

from backend.demo.city import PLAN, load_demo_city
from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Root, State
from backend.domain.journal import evidence_digest, read_entries
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.steps import is_ready, settle
from backend.domain.types import Outcome, device_id
from backend.domain.writer import JournalWriter
from backend.exchange.plan import read_runs
from backend.simulate import courier as courier_module
from backend.simulate.courier import Courier, RefusedByServer, ends_of
from backend.simulate.day import Day, DayWriter, World
from backend.simulate.run import midnight_of, opening_of, plants_of
from backend.simulate.vault import Vault

CITY = load_demo_city()
VAULT = Vault(b"a secret of the tests, 32 bytes.")


def live_a_day(name: str = "demo") -> tuple[Day, dict[int, JournalWriter]]:
    with PLAN.open(encoding="utf-8") as lines:
        runs = list(read_runs(lines))
    organisations = {o.kind.value: o.id for o in CITY.organisations}
    world = World(
        network=NETWORK,
        midnight=NOON,
        carrier_of={run.truck: organisations["carrier"] for run in runs},
        station_organisation=organisations["station_operator"],
        park_organisation={run.park: CITY.site(run.park).organisation for run in runs if run.park},
        park_site={run.park: CITY.site(run.park).id for run in runs if run.park},
        plant_site=plants_of(CITY),
        street_of_station={run.station: int(CITY.site(CITY.street).id) for run in runs},
    )
    registrars = {
        o.id: JournalWriter(NETWORK, device_id(o.id, 1), VAULT.key(f"registrar/{o.id}"))
        for o in CITY.organisations
    }
    openings = [opening_of(site, VAULT) for site in CITY.sites]
    return DayWriter(name, world, VAULT).write(runs, openings, registrars), registrars


class TestADay:
    def test_is_the_same_each_time(self) -> None:
        assert live_a_day()[0] == live_a_day()[0]

    def test_of_another_name_shares_no_device_and_no_bin(self) -> None:
        one, other = live_a_day()[0], live_a_day("other")[0]
        assert {s.device for s in one.journals}.isdisjoint(s.device for s in other.journals)
        assert {b.number for b in one.bins}.isdisjoint(b.number for b in other.bins)
        assert {b.serial for b in one.bins}.isdisjoint(b.serial for b in other.bins)

    @pytest.mark.parametrize("is_backwards", [False, True])
    def test_is_accepted_by_the_rules_to_the_last_gram(self, is_backwards: bool) -> None:
        day, registrars = live_a_day()
        state = State(NETWORK)
        for organisation, writer in registrars.items():
            state.roots[organisation] = Root(writer.device, key_hash(*writer.public), 1)
        outcomes: dict[tuple[int, int], int] = {}
        devices = {s.device for s in day.journals}
        order = sorted(devices, reverse=is_backwards)
        journals = [s for device in order for s in day.journals if s.device == device]
        for segment in (*day.registrars, *journals):
            answer = record_segment(state, segment, block_time=NOON)
            assert isinstance(answer, Recorded)
            for offset, outcome in enumerate(answer.outcomes):
                outcomes[segment.device, segment.first_seq + offset] = outcome
            outcomes.update({(s.device, s.seq): s.outcome for s in answer.settled})
        while ready := [key for key in sorted(state.queues) if is_ready(state, *key)]:
            for key in ready:
                done = settle(state, *key, block_time=NOON, max_steps=9)
                outcomes.update({(s.device, s.seq): s.outcome for s in done})
        assert set(outcomes.values()) == {Outcome.APPLIED}
        with PLAN.open(encoding="utf-8") as lines:
            planned = sum(stop.grams for run in read_runs(lines) for stop in run.stops)
        assert sum(t.lifted for t in state.totals.values()) == planned
        for stream, t in state.totals.items():
            held = sum(lot.grams for lot in state.lots.values() if lot.stream == stream)
            assert t.lifted + t.gained == held + t.out + t.lost

    def test_every_lift_has_its_evidence_and_its_placed_bin(self) -> None:
        day, _ = live_a_day()
        placed = {b.number for placement in day.placements for b in placement.bins}
        lifts = 0
        for segment in day.journals:
            for seq, entry in enumerate(read_entries(segment.words), segment.first_seq):
                if entry.kind == Kind.LIFT:
                    lifts += 1
                    salt, document = day.evidence[segment.device, seq]
                    assert entry.fields["evidence"] == evidence_digest(salt, document.encode())
                    assert entry.fields["bin"] in placed
        assert lifts == day.lifts == len(day.evidence)


class TestVault:
    def test_keeps_its_secret_to_its_owner(self, tmp_path: Path) -> None:
        path = tmp_path / "field" / "vault.json"
        vault = Vault.at(path)
        assert Vault.at(path) == vault
        assert path.stat().st_mode & 0o777 == 0o600
        assert Vault.at(tmp_path / "other.json") != vault

    def test_gives_each_name_its_own(self) -> None:
        assert VAULT.key("a").secret == VAULT.key("a").secret != VAULT.key("b").secret
        assert VAULT.device(2, "a") >> 40 == 2
        assert 0 < VAULT.number("a", 40) < 1 << 40

    def test_writes_the_day_down_once(self, tmp_path: Path) -> None:
        path = tmp_path / "day.json"
        assert midnight_of(path, 5) == 5
        assert midnight_of(path, 6) == 5


@pytest.fixture
def courier_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Courier]:
    """Return a courier whose server answers as told, one answer after the other; its pauses take no time."""
    clock = [0.0]
    monkeypatch.setattr(courier_module.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + s))
    monkeypatch.setattr(courier_module.time, "monotonic", lambda: clock[0])

    def make(*answers: Any) -> Courier:
        left = list(answers)

        def respond(_: httpx.Request) -> httpx.Response:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return httpx.Response(answer[0], json=answer[1])

        made = Courier("http://server", patience_seconds=60)
        made._client = httpx.Client(base_url="http://server", transport=httpx.MockTransport(respond))
        return made

    return make


DONE = (201, {"warnings": [{"code": "unknown-bin"}]})


class TestCourier:
    @pytest.mark.parametrize(
        "trouble",
        [
            httpx.ConnectError("refused"),
            httpx.ReadTimeout("slow"),
            (503, {"retryable": True}),
            (500, {}),
            (403, {"retryable": True}),
        ],
    )
    def test_insists_until_there_is_a_receipt(self, courier_to: Any, trouble: Any) -> None:
        day, _ = live_a_day()
        courier = courier_to(trouble, trouble, trouble, DONE)
        courier.hand_in(day.journals[0], day.evidence)
        assert (courier.handed_in, courier.repeats, courier.warnings) == (1, 0, {"unknown-bin": 1})

    def test_gives_up_on_what_will_never_be_taken(self, courier_to: Any) -> None:
        with pytest.raises(RefusedByServer, match="bad-seal"):
            courier_to((403, {"type": "/problems/bad-seal", "retryable": False})).post("/x", {})

    def test_ends_when_its_patience_does(self, courier_to: Any) -> None:
        with pytest.raises(TimeoutError):
            courier_to(httpx.ConnectError("refused")).get("/x")

    def test_finds_nothing_where_there_is_nothing(self, courier_to: Any) -> None:
        assert courier_to((404, {})).find("/x") is None

    def test_waits_until_every_journal_is_recorded(self, courier_to: Any) -> None:
        def recorded(seq: int) -> tuple[int, Any]:
            return 200, {"recorded": {"seq": seq}}

        courier = courier_to((404, {}), recorded(1), recorded(2), recorded(2))
        courier.wait_recorded({device_id(2, 7): 2})

    def test_knows_where_journals_end(self) -> None:
        day, _ = live_a_day()
        ends = ends_of(day.journals)
        assert set(ends) == {s.device for s in day.journals}
