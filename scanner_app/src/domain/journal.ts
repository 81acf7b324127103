/** Entries, their words, and the rolling head. */
import { bigToBytes, bytesToBig, concatBytes, hexToBytes, keccak } from "./bytes.ts";
import { type Field, type FieldName, kindName, type KindName, layoutOf } from "./layout.ts";
import { type DeviceId, type Head, head, numberOf, type Seq } from "./types.ts";

export const WORD_BYTES = 32;
export const SEGMENT_ENTRIES_MAX = 256;
export const SEQ_MAX = 2 ** 40 - 1;

export interface EntryOf<K extends KindName> {
  readonly kind: K;
  readonly fields: Readonly<Record<FieldName<K>, bigint>>;
  /** The repeated words, for the few kinds that have them. */
  readonly items?: readonly Readonly<Record<string, bigint>>[];
}
export type Entry = { [K in KindName]: EntryOf<K> }[KindName];

/** What a reader finds: an entry it knows, or one whose kind or length it does not. */
export type ReadEntry =
  | { readonly is: "known"; readonly entry: Entry; readonly words: Uint8Array }
  | { readonly is: "wrong-length"; readonly kind: KindName; readonly words: Uint8Array }
  | { readonly is: "unknown"; readonly code: number; readonly words: Uint8Array };

/** The bytes are not a run of whole entries. */
export class MalformedWords extends Error {
  override readonly name = "MalformedWords";
}

export function makeEntry<K extends KindName>(
  kind: K,
  fields: Record<FieldName<K>, bigint | number>,
  items?: readonly Readonly<Record<string, bigint>>[],
): EntryOf<K> {
  const whole = Object.fromEntries(
    Object.entries<bigint | number>(fields).map(([name, value]) => [name, BigInt(value)]),
  ) as Record<FieldName<K>, bigint>;
  return items === undefined ? { kind, fields: whole } : { kind, fields: whole, items };
}

export function packEntry(entry: Entry): Uint8Array {
  const layout = layoutOf(entry.kind);
  const items = entry.items ?? [];
  if (items.length > 0 && layout.repeated === undefined) {
    throw new RangeError(`${entry.kind} has no repeated words`);
  }
  const fields: Values = {
    ...(entry.fields as Values),
    kind: BigInt(layout.code),
    words: BigInt(layout.words.length + items.length),
  };
  return concatBytes(
    ...layout.words.map((row) => packWord(row, fields)),
    ...items.map((item) => packWord(layout.repeated ?? [], item)),
  );
}

type Values = Readonly<Record<string, bigint>>;

function packWord(row: readonly Field[], values: Values): Uint8Array {
  let packed = 0n;
  for (const [name, bits] of row) {
    const value = values[name] ?? (name.startsWith("spare") ? 0n : undefined);
    if (value === undefined) throw new RangeError(`field ${name} is missing`);
    if (value < 0n || value >= 1n << BigInt(bits)) {
      throw new RangeError(`${name} = ${value} does not fit ${bits} bits`);
    }
    packed = (packed << BigInt(bits)) | value;
  }
  return bigToBytes(packed, WORD_BYTES);
}

function unpackWord(row: readonly Field[], word: Uint8Array): Record<string, bigint> {
  const values: Record<string, bigint> = {};
  let rest = bytesToBig(word);
  for (const [name, bits] of row.toReversed()) {
    values[name] = rest & ((1n << BigInt(bits)) - 1n);
    rest >>= BigInt(bits);
  }
  return values;
}

/** The words of each entry in turn, also of kinds this app does not know. */
export function splitWords(words: Uint8Array): Uint8Array[] {
  if (words.length === 0 || words.length % WORD_BYTES !== 0) {
    throw new MalformedWords("not a positive number of whole words");
  }
  const entries: Uint8Array[] = [];
  for (let at = 0; at < words.length;) {
    const count = words[at] === 1 ? 1 : (words[at + 1] ?? 0);
    const end = at + count * WORD_BYTES;
    if (count === 0 || end > words.length) throw new MalformedWords("an entry is cut");
    entries.push(words.slice(at, end));
    at = end;
  }
  if (entries.length > SEGMENT_ENTRIES_MAX) throw new MalformedWords("more entries than a segment holds");
  return entries;
}

export function unpackEntry(words: Uint8Array): ReadEntry {
  const code = words[0] ?? 0;
  const kind = kindName(code);
  if (kind === undefined) return { is: "unknown", code, words };
  const layout = layoutOf(kind);
  const known = layout.words.length;
  const count = words.length / WORD_BYTES;
  if (count < known || (count > known && layout.repeated === undefined)) {
    return { is: "wrong-length", kind, words };
  }
  const word = (at: number) => words.subarray(at * WORD_BYTES, (at + 1) * WORD_BYTES);
  const fields = Object.assign({}, ...layout.words.map((row, at) => unpackWord(row, word(at))));
  if (layout.repeated === undefined) return { is: "known", entry: { kind, fields } as Entry, words };
  const row = layout.repeated;
  const items = Array.from({ length: count - known }, (_, at) => unpackWord(row, word(known + at)));
  return { is: "known", entry: { kind, fields, items } as Entry, words };
}

/** Where a journal is bound: one device on one ledger of one chain. */
export interface JournalPlace {
  readonly chainId: number;
  readonly ledger: string;
  readonly device: DeviceId;
}

/** head_0 = keccak256(abi.encode(uint256 chainId, address ledger, uint64 device)) */
export function firstHead(place: JournalPlace): Head {
  const bytes = keccak(
    bigToBytes(BigInt(place.chainId), 32),
    bigToBytes(addressNumber(place.ledger), 32),
    bigToBytes(numberOf(place.device), 32),
  );
  return head(bytesToBig(bytes));
}

export function rollHead(before: Head, words: Uint8Array): Head {
  return head(bytesToBig(keccak(hexToBytes(before), words)));
}

export function addressNumber(address: string): bigint {
  return BigInt(address.startsWith("0x") ? address : `0x${address}`);
}

/** The end of a journal: what the next entry continues. */
export interface JournalTip {
  readonly nextSeq: Seq;
  readonly head: Head;
}

export function emptyJournal(place: JournalPlace): JournalTip {
  return { nextSeq: 1, head: firstHead(place) };
}

export function append(tip: JournalTip, words: Uint8Array): JournalTip {
  return { nextSeq: tip.nextSeq + 1, head: rollHead(tip.head, words) };
}
