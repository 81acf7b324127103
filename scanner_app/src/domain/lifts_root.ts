/** The Merkle root that a give carries over the words of its lot's lifts, in journal order. */
import { keccak } from "./bytes.ts";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

/**
 * Leaves are keccak256(0x00 || word), nodes keccak256(0x01 || left || right); an odd node is carried up
 * unchanged. No lifts: 32 zero bytes.
 */
export function liftsRoot(words: readonly Uint8Array[]): Uint8Array {
  let row = words.map((word) => keccak(LEAF, word));
  while (row.length > 1) {
    row = Array.from({ length: Math.ceil(row.length / 2) }, (_, at) => {
      const [left, right] = row.slice(2 * at, 2 * at + 2) as [Uint8Array, Uint8Array | undefined];
      return right === undefined ? left : keccak(NODE, left, right);
    });
  }
  return row[0] ?? new Uint8Array(32);
}
