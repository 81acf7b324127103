/**
 * The QR codes that people show each other: an invitation, a receiver, a lot on its way. Each is an address
 * of the app, so that a phone's own camera opens the right page too.
 */
import {
  bytesToBig,
  bytesToHex,
  bigToBytes,
  concatBytes,
  fromBase64Url,
  hexToBytes,
  toBase64Url,
} from "./bytes.ts";
import { type Certificate, shortest } from "./certificate.ts";
import { type EntryOf, rollHead, unpackEntry, WORD_BYTES } from "./journal.ts";
import { type PublicKey, type Seal, sealDigest } from "./seal.ts";
import { type DeviceId, deviceId, type Head, head, type Seq } from "./types.ts";

export interface ReceiverCode {
  readonly device: DeviceId;
  readonly seq: Seq;
  readonly head: Head;
}
/** A give as its giver sealed it: enough to check it with no network. */
export interface GiveCode {
  readonly giver: DeviceId;
  readonly seq: Seq;
  readonly prevHead: Head;
  readonly words: Uint8Array;
  readonly key: PublicKey;
  readonly seal: Seal;
}
interface SealedTake {
  readonly seq: Seq;
  readonly prevHead: Head;
  readonly words: Uint8Array;
  readonly seal: Seal;
}
/** A take as its receiver sealed it, and the certificate of the key that did: the answer to a give. */
export interface TakeCode extends SealedTake {
  /** Begins with the enrolment. */
  readonly certificate: Certificate;
}
/** The same by name only, for whoever has the receiver in a directory that was checked. */
export interface NamedTake extends SealedTake {
  readonly taker: DeviceId;
}
export type AppCode =
  | { readonly is: "enrol"; readonly code: string; readonly address: string }
  | { readonly is: "receive"; readonly receiver: ReceiverCode }
  | { readonly is: "give"; readonly give: GiveCode }
  | { readonly is: "take"; readonly take: TakeCode | NamedTake }
  | { readonly is: "other" };

const VERSION = 1;
/** Of a take by name. */
const NAMED_VERSION = 2;
const GIVE_WORDS = 4;
const TAKE_WORDS = 5;
/** With more of the registrar's journal in it, a code is too fine for a scratched lens to read. */
const CERTIFICATE_WORDS_MAX = 12;

export function enrolText(page: string, code: string): string {
  return `${page}#enrol=${code}`;
}

export function receiveText(page: string, receiver: ReceiverCode): string {
  return `${page}#receive=${receiver.device}.${receiver.seq}.${receiver.head}`;
}

export function giveText(page: string, give: GiveCode): string {
  const packed = concatBytes(
    new Uint8Array([VERSION]),
    hexToBytes(give.giver),
    bigToBytes(BigInt(give.seq), 5),
    hexToBytes(give.prevHead),
    give.words,
    hexToBytes(give.key.x),
    hexToBytes(give.key.y),
    hexToBytes(give.seal.r),
    hexToBytes(give.seal.s),
  );
  return `${page}#give=${toBase64Url(packed)}`;
}

/** What both forms of a take begin with. */
function sealedTake(version: number, take: TakeCode | NamedTake): Uint8Array {
  return concatBytes(
    new Uint8Array([version]),
    bigToBytes(BigInt(take.seq), 5),
    hexToBytes(take.prevHead),
    take.words,
    hexToBytes(take.seal.r),
    hexToBytes(take.seal.s),
  );
}

/** Undefined when the certificate is too long for a code. */
export function takeText(page: string, take: TakeCode): string | undefined {
  const certificate = shortest(take.certificate);
  const enrolled = hexToBytes(certificate.words);
  const count = enrolled.length / WORD_BYTES;
  if (count > CERTIFICATE_WORDS_MAX) return undefined;
  const packed = concatBytes(
    sealedTake(VERSION, take),
    hexToBytes(certificate.registrar),
    bigToBytes(BigInt(certificate.seq), 5),
    hexToBytes(certificate.prev_head),
    hexToBytes(certificate.key.x),
    hexToBytes(certificate.key.y),
    hexToBytes(certificate.seal.r),
    hexToBytes(certificate.seal.s),
    enrolled,
  );
  return `${page}#take=${toBase64Url(packed)}`;
}

export function namedTakeText(page: string, take: NamedTake): string {
  const packed = concatBytes(sealedTake(NAMED_VERSION, take), hexToBytes(take.taker));
  return `${page}#take=${toBase64Url(packed)}`;
}

/** Reads a scanned text or this page's own address. */
export function readAppCode(text: string): AppCode {
  const found = /^(\S*)#(enrol|receive|give|take)=([A-Za-z0-9._~-]+)$/.exec(text.trim());
  const [, address = "", kind, value = ""] = found ?? [];
  switch (kind) {
    case "enrol":
      return { is: "enrol", code: value, address };
    case "receive":
      return readReceiver(value);
    case "give":
      return readGive(value);
    case "take":
      return readTake(value);
    default:
      return { is: "other" };
  }
}

function readReceiver(value: string): AppCode {
  const found = /^([0-9a-f]{16})\.(\d{1,12})\.([0-9a-f]{64})$/.exec(value);
  if (found === null) return { is: "other" };
  const [, device, seq, at] = found;
  return { is: "receive", receiver: { device: device as DeviceId, seq: Number(seq), head: at as Head } };
}

function readGive(value: string): AppCode {
  const packed = fromBase64Url(value);
  const length = 1 + 8 + 5 + 32 + GIVE_WORDS * WORD_BYTES + 128;
  if (packed === undefined || packed.length !== length || packed[0] !== VERSION) return { is: "other" };
  let at = 1;
  const next = (bytes: number) => packed.slice(at, (at += bytes));
  const hex = () => bytesToHex(next(32));
  const give: GiveCode = {
    giver: deviceId(bytesToBig(next(8))),
    seq: Number(bytesToBig(next(5))),
    prevHead: head(bytesToBig(next(32))),
    words: next(GIVE_WORDS * WORD_BYTES),
    key: { x: hex(), y: hex() },
    seal: { r: hex(), s: hex() },
  };
  return giveEntry(give) === undefined ? { is: "other" } : { is: "give", give };
}

function readNamedTake(packed: Uint8Array): AppCode {
  if (packed.length !== 1 + 5 + 32 + TAKE_WORDS * WORD_BYTES + 64 + 8) return { is: "other" };
  let at = 1;
  const next = (bytes: number) => packed.slice(at, (at += bytes));
  const [seq, prevHead] = [Number(bytesToBig(next(5))), head(bytesToBig(next(32)))];
  const words = next(TAKE_WORDS * WORD_BYTES);
  const seal = { r: bytesToHex(next(32)), s: bytesToHex(next(32)) };
  const take: NamedTake = { seq, prevHead, words, seal, taker: deviceId(bytesToBig(next(8))) };
  return takeEntry(take) === undefined ? { is: "other" } : { is: "take", take };
}

function readTake(value: string): AppCode {
  const packed = fromBase64Url(value);
  if (packed?.[0] === NAMED_VERSION) return readNamedTake(packed);
  const fixed = 1 + 5 + 32 + TAKE_WORDS * WORD_BYTES + 64 + 8 + 5 + 32 + 128;
  const rest = (packed?.length ?? 0) - fixed;
  if (packed === undefined || packed[0] !== VERSION) return { is: "other" };
  if (rest <= 0 || rest % WORD_BYTES !== 0 || rest > CERTIFICATE_WORDS_MAX * WORD_BYTES)
    return { is: "other" };
  let at = 1;
  const next = (bytes: number) => packed.slice(at, (at += bytes));
  const hex = () => bytesToHex(next(32));
  const [seq, prevHead] = [Number(bytesToBig(next(5))), head(bytesToBig(next(32)))];
  const words = next(TAKE_WORDS * WORD_BYTES);
  const seal = { r: hex(), s: hex() };
  const registrar = deviceId(bytesToBig(next(8)));
  const enrolSeq = Number(bytesToBig(next(5)));
  const certificate: Certificate = {
    registrar,
    first_seq: enrolSeq,
    seq: enrolSeq,
    prev_head: head(bytesToBig(next(32))),
    key: { x: hex(), y: hex() },
    seal: { r: hex(), s: hex() },
    words: bytesToHex(next(rest)),
  };
  const take: TakeCode = { seq, prevHead, words, seal, certificate };
  return takeEntry(take) === undefined ? { is: "other" } : { is: "take", take };
}

export function takeEntry(take: SealedTake): EntryOf<"take"> | undefined {
  const read = unpackEntry(take.words);
  return read.is === "known" && read.entry.kind === "take" ? read.entry : undefined;
}

/** What the taker must have sealed. */
export function takeDigest(
  network: { chainId: number; ledger: string },
  taker: DeviceId,
  take: SealedTake,
): Uint8Array {
  return sealDigest({ ...network, device: taker }, take.seq, rollHead(take.prevHead, take.words));
}

export function giveEntry(give: GiveCode): EntryOf<"give"> | undefined {
  const read = unpackEntry(give.words);
  return read.is === "known" && read.entry.kind === "give" ? read.entry : undefined;
}

/** The giver's head after the give, which a take cites. */
export function giveHead(give: GiveCode): Head {
  return rollHead(give.prevHead, give.words);
}

export function giveDigest(network: { chainId: number; ledger: string }, give: GiveCode): Uint8Array {
  return sealDigest({ ...network, device: give.giver }, give.seq, giveHead(give));
}
