import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import {
  append,
  emptyJournal,
  type Entry,
  MalformedWords,
  packEntry,
  splitWords,
  unpackEntry,
} from "../../../scanner_app/src/domain/journal.ts";
import { KIND_NAMES, kindName, layoutOf } from "../../../scanner_app/src/domain/layout.ts";
import type { DeviceId } from "../../../scanner_app/src/domain/types.ts";
import { type NetworkVector, readVectors } from "../vectors.ts";

type Texts = Record<string, string>;
interface Words {
  layouts: Record<
    string,
    {
      kind: number;
      words: [string, number][][];
      repeated: [string, number][] | null;
    }
  >;
  entries: {
    name: string;
    kind: number;
    fields: Texts;
    items: Texts[];
    words: string;
  }[];
  segments: { name: string; words: string; entries: number[] }[];
  malformed: { name: string; words: string }[];
}
interface Heads {
  network: NetworkVector;
  journals: { device: string; words: string; heads: string[] }[];
}
const words = readVectors<Words>("words.json");
const heads = readVectors<Heads>("heads.json");

const numbers = (texts: Texts) =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, BigInt(text)]));

describe("the layout", () => {
  it("has the treaty's kinds, fields and widths", () => {
    const ours = Object.fromEntries(
      KIND_NAMES.map((name) => {
        const layout = layoutOf(name);
        return [
          name,
          {
            kind: layout.code,
            words: layout.words,
            repeated: layout.repeated ?? null,
          },
        ];
      }),
    );
    expect(ours).toEqual(words.layouts);
  });

  it.each(KIND_NAMES)("fills whole words in %s", (name) => {
    const layout = layoutOf(name);
    for (const row of [...layout.words, ...(layout.repeated ? [layout.repeated] : [])]) {
      expect(row.reduce((sum, [, bits]) => sum + bits, 0)).toBe(256);
    }
  });
});

describe("an entry", () => {
  it.each(words.entries)("$name is packed and read alike", (vector) => {
    const kind = kindName(vector.kind);
    const fields = numbers(vector.fields);
    const items = vector.items.map(numbers);
    const entry = {
      kind,
      fields,
      ...(items.length > 0 && { items }),
    } as unknown as Entry;
    expect(bytesToHex(packEntry(entry))).toBe(vector.words);
    const read = unpackEntry(hexToBytes(vector.words));
    if (read.is !== "known") throw new Error(read.is);
    expect(read.entry.kind).toBe(kind);
    expect(read.entry.fields).toEqual(fields);
    expect(read.entry.items ?? []).toEqual(items);
  });

  it("refuses a value that does not fit its field", () => {
    const fields = { block: 1n << 64n, hash: 0n, flags: 0n, occurred_at: 0n };
    expect(() => packEntry({ kind: "mark", fields })).toThrow(RangeError);
  });
});

describe("a segment", () => {
  it.each(words.segments)("is cut into its entries: $name", (vector) => {
    expect(splitWords(hexToBytes(vector.words)).map((entry) => entry.length)).toEqual(vector.entries);
  });

  it.each(words.malformed)("is malformed: $name", (vector) => {
    expect(() => splitWords(hexToBytes(vector.words))).toThrow(MalformedWords);
  });
});

describe("a journal", () => {
  it.each(heads.journals)("of $device rolls to the treaty's heads", (vector) => {
    const place = {
      chainId: heads.network.chain_id,
      ledger: heads.network.ledger,
    };
    let tip = emptyJournal({ ...place, device: vector.device as DeviceId });
    const seen: string[] = [tip.head];
    for (const entry of splitWords(hexToBytes(vector.words))) {
      tip = append(tip, entry);
      seen.push(tip.head);
    }
    expect(seen).toEqual(vector.heads);
    expect(tip.nextSeq).toBe(vector.heads.length);
  });
});
