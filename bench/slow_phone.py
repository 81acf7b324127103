"""From a label in sight to a sealed lift on a slow phone, its start with no network, and what it loads first."""

from __future__ import annotations

import gzip
from typing import Any

from bench.browsing import ROOT, middle
from bench.report import Report

SLOWER, RUNS, STARTS = 4, 20, 7
TAP_MILLISECONDS = {"look": 700, "grade-2": 0, "fill-3": 400, "save-lift": 400}
"""What a practised hand is assumed to need: to look at the sheet and tap a grade, then for each further tap."""
AIM_MILLISECONDS = 800
"""And to hold the phone before the label."""
MEDIAN_SECONDS, FIRST_LOAD_BYTES = 3.0, 350_000

# The app's own buttons, tapped at set times; every instant is the page's own.
_SCAN_AND_SEAL = """
async ({taps, before}) => {
  const find = (id) => document.querySelector(`[data-testid="${id}"]`);
  const when = (look) => new Promise((resolve) => {
    const seen = () => { if (look()) { watching.disconnect(); resolve(performance.now()); return true; } };
    const watching = new MutationObserver(seen);
    watching.observe(document.body, {subtree: true, childList: true, attributes: true});
    seen();
  });
  const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));
  const found = when(() => find("bin-found")?.checkVisibility());
  find("scan-open").click();
  await when(() => find("scan-video"));
  const video = find("scan-video");
  const frame = new Promise((resolve) => video.requestVideoFrameCallback(() => resolve(performance.now())));
  const inSight = await frame;
  const foundAt = await found;
  let at = foundAt;
  for (const [id, milliseconds] of Object.entries(taps)) {
    await pause(milliseconds);
    if (id === "look") continue;
    at = performance.now();
    find(id).click();
  }
  const sealedAt = await when(() => Number(find("lift-saved")?.dataset.seq ?? 0) > before);
  const seq = Number(find("lift-saved").dataset.seq);
  return {found: foundAt - inSight, sealed: sealedAt - at, all: sealedAt - inSight, seq};
}
"""
_NOTE_START = """
new MutationObserver((_, watching) => {
  if (!document.querySelector('[data-testid="scan-open"], [data-testid="start-lot-food"]')) return;
  globalThis.startedAt = performance.now();
  watching.disconnect();
}).observe(document, {subtree: true, childList: true});
"""


def prove_slow_phone(report: Report, town: Any) -> None:
    """Say how long a scripted scan takes at a quarter of this machine's speed, and how large the first load is."""
    from offline_shift import enrol
    from people import PATIENCE
    from playwright.sync_api import expect

    from backend.domain.types import Role, Stream

    report.say(f"\n## A phone {SLOWER} times slower than this machine\n")
    crew = enrol(town, 2, Role.CREW, "slow", set())
    expect(crew.find("directory-date")).not_to_have_text("还没有", timeout=PATIENCE)
    crew.keep_app()
    crew.start_lot("residual")
    session = crew.context.new_cdp_session(crew.page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    bins = [label for label in town.system.bins if label.stream == Stream.RESIDUAL]
    runs, seq = [], 0
    with crew.without_network():
        for label in bins[:RUNS]:
            town.camera.show_label(label, base_url=town.system.url)
            runs.append(crew.page.evaluate(_SCAN_AND_SEAL, {"taps": TAP_MILLISECONDS, "before": seq}))
            seq = runs[-1]["seq"]
            crew.tap("back")
            crew.seen("scan-open")
        _tell_runs(report, runs)
        _prove_start(report, crew, session)
    _prove_first_load(report, town)


def _tell_runs(report: Report, runs: list[dict[str, float]]) -> None:
    for name, what in (
        (
            "found",
            "from the first frame of a camera that has just opened to the sheet with the bin",
        ),
        ("sealed", "from the last tap to the lift sealed, on disk and shown"),
    ):
        times = [run[name] for run in runs]
        report.say(
            f"- {what}: median {middle(times):.0f} ms, p95 {middle(times, 0.95):.0f} ms ({len(runs)} lifts)"
        )
    processing = [run["found"] + run["sealed"] for run in runs]
    report.say(f"- processing in all: median {middle(processing):.0f} ms, p95 {middle(processing, 0.95):.0f} ms")
    whole = [(AIM_MILLISECONDS + run["all"]) / 1000 for run in runs]
    assumed = ", ".join(f"{name} {value} ms" for name, value in TAP_MILLISECONDS.items() if value)
    assumed = f"a person's time assumed: aim {AIM_MILLISECONDS} ms, {assumed}"
    report.check(
        f"scan to sealed in {MEDIAN_SECONDS:g} s (median), {assumed}",
        middle(whole) <= MEDIAN_SECONDS,
        f"median {middle(whole):.2f} s, p95 {middle(whole, 0.95):.2f} s",
    )
    report.say(
        "- what is slowed down is the page; a browser slows down no worker, and frames are read in one:"
        " `scripts/prove decode` has its figures"
    )


def _prove_start(report: Report, crew: Any, session: Any) -> None:
    crew.page.add_init_script(_NOTE_START)
    starts = []
    for _ in range(STARTS):
        crew.page.reload()
        crew.page.wait_for_function("() => globalThis.startedAt !== undefined")
        starts.append(float(crew.page.evaluate("globalThis.startedAt")))
    report.check(
        "the app starts with no network",
        len(starts) == STARTS,
        f"first screen after {middle(starts):.0f} ms (median of {STARTS}), slowest {max(starts):.0f} ms",
    )
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})


def _prove_first_load(report: Report, town: Any) -> None:
    from people import PHONE

    page = town.page(PHONE, is_phone=True)
    sizes: dict[str, int] = {}
    page.on("requestfinished", lambda request: sizes.__setitem__(request.url, request.sizes()["responseBodySize"]))
    page.goto(town.system.url + "/app/")
    page.get_by_test_id("enrol-scan").wait_for()
    page.wait_for_load_state("networkidle")
    plain = {url: size for url, size in sizes.items() if not url.endswith(".wasm")}
    page.context.close()
    dist = ROOT / "scanner_app" / "dist"
    kept = [file for file in dist.rglob("*") if file.is_file() and file.suffix not in (".wasm", ".map")]
    whole = sum(len(gzip.compress(file.read_bytes())) for file in kept if file.name != "verify.html")
    report.check(
        f"what a phone loads first, besides the reader's wasm, is at most {FIRST_LOAD_BYTES // 1000} kB squeezed",
        whole <= FIRST_LOAD_BYTES,
        f"{sum(plain.values()):,} bytes for the first screen; {whole:,} for everything that is kept for offline",
    )
