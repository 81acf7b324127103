import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { liftsRoot } from "../../../scanner_app/src/domain/lifts_root.ts";
import { readVectors } from "../vectors.ts";

const { trees } = readVectors<{ trees: { lifts: string[]; root: string }[] }>("merkle.json");

describe("the root of a lot's lifts", () => {
  it.each(trees)("is the treaty's: $root", ({ lifts, root }) => {
    expect(bytesToHex(liftsRoot(lifts.map(hexToBytes)))).toBe(root);
  });
});
