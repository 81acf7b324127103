"""The phone app on a slow phone, a bin's public pages, and what Lighthouse says of both."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench.browsing import missing_commands, open_town
from bench.lighthouse import look_at, missing_lighthouse
from bench.public_page import prove_public_page, public_pages
from bench.report import Report
from bench.slow_phone import prove_slow_phone


def missing_material() -> list[str]:
    """Return the programs that are not there."""
    return [*missing_commands("chromium", "ffmpeg"), *missing_lighthouse()]


def prove(report: Report) -> None:
    """Measure both on a running system."""
    with tempfile.TemporaryDirectory(prefix="huanlian-pages-") as folder, open_town(Path(folder)) as town:
        prove_slow_phone(report, town)
        prove_public_page(report, town)
        _prove_lighthouse(report, town)


def _prove_lighthouse(report: Report, town: Any) -> None:
    report.say("\n## Lighthouse\n")
    wanted_of_app = {"performance": 95, "accessibility": 100, "best-practices": 100}
    wanted_of_bin = {"performance": 95, "accessibility": 95, "best-practices": 95, "seo": 95}
    looked_at = [("the phone app", "/app/", wanted_of_app)]
    looked_at += [(name, path, wanted_of_bin) for name, path in public_pages(town).items()]
    for name, path, wanted in looked_at:
        found = look_at(town.system.url + path)
        told = ", ".join(f"{category} {score}" for category, score in wanted.items())
        holds = all(found.scores[category] >= score for category, score in wanted.items())
        report.check(f"{name} has at least {told}", holds, found.shown)
