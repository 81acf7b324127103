import { describe, expect, it } from "vitest";
import {
  bytesToHex,
  concatBytes,
  fromBase64Url,
  keccak,
  toBase64Url,
} from "../../../scanner_app/src/domain/bytes.ts";
import { giveDigest, giveHead, giveText, readAppCode } from "../../../scanner_app/src/domain/codes.ts";
import { canonicalJson, makeEvidence } from "../../../scanner_app/src/domain/evidence.ts";
import { append, emptyJournal, makeEntry, packEntry } from "../../../scanner_app/src/domain/journal.ts";
import { liftsRoot } from "../../../scanner_app/src/domain/lifts_root.ts";
import { checkCode, sealDigest } from "../../../scanner_app/src/domain/seal.ts";
import type { DeviceId } from "../../../scanner_app/src/domain/types.ts";
import {
  differencePercent,
  estimateGrams,
  gramsOfKilograms,
  netGrams,
} from "../../../scanner_app/src/domain/weighing.ts";

const word = (fill: number) => new Uint8Array(32).fill(fill);
const leaf = (fill: number) => keccak(new Uint8Array([0]), word(fill));
const node = (left: Uint8Array, right: Uint8Array) => keccak(new Uint8Array([1]), left, right);

describe("the root over a lot's lifts", () => {
  it("is zero for none, the leaf for one, and carries an odd node up", () => {
    expect(liftsRoot([])).toEqual(new Uint8Array(32));
    expect(liftsRoot([word(1)])).toEqual(leaf(1));
    expect(liftsRoot([word(1), word(2), word(3)])).toEqual(node(node(leaf(1), leaf(2)), leaf(3)));
  });
});

describe("evidence", () => {
  it("is canonical, whatever order its members were written in", () => {
    expect(canonicalJson({ b: 1, a: ["x", { d: true, c: '"' }] })).toBe(
      '{"a":["x",{"c":"\\"","d":true}],"b":1}',
    );
    expect(() => canonicalJson({ a: 0.5 })).toThrow(RangeError);
  });

  it("has a digest of 120 bits that its salt changes", () => {
    const one = makeEvidence({ a: 1 }, new Uint8Array(16));
    const other = makeEvidence({ a: 1 }, new Uint8Array(16).fill(1));
    expect(one.digest).not.toBe(other.digest);
    expect(one.digest < 1n << 120n).toBe(true);
  });
});

describe("masses", () => {
  it("are estimated from stream, fill and volume", () => {
    expect(estimateGrams("food", 4, 240)).toBe(144_000);
    expect(estimateGrams("residual", 2, 240)).toBe(18_000);
  });

  it("are net only when gross and tare agree", () => {
    expect(netGrams({ grossGrams: 15_148_000, tareGrams: 15_000_000 })).toBe(148_000);
    expect(netGrams({ grossGrams: 1, tareGrams: 2 })).toBeUndefined();
  });

  it("differ by so many per cent of what was declared", () => {
    expect(differencePercent({ declaredGrams: 150_000, weighedGrams: 147_000 })).toBeCloseTo(-2);
    expect(differencePercent({ declaredGrams: 0, weighedGrams: 1 })).toBeUndefined();
  });

  it("are typed in kilograms, with any keyboard", () => {
    const typed = ["12.5", "１２．５", " 7 ", "9,860", "9，860", "12,5", "", "-1", "1e3"];
    const no = undefined;
    expect(typed.map(gramsOfKilograms)).toEqual([12_500, 12_500, 7000, 9_860_000, 9_860_000, no, no, no, no]);
  });
});

describe("codes between people", () => {
  it("carry a sealed give whole", () => {
    const place = { chainId: 31337, ledger: "5fbdb2315678afecb367f032d93f642f64180aa3" };
    const giver = "0000020000000007" as DeviceId;
    const start = emptyJournal({ ...place, device: giver });
    const fields = { lot: 5, grams: 6, last_seq: 1, to: 9, to_seq: 0, lifts: 1, evidence: 0 };
    const rest = { lifts_root: 1n << 255n, to_head: 0, flags: 0, occurred_at: 77 };
    const words = packEntry(makeEntry("give", { ...fields, ...rest }));
    const [x, y, r, s] = [1, 2, 3, 4].map((fill) => bytesToHex(word(fill))) as [
      string,
      string,
      string,
      string,
    ];
    const give = { giver, seq: 1, prevHead: start.head, words, key: { x, y }, seal: { r, s } };
    const text = giveText("https://city.example/app/", give);
    expect(text.length).toBeLessThan(500);
    const read = readAppCode(text);
    if (read.is !== "give") throw new Error(read.is);
    expect(read.give).toEqual(give);
    const after = append(start, words);
    expect(giveHead(read.give)).toBe(after.head);
    expect(giveDigest(place, read.give)).toEqual(sealDigest({ ...place, device: giver }, 1, after.head));
    expect(readAppCode(text.slice(0, -3)).is).toBe("other");
  });

  it("invite, and are told from anything else", () => {
    expect(readAppCode("https://city.example/app/#enrol=aB-_9")).toEqual({
      is: "enrol",
      code: "aB-_9",
      address: "https://city.example/app/",
    });
    expect(readAppCode("https://city.example/8004/9520000").is).toBe("other");
    expect(readAppCode("#receive=0000020000000007.3.xyz").is).toBe("other");
  });

  it("keep bytes whole in base64url", () => {
    for (let length = 0; length < 20; length += 1) {
      const bytes = concatBytes(word(0xf9), word(3)).slice(0, length);
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
    }
  });
});

describe("the six digits both screens show", () => {
  it("come from the key alone", () => {
    const key = { x: bytesToHex(word(1)), y: bytesToHex(word(2)) };
    expect(checkCode(key)).toMatch(/^\d{6}$/);
    expect(checkCode({ ...key, y: key.x })).not.toBe(checkCode(key));
  });
});
