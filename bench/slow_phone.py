"""From a label in sight to a sealed lift on a slow phone, its start with no network, and what it loads first."""

from __future__ import annotations

import gzip
from typing import Any

from bench.browsing import ROOT, how_busy, middle
from bench.processor_time import CATEGORIES, Spent, spent_between
from bench.report import Report

SLOWER, RUNS, STARTS = 4, 10, 7
TAP_MILLISECONDS = {"look": 700, "grade-2": 0, "fill-3": 400, "save-lift": 400}
"""What a practised hand is assumed to need: to look at the sheet and tap a grade, then for each further tap."""
AIM_MILLISECONDS = 800
"""And to hold the phone before the label."""
MEDIAN_SECONDS, FIRST_LOAD_BYTES = 3.0, 350_000
PROCESSING_MILLISECONDS, START_MILLISECONDS = 150, 1500

# The app's own buttons, tapped at set times; every instant is the page's own. A frame is worked on from when the
# app asks for its pixels; the label is in sight from the first frame that is not dark.
_WATCH_LOOKS = """
() => {
  globalThis.look = {taken: 0, inWorker: 0, count: 0};
  const Lent = VideoFrame;
  globalThis.VideoFrame = class extends Lent {
    constructor(...given) {
      look.taken = performance.mark("taken").startTime;
      super(...given);
    }
  };
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (...given) {
    const began = performance.now();
    const told = () => { look.inWorker = performance.now() - began; look.count += 1; };
    this.addEventListener("message", told, {once: true});
    return post.apply(this, given);
  };
}
"""
_SCAN_AND_SEAL = """
async ({taps, before}) => {
  const find = (id) => document.querySelector(`[data-testid="${id}"]`);
  const when = (see) => new Promise((resolve) => {
    const drawn = () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    const seen = () => { if (see()) { watching.disconnect(); drawn(); } };
    const watching = new MutationObserver(seen);
    watching.observe(document.body, {subtree: true, childList: true, attributes: true});
    seen();
  });
  const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const drawing = canvas.getContext("2d", {willReadFrequently: true});
  const isDark = (video) => {
    const [x, y] = [video.videoWidth * 0.4, video.videoHeight * 0.4];
    drawing.drawImage(video, x, y, x / 2, y / 2, 0, 0, 1, 1);
    return drawing.getImageData(0, 0, 1, 1).data[1] < 60;
  };
  const light = (video) => new Promise((resolve) => {
    let wasDark = false;
    const frame = () => {
      if (isDark(video)) wasDark = true;
      else if (wasDark) return resolve(performance.now());
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
  });
  const found = when(() => find("bin-found")?.checkVisibility());
  look.count = 0;
  find("scan-open").click();
  await when(() => find("scan-video"));
  const inSight = await light(find("scan-video"));
  const looksBefore = look.count;
  const foundAt = await found;
  performance.mark("found");
  const {taken, inWorker} = look;
  let at = foundAt;
  for (const [id, milliseconds] of Object.entries(taps)) {
    await pause(milliseconds);
    if (id === "look") continue;
    at = performance.mark("tapped").startTime;
    find(id).click();
  }
  const sealedAt = await when(() => Number(find("lift-saved")?.dataset.seq ?? 0) > before);
  performance.mark("sealed");
  const seq = Number(find("lift-saved").dataset.seq);
  return {
    looksBefore, inWorker, seq,
    waited: taken - inSight,
    found: foundAt - taken,
    sealed: sealedAt - at,
    all: sealedAt - inSight,
  };
}
"""
_NOTE_START = """
new MutationObserver((_, watching) => {
  if (!document.querySelector('[data-testid="scan-open"], [data-testid="start-lot-food"]')) return;
  watching.disconnect();
  requestAnimationFrame(() => setTimeout(() => { globalThis.startedAt = performance.now(); }));
}).observe(document, {subtree: true, childList: true});
"""
_KEPT = """
async () => {
  await navigator.serviceWorker.ready;
  const names = (await caches.keys()).filter((name) => name.startsWith("huanlian-"));
  const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return requests.flat().map(({url}) => new URL(url).pathname);
}
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
    crew.page.evaluate(_WATCH_LOOKS)
    with crew.without_network():
        seq, costs = 0, []
        for label in _bins(town, Stream.RESIDUAL):
            town.browser.start_tracing(page=crew.page, categories=list(CATEGORIES))
            seq = int(_scan(town, crew, label, seq)["seq"])
            trace = town.browser.stop_tracing()
            costs.append(spent_between(trace, [("taken", "found"), ("tapped", "sealed")]))
        _tell_costs(report, costs)
        crew.start_lot("food")
        session = crew.context.new_cdp_session(crew.page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        runs = []
        for label in _bins(town, Stream.FOOD):
            runs.append(_scan(town, crew, label, seq))
            seq = int(runs[-1]["seq"])
        _tell_runs(report, runs)
        _prove_start(report, crew, session)
    _prove_first_load(report, town)


def _bins(town: Any, stream: Any) -> list[Any]:
    return [label for label in town.system.bins if label.stream == stream][:RUNS]


def _scan(town: Any, crew: Any, label: Any, seq: int) -> dict[str, float]:
    """Scan a bin, judge it and seal; return what each part took."""
    town.camera.come_to_label(label, base_url=town.system.url)
    told: dict[str, float] = crew.page.evaluate(_SCAN_AND_SEAL, {"taps": TAP_MILLISECONDS, "before": seq})
    crew.tap("back")
    crew.seen("scan-open")
    return told


def _tell_costs(report: Report, costs: list[list[Spent]]) -> None:
    reading, sealing = ([cost[at] for cost in costs] for at in (0, 1))
    report.say(f"- {how_busy()}")
    for what, times in (
        (
            "the page, from taking the frame that is read to the sheet with the bin",
            [cost.page for cost in reading],
        ),
        ("the worker that reads it", [cost.worker for cost in reading]),
        ("the page, from the last tap to the lift sealed, on disk and shown", [cost.both for cost in sealing]),
    ):
        report.say(f"- processor time at full speed of {what}: {_spread(times)}")
    whole = [SLOWER * sum(each.both for each in cost) for cost in costs]
    report.check(
        f"what the phone computes for a scan, {SLOWER} times that, is at most {PROCESSING_MILLISECONDS} ms",
        middle(whole) <= PROCESSING_MILLISECONDS,
        f"{_spread(whole)} ({len(costs)} lifts)",
    )


def _tell_runs(report: Report, runs: list[dict[str, float]]) -> None:
    for run in runs:
        # A browser slows down no worker: what a frame took there is counted as many times.
        run["read"] = run["found"] + (SLOWER - 1) * run["inWorker"]
        run["whole"] = AIM_MILLISECONDS + run["all"] + (SLOWER - 1) * run["inWorker"]
    cold = sum(run["looksBefore"] == 0 for run in runs)
    report.say(f"- {len(runs)} lifts by the clock, the page slowed down; {cold} with a reader yet to start")
    report.say(f"- {how_busy()}")
    for name, what in (
        ("waited", "from the label in sight to the look that reads it"),
        ("read", "from taking that frame to the sheet with the bin"),
        ("sealed", "from the last tap to the lift sealed, on disk and shown"),
    ):
        report.say(f"- {what}: {_spread([run[name] for run in runs])}")
    assumed = ", ".join(f"{name} {value} ms" for name, value in TAP_MILLISECONDS.items() if value)
    assumed = f"a person's time assumed: aim {AIM_MILLISECONDS} ms, {assumed}"
    whole = [run["whole"] for run in runs]
    report.check(
        f"scan to sealed in {MEDIAN_SECONDS:g} s (median), {assumed}",
        middle(whole) <= MEDIAN_SECONDS * 1000,
        _spread(whole),
    )


def _spread(times: list[float]) -> str:
    return f"median {middle(times):.0f} ms, p95 {middle(times, 0.95):.0f} ms"


def _prove_start(report: Report, crew: Any, session: Any) -> None:
    crew.page.add_init_script(_NOTE_START)
    starts = []
    for _ in range(STARTS):
        crew.page.reload()
        crew.page.wait_for_function("() => globalThis.startedAt !== undefined")
        starts.append(float(crew.page.evaluate("globalThis.startedAt")))
    report.check(
        f"the app starts with no network in {START_MILLISECONDS / 1000:g} s (median of {STARTS})",
        middle(starts) <= START_MILLISECONDS,
        f"first screen drawn after {middle(starts):.0f} ms, slowest {max(starts):.0f} ms",
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
    kept = [path.removeprefix("/app/") for path in page.evaluate(_KEPT)]
    page.context.close()
    dist = ROOT / "scanner_app" / "dist"
    whole = sum(len(gzip.compress((dist / file).read_bytes())) for file in kept if not file.endswith(".wasm"))
    report.check(
        f"what a phone loads first, besides the reader's wasm, is at most {FIRST_LOAD_BYTES // 1000} kB squeezed",
        whole <= FIRST_LOAD_BYTES,
        f"{sum(plain.values()):,} bytes for the first screen; {whole:,} for everything that is kept for offline",
    )
