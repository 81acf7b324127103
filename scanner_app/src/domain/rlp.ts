/**
 * RLP, in which Ethereum writes headers, receipts and trie nodes. Only the one shortest form is read.
 * Source: Ethereum Yellow Paper, appendix B.
 */
import { bytesToBig, concatBytes } from "./bytes.ts";

export type RlpItem = Uint8Array | readonly RlpItem[];

/** The bytes are not RLP in its one form. */
export class BadRlp extends Error {
  override readonly name = "BadRlp";
}

/** A receipt's logs' topics are four lists deep. A hostile file must not choose how deep a reader goes. */
const DEPTH_MAX = 8;

export function encodeRlp(item: RlpItem): Uint8Array {
  if (item instanceof Uint8Array) {
    const isItself = item.length === 1 && (item[0] ?? 0) < 0x80;
    return isItself ? item : concatBytes(lengthBytes(item.length, 0x80), item);
  }
  const content = concatBytes(...item.map(encodeRlp));
  return concatBytes(lengthBytes(content.length, 0xc0), content);
}

/** A number as RLP knows numbers: big-endian without leading zeros. */
export function numberBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

function lengthBytes(size: number, offset: number): Uint8Array {
  if (size < 56) return Uint8Array.of(offset + size);
  const written = numberBytes(size);
  return Uint8Array.of(offset + 55 + written.length, ...written);
}

/** The one item that the bytes are. Throws BadRlp. */
export function decodeRlp(data: Uint8Array): RlpItem {
  const [item, end] = decodeAt(data, 0, DEPTH_MAX);
  if (end !== data.length) throw new BadRlp(`${data.length - end} bytes after the end`);
  return item;
}

function decodeAt(data: Uint8Array, at: number, depth: number): [RlpItem, number] {
  const first = data[at];
  if (first === undefined) throw new BadRlp("cut");
  if (first < 0x80) return [data.subarray(at, at + 1), at + 1];
  if (first < 0xc0) {
    const [start, end] = contentOf(data, at, first - 0x80);
    if (end - start === 1 && (data[start] ?? 0) < 0x80) {
      throw new BadRlp("a byte that needs no length has one");
    }
    return [data.subarray(start, end), end];
  }
  if (depth === 0) throw new BadRlp("nested too deep");
  const [start, end] = contentOf(data, at, first - 0xc0);
  const items: RlpItem[] = [];
  for (let next = start; next < end;) {
    const [item, after] = decodeAt(data.subarray(0, end), next, depth - 1);
    items.push(item);
    next = after;
  }
  return [items, end];
}

/** Where an item's content begins and ends. */
function contentOf(data: Uint8Array, at: number, short: number): [number, number] {
  let start = at + 1;
  let size = short;
  if (short > 55) {
    start += short - 55;
    const written = data.subarray(at + 1, start);
    // What is longer than a few bytes is longer than any file.
    size = written.length > 6 ? Number.POSITIVE_INFINITY : Number(bytesToBig(written));
    if (written.length === 0 || written[0] === 0 || size < 56) {
      throw new BadRlp("a length is not in its shortest form");
    }
  }
  if (start + size > data.length) throw new BadRlp("cut");
  return [start, start + size];
}

export function asBytes(item: RlpItem | undefined): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new BadRlp("a list where bytes belong");
  return item;
}

export function asList(item: RlpItem | undefined): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array) throw new BadRlp("bytes where a list belongs");
  return item;
}

export function asNumber(item: RlpItem | undefined): number {
  const written = asBytes(item);
  if (written[0] === 0) throw new BadRlp("a number begins with a zero");
  return Number(bytesToBig(written));
}
