import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { giaiOf, labelUrl, readLabel, readTyped } from "../../../scanner_app/src/domain/label.ts";
import { readVectors } from "../vectors.ts";

interface Labels {
  base_url: string;
  good: {
    serial: string;
    giai: string;
    url: string;
    human_readable: string;
    serial_digest: string;
    texts: string[];
  }[];
  bad: { name: string; text: string; slug: string }[];
}
const vectors = readVectors<Labels>("labels.json");

describe("a label", () => {
  it.each(vectors.good)("$giai carries its serial both ways", (good) => {
    const serial = hexToBytes(good.serial);
    expect(giaiOf(serial)).toBe(good.giai);
    expect(labelUrl(serial, vectors.base_url)).toBe(good.url);
    for (const text of [good.url, ...good.texts]) {
      const read = readLabel(text);
      if (read.is !== "bin") throw new Error(`${text}: ${read.why}`);
      expect(bytesToHex(read.label.serial)).toBe(good.serial);
      expect(read.label.serialDigest).toBe(good.serial_digest);
    }
  });

  it.each(vectors.good)("$giai can be typed from the line under the code, or its end", (good) => {
    for (const text of [good.human_readable, good.giai, good.giai.slice(7), good.url]) {
      const read = readTyped(text);
      expect(read.is === "bin" && read.label.giai).toBe(good.giai);
    }
  });

  it.each(vectors.bad)("is not read from: $name", ({ text, slug }) => {
    expect(readLabel(text)).toEqual({ is: "not-our-bin", why: slug });
  });
});
