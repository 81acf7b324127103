"""A small month from end to end: device keys, API, a real chain that is told the time, and what people see."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import Result
from running_city import RunningCity

from backend.cli.month import month_midnight
from backend.console.language import TEXTS
from backend.exchange.threshold_file import load_thresholds
from backend.jobs.radar import Radar
from backend.settings import Settings
from backend.simulate.month.frauds import KINDS
from backend.simulate.month.living import BEGINS_BEFORE_SECONDS
from backend.simulate.month.month import make
from backend.simulate.month.size import Size
from backend.simulate.month.truth import truth_of
from backend.store.session import Database

DAYS = 20
SMALL = ("--scale", "0.03", "--days", str(DAYS), "--step-minutes", "1440", "--seed", "2")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    folder = tmp_path_factory.mktemp("month")
    begins_at = month_midnight(folder / "data", DAYS) - BEGINS_BEFORE_SECONDS
    made = RunningCity(folder, begins_at=begins_at)
    yield made
    made.stop()


def live(city: RunningCity) -> Result:
    return city.huanlian("simulate", "month", *SMALL)


@pytest.fixture(scope="module")
def truth(city: RunningCity) -> Any:
    """The truth about a month that was lived, and that the radar has looked through."""
    lived = live(city)
    assert lived.exit_code == 0, lived.output
    assert "0 known before" in lived.output
    found = json.loads((city.data_dir / "field" / "truth.json").read_text(encoding="utf-8"))
    month = make("2", Size.of_share(0.03), days=DAYS, midnight=found["midnight"])
    assert json.loads(json.dumps(truth_of(month))) == found
    city.courier.wait_recorded({device: len(lines) for device, lines in month.journals.lines.items()})
    database = Database(Settings(data_dir=city.data_dir).database)
    Radar(database, load_thresholds(), lambda: month.end).run_once()
    database.close()
    return found


def page(city: RunningCity, path: str) -> str:
    answer = httpx.get(city.url + path, timeout=60)
    assert answer.status_code == 200, path
    return answer.text


class TestMonth:
    def test_hides_every_kind_of_fraud_in_a_few_thousand_lifts(self, truth: Any) -> None:
        assert {fraud["kind"] for fraud in truth["frauds"]} == set(KINDS)
        assert 3_000 < truth["lifts"] < 8_000

    @pytest.mark.parametrize("kind", KINDS)
    def test_shows_each_kind_on_the_radar_with_its_culprit(self, city: RunningCity, truth: Any, kind: str) -> None:
        hidden = [fraud for fraud in truth["frauds"] if fraud["kind"] == kind]
        found = city.courier.get("/api/v1/radar", kind=kind, limit=500)["findings"]
        caught = [
            one
            for one in found
            for fraud in hidden
            if fraud["culprit"] in one["subjects"].values()
            and {(e["device"], e["seq"]) for e in one["evidence"]} & {(d, s) for d, s in fraud["entries"]}
        ]
        assert caught, (hidden, found)
        shown = page(city, f"/radar?lang=zh&kind={kind}")
        assert TEXTS["zh"][f"finding.{kind}"] in shown
        assert any(f'id="f-{one["id"]}"' in shown for one in caught)

    def test_was_recorded_in_its_own_days(self, city: RunningCity, truth: Any) -> None:
        for fraud in truth["frauds"][:5]:
            (device, seq) = fraud["entries"][0]
            entry = city.courier.get(f"/api/v1/entries/{device}/{seq}")
            recorded = datetime.datetime.fromisoformat(entry["recorded_at"]).timestamp()
            day = truth["midnight"] + fraud["day"] * 86_400
            assert day < recorded < day + 3 * 86_400

    def test_shows_in_the_city_and_in_the_balance(self, city: RunningCity, truth: Any) -> None:
        day = datetime.datetime.fromtimestamp(truth["midnight"] + 3 * 86_400 + 8 * 3600, datetime.UTC)
        assert "示范区环卫" in page(city, f"/city?lang=zh&month={day:%Y-%m}")
        balance = city.courier.get("/api/v1/balance", day=f"{day:%Y-%m-%d}")
        assert sum(row["lifted_grams"] for row in balance["rows"]) > 5_000_000

    def test_can_be_handed_in_again(self, city: RunningCity, truth: Any) -> None:
        again = live(city)
        assert again.exit_code == 0, again.output
        assert json.loads((city.data_dir / "field" / "truth.json").read_text(encoding="utf-8")) == truth

    def test_tells_the_chain_the_present_at_its_end(self, city: RunningCity, truth: Any) -> None:
        city.hand_in(city.organisation(77))
        newest = int(city.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        assert newest > truth["midnight"] + DAYS * 86_400


class TestChainThatGoesByTheClock:
    def test_is_refused(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        city = RunningCity(tmp_path_factory.mktemp("clock"))
        try:
            refused = live(city)
            assert refused.exit_code != 0
            assert "begins-at" in str(refused.exception or refused.output)
        finally:
            city.stop()
