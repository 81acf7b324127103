/** Documents that stay off the chain; an entry carries only 120 bits of their salted digest. */
import { bytesToBig, bytesToHex, keccak, utf8ToBytes } from "./bytes.ts";

type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };
export type EvidenceDocument = { readonly [name: string]: Json };

export interface Evidence {
  /** 16 random bytes, hex. */
  readonly salt: string;
  readonly document: EvidenceDocument;
}

/** Canonical JSON (RFC 8785). Numbers here are safe integers, which JavaScript already writes canonically. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.entries(value as EvidenceDocument).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new RangeError(`${value}`);
  return JSON.stringify(value);
}

/** Salts a document: the evidence to keep and send, and the digest that the entry carries. */
export function makeEvidence(
  document: EvidenceDocument,
  salt: Uint8Array,
): { evidence: Evidence; digest: bigint } {
  const digest = keccak(salt, utf8ToBytes(canonicalJson(document))).subarray(0, 15);
  return { evidence: { salt: bytesToHex(salt), document }, digest: bytesToBig(digest) };
}
