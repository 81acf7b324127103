import { describe, expect, it } from "vitest";
import { type InkRule, inkOf } from "../../../scanner_app/src/scan/ink.ts";

const SIDE = 24;
const PLAIN: InkRule = { around: 8, share: 0.7, sharpen: 0 };

/** Draws a grey picture by its light at each place, and tells what became of it: `#` is ink. */
function seen(lightAt: (x: number, y: number) => number, rule: InkRule): string[] {
  const data = new Uint8ClampedArray(SIDE * SIDE * 4);
  for (let y = 0; y < SIDE; y += 1)
    for (let x = 0; x < SIDE; x += 1) {
      const light = lightAt(x, y);
      data.set([light, light, light, 255], (y * SIDE + x) * 4);
    }
  inkOf({ data, width: SIDE, height: SIDE }, rule);
  const light = (x: number, y: number) =>
    [...data.slice((y * SIDE + x) * 4, (y * SIDE + x) * 4 + 4)].join(" ");
  const signs: Record<string, string> = { "0 0 0 255": "#", "255 255 255 255": "." };
  return Array.from({ length: SIDE }, (_, y) =>
    Array.from({ length: SIDE }, (__, x) => signs[light(x, y)] ?? "?").join(""),
  );
}
const isBar = (x: number) => x >= 10 && x < 14;
const BAR = "..........####..........";

describe("inkOf", () => {
  it("leaves nothing but ink and paper", () => {
    expect(seen((x) => (isBar(x) ? 30 : 220), PLAIN)).toEqual(Array(SIDE).fill(BAR));
  });

  it("sees the same in the dark", () => {
    expect(seen((x) => (isBar(x) ? 6 : 22), PLAIN)).toEqual(Array(SIDE).fill(BAR));
  });

  it("sees the same where the light changes from one side to the other", () => {
    expect(seen((x) => (isBar(x) ? 0.2 : 1) * (120 + 4 * x), PLAIN)).toEqual(Array(SIDE).fill(BAR));
  });

  it("takes mud for paper or for ink, as the share says", () => {
    const muddy = (x: number) => (isBar(x) ? 30 : x < 3 ? 120 : 220);
    const row = (share: number) => seen(muddy, { ...PLAIN, share })[12]?.slice(0, 3);
    expect(row(0.6)).toBe("...");
    expect(row(0.9)).toBe("###");
  });

  it("tells apart what has run together out of focus", () => {
    // A gap of three pixels between two bars, filled by blur up to where it is darker than the share asks of paper.
    const blurred = (x: number) => (x < 5 || x >= 18 ? 220 : x >= 10 && x < 13 ? 58 : 30);
    const gap = (sharpen: number) => seen(blurred, { around: 8, share: 0.9, sharpen })[12]?.slice(10, 13);
    expect(gap(0)).toBe("###");
    expect(gap(4)).toBe("...");
  });
});
