from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.domain.alerts import AlertKind, UnusableAlerts
from backend.exchange.alert_file import AlertSettings, load_alert_settings
from backend.exchange.webhooks import signature_of

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def settings() -> dict[str, Any]:
    """What docs/alerts.md shows, with a secret in it."""
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    shown = re.search(r"```json\n(\{\n.*?)```", text, re.S)
    assert shown is not None
    said: dict[str, Any] = json.loads(shown[1])
    said["recipients"][0]["secret"] = SECRET
    return said


def load(said: Any, folder: Path) -> AlertSettings:
    path = folder / "alerts.json"
    path.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    return load_alert_settings(path, base_url="https://huanlian.example")


class TestTheFile:
    def test_in_the_documentation_can_be_used(self, tmp_path: Path) -> None:
        found = load(settings(), tmp_path)
        desk, company = found.preferences
        assert (desk.quiet, desk.digest_minute) == ((22 * 60, 7 * 60), None)
        assert desk.kinds == frozenset(AlertKind)
        assert desk.urgent == frozenset((AlertKind.COMPLAINT_OVERDUE,))
        assert (company.digest_minute, company.sites) == (480, frozenset(("0000010000000001",)))
        assert set(found.channels) == {(desk.recipient, "webhook"), (company.recipient, "mail")}

    @pytest.mark.parametrize(
        "change",
        [
            lambda s: s.update(extra=1),
            lambda s: s.pop("roles"),
            lambda s: s.pop("smtp"),
            lambda s: s["smtp"].pop("host"),
            lambda s: s["smtp"].update(unknown=1),
            lambda s: s["roles"]["carrier"].update(kinds=["gossip"]),
            lambda s: s["roles"]["carrier"].update(sites=[]),
            lambda s: s["recipients"][0].update(role="nobody"),
            lambda s: s["recipients"][0].update(phone="1"),
            lambda s: s["recipients"][0].update(quiet=["22:00", "24:00"]),
            lambda s: s["recipients"][0].update(quiet=["22:00"]),
            lambda s: s["recipients"][1].update(digest="8:00"),
            lambda s: s["recipients"][1].update(sites=["1"]),
            lambda s: s["recipients"][1].update(name=s["recipients"][0]["name"]),
            lambda s: s["recipients"][0].pop("secret"),
            lambda s: s["recipients"][0].update(secret="whsec_c2hvcnQ="),
            lambda s: s["recipients"][0].update(secret="not base64, but long enough for anybody"),
        ],
    )
    def test_is_refused_whole_when_part_of_it_cannot_be_meant(
        self, tmp_path: Path, change: Callable[[dict[str, Any]], Any]
    ) -> None:
        said = settings()
        change(said)
        with pytest.raises(UnusableAlerts) as refused:
            load(said, tmp_path)
        assert said["recipients"][0].get("secret", "?") not in str(refused.value)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"roles": {}, "roles": {}}', "null"])
    def test_is_refused_when_it_is_no_settings(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(UnusableAlerts):
            load(text, tmp_path)


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example of the specification's reference implementations.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature_of(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
