"""A crew and a gate work a whole shift with no network; then they come back over a line that breaks."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from cutting_line import Cut, CuttingLine
from people import PATIENCE, PHONE, Phone, Town
from playwright.sync_api import Error, expect
from running_system import RunningSystem
from test_gate import hand_over
from test_ways_on import full_disk

from backend.chain.ledger_events import SegmentRecorded
from backend.chain.ledger_logs import decode_logs
from backend.domain.label import human_readable
from backend.domain.types import Role, Stream
from backend.labels.layout import BinLabel

_CARRIER, _PARK = 2, 4
_COME_BACK_SECONDS = 600
STREAMS = (Stream.RESIDUAL, Stream.FOOD)
"""One lot of each; they are handed over one after the other."""

# A person's taps on the app's own buttons, without waiting for a person.
_LIFT_BY_HAND = """
async ({number, bin, before}) => {
  const find = (id) => document.querySelector(`[data-testid="${id}"]`);
  const usable = (id) => {
    const found = find(id);
    return found?.checkVisibility() && !found.disabled ? found : null;
  };
  const until = async (look) => {
    for (;;) {
      const found = look();
      if (found) return found;
      await new Promise((resume) => setTimeout(resume, 4));
    }
  };
  const tap = async (id) => (await until(() => usable(id))).click();
  await tap("manual-open");
  (await until(() => usable("manual-input"))).value = number;
  await tap("manual-submit");
  for (;;) {
    const shown = await until(() => usable("bin-found") ?? usable("warn-continue"));
    if (shown.dataset.testid === "bin-found") {
      if (shown.dataset.bin !== bin) throw new Error(`found ${shown.dataset.bin}, not ${bin}`);
      break;
    }
    shown.click();
    await until(() => !shown.isConnected);
  }
  await tap("grade-1");
  await tap("fill-1");
  await tap("save-lift");
  const saved = await until(() => Number(find("lift-saved")?.dataset.seq ?? 0) > before && find("lift-saved"));
  return Number(saved.dataset.seq);
}
"""
_SAVE = """() => document.querySelector('[data-testid="save-lift"]').click()"""


@dataclass(frozen=True)
class Sealed:
    """Everything a phone has sealed, as its rescue file tells."""

    device: str
    words: dict[int, bytes]
    seals: dict[int, tuple[int, int]]
    heads: dict[int, str]

    @property
    def last_seq(self) -> int:
        return max(self.words)


@dataclass
class Shift:
    """Two phones, and what was asked of the network for them."""

    town: Town
    crew: Phone
    gate: Phone
    asked: set[str]
    lots: list[str] = field(default_factory=list)
    lifted: int = 0
    last_seq: int = 0

    @property
    def phones(self) -> tuple[Phone, Phone]:
        return self.crew, self.gate

    def go_offline(self) -> None:
        """Leave the last place with a signal; the app must have been kept by then."""
        for phone in self.phones:
            phone.keep_app()
            phone.context.set_offline(True)

    def work(self, *, lifts: int, by_camera: int) -> None:
        """Fill a lot of each stream and hand it over; on the way the page is killed, and storage full."""
        for at, stream in enumerate(STREAMS):
            lot = self.crew.start_lot(stream.name.lower())
            self.lots.append(lot)
            self.crew.tap("scan-open")
            bins = list(self._bins(stream, lifts // 2))
            cameras = by_camera // 2
            for label in bins[:cameras]:
                self._lift_by_camera(label)
            self._look_away()
            quarter = (len(bins) - cameras) // 4
            for done, label in enumerate(bins[cameras:]):
                if done == quarter and at == 0:
                    self._reload()
                if done == 2 * quarter and at == 0:
                    self._kill_while_sealing(label)
                elif done == quarter and at == 1:
                    self._lift_while_storage_is_full(label)
                else:
                    self._lift_by_hand(label)
            self.crew.tap("back")
            expect(self.crew.find("lot-lifts")).to_have_text(str(len(bins)))
            self.hand_over(lot)

    def _bins(self, stream: Stream, count: int) -> Iterator[BinLabel]:
        # From the end: other tests take theirs from the beginning.
        known = [label for label in self.town.system.bins if label.stream == stream][::-1]
        return (known[at % len(known)] for at in range(count))

    def _lift_by_camera(self, label: BinLabel) -> None:
        self.crew.tap("back")
        self.town.camera.show_label(label, base_url=self.town.system.url)
        self.crew.tap("scan-open")
        assert self.crew.told("bin-found", "bin") == f"{label.number:010x}"
        self._judge_and_save()

    def _look_away(self) -> None:
        self.crew.tap("back")
        self.town.camera.look_away()
        self.crew.tap("scan-open")

    def _lift_by_hand(self, label: BinLabel) -> None:
        told = {"number": human_readable(label.serial), "bin": f"{label.number:010x}", "before": self.last_seq}
        self._sealed(self.crew.page.evaluate(_LIFT_BY_HAND, told))

    def _judge_and_save(self) -> None:
        before = self.last_seq
        self.crew.tap("grade-1")
        self.crew.tap("fill-1")
        self.crew.tap("save-lift")
        saved = self.crew.find("lift-saved")
        expect(saved).not_to_have_attribute("data-seq", str(before), timeout=PATIENCE)
        self._sealed(int(self.crew.told("lift-saved", "seq")))

    def _sealed(self, seq: int) -> None:
        assert seq > self.last_seq
        self.last_seq = seq
        self.lifted += 1

    def _open_by_hand(self, label: BinLabel) -> None:
        self.crew.tap("manual-open")
        self.crew.type_number(label)
        warning = self.crew.find("warn-continue")
        found = self.crew.find("bin-found")
        expect(warning.or_(found)).to_be_visible(timeout=PATIENCE)
        while warning.is_visible():
            warning.click()
            expect(warning.or_(found)).to_be_visible(timeout=PATIENCE)

    def _reload(self) -> None:
        self.crew.page.reload()
        assert int(self.crew.told("lift-saved", "seq")) == self.last_seq

    def _kill_while_sealing(self, label: BinLabel) -> None:
        """Tap save, and end the page in the same moment: the lift is kept whole, or was never sealed."""
        self._open_by_hand(label)
        self.crew.tap("grade-1")
        self.crew.tap("fill-1")
        before = self.crew.page
        with before.expect_event("crash"):
            before.evaluate(_SAVE)
            with suppress(Error):
                before.goto("chrome://crash")
        self.crew.page = self.crew.context.new_page()
        before.close()
        self.crew.page.goto(self.town.system.url + "/app/")
        self.crew.tap("scan-open")
        seq = int(self.crew.told("lift-saved", "seq"))
        if seq == self.last_seq:
            self._lift_by_hand(label)
        else:
            self._sealed(seq)

    def _lift_while_storage_is_full(self, label: BinLabel) -> None:
        self._open_by_hand(label)
        self.crew.tap("grade-1")
        self.crew.tap("fill-1")
        before = str(self.last_seq)
        with full_disk(self.crew):
            self.crew.tap("save-lift")
            self.crew.seen("failure-full")
            expect(self.crew.find("unsent-count")).to_have_attribute("data-count", before)
        self.crew.tap("failure-again")
        expect(self.crew.find("unsent-count")).not_to_have_attribute("data-count", before, timeout=PATIENCE)
        self._sealed(int(self.crew.told("lift-saved", "seq")))

    def hand_over(self, lot: str) -> None:
        """Give on one phone, take on the other, answer back: each reads the other's screen."""
        crew, gate = self.phones
        hand_over(crew, lot)
        self.town.camera.show_screen(crew.find("give-qr").screenshot())
        gate.page.evaluate("location.hash = '#/'")
        gate.tap("gate-scan")
        gate.seen("gross")
        kilograms = _kilograms(gate.page.locator(".summary .figure").inner_text())
        gate.find("gross").fill(f"{5000 + kilograms:.1f}")
        gate.find("tare").fill("5000")
        gate.find("calibrated-until").fill("2099-12-31")
        gate.tap("weigh-save")
        gate.tap("take-save")
        expect(gate.seen("take-qr").locator("svg")).to_be_visible(timeout=PATIENCE)
        self.town.camera.show_screen(gate.find("take-qr").screenshot())
        crew.tap("answer-scan")
        assert crew.told("give-taken", "taker") == gate.device
        assert crew.told("give-taken", "by") == "seal"
        crew.tap("given-home")

    def end(self) -> None:
        self.crew.tap("shift-open")
        expect(self.crew.find("shift-given")).to_have_text(str(len(self.lots)))
        self.crew.tap("shift-end")
        self.crew.tap("ask-yes")
        self.last_seq = int(self.crew.told("shift-ended", "seq"))

    def come_back(self, line: CuttingLine) -> None:
        """Find the network again, lose it each time an upload was cut, and find it again until all is sent."""
        for phone in self.phones:
            phone.context.set_offline(False)
        deadline = time.monotonic() + _COME_BACK_SECONDS
        while waiting := [phone for phone in self.phones if _unsent(phone)]:
            struck = len(line.struck)
            while len(line.struck) == struck and any(_unsent(phone) for phone in waiting):
                said = [_unsent(phone) for phone in self.phones]
                assert time.monotonic() < deadline, f"after {struck} cuts still unsent: {said}"
                self.crew.page.wait_for_timeout(50)
            if len(line.struck) > struck:
                for phone in waiting:
                    phone.context.set_offline(True)
                    phone.context.set_offline(False)


def _unsent(phone: Phone) -> int:
    return int(phone.find("unsent-count").get_attribute("data-count") or 0)


def _kilograms(shown: str) -> float:
    number, unit = shown.split()
    return float(number.replace(",", "")) * {"kg": 1, "t": 1000, "吨": 1000}[unit]


def enrol(town: Town, organisation: int, role: Role, name: str, asked: set[str]) -> Phone:
    """A phone that its organisation's registrar has approved."""
    page = town.page(PHONE, scale=2, is_phone=True)
    page.context.on("request", lambda request: asked.add(_origin(request.url)))
    phone = Phone.on(town, name, page)
    with town.system.invitation(organisation, role) as (invitation, approve):
        page.goto(town.system.url + invitation.path)
        assert phone.told("enrol-check", "check") == invitation.wait_for_key()
        approve()
    phone.begin()
    return phone


def begin_shift(town: Town) -> Shift:
    """Enrol a crew's and a gate's phone, and wait until both know who there is."""
    asked: set[str] = set()
    crew = enrol(town, _CARRIER, Role.CREW, "shift-crew", asked)
    gate = enrol(town, _PARK, Role.GATE, "shift-gate", asked)
    expect(crew.find("directory-date")).not_to_have_text("还没有", timeout=PATIENCE)
    gate.seen("gate-scan")
    return Shift(town, crew, gate, asked)


def cuts_of(count: int, *, seed: str, passing: int) -> list[Cut | None]:
    """So many cuts, every kind of them, in an order of the seed's; so many uploads get through on the way."""
    rng = random.Random(seed)
    kinds = list(Cut)
    cuts: list[Cut | None] = [kinds[at % len(kinds)] for at in range(count)]
    rng.shuffle(cuts)
    for at in range(passing, 0, -1):
        cuts.insert(at * count // (passing + 1), None)
    return cuts


def sealed_by(phone: Phone) -> Sealed:
    """Read everything a phone has sealed off the file that it would be rescued by."""
    phone.page.evaluate("location.hash = '#/history'")
    phone.seen("rescue")
    with phone.page.expect_download() as download:
        phone.tap("rescue")
    content = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert content["device"] == phone.device
    seals = {seal["seq"]: seal for seal in content["seals"]}
    return Sealed(
        device=content["device"],
        words={entry["seq"]: bytes.fromhex(entry["words"]) for entry in content["entries"]},
        seals={seq: (int(seal["r"], 16), int(seal["s"], 16)) for seq, seal in seals.items()},
        heads={seq: seal["head"] for seq, seal in seals.items()},
    )


def recorded_of(system: RunningSystem, device: str) -> list[SegmentRecorded]:
    """What the chain itself holds of a device, in the order of its blocks."""
    ledger = system.get("/api/v1/network")["ledger"].removeprefix("0x")
    wanted = {"fromBlock": "0x0", "toBlock": "latest", "address": "0x" + ledger}
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [wanted]}
    logs = httpx.post(system.rpc_url, json=question, timeout=60).json()["result"]
    return [
        event
        for event in decode_logs(logs)
        if isinstance(event, SegmentRecorded) and event.segment.device == int(device, 16)
    ]


def differences(sealed: Sealed, recorded: Sequence[SegmentRecorded]) -> list[str]:
    """What the ledger has otherwise than the phone had sealed it; nothing where each entry is there once."""
    found: list[str] = []
    times: Counter[int] = Counter()
    for event in recorded:
        segment = event.segment
        seqs = range(segment.first_seq, segment.first_seq + len(event.outcomes))
        times.update(seqs)
        if segment.words != b"".join(sealed.words.get(seq, b"") for seq in seqs):
            found.append(f"entries {seqs[0]} to {seqs[-1]} are others than were sealed")
        if (segment.r, segment.s) != sealed.seals.get(seqs[-1]):
            found.append(f"entry {seqs[-1]} was sealed again")
    found += [f"entry {seq} is there {times[seq]} times" for seq in sealed.words if times[seq] != 1]
    found += [f"entry {seq} was never sealed" for seq in times if seq not in sealed.words]
    return found


def wait_recorded(system: RunningSystem, sealed: Sealed) -> None:
    """Return once all that a phone sealed is on the ledger, and has had its effect."""
    end = {"seq": sealed.last_seq, "head": sealed.heads[sealed.last_seq]}
    system.wait_for(f"/api/v1/devices/{sealed.device}", recorded=end)
    for seq in sealed.words:
        system.wait_for(f"/api/v1/entries/{sealed.device}/{seq}", outcome="applied")


def _origin(url: str) -> str:
    parts = urlsplit(url.removeprefix("blob:"))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.scheme + ":"
