/**
 * What a block's header and its receipts say, read from the bytes that hashes bind.
 * Sources: Ethereum Yellow Paper, 4.3; EIP-2718 for typed receipts.
 */
import { keccak, sameBytes } from "./bytes.ts";
import { asBytes, asList, asNumber, BadRlp, decodeRlp } from "./rlp.ts";
import { BadProof, valueAt } from "./trie.ts";

const RECEIPTS_ROOT = 5;
const NUMBER = 8;
const TIMESTAMP = 11;
const HEADER_FIELDS_MIN = 15;
/** A receipt whose first byte is below this is typed; a list begins at 0xc0. */
const TYPES_END = 0x80;

/** The parts do not show that the block holds the log. */
export class BadInclusion extends Error {
  override readonly name = "BadInclusion";
}

export interface Header {
  readonly number: number;
  readonly timestamp: number;
  readonly receiptsRoot: Uint8Array;
}
export interface Log {
  readonly address: Uint8Array;
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}
/** A log's way into a block: header, trie nodes down to the receipt, and the log's place in that. */
export interface Inclusion {
  readonly blockHash: Uint8Array;
  readonly header: Uint8Array;
  readonly receipt: number;
  readonly nodes: readonly Uint8Array[];
  readonly log: number;
}

export function readHeader(encoded: Uint8Array): Header {
  const fields = asList(decodeRlp(encoded));
  if (fields.length < HEADER_FIELDS_MIN) throw new BadRlp(`a header of ${fields.length} fields`);
  const receiptsRoot = asBytes(fields[RECEIPTS_ROOT]);
  if (receiptsRoot.length !== 32) throw new BadRlp("a receiptsRoot that is not a hash");
  return { number: asNumber(fields[NUMBER]), timestamp: asNumber(fields[TIMESTAMP]), receiptsRoot };
}

export function readLogs(receipt: Uint8Array): Log[] {
  const isTyped = receipt.length > 0 && (receipt[0] ?? 0) < TYPES_END;
  const fields = asList(decodeRlp(isTyped ? receipt.subarray(1) : receipt));
  if (fields.length !== 4) throw new BadRlp(`a receipt of ${fields.length} fields`);
  return asList(fields[3]).map((item) => {
    const log = asList(item);
    if (log.length !== 3) throw new BadRlp(`a log of ${log.length} fields`);
    return { address: asBytes(log[0]), topics: asList(log[1]).map(asBytes), data: asBytes(log[2]) };
  });
}

/**
 * The log that a block holds, and the block's header. Throws BadInclusion.
 *
 * 1. The header hashes to the block's hash.
 * 2. The trie's nodes lead from the header's receiptsRoot to the receipt.
 * 3. The receipt has a log at that place.
 */
export function includedLog(inclusion: Inclusion): { header: Header; log: Log } {
  try {
    // 1.
    if (!sameBytes(keccak(inclusion.header), inclusion.blockHash)) {
      throw new BadInclusion("The header does not hash to the block's hash.");
    }
    const header = readHeader(inclusion.header);
    // 2.
    const logs = readLogs(valueAt(header.receiptsRoot, inclusion.receipt, inclusion.nodes));
    // 3.
    const log = logs[inclusion.log];
    if (log === undefined) throw new BadInclusion(`The receipt has ${logs.length} logs.`);
    return { header, log };
  } catch (problem) {
    if (problem instanceof BadRlp || problem instanceof BadProof) throw new BadInclusion(problem.message);
    throw problem;
  }
}
