import { describe, expect, it } from "vitest";
import {
  type Gathered,
  readRescuePart,
  RescueReader,
  rescueTexts,
} from "../../../scanner_app/src/domain/rescue_codes.ts";

const PAGE = "https://bins.example.org/app/";
const bodyOf = (length: number, first = 0) => Uint8Array.from({ length }, (_, at) => (at * 7 + first) % 251);

function read(texts: readonly string[], reader = new RescueReader()): Gathered[] {
  return texts.map((text) => {
    const part = readRescuePart(text);
    if (part === undefined) throw new Error(`not a part: ${text}`);
    return reader.take(part);
  });
}

describe("a run of rescue codes", () => {
  it("gives the body back, in whatever order and however often its codes are read", () => {
    const body = bodyOf(1700);
    const texts = rescueTexts(PAGE, body);
    expect(texts.length).toBeGreaterThan(3);
    const backwards = [...texts].reverse().flatMap((text) => [text, text]);
    const got = read(backwards);
    expect(got.at(-2)).toEqual({ is: "whole", body });
    expect(got[1]).toEqual({ is: "part", have: 1, of: texts.length });
  });

  it("is one code where little was written", () => {
    const texts = rescueTexts(PAGE, bodyOf(40));
    expect(texts).toHaveLength(1);
    expect(read(texts)).toEqual([{ is: "whole", body: bodyOf(40) }]);
  });

  it("never mixes two runs", () => {
    const [one, other] = [rescueTexts(PAGE, bodyOf(700)), rescueTexts(PAGE, bodyOf(700, 1))];
    const mixed = [...one.slice(0, -1), ...other.slice(0, 1), ...one.slice(-1)];
    expect(read(mixed).map(({ is }) => is)).not.toContain("whole");
  });

  it("says so when a part is not what was shown, and begins anew", () => {
    const texts = rescueTexts(PAGE, bodyOf(700));
    const forged = texts.map((text, at) =>
      at === 1 ? text.replace(/.$/, (last) => (last === "A" ? "Q" : "A")) : text,
    );
    const reader = new RescueReader();
    expect(read(forged, reader).at(-1)).toEqual({ is: "broken" });
    expect(read(texts, reader).at(-1)).toEqual({ is: "whole", body: bodyOf(700) });
  });

  it.each([
    "https://bins.example.org/app/#give=AAAA",
    `${PAGE}#rescue=0123456789abcdef.0.2.AAAA`,
    `${PAGE}#rescue=0123456789abcdef.3.2.AAAA`,
    `${PAGE}#rescue=short.1.2.AAAA`,
    `${PAGE}#rescue=0123456789abcdef.1.2.`,
    "",
  ])("is not begun by %j", (text) => {
    expect(readRescuePart(text)).toBeUndefined();
  });
});
