import { describe, expect, it } from "vitest";
import { clockError } from "../../../scanner_app/src/domain/clock.ts";
import { type Entry, packEntry, unpackEntry } from "../../../scanner_app/src/domain/journal.ts";
import { sumShift } from "../../../scanner_app/src/domain/shift.ts";
import { lift, load, NOW } from "../phone.ts";
import { entryOf } from "../street.ts";

const sum = (...entries: Entry[]) =>
  sumShift(entries.map((entry, at) => [at + 1, unpackEntry(packEntry(entry))] as const));

describe("a shift", () => {
  it("adds up lifts by their own stream, refusals, and the lots that stayed given", () => {
    const shift = sum(
      load(1n),
      lift(1, 10_000),
      lift(2, 5000, 3),
      lift(3, 500),
      entryOf("decline", { bin: 4, stream: 3, reason: 1 }),
      entryOf("give", { lot: 1 }),
      entryOf("withdraw", { lot: 1, undone_seq: 6 }),
      entryOf("give", { lot: 1 }),
      entryOf("shift_end", { lifts: 3, grams: 15_500 }),
    );
    expect(shift).toEqual({
      beganAt: NOW,
      lifts: 3,
      grams: 15_500,
      gramsOf: new Map([
        ["residual", 10_500],
        ["food", 5000],
      ]),
      lotsGiven: 1,
      refusals: 1,
    });
  });

  it("that has no entry but its end never began", () => {
    expect(sum()).toMatchObject({ beganAt: 0, lifts: 0, grams: 0 });
    expect(sum(entryOf("shift_end", { occurred_at: NOW }))).toMatchObject({ beganAt: 0 });
    expect(sumShift([[1, { is: "unknown", code: 99, words: new Uint8Array(32) }]]).beganAt).toBe(0);
  });
});

describe("a device's clock", () => {
  const enrolledAt = NOW - 86_400;
  const heard = (deviceAt: number) => ({ serverAt: NOW, deviceAt });

  it("is right while nothing speaks against it", () => {
    expect(clockError({ now: 5, heard: undefined, enrolledAt: 0 })).toBe(0);
    expect(clockError({ now: NOW, heard: heard(NOW + 900), enrolledAt })).toBe(0);
    expect(clockError({ now: NOW + 40_000, heard: heard(NOW), enrolledAt })).toBe(0);
  });

  it("is as wrong as it was when the server last answered", () => {
    expect(clockError({ now: NOW + 9000, heard: heard(NOW + 7200), enrolledAt })).toBe(7200);
    expect(clockError({ now: NOW + 9000, heard: heard(NOW - 7200), enrolledAt })).toBe(-7200);
  });

  it("is behind when it shows a time that is over for certain", () => {
    expect(clockError({ now: NOW - 3600, heard: heard(NOW), enrolledAt })).toBe(-3600);
    expect(clockError({ now: enrolledAt - 90_000, heard: undefined, enrolledAt })).toBe(-90_000);
    // The registrar's own clock may be wrong: the server's word comes first.
    expect(clockError({ now: NOW, heard: heard(NOW), enrolledAt: NOW + 7200 })).toBe(0);
  });
});
