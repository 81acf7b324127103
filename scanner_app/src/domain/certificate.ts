/** A device's certificate: the registrar's sealed segment that holds its enrolment. */
import { bytesToHex, concatBytes, hexToBytes } from "./bytes.ts";
import { rollHead, splitWords, unpackEntry } from "./journal.ts";
import { type PublicKey, type Seal, sealDigest } from "./seal.ts";
import {
  type DeviceId,
  deviceId,
  type Head,
  head,
  organisationOf,
  type Role,
  roleOf,
  type Seconds,
  type Seq,
} from "./types.ts";

export interface Certificate {
  readonly registrar: DeviceId;
  readonly first_seq: Seq;
  readonly words: string;
  readonly seq: Seq;
  readonly prev_head: Head;
  readonly key: PublicKey;
  readonly seal: Seal;
}
/** What an enrolment says of a device. */
export interface Enrolled {
  readonly device: DeviceId;
  readonly role: Role;
  readonly notAfter: Seconds;
  readonly occurredAt: Seconds;
  readonly key: PublicKey;
  readonly scheme: number;
  /** Of a passkey's web origin; 0 for a device's own key. */
  readonly originDigest: bigint;
  /** The device whose place it takes, which ends; undefined where it takes none. */
  readonly replaced: DeviceId | undefined;
}
export type ReadCertificate =
  | { readonly is: "read"; readonly enrolled: Enrolled; readonly digest: Uint8Array }
  | { readonly is: "unreadable"; readonly why: string };

/** Reads what a certificate says, and the digest that its registrar must have sealed. */
export function readCertificate(
  network: { chainId: number; ledger: string },
  certificate: Certificate,
): ReadCertificate {
  let entries: Uint8Array[];
  try {
    entries = splitWords(hexToBytes(certificate.words));
  } catch (problem) {
    return { is: "unreadable", why: String(problem) };
  }
  const words = entries[certificate.seq - certificate.first_seq];
  const read = words === undefined ? undefined : unpackEntry(words);
  if (read?.is !== "known" || (read.entry.kind !== "enrol" && read.entry.kind !== "rotate")) {
    return { is: "unreadable", why: "no enrolment at this seq" };
  }
  const { fields } = read.entry;
  const replaced = read.entry.kind === "rotate" ? deviceId(read.entry.fields.replaced) : undefined;
  const role = roleOf(fields.role);
  const device = deviceId(fields.device);
  if (role === undefined) return { is: "unreadable", why: "unknown role" };
  if (organisationOf(device) !== organisationOf(certificate.registrar)) {
    return { is: "unreadable", why: "a registrar enrols only its own organisation's devices" };
  }
  const lastSeq = certificate.first_seq + entries.length - 1;
  const last = entries.reduce((before, entry) => rollHead(before, entry), certificate.prev_head);
  return {
    is: "read",
    enrolled: {
      device,
      role,
      notAfter: Number(fields.not_after),
      occurredAt: Number(fields.occurred_at),
      key: { x: head(fields.x), y: head(fields.y) },
      scheme: Number(fields.scheme),
      originDigest: fields.origin,
      replaced,
    },
    digest: sealDigest({ ...network, device: certificate.registrar }, lastSeq, last),
  };
}

/** The same certificate from its enrolment on: what the registrar wrote before it is in the head. */
export function shortest(certificate: Certificate): Certificate {
  const entries = splitWords(hexToBytes(certificate.words));
  const before = certificate.seq - certificate.first_seq;
  return {
    ...certificate,
    first_seq: certificate.seq,
    words: bytesToHex(concatBytes(...entries.slice(before))),
    prev_head: entries.slice(0, before).reduce(rollHead, certificate.prev_head),
  };
}

export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  return a.x === b.x && a.y === b.y;
}
