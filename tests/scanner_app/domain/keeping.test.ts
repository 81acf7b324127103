import { describe, expect, it } from "vitest";
import { emptyState, newLot, type State } from "../../../scanner_app/src/domain/custody_state.ts";
import { type Entry, makeEntry, packEntry } from "../../../scanner_app/src/domain/journal.ts";
import {
  type Line,
  lotsStillNeeded,
  type Needs,
  occurredAt,
  spareSeqs,
  Tickets,
  wholeLoads,
} from "../../../scanner_app/src/domain/keeping.ts";
import type { LotId } from "../../../scanner_app/src/domain/types.ts";
import { DEVICE, lift, load, NOW } from "../phone.ts";

const lotId = (serial: number) => `${DEVICE}${serial.toString(16).padStart(8, "0")}` as LotId;
const NOTHING: Needs = { lots: new Set(), tickets: new Set(), fromSeq: Number.POSITIVE_INFINITY };
const end = makeEntry("shift_end", { lifts: 0, grams: 0, flags: 0, occurred_at: NOW });

/** Lines in a row from seq 1; those in `stays` may not go. */
function run(entries: readonly Entry[], stays: readonly number[] = []): Line[] {
  return entries.map((entry, at) => ({
    seq: at + 1,
    kind: entry.kind,
    words: packEntry(entry),
    mayGo: !stays.includes(at + 1),
  }));
}
const loading = (serial: number) => load(BigInt(`0x${lotId(serial)}`));

describe("lines that may go", () => {
  const two = [loading(1), lift(1), end, lift(2), loading(2), lift(3)];

  it("are all that are proved and not needed", () => {
    expect(spareSeqs(run(two), NOTHING)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(spareSeqs(run(two, [3]), NOTHING)).toEqual([1, 2, 4, 5, 6]);
  });

  it("are none of a load of which one line stays, because its lifts would become another lot's", () => {
    expect(spareSeqs(run(two, [4]), NOTHING)).toEqual([3, 5, 6]);
    expect(spareSeqs(run(two, [5]), NOTHING)).toEqual([1, 2, 3, 4]);
  });

  it("are none of a lot that is still needed", () => {
    expect(spareSeqs(run(two), { ...NOTHING, lots: new Set([lotId(2)]) })).toEqual([1, 2, 3, 4]);
  });

  it("are none from the seq on from which everything stays", () => {
    expect(spareSeqs(run(two), { ...NOTHING, fromSeq: 5 })).toEqual([1, 2, 3, 4]);
  });
});

describe("a run of whole loads", () => {
  it("ends before its last load", () => {
    expect(wholeLoads(run([loading(1), lift(1), loading(2), lift(2)]))).toBe(2);
  });

  it("is none while only one has begun", () => {
    expect(wholeLoads(run([loading(1), lift(1)]))).toBe(0);
    expect(wholeLoads(run([end]))).toBe(0);
  });
});

describe("lots whose lines are still read", () => {
  const state = (): State => emptyState({ chainId: 1, ledger: "" });
  const needed = (told: State, answered: readonly string[] = []) =>
    [...lotsStillNeeded(told, DEVICE, (lot, seq) => answered.includes(`${lot}-${seq}`))].sort();

  it("are in these hands", () => {
    const told = state();
    told.lots.set(lotId(1), newLot(DEVICE, 4));
    told.lots.set(lotId(2), { ...newLot(DEVICE, 4), status: "leaving" });
    told.lots.set(lotId(3), { ...newLot(DEVICE, 4), status: "closed" });
    told.lots.set(lotId(4), { ...newLot(DEVICE, 4), status: "merged" });
    told.lots.set(lotId(5), newLot("0000020000000008" as never, 4));
    expect(needed(told)).toEqual([lotId(1), lotId(2)]);
  });

  it("are handed over, until that very give is answered", () => {
    const told = state();
    told.lots.set(lotId(1), { ...newLot(DEVICE, 4), status: "given" });
    told.gives.set(lotId(1), { to: DEVICE, seq: 9, grams: 1, head13: "" });
    expect(needed(told)).toEqual([lotId(1)]);
    expect(needed(told, [`${lotId(1)}-8`])).toEqual([lotId(1)]);
    expect(needed(told, [`${lotId(1)}-9`])).toEqual([]);
  });
});

describe("weighings", () => {
  const line = (seq: number, kind: string, words = new Uint8Array()) => ({ seq, kind, words });

  it("are needed until they are cited, and the newest for ever", () => {
    const tickets = new Tickets();
    tickets.read(line(1, "weigh"));
    tickets.read(line(2, "weigh"));
    expect(tickets.needed()).toEqual(new Set([1, 2]));
    expect(new Tickets().needed()).toEqual(new Set());
  });
});

describe("when a line was written", () => {
  it("is what it says itself, and long ago where it says nothing", () => {
    expect(occurredAt(packEntry(end))).toBe(NOW);
    expect(occurredAt(Uint8Array.of(250, 1, ...new Uint8Array(30)))).toBe(0);
  });
});
