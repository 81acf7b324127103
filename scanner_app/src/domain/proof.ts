/**
 * The numbered steps that verify an evidence bundle, up to those that need a node. What a verifier believes
 * beforehand comes from its own trust file, never from the bundle. Source: docs/spec/bundle.md.
 */
import {
  namedRegistrar,
  type RecordedSegment,
  recordedSegment,
  type SealedRun,
  settledStep,
} from "./announced.ts";
import { BadInclusion, type Header, includedLog, type Inclusion, type Log } from "./blocks.ts";
import type { Bundle, BundledCertificate } from "./bundle.ts";
import { bytesToHex, sameBytes } from "./bytes.ts";
import { firstHead, MalformedWords, type ReadEntry, rollHead, splitWords, unpackEntry } from "./journal.ts";
import { type CheckSeal, keyHash, sealDigest } from "./seal.ts";
import { answerOf, type DeviceId, deviceId, type Head, numberOf, organisationOf, SCHEME } from "./types.ts";
import { isAssertionOf } from "./webauthn.ts";

export interface Network {
  readonly chainId: number;
  readonly ledger: string;
}

/** A step found something that does not hold. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
}

/** Step 2: heads and seals of another chain or ledger prove nothing here. */
export function requireTrustedNetwork(bundle: Bundle, trusted: Network): void {
  if (bundle.chainId !== trusted.chainId || bundle.ledger !== trusted.ledger) {
    throw new StepFailed(`The bundle is of chain ${bundle.chainId}, ledger ${bundle.ledger}.`);
  }
}

/** Step 3: the header hashes to the block, and its receipts hold the trusted ledger's record of a segment. */
export function requireRecord(bundle: Bundle, trusted: Network): { header: Header; record: RecordedSegment } {
  const { header, log } = logIn(bundle.recorded);
  const record = recordedSegment(log);
  if (bytesToHex(log.address) !== trusted.ledger || record === undefined) {
    throw new StepFailed("The log is not a segment that the trusted ledger recorded.");
  }
  return { header, record };
}

function logIn(inclusion: Inclusion): { header: Header; log: Log } {
  try {
    return includedLog(inclusion);
  } catch (problem) {
    if (problem instanceof BadInclusion) throw new StepFailed(problem.message);
    throw problem;
  }
}

export interface ProvedEntry {
  readonly read: ReadEntry;
  readonly outcome: number;
}

/** Step 4: the recorded segment holds these words at this seq, and its head rolls through them. */
export function requireEntry(bundle: Bundle, record: RecordedSegment): ProvedEntry {
  const entries = split(record.words);
  const position = Number(BigInt(bundle.seq) - record.firstSeq);
  const entry = entries[position];
  if (record.device !== numberOf(bundle.device) || entry === undefined) {
    throw new StepFailed("The entry is not in the segment.");
  }
  if (record.outcomes.length !== entries.length) throw new StepFailed("There is not one outcome an entry.");
  const head = entries.slice(0, position + 1).reduce(rollHead, bytesToHex(bundle.prevHead) as Head);
  if (!sameBytes(entry, bundle.words) || head !== bytesToHex(bundle.head)) {
    throw new StepFailed("The entry's words or head are not those in the segment.");
  }
  return { read: unpackEntry(entry), outcome: record.outcomes[position] ?? 0 };
}

/** Still step 4: a block's receipts hold the trusted ledger's last word on an entry that it had deferred. */
export function requireSettled(
  settled: Inclusion,
  record: RecordedSegment,
  trusted: Network,
): { header: Header; seq: bigint; outcome: number } {
  const { header, log } = logIn(settled);
  const step = settledStep(log);
  if (bytesToHex(log.address) !== trusted.ledger || step === undefined || step.device !== record.device) {
    throw new StepFailed("The log does not settle an entry of this segment, or is not the trusted ledger's.");
  }
  const recorded = record.outcomes[Number(step.seq - record.firstSeq)];
  if (recorded === undefined || answerOf(recorded & 0x0f)?.outcome !== "deferred") {
    throw new StepFailed("The entry that was settled had not been deferred.");
  }
  return { header, seq: step.seq, outcome: step.outcome };
}

function split(words: Uint8Array): Uint8Array[] {
  try {
    return splitWords(words);
  } catch (problem) {
    if (problem instanceof MalformedWords) throw new StepFailed(problem.message);
    throw problem;
  }
}

/** Step 5: the rolling head from `prevHead` through all entries is what the device sealed. */
export function requireSeal(
  bundle: Bundle,
  record: RecordedSegment,
  trusted: Network,
  check: CheckSeal,
): void {
  const head = sealedHead(record, bundle.prevHead, trusted, bundle.certificates[0], check);
  if (head !== bytesToHex(record.head)) throw new StepFailed("The head that the ledger recorded is another.");
}

function sealedHead(
  run: SealedRun,
  prevHead: Uint8Array,
  trusted: Network,
  certificate: BundledCertificate | undefined,
  check: CheckSeal,
): Head {
  const device = deviceId(run.device);
  const place = { ...trusted, device };
  const before = bytesToHex(prevHead) as Head;
  if (run.firstSeq === 1n && before !== firstHead(place)) {
    throw new StepFailed(`The journal of ${device} does not begin at its first head.`);
  }
  const entries = split(run.words);
  const head = entries.reduce(rollHead, before);
  const lastSeq = Number(run.firstSeq) + entries.length - 1;
  const digest = sealDigest(place, lastSeq, head);
  const origin = originIn(certificate, device);
  const isGood =
    origin === undefined
      ? run.assertion.length === 0 && check(digest, run.key, run.seal)
      : isAssertionOf(
          digest,
          { key: run.key, originDigest: origin },
          { ...run.seal, assertion: run.assertion },
          check,
        );
  if (!isGood) throw new StepFailed(`The seal of ${device} at seq ${lastSeq} does not verify.`);
  return head;
}

/** The web origin's digest that a passkey was enrolled with; step 6 checks who enrolled it. */
function originIn(certificate: BundledCertificate | undefined, device: DeviceId): bigint | undefined {
  const enrolled = certificate === undefined ? undefined : enrolmentIn(certificate);
  if (enrolled === undefined || deviceId(enrolled.device) !== device) return undefined;
  return Number(enrolled.scheme) === SCHEME.webauthn ? enrolled.origin : undefined;
}

/** The enrolment that a certificate begins with, or undefined where it begins with something else. */
function enrolmentIn(certificate: BundledCertificate) {
  let first: Uint8Array | undefined;
  try {
    first = splitWords(certificate.words)[0];
  } catch {
    return undefined;
  }
  const read = first === undefined ? undefined : unpackEntry(first);
  if (read?.is !== "known" || (read.entry.kind !== "enrol" && read.entry.kind !== "rotate")) return undefined;
  return read.entry.fields;
}

export interface NamedRoot {
  readonly device: DeviceId;
  readonly keyHash: string;
  readonly path: readonly DeviceId[];
}

/** Step 6: each level's registrar sealed the enrolment of the device below it, with its very key. */
export function requireCertificates(
  bundle: Bundle,
  record: RecordedSegment,
  trusted: Network,
  check: CheckSeal,
): NamedRoot {
  let device = bundle.device;
  let key = keyHash(record.key);
  const path = [device];
  bundle.certificates.forEach((certificate, level) => {
    const { registrar, words, seal, assertion } = certificate;
    const run = { device: numberOf(registrar), firstSeq: BigInt(certificate.seq), words, seal, assertion };
    const above = bundle.certificates[level + 1];
    sealedHead({ ...run, key: certificate.key }, certificate.prevHead, trusted, above, check);
    const enrolled = enrolmentIn(certificate);
    if (enrolled === undefined || deviceId(enrolled.device) !== device) {
      throw new StepFailed(`A certificate does not enrol device ${device}.`);
    }
    const hex = (value: bigint) => value.toString(16).padStart(64, "0");
    if (keyHash({ x: hex(enrolled.x), y: hex(enrolled.y) }) !== key) {
      throw new StepFailed(`Device ${device} was enrolled with another key.`);
    }
    if (organisationOf(registrar) !== organisationOf(device)) {
      throw new StepFailed("A registrar enrolled a device of another organisation.");
    }
    device = registrar;
    key = keyHash(certificate.key);
    path.push(device);
  });
  return { device, keyHash: key, path };
}

/** Step 7: a block's receipts hold the trusted registry's naming of this device with this key. */
export function requireNamedRoot(bundle: Bundle, registry: string, root: NamedRoot): Header {
  const { header, log } = logIn(bundle.named);
  const named = namedRegistrar(log);
  if (bytesToHex(log.address) !== registry || named === undefined) {
    throw new StepFailed("The log does not name a registrar, or is not the trusted registry's.");
  }
  const isThis =
    named.organisation === numberOf(organisationOf(root.device)) &&
    named.device === numberOf(root.device) &&
    named.keyHash === root.keyHash;
  if (!isThis) throw new StepFailed(`${root.device} with this key is not the registrar that was named.`);
  return header;
}
