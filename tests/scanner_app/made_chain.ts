/** A chain of one transaction a block, made here: its blocks hold what a phone has sealed, with all that proves it. */
import {
  bytesToHex,
  concatBytes,
  hexToBytes,
  keccak,
  utf8ToBytes,
} from "../../scanner_app/src/domain/bytes.ts";
import { bigToBytes } from "../../scanner_app/src/domain/bytes.ts";
import { FORMAT } from "../../scanner_app/src/domain/bundle.ts";
import { canonicalJson } from "../../scanner_app/src/domain/evidence.ts";
import { emptyJournal } from "../../scanner_app/src/domain/journal.ts";
import { encodeRlp, numberBytes, type RlpItem } from "../../scanner_app/src/domain/rlp.ts";
import { numberOf, type Seq } from "../../scanner_app/src/domain/types.ts";
import { readEntries, readSeal } from "../../scanner_app/src/store/journal.ts";
import { NETWORK } from "./fakes.ts";
import type { Phone } from "./phone.ts";

const RECORDED = "SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)";
const word = (value: number | bigint) => bigToBytes(BigInt(value), 32);

/** An argument of variable length, as the ABI writes it. */
function abiBytes(content: Uint8Array): Uint8Array {
  return concatBytes(word(content.length), content, new Uint8Array((32 - (content.length % 32)) % 32));
}

/** Any other log would do for who named the registrar: a phone does not ask who enrolled it. */
function inclusionOf(logs: readonly RlpItem[], number: number, timestamp: number) {
  const bloom = new Uint8Array(256);
  const receipt = concatBytes(
    Uint8Array.of(2),
    encodeRlp([Uint8Array.of(1), numberBytes(21_000), bloom, logs]),
  );
  // The only leaf of its trie: the key is the RLP of 0, an even number of half-bytes.
  const leaf = encodeRlp([Uint8Array.of(0x20, 0x80), receipt]);
  const zero = new Uint8Array(32);
  const header = encodeRlp([
    zero,
    zero,
    new Uint8Array(20),
    zero,
    zero,
    keccak(leaf),
    bloom,
    numberBytes(0),
    numberBytes(number),
    numberBytes(30_000_000),
    numberBytes(21_000),
    numberBytes(timestamp),
    new Uint8Array(),
    zero,
    new Uint8Array(8),
  ]);
  return {
    block_hash: bytesToHex(keccak(header)),
    header: bytesToHex(header),
    receipt: 0,
    nodes: [bytesToHex(leaf)],
    log: 0,
  };
}

/** The bundle of an entry in a segment of this phone's journal, recorded in block `number` at `timestamp`. */
export async function bundleOf(
  phone: Phone,
  { seq, firstSeq, lastSeq }: { seq: Seq; firstSeq: Seq; lastSeq: Seq },
  { number, timestamp }: { number: number; timestamp: number },
): Promise<{ text: string; blockHash: string }> {
  const entries = await readEntries(phone.db, firstSeq, lastSeq);
  const end = await readSeal(phone.db, lastSeq);
  const seal = await readSeal(phone.db, seq);
  if (end === undefined || seal === undefined) throw new Error("a segment that was not sealed");
  const before = (await readSeal(phone.db, firstSeq - 1))?.head ?? emptyJournal(phone.writer.place).head;
  const words = abiBytes(concatBytes(...entries.map((entry) => entry.words)));
  const outcomes = abiBytes(new Uint8Array(entries.length).fill(1));
  const { publicKey } = phone.key;
  const data = concatBytes(
    ...[end.head, publicKey.x, publicKey.y, end.r, end.s].map((hex) => hexToBytes(hex)),
    word(8 * 32),
    word(8 * 32 + words.length),
    word(8 * 32 + words.length + outcomes.length),
    words,
    outcomes,
    abiBytes(new Uint8Array()),
  );
  const device = word(numberOf(phone.identity.device));
  const log = [hexToBytes(NETWORK.ledger), [keccak(utf8ToBytes(RECORDED)), device, word(firstSeq)], data];
  const recorded = inclusionOf([log], number, timestamp);
  const entry = entries[seq - firstSeq];
  const text = canonicalJson({
    format: FORMAT,
    chain_id: NETWORK.chainId,
    ledger: NETWORK.ledger,
    entry: {
      device: phone.identity.device,
      seq,
      words: bytesToHex(entry?.words ?? new Uint8Array()),
      head: seal.head,
    },
    prev_head: before,
    recorded,
    certificates: [],
    named: recorded,
  });
  return { text, blockHash: recorded.block_hash };
}

/** A node over JSON-RPC that has these blocks. */
export class MadeNode {
  readonly blocks = new Map<number, string>();
  finalNumber = 1_000;
  isAway = false;
  asked = 0;

  answer(body: string): Response {
    if (this.isAway) throw new TypeError("no way to the node");
    this.asked += 1;
    const { method, params } = JSON.parse(body) as { method: string; params: readonly string[] };
    if (method === "eth_chainId") return result(`0x${NETWORK.chainId.toString(16)}`);
    if (method !== "eth_getBlockByNumber") throw new Error(`nobody answers ${method}`);
    if (params[0] === "finalized") return result({ number: `0x${this.finalNumber.toString(16)}` });
    const hash = this.blocks.get(Number(params[0]));
    return result(hash === undefined ? null : { hash: `0x${hash}` });
  }
}

const result = (value: unknown) => Response.json({ jsonrpc: "2.0", id: 1, result: value });
