"""What a resident's browser loads when a bin is scanned, and what of it works without JavaScript."""

from __future__ import annotations

import re
from typing import Any

from bench.report import Report

TRANSFERRED_BYTES = 60_000
_CASE_CODE = re.compile(r"^([0-9A-Z]{5}-){4}[0-9A-Z]{5}$")


def public_pages(town: Any) -> dict[str, str]:
    """Return the pages of a bin that anybody may see: behind the code on it, and behind its number."""
    from running_system import giai

    label = town.system.bins[0]
    return {
        "the page behind a bin's code": f"/8004/{giai(label)}",
        "a bin's public page": f"/bins/{label.number:010x}",
    }


def prove_public_page(report: Report, town: Any) -> None:
    """Count what is transferred, and live without JavaScript."""
    report.say("\n## A bin's public pages\n")
    for name, path in public_pages(town).items():
        size, count = _transferred(town, path)
        what = f"{name} takes at most {TRANSFERRED_BYTES // 1000} kB, everything in it included"
        report.check(what, size <= TRANSFERRED_BYTES, f"{size:,} bytes in {count} answers")
        report.check(f"{name} can be used without JavaScript", *_without_javascript(town, path))


def _transferred(town: Any, path: str) -> tuple[int, int]:
    from people import PHONE

    page = town.page(PHONE, is_phone=True)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(town.system.url + path)
    page.wait_for_load_state("networkidle")
    page.context.close()
    return round(sum(sizes)), len(sizes)


def _without_javascript(town: Any, path: str) -> tuple[bool, str]:
    """Read a bin's page in the other language too, follow a pick-up to its proof, and hand in a complaint."""
    from people import PHONE

    context = town.browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, locale="zh-CN", java_script_enabled=False
    )
    town.watch.over(context)
    page = context.new_page()
    page.goto(town.system.url + path)
    title = page.title()
    page.locator("a.language").click()
    translated = page.title()
    lifts = page.locator(".lifts .lift").count()
    page.goto(town.system.url + path)
    page.locator('a[href$="/complaint"]').first.click()
    page.locator('input[name="kind"]').first.check(force=True)
    page.locator("form.complain button[type=submit]").click()
    code = page.locator(".case-code code").inner_text()
    context.close()
    works = title != translated and lifts > 0 and _CASE_CODE.fullmatch(code) is not None
    return works, f"read as “{title}” and “{translated}”, {lifts} pick-ups shown, a complaint handed in"
