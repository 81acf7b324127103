import { describe, expect, it } from "vitest";
import { filled, firstOf, grouped, massOf, timeOf } from "../../../scanner_app/src/ui/citymap/lapse.ts";
import { ofShape, type Level } from "../../../scanner_app/src/ui/citymap/features.ts";

const none = () => Array.from({ length: 96 }, () => 0);

function level(lifts: number[], receipts: number[]): Level {
  const mark = (name: string): Level["features"][number] => ({
    type: "Feature",
    geometry: { type: "Point", coordinates: [113.2, 23.1] },
    properties: { shape: "mark", kind: "street", key: name, name, href: "/", tone: "good", grams: 1 },
  });
  const flow: Level["features"][number] = {
    type: "Feature",
    geometry: { type: "LineString", coordinates: [] },
    properties: { shape: "flow", stream: 1, grams: 1, href: "/" },
  };
  const features = [mark("a"), flow, mark("b")];
  return {
    type: "FeatureCollection",
    level: "city",
    day: "2026-03-01",
    lapse: { lifts, grams: none(), receipts },
    features,
  };
}

describe("a day by the quarter hour", () => {
  it("says from when until when", () => {
    expect(timeOf(0)).toBe("00:00–00:15");
    expect(timeOf(25)).toBe("06:15–06:30");
    expect(timeOf(95)).toBe("23:45–24:00");
  });

  it("begins where something first happens, be it a lift or a receipt", () => {
    const at = (quarter: number) => none().map((_, index) => Number(index === quarter));
    expect(firstOf(level(at(30), at(50)))).toBe(30);
    expect(firstOf(level(at(60), at(50)))).toBe(50);
    expect(firstOf(level(none(), none()))).toBe(0);
  });

  it("tells grams as kilograms up to a tonne", () => {
    expect(massOf(999_499)).toBe("999 kg");
    expect(massOf(1_000_000)).toBe("1.0 t");
  });

  it("groups digits as the pages do", () => {
    expect([0, 999, 1000, 1234567].map(grouped)).toEqual(["0", "999", "1\u202f000", "1\u202f234\u202f567"]);
  });

  it("fills in what it knows and leaves the rest to be seen", () => {
    expect(filled("{time}: {lifts} {what}", { time: "06:00", lifts: 3 })).toBe("06:00: 3 {what}");
  });
});

describe("a source of the map", () => {
  it("holds one shape, numbered in the order of the level", () => {
    const { features } = ofShape(level(none(), none()), "mark");
    expect(features.map(({ id, properties }) => [id, properties?.["name"]])).toEqual([
      [0, "a"],
      [1, "b"],
    ]);
  });
});
