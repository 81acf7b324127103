import { describe, expect, it } from "vitest";
import { type Entry, packEntry, unpackEntry } from "../../../scanner_app/src/domain/journal.ts";
import { routeOf } from "../../../scanner_app/src/domain/route.ts";
import { lift } from "../phone.ts";
import { entryOf } from "../street.ts";

const bin = (number: number, point: string, order: number, stream: number | "food" = 3) => ({
  number: number.toString(16).padStart(10, "0"),
  stream,
  point,
  order,
});
const STREET = [
  bin(4, "south gate", 3),
  bin(1, "north gate", 0),
  bin(2, "north gate", 1, "food"),
  bin(3, "north gate", 2, 4),
];
const route = (...entries: Entry[]) =>
  routeOf(
    STREET,
    "food",
    entries.map((entry) => unpackEntry(packEntry(entry))),
    (point) => point,
  );
const leftAt = (...entries: Entry[]) =>
  route(...entries).points.map(({ point, left }) => [point, left.length]);

describe("what is left on the route", () => {
  it("is every bin of the stream, point by point in the directory's order", () => {
    expect(route()).toMatchObject({ total: 3, left: 3 });
    expect(leftAt()).toEqual([
      ["north gate", 2],
      ["south gate", 1],
    ]);
  });

  it("is without the bins that were lifted or refused", () => {
    expect(leftAt(lift(1, 9000, 3))).toEqual([
      ["north gate", 1],
      ["south gate", 1],
    ]);
    const all = [lift(1, 9000, 3), lift(2, 9000, 3), entryOf("decline", { bin: 4, stream: 3, reason: 1 })];
    expect(route(...all)).toMatchObject({ total: 3, left: 0 });
  });

  it("is not changed by lifts of other bins, by other entries, or by what cannot be read", () => {
    expect(route(lift(3), lift(99, 9000, 3), entryOf("give", { lot: 1 })).left).toBe(3);
    const unknown = { is: "unknown", code: 99, words: new Uint8Array(32) } as const;
    expect(routeOf(STREET, "food", [unknown], String).left).toBe(3);
  });

  it("is empty where the directory has no bin of the stream", () => {
    expect(routeOf(STREET, "hazardous", [], String)).toEqual({ points: [], total: 0, left: 0 });
  });
});
