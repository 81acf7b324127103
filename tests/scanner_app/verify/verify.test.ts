import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes, utf8ToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { BadRlp, decodeRlp, encodeRlp, type RlpItem } from "../../../scanner_app/src/domain/rlp.ts";
import { BadProof, valueAt } from "../../../scanner_app/src/domain/trie.ts";
import { checkSeal } from "../../../scanner_app/src/verify/check_seal.ts";
import { BadTrustFile, readTrust, type Trust, trustOf } from "../../../scanner_app/src/verify/trust.ts";
import { type Node, NodeAway, verifyBundle } from "../../../scanner_app/src/verify/verify.ts";
import { verifyFile } from "../../../scanner_app/src/verify/verify_set.ts";
import { readVectors } from "../vectors.ts";

interface NodeVector {
  chain_id: number;
  blocks: Record<string, string>;
  codes: Record<string, string>;
  listed: string[];
}
interface Judged {
  name: string;
  bundle: string;
  trust?: Record<string, unknown>;
  node?: NodeVector;
  steps: [number, boolean | null][];
  verdict: string;
}
interface Bundles {
  trust: Record<string, unknown>;
  bundles: Record<string, { bundle: string; node: NodeVector }>;
  judged: Judged[];
  changed: { bundle: string; at: number; byte: number; step: number }[];
}
type Shown = string | Shown[];
interface Tries {
  rlp: { item: Shown; encoded: string }[];
  bad: string[];
  tries: { root: string; proofs: { index: number; value: string; nodes: string[] }[] }[];
}
const vectors = readVectors<Bundles>("bundles.json");
const tries = readVectors<Tries>("tries.json");
const trust = trustOf(vectors.trust);

function nodeOf(vector: NodeVector): Node {
  return {
    chainId: async () => vector.chain_id,
    blockHash: async (number) => vector.blocks[number],
    codeHash: async (address) => vector.codes[`0x${address}`] ?? "00".repeat(32),
    listsLedger: async (_, ledger) => vector.listed.includes(ledger),
    headNumber: async () => Math.max(...Object.keys(vector.blocks).map(Number)),
  };
}
const textOf = (bundle: string) =>
  bundle.startsWith("@") ? (vectors.bundles[bundle.slice(1)]?.bundle ?? "") : bundle;
const judge = (data: Uint8Array, believed: Trust = trust, node?: NodeVector) =>
  verifyBundle(data, believed, checkSeal, node === undefined ? undefined : nodeOf(node));

describe("a bundle", () => {
  it.each(vectors.judged)("($name) is judged as the treaty says", async (told) => {
    const believed = told.trust === undefined ? trust : trustOf(told.trust);
    const report = await judge(utf8ToBytes(textOf(told.bundle)), believed, told.node);
    expect(report.steps.map(({ number, ok }) => [number, ok ?? null])).toEqual(told.steps);
    expect(report.verdict).toBe(told.verdict);
  });

  it("changed in one byte fails at the very step that the treaty says", async () => {
    for (const { bundle, at, byte, step } of vectors.changed) {
      const data = utf8ToBytes(textOf(`@${bundle}`));
      data[at] = byte;
      const { steps, verdict } = await judge(data);
      expect([verdict, steps.at(-1)?.number, steps.at(-1)?.ok]).toEqual(["INVALID", step, false]);
    }
  });

  it("tells what it proves", async () => {
    const { fact } = await judge(utf8ToBytes(textOf("@truck")));
    expect(fact?.seq).toBe(20);
    expect(fact?.read).toMatchObject({ is: "known", entry: { kind: "lift", fields: { grams: 1000n } } });
    expect(fact?.outcome).toBe(1);
    expect(fact?.path).toHaveLength(2);
  });

  it("stays unconfirmed wherever the node falls silent", async () => {
    const vector = vectors.bundles["gate"];
    if (vector === undefined) throw new Error("no such vector");
    for (let answers = 0; answers < 8; answers += 1) {
      let left = answers;
      const node = nodeOf(vector.node);
      const silent = Object.fromEntries(
        Object.entries(node).map(([name, ask]) => [
          name,
          async (...asked: never[]) => {
            left -= 1;
            if (left < 0) throw new NodeAway("silence");
            return (ask as (...asked: never[]) => Promise<unknown>)(...asked);
          },
        ]),
      ) as unknown as Node;
      const report = await verifyBundle(utf8ToBytes(vector.bundle), trust, checkSeal, silent);
      expect(report.verdict).toBe("CONSISTENT, BLOCK NOT CHECKED");
      expect(report.steps.map((step) => step.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });
});

describe("a set of bundles", () => {
  interface Sets {
    trust: Record<string, unknown>;
    judged: (Omit<Judged, "bundle" | "trust"> & { set: string; facts: string[] })[];
  }
  const sets = readVectors<Sets>("sets.json");

  it.each(sets.judged)("($name) is judged, and tells, as the treaty says", async (told) => {
    const node = told.node === undefined ? undefined : nodeOf(told.node);
    const report = await verifyFile(utf8ToBytes(told.set), trustOf(sets.trust), checkSeal, node);
    expect(report.steps.map(({ number, ok }) => [number, ok ?? null])).toEqual(told.steps);
    expect(report.verdict).toBe(told.verdict);
    expect(report.lines).toEqual(told.facts);
  });
});

describe("a trust file", () => {
  it("is refused in any other form", () => {
    const without = (name: string) => JSON.stringify({ ...vectors.trust, [name]: undefined });
    for (const text of ["", "[]", "null", "{}", without("ledger"), without("code_hashes"), without("chain_id")]) {
      expect(() => readTrust(text), text).toThrow(BadTrustFile);
    }
    const few = { ...vectors.trust, code_hashes: { CustodyLedger: "0x" + "dd".repeat(32) } };
    expect(() => readTrust(JSON.stringify(few))).toThrow("ActorRegistry");
    expect(readTrust(JSON.stringify(vectors.trust))).toEqual(trust);
  });
});

describe("RLP and the trie", () => {
  const shown = (item: RlpItem): Shown => (item instanceof Uint8Array ? bytesToHex(item) : item.map(shown));

  it.each(tries.rlp)("reads and writes $encoded", ({ item, encoded }) => {
    const read = decodeRlp(hexToBytes(encoded));
    expect(shown(read)).toEqual(item);
    expect(bytesToHex(encodeRlp(read))).toBe(encoded);
  });

  it("refuses all but the one form", () => {
    for (const bad of tries.bad) expect(() => decodeRlp(hexToBytes(bad)), bad).toThrow(BadRlp);
  });

  it("proves a value, and no other", () => {
    for (const { root, proofs } of tries.tries) {
      for (const { index, value, nodes } of proofs) {
        const proof = nodes.map((node) => hexToBytes(node));
        expect(bytesToHex(valueAt(hexToBytes(root), index, proof))).toBe(value);
        expect(() => valueAt(hexToBytes(root), index + 1, proof)).toThrow(BadProof);
        expect(() => valueAt(hexToBytes(root), index, proof.slice(1))).toThrow(BadProof);
        expect(() => valueAt(hexToBytes(root), index, [...proof, ...proof])).toThrow(BadProof);
      }
    }
  });
});
