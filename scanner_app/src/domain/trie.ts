/**
 * Proofs in the Merkle-Patricia trie that binds a block's receipts to one hash. Keys are the RLP of an index.
 * Source: Ethereum Yellow Paper, appendix D.
 */
import { bytesToHex, keccak, sameBytes } from "./bytes.ts";
import { asBytes, asList, BadRlp, decodeRlp, encodeRlp, numberBytes, type RlpItem } from "./rlp.ts";

/** The nodes do not lead from the root to a value. */
export class BadProof extends Error {
  override readonly name = "BadProof";
}

const LEAF = 0x20;
const ODD = 0x10;
const BRANCH_ITEMS = 17;
const PAIR_ITEMS = 2;

/**
 * The value at an index of the trie with this root. Throws BadProof.
 *
 * 1. Each node hashes to what names it: the first to the root, the next to its place in the one before.
 * 2. The path goes where the key says, and ends in a value.
 * 3. No node is left over.
 */
export function valueAt(root: Uint8Array, index: number, proof: readonly Uint8Array[]): Uint8Array {
  try {
    return follow(root, bytesToHex(encodeRlp(numberBytes(index))), [...proof]);
  } catch (problem) {
    if (problem instanceof BadRlp) throw new BadProof(`A node cannot be read: ${problem.message}.`);
    throw problem;
  }
}

function follow(root: Uint8Array, key: string, nodes: Uint8Array[]): Uint8Array {
  let reference: RlpItem | undefined = root;
  let path = key;
  for (;;) {
    const node = resolved(reference, nodes);
    if (node.length === BRANCH_ITEMS) {
      // 2.
      if (path === "") throw new BadProof("The path ends in a branch.");
      reference = node[Number.parseInt(path.slice(0, 1), 16)];
      path = path.slice(1);
    } else if (node.length === PAIR_ITEMS) {
      const { nibbles, isLeaf } = unpacked(asBytes(node[0]));
      if (isLeaf) {
        // 3.
        if (nodes.length > 0) throw new BadProof("Nodes are left over.");
        if (nibbles !== path) throw new BadProof("There is another receipt at this place.");
        return asBytes(node[1]);
      }
      if (nibbles === "" || !path.startsWith(nibbles)) throw new BadProof("The path leads elsewhere.");
      reference = node[1];
      path = path.slice(nibbles.length);
    } else {
      throw new BadProof(`A node has ${node.length} items.`);
    }
  }
}

function resolved(reference: RlpItem | undefined, nodes: Uint8Array[]): readonly RlpItem[] {
  if (!(reference instanceof Uint8Array)) return asList(reference);
  // 1.
  const node = nodes.shift();
  if (node === undefined || !sameBytes(keccak(node), reference)) {
    throw new BadProof("A node is not the one that its parent names.");
  }
  return asList(decodeRlp(node));
}

function unpacked(packed: Uint8Array): { nibbles: string; isLeaf: boolean } {
  const flags = packed[0];
  if (flags === undefined || (flags & 0xc0) !== 0 || ((flags & ODD) === 0 && (flags & 0x0f) !== 0)) {
    throw new BadProof("A node's path is not in its one form.");
  }
  return { nibbles: bytesToHex(packed).slice((flags & ODD) === 0 ? 2 : 1), isLeaf: (flags & LEAF) !== 0 };
}
