/** Segments as a body of bytes, half as long as their JSON. Source: docs/spec/entries.md, "Segment bytes". */
import { bigToBytes, bytesToBig, bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "./bytes.ts";
import { WORD_BYTES } from "./journal.ts";
import type { PublicKey, Seal } from "./seal.ts";
import { type DeviceId, numberOf, type Seq } from "./types.ts";

export const SEGMENT_BYTES_TYPE = "application/vnd.huanlian.segments";
const VERSION = 1;
const ASSERTION_BYTES_MAX = 1024;
const EVIDENCE_MAX = 256;
const DOCUMENT_CHARACTERS_MAX = 65_536;

export interface EvidenceUpload {
  readonly seq: Seq;
  readonly salt: string;
  /** Canonical JSON, byte for byte what the digest was made from. */
  readonly document: string;
}
/** A sealed segment as it is handed in; its JSON is the JSON of an upload. */
export interface Upload {
  readonly device: DeviceId;
  readonly first_seq: Seq;
  readonly words: string;
  readonly key: PublicKey;
  readonly seal: Seal;
  readonly assertion?: string;
  readonly evidence?: readonly EvidenceUpload[];
}

export function packUploads(uploads: readonly Upload[]): Uint8Array<ArrayBuffer> {
  const frames = uploads.map(packUpload).flatMap((frame) => [count(frame.length, 4), frame]);
  return new Uint8Array(concatBytes(count(VERSION, 1), count(uploads.length, 2), ...frames));
}

function packUpload({ device, first_seq, words, key, seal, assertion, evidence = [] }: Upload): Uint8Array {
  const entries = hexToBytes(words);
  const asserted = hexToBytes(assertion ?? "");
  return concatBytes(
    bigToBytes(numberOf(device), 8),
    count(first_seq, 5),
    ...[key.x, key.y, seal.r, seal.s].map(hexToBytes),
    count(entries.length / WORD_BYTES, 2),
    entries,
    count(asserted.length, 2),
    asserted,
    count(evidence.length, 2),
    ...evidence.flatMap(packEvidence),
  );
}

function packEvidence({ seq, salt, document }: EvidenceUpload): Uint8Array[] {
  const text = utf8ToBytes(document);
  return [count(seq, 5), hexToBytes(salt), count(text.length, 4), text];
}

function count(value: number, length: number): Uint8Array {
  return bigToBytes(BigInt(value), length);
}

/** The segments of a body; one bad byte anywhere and there are none. */
export function unpackUploads(body: Uint8Array): Upload[] {
  const reader = new Reader(body);
  if (reader.count(1, "/version") !== VERSION) throw new MalformedUpload("/version");
  const frames = Array.from({ length: reader.count(2, "/count") }, (_, at) => {
    const where = `/segments/${at}`;
    return reader.take(reader.count(4, where), where);
  });
  reader.requireEnd("/segments");
  return frames.map(unpackUpload);
}

function unpackUpload(frame: Uint8Array): Upload {
  const reader = new Reader(frame);
  const hex = (length: number, where: string) => bytesToHex(reader.take(length, where));
  const device = hex(8, "/device") as DeviceId;
  const first_seq = reader.count(5, "/first_seq");
  const key = { x: hex(32, "/key/x"), y: hex(32, "/key/y") };
  const seal = { r: hex(32, "/seal/r"), s: hex(32, "/seal/s") };
  const words = hex(reader.count(2, "/words") * WORD_BYTES, "/words");
  const assertion = hex(reader.count(2, "/assertion", ASSERTION_BYTES_MAX), "/assertion");
  const length = reader.count(2, "/evidence", EVIDENCE_MAX);
  const evidence = Array.from({ length }, (_, at) => unpackEvidence(reader, `/evidence/${at}`));
  reader.requireEnd("");
  return {
    device,
    first_seq,
    words,
    key,
    seal,
    ...(assertion !== "" && { assertion }),
    ...(evidence.length > 0 && { evidence }),
  };
}

function unpackEvidence(reader: Reader, where: string): EvidenceUpload {
  const seq = reader.count(5, `${where}/seq`);
  const salt = bytesToHex(reader.take(16, `${where}/salt`));
  const at = `${where}/document`;
  const document = textOf(reader.take(reader.count(4, at), at));
  // The same bounds as in JSON, counted in characters and not in UTF-16's halves of them.
  const isPlain = document !== undefined && !document.includes("\0");
  if (!isPlain || [...document].length > DOCUMENT_CHARACTERS_MAX) throw new MalformedUpload(at);
  return { seq, salt, document };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes are not what a phone sends. */
export class MalformedUpload extends Error {
  override readonly name = "MalformedUpload";
  constructor(readonly pointer: string) {
    super(`malformed at ${pointer}`);
  }
}

/** Takes parts off the front; each says where it is missing. */
class Reader {
  private at = 0;
  constructor(private readonly data: Uint8Array) {}

  take(length: number, where: string): Uint8Array {
    const part = this.data.subarray(this.at, this.at + length);
    if (part.length < length) throw new MalformedUpload(where);
    this.at += length;
    return part;
  }

  count(length: number, where: string, most = Number.MAX_SAFE_INTEGER): number {
    const value = Number(bytesToBig(this.take(length, where)));
    if (value > most) throw new MalformedUpload(where);
    return value;
  }

  requireEnd(where: string): void {
    if (this.at < this.data.length) throw new MalformedUpload(where);
  }
}
