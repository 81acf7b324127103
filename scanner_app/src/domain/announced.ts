/** What the contracts announce in logs, as far as a proof needs it: a recorded segment, a named registrar. */
import type { Log } from "./blocks.ts";
import { bytesToBig, bytesToHex, keccak, sameBytes, utf8ToBytes } from "./bytes.ts";
import type { PublicKey, Seal } from "./seal.ts";

const WORD = 32;
const topic = (signature: string) => keccak(utf8ToBytes(signature));
const SEGMENT_RECORDED = topic(
  "SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)",
);
const ORGANISATION_CREATED = topic("OrganisationCreated(uint24,bytes32,uint64,uint160)");
const REGISTRAR_REPLACED = topic("RegistrarReplaced(uint24,uint64,uint160,uint8)");

/** A run of entries with one seal at its end, of whatever device its number says. */
export interface SealedRun {
  readonly device: bigint;
  readonly firstSeq: bigint;
  readonly words: Uint8Array;
  readonly key: PublicKey;
  readonly seal: Seal;
  readonly assertion: Uint8Array;
}
/** A segment as the ledger recorded it: the head after it, and one outcome byte an entry. */
export interface RecordedSegment extends SealedRun {
  readonly head: Uint8Array;
  readonly outcomes: Uint8Array;
}
/** A root registrar that the registry named for an organisation. */
export interface NamedRegistrar {
  readonly organisation: bigint;
  readonly device: bigint;
  readonly keyHash: string;
}

const SETTLED = topic("Settled(uint64,uint40,uint96,uint8)");

/** A step that had waited, and the outcome byte that it got in the end. */
export interface SettledStep {
  readonly device: bigint;
  readonly seq: bigint;
  readonly outcome: number;
}

export function settledStep(log: Log): SettledStep | undefined {
  const [kind, device, seq] = log.topics;
  if (kind === undefined || device === undefined || seq === undefined || log.topics.length !== 4)
    return undefined;
  if (!sameBytes(kind, SETTLED) || log.data.length !== WORD) return undefined;
  return { device: bytesToBig(device), seq: bytesToBig(seq), outcome: Number(bytesToBig(log.data) & 0xffn) };
}

export function recordedSegment(log: Log): RecordedSegment | undefined {
  const [kind, device, firstSeq] = log.topics;
  if (kind === undefined || device === undefined || firstSeq === undefined || log.topics.length !== 3) {
    return undefined;
  }
  if (!sameBytes(kind, SEGMENT_RECORDED) || log.data.length < 8 * WORD) return undefined;
  const word = (at: number) => log.data.subarray(at * WORD, (at + 1) * WORD);
  const hex = (at: number) => bytesToHex(word(at));
  const [words, outcomes, assertion] = [5, 6, 7].map((at) => bytesAt(log.data, word(at)));
  if (words === undefined || outcomes === undefined || assertion === undefined) return undefined;
  return {
    device: bytesToBig(device),
    firstSeq: bytesToBig(firstSeq),
    words,
    key: { x: hex(1), y: hex(2) },
    seal: { r: hex(3), s: hex(4) },
    assertion,
    head: word(0),
    outcomes,
  };
}

export function namedRegistrar(log: Log): NamedRegistrar | undefined {
  const [kind, organisation, device] = log.topics;
  if (kind === undefined || organisation === undefined || device === undefined || log.topics.length !== 3) {
    return undefined;
  }
  if (log.data.length !== 2 * WORD) return undefined;
  const keyAt = sameBytes(kind, ORGANISATION_CREATED)
    ? 1
    : sameBytes(kind, REGISTRAR_REPLACED)
      ? 0
      : undefined;
  if (keyAt === undefined) return undefined;
  const key = bytesToBig(log.data.subarray(keyAt * WORD, (keyAt + 1) * WORD));
  return {
    organisation: bytesToBig(organisation),
    device: bytesToBig(device),
    keyHash: key.toString(16).padStart(40, "0"),
  };
}

/** The bytes whose length stands at an offset; undefined when they run past the end. */
function bytesAt(data: Uint8Array, offset: Uint8Array): Uint8Array | undefined {
  const at = bytesToBig(offset);
  if (at + BigInt(WORD) > BigInt(data.length)) return undefined;
  const start = Number(at) + WORD;
  const size = bytesToBig(data.subarray(Number(at), start));
  return BigInt(start) + size > BigInt(data.length) ? undefined : data.subarray(start, start + Number(size));
}
