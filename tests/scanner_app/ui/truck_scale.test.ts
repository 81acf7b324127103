import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { unpackEntry } from "../../../scanner_app/src/domain/journal.ts";
import { BASIS } from "../../../scanner_app/src/domain/types.ts";
import {
  keepTruckScalePort,
  readTruckScalePort,
  type Shown,
} from "../../../scanner_app/src/scale/indicator.ts";
import { readEntries } from "../../../scanner_app/src/store/journal.ts";
import type { App } from "../../../scanner_app/src/ui/app.ts";
import { type Judgement, sealLift, type SeenBin } from "../../../scanner_app/src/ui/crew/lift.ts";
import type { OwnLot } from "../../../scanner_app/src/ui/crew/lots.ts";
import { massOf } from "../../../scanner_app/src/ui/crew/truck_scale.ts";
import { newPhone, NOW } from "../phone.ts";

const scale = { serial: "S-7", calibration: 42, calibratedUntil: 0 };
const shown = (grams: number, isStable: boolean): Shown => ({
  is: "shown",
  scale,
  reading: { is: "mass", grams, isStable, answer: `S ${grams} g` },
});

describe("what a lift may take off the truck's scale", () => {
  it("is a mass that stands still, with the indicator's own words", () => {
    expect(massOf(shown(182_000, true))).toEqual({ grams: 182_000, scale: "S-7", answer: "S 182000 g" });
  });

  it("is nothing that moves, an empty scale, or one that is not heard", () => {
    expect(massOf(shown(182_000, false))).toBeUndefined();
    expect(massOf(shown(0, true))).toBeUndefined();
    expect(massOf(shown(-2_000, true))).toBeUndefined();
    expect(massOf({ is: "lost" })).toBeUndefined();
    expect(massOf({ is: "connecting" })).toBeUndefined();
    expect(massOf({ is: "shown", scale, reading: { is: "trouble", trouble: "overload" } })).toBeUndefined();
  });
});

describe("the truck's scale of a phone", () => {
  beforeEach(() => {
    const kept = new Map<string, string>();
    vi.stubGlobal("localStorage", {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => kept.set(name, value),
      removeItem: (name: string) => kept.delete(name),
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it("is none until it is switched on, is remembered, and can be switched off", () => {
    expect(readTruckScalePort()).toBeUndefined();
    keepTruckScalePort(8790);
    expect(readTruckScalePort()).toBe(8790);
    keepTruckScalePort(undefined);
    expect(readTruckScalePort()).toBeUndefined();
  });

  it("is not the weighbridge that this device once listened to", () => {
    localStorage.setItem("huanlian-scale-port", "8790");
    expect(readTruckScalePort()).toBeUndefined();
  });
});

describe("a lift that was weighed on the truck", () => {
  const label = { giai: "", serial: new Uint8Array(16), serialDigest: "ab".repeat(32) };
  const bin = { number: "00000000a7", stream: "food", point: { zh: "", en: "" }, volumeLitres: 240 } as const;
  const seen: SeenBin = { label, bin, wasTyped: false, oddities: [] };

  async function liftOf(judged: Partial<Judgement>) {
    const phone = await newPhone();
    const app = { writer: phone.writer, db: phone.db, now: () => NOW } as unknown as App;
    const lot = { streamName: "food" } as OwnLot;
    const whole = { grade: 1, fill: undefined, grams: 182_000, wasMassTyped: false, ...judged } as const;
    const { seq, words } = await sealLift(app, lot, seen, whole);
    const read = unpackEntry(words);
    if (read.is !== "known" || read.entry.kind !== "lift") throw new Error("no lift");
    const [stored] = await readEntries(phone.db, seq, seq);
    return { fields: read.entry.fields, document: stored?.evidence?.document };
  }

  it("says so in its basis, and keeps the indicator's own line as evidence", async () => {
    const reading = { grams: 182_000, scale: "S-7", answer: "S S 182 kg" };
    const { fields, document } = await liftOf({ scale: reading });
    expect([fields.basis, fields.grams]).toEqual([BigInt(BASIS.onBoardScale), 182_000n]);
    expect(document).toMatchObject({ about: "lift", mass: "scale", scale: "S-7", reading: "S S 182 kg" });
    expect(document).not.toHaveProperty("fill_quarters");
  });

  it("is an estimate where the fill level was chosen instead", async () => {
    const { fields, document } = await liftOf({ fill: 2, grams: 9_000 });
    expect(fields.basis).toBe(BigInt(BASIS.estimated));
    expect(document).toBeUndefined();
  });
});
