/**
 * The format of an evidence bundle: canonical JSON (RFC 8785) in which every field is bound by a hash.
 * Source: docs/spec/bundle.md.
 */
import type { Inclusion } from "./blocks.ts";
import { bytesToHex, hexToBytes, sameBytes, utf8ToBytes } from "./bytes.ts";
import { canonicalJson } from "./evidence.ts";
import type { PublicKey, Seal } from "./seal.ts";
import type { DeviceId } from "./types.ts";

export const FORMAT = "huanlian-bundle-2";
/** Far above any true bundle; a verifier reads no more than this of a stranger's file. */
const BYTES_MAX = 4 * 1024 * 1024;

/** The end of a registrar's segment, from the enrolment of a device on, and the head before it. */
export interface BundledCertificate {
  readonly registrar: DeviceId;
  readonly seq: number;
  readonly prevHead: Uint8Array;
  readonly words: Uint8Array;
  readonly key: PublicKey;
  readonly seal: Seal;
  readonly assertion: Uint8Array;
}
/** `words` are the entry's and `head` the one after it; `prevHead` is the head before its segment. */
export interface Bundle {
  readonly chainId: number;
  readonly ledger: string;
  readonly device: DeviceId;
  readonly seq: number;
  readonly words: Uint8Array;
  readonly head: Uint8Array;
  readonly prevHead: Uint8Array;
  readonly recorded: Inclusion;
  readonly certificates: readonly BundledCertificate[];
  readonly named: Inclusion;
  /** Of an entry that had to wait: where the ledger gave it its last outcome. */
  readonly settled?: Inclusion | undefined;
}

/** The bytes are not a bundle in canonical form. */
export class BadBundle extends Error {
  override readonly name = "BadBundle";
}

export function readBundle(data: Uint8Array): Bundle {
  const parsed = readCanonical(data, FORMAT);
  let bundle: Bundle;
  try {
    bundle = bundleOf(parsed);
  } catch (problem) {
    throw new BadBundle(`It cannot be read: ${String(problem)}.`);
  }
  // Writing again what was read finds unknown and doubled keys, upper-case hex and stray white space.
  if (!sameBytes(utf8ToBytes(writeBundle(bundle)), data)) {
    throw new BadBundle("The bytes are not canonical (RFC 8785, lower-case hex, no unknown or doubled key).");
  }
  return bundle;
}

/** The JSON object in these bytes, which has to name this format. */
export function readCanonical(data: Uint8Array, format: string, bytesMax = BYTES_MAX): Json {
  if (data.length > bytesMax) throw new BadBundle(`It is larger than ${bytesMax} bytes.`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
  } catch (problem) {
    throw new BadBundle(`It cannot be read: ${String(problem)}.`);
  }
  if (!isObject(parsed) || parsed["format"] !== format) throw new BadBundle(`The format is not ${format}.`);
  return parsed;
}

export function writeBundle(bundle: Bundle): string {
  const content = {
    format: FORMAT,
    chain_id: bundle.chainId,
    ledger: bundle.ledger,
    entry: {
      device: bundle.device,
      seq: bundle.seq,
      words: bytesToHex(bundle.words),
      head: bytesToHex(bundle.head),
    },
    prev_head: bytesToHex(bundle.prevHead),
    recorded: inclusionJson(bundle.recorded),
    certificates: bundle.certificates.map(certificateJson),
    named: inclusionJson(bundle.named),
  };
  if (bundle.settled === undefined) return canonicalJson(content);
  return canonicalJson({ ...content, settled: inclusionJson(bundle.settled) });
}

export function inclusionJson(inclusion: Inclusion) {
  return {
    block_hash: bytesToHex(inclusion.blockHash),
    header: bytesToHex(inclusion.header),
    receipt: inclusion.receipt,
    nodes: inclusion.nodes.map((node) => bytesToHex(node)),
    log: inclusion.log,
  };
}

export function certificateJson(certificate: BundledCertificate) {
  const content = {
    registrar: certificate.registrar,
    seq: certificate.seq,
    prev_head: bytesToHex(certificate.prevHead),
    words: bytesToHex(certificate.words),
    key: { x: certificate.key.x, y: certificate.key.y },
    seal: { r: certificate.seal.r, s: certificate.seal.s },
  };
  if (certificate.assertion.length === 0) return content;
  return { ...content, assertion: bytesToHex(certificate.assertion) };
}

export type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown): Json {
  if (!isObject(value)) throw new TypeError("no object where one belongs");
  return value;
}

export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("no list where one belongs");
  return value;
}

export function countOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new RangeError("not a whole number from 0");
  }
  return value;
}

export function hexOf(value: unknown, size?: number): Uint8Array {
  if (typeof value !== "string") throw new TypeError("no hex where it belongs");
  const bytes = hexToBytes(value);
  if (size !== undefined && bytes.length !== size) {
    throw new RangeError(`${bytes.length} bytes of hex where ${size} belong`);
  }
  return bytes;
}

export const hexText = (value: unknown, size: number) => bytesToHex(hexOf(value, size));

function bundleOf(parsed: Json): Bundle {
  const entry = objectOf(parsed["entry"]);
  return {
    chainId: countOf(parsed["chain_id"]),
    ledger: hexText(parsed["ledger"], 20),
    device: hexText(entry["device"], 8) as DeviceId,
    seq: countOf(entry["seq"]),
    words: hexOf(entry["words"]),
    head: hexOf(entry["head"], 32),
    prevHead: hexOf(parsed["prev_head"], 32),
    recorded: inclusionOf(parsed["recorded"]),
    certificates: listOf(parsed["certificates"]).map(certificateOf),
    named: inclusionOf(parsed["named"]),
    settled: parsed["settled"] === undefined ? undefined : inclusionOf(parsed["settled"]),
  };
}

export function inclusionOf(value: unknown): Inclusion {
  const parsed = objectOf(value);
  return {
    blockHash: hexOf(parsed["block_hash"], 32),
    header: hexOf(parsed["header"]),
    receipt: countOf(parsed["receipt"]),
    nodes: listOf(parsed["nodes"]).map((node) => hexOf(node)),
    log: countOf(parsed["log"]),
  };
}

export function certificateOf(value: unknown): BundledCertificate {
  const parsed = objectOf(value);
  const key = objectOf(parsed["key"]);
  const seal = objectOf(parsed["seal"]);
  return {
    registrar: hexText(parsed["registrar"], 8) as DeviceId,
    seq: countOf(parsed["seq"]),
    prevHead: hexOf(parsed["prev_head"], 32),
    words: hexOf(parsed["words"]),
    key: { x: hexText(key["x"], 32), y: hexText(key["y"], 32) },
    seal: { r: hexText(seal["r"], 32), s: hexText(seal["s"], 32) },
    assertion: parsed["assertion"] === undefined ? new Uint8Array() : hexOf(parsed["assertion"]),
  };
}
