import { describe, expect, it } from "vitest";
import { hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { sealFromDer } from "../../../scanner_app/src/sign/der.ts";

const number = (hex: string) => hex.padStart(64, "0");
const TOP = "ff".repeat(32);
const LOW = "7f".repeat(32);

describe("a signature in DER", () => {
  it.each([
    ["small numbers", "3006020101020102", "01", "02"],
    ["zeros, which a verifier refuses", "3006020100020100", "00", "00"],
    ["a byte that needs a zero before it", "300802020080020200ff", "80", "ff"],
    ["all of 256 bits", `3046022100${TOP}022100${TOP}`, TOP, TOP],
    ["255 bits", `30440220${LOW}0220${LOW}`, LOW, LOW],
  ])("is read: %s", (_, der, r, s) => {
    expect(sealFromDer(hexToBytes(der))).toEqual({ r: number(r), s: number(s) });
  });

  it.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["a byte behind it", "300602010102010200"],
    ["a byte behind the numbers", "300702010102010200"],
    ["a third number", "3009020101020102020103"],
    ["one number", "3003020101"],
    ["a length that is too great", "3007020101020102"],
    ["a length that is too small", "3005020101020102"],
    ["a number past the end", "3006020101020202"],
    ["a long length", "308106020101020102"],
    ["a length without end", "30800201010201020000"],
    ["no digits", "30050200020102"],
    ["a negative number", "3006020181020102"],
    ["a zero too many", "300702020001020102"],
    ["two zeros", "300702020000020102"],
    ["257 bits", `3046022101${TOP}022100${TOP}`],
    ["a set", "3106020101020102"],
    ["a bit string", "3006030101020102"],
  ])("is not read: %s", (_, der) => {
    expect(sealFromDer(hexToBytes(der))).toBeUndefined();
  });
});
