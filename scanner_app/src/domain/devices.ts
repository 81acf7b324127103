/**
 * Devices: who is known, under which key, and from where on their entries no longer count.
 * Source: docs/spec/entries.md, "Devices".
 */
import {
  type Device,
  DEVICE_FLAG,
  type Gap,
  hasFlag,
  type Refused,
  slotOf,
  type State,
  withFlag,
} from "./custody_state.ts";
import { type EntryOf, firstHead, MalformedWords, rollHead, splitWords } from "./journal.ts";
import { findMoved, originOf, takeOver, wasKnownBefore } from "./moving.ts";
import { type CheckSeal, keyHash, type PublicKey, type Seal, sealDigest, type SealProof } from "./seal.ts";
import {
  type DeviceId,
  deviceId,
  type Flaw,
  hasSerial,
  type Head,
  head as headOf,
  organisationOf,
  ROLE_CODE,
  SCHEME,
  type Seconds,
  type Seq,
  type SiteId,
} from "./types.ts";
import { isAssertionOf } from "./webauthn.ts";

export const NOTICE_SECONDS = 72 * 3600;
const NOT_AFTER_MAX = 2n ** 32n - 1n;
const HEAD27_DIGITS = 54;

/** What an enrolment says, also one that replaces a device. */
export type EnrolmentFields = EntryOf<"enrol">["fields"];

/** A device's slot; one that moved here, or a root registrar, is pulled when it is met first. */
export function findDevice(state: State, device: DeviceId): Device | undefined {
  const known = state.devices.get(device);
  if (known !== undefined) return known;
  if (wasKnownBefore(state, device)) return findMoved(state, device);
  const root = state.roots.get(organisationOf(device));
  if (root?.device !== device) return undefined;
  return {
    keyHash: root.keyHash,
    nextSeq: 1,
    notAfter: 0,
    role: ROLE_CODE.registrar,
    flags: 0,
    epoch: root.epoch,
    head: firstHead({ ...state.network, device }),
  };
}

/** Says whether a device may act as registrar on a device or site of its organisation. */
export function isRegistrarOf(
  state: State,
  id: DeviceId,
  device: Device,
  subject: DeviceId | SiteId,
): boolean {
  const organisation = organisationOf(id);
  const root = state.roots.get(organisation);
  return (
    device.role === ROLE_CODE.registrar &&
    root?.epoch === device.epoch &&
    root.isSuspended !== true &&
    organisationOf(subject) === organisation
  );
}

/** Says whether an enrolment's fields make sense, whoever sealed it. */
export function canBeEnrolled(fields: EnrolmentFields): boolean {
  const role = Number(fields.role);
  const scheme = Number(fields.scheme);
  return (
    hasSerial(deviceId(fields.device)) &&
    role >= ROLE_CODE.crew &&
    role <= ROLE_CODE.office &&
    scheme >= SCHEME.raw &&
    scheme <= SCHEME.webauthn &&
    fields.not_after <= NOT_AFTER_MAX
  );
}

/** Says whether an id is used up: enrolled here or in the ledger before, or named as a root registrar. */
export function isKnown(state: State, device: DeviceId): boolean {
  return state.devices.has(device) || state.namedRoots.has(device) || wasKnownBefore(state, device);
}

/** Lets a new device in; its journal begins at seq 1. */
export function enrol(state: State, fields: EnrolmentFields, epoch: number): void {
  const device = deviceId(fields.device);
  const isPasskey = Number(fields.scheme) === SCHEME.webauthn;
  state.devices.set(device, {
    keyHash: keyHash({ x: headOf(fields.x), y: headOf(fields.y) }),
    nextSeq: 1,
    notAfter: Number(fields.not_after),
    role: Number(fields.role),
    flags: isPasskey ? DEVICE_FLAG.passkey : 0,
    epoch,
    head: firstHead({ ...state.network, device }),
  });
  if (isPasskey) state.origins.set(device, fields.origin);
}

/** Gives a replaced device 72 hours to hand in what it has sealed. */
export function retire(state: State, device: DeviceId, blockTime: Seconds): void {
  const known = slotOf(state.devices, device);
  const end = blockTime + NOTICE_SECONDS;
  state.devices.set(device, { ...known, notAfter: Math.min(known.notAfter || end, end) });
}

/** Lets nothing count that a device writes beyond what the ledger, or a witness, has seen of it by now. */
export function revoke(state: State, device: DeviceId): void {
  const known = slotOf(state.devices, device);
  if (!state.seen.has(device)) {
    const seq = Math.max(known.nextSeq - 1, pinnedSeq(state, device, known));
    state.seen.set(device, { seq, brought: 0 });
  }
  state.devices.set(device, withFlag(known, "revoked"));
}

/** Lets nothing count that a device with two journals writes from now on. */
export function markForked(state: State, device: DeviceId): void {
  const known = findDevice(state, device);
  if (known === undefined) return;
  takeOver(state, device);
  const last = known.nextSeq - 1;
  const before = state.seen.get(device) ?? { seq: last, brought: 0 };
  state.seen.set(device, { ...before, seq: Math.min(last, before.seq) });
  state.devices.set(device, withFlag(known, "forked"));
}

function pinnedSeq(state: State, id: DeviceId, device: Device): Seq {
  return hasFlag(device, "pinned") ? slotOf(state.pins, id).seq : 0;
}

/** Up to which seq a device's entries count now, and what is wrong with those beyond. */
export interface Standing {
  readonly lastSeq: Seq;
  readonly flaw: Flaw;
}
const GOOD_STANDING: Standing = { lastSeq: Number.POSITIVE_INFINITY, flaw: "none" };

/** Up to which seq what this device hands in now has effect. */
export function standingOf(state: State, id: DeviceId, device: Device, blockTime: Seconds): Standing {
  if (hasFlag(device, "forked") || hasFlag(device, "revoked")) {
    return { lastSeq: slotOf(state.seen, id).seq, flaw: hasFlag(device, "forked") ? "forked" : "none" };
  }
  const isExpired = device.notAfter !== 0 && blockTime > device.notAfter;
  return hasFlag(device, "moved") || isExpired ? { lastSeq: 0, flaw: "none" } : GOOD_STANDING;
}

/** Says whether a seal of this device covers a head, by the device's own scheme. */
export function isSealed(
  state: State,
  id: DeviceId,
  device: Device,
  proof: SealProof,
  checkSeal: CheckSeal,
): boolean {
  const digest = sealDigest({ ...state.network, device: id }, proof.seq, proof.head);
  const assertion = proof.assertion ?? NO_ASSERTION;
  if (!hasFlag(device, "passkey")) {
    return assertion.length === 0 && checkSeal(digest, proof.key, proof.seal);
  }
  const passkey = { key: proof.key, originDigest: originOf(state, id) };
  return isAssertionOf(digest, passkey, { ...proof.seal, assertion }, checkSeal);
}

const NO_ASSERTION = new Uint8Array();

// --- what others show of a journal ---

/** One sealed entry of a journal, carried up by somebody else: the head before it, its words, its seal. */
export interface Witness {
  readonly device: DeviceId;
  readonly seq: Seq;
  readonly before: Head;
  readonly words: Uint8Array;
  readonly key: PublicKey;
  readonly seal: Seal;
  readonly assertion?: Uint8Array | undefined;
}

/**
 * Pins the head that a witness shows; answers with that head. The journal does not advance.
 *
 * 1. one readable entry, 2. known device, 3. its key, 4. further on than anything known, 5. its seal.
 * Only the furthest witness is kept: a head stands for every entry before it.
 */
export function recordWitness(
  state: State,
  witness: Witness,
  checkSeal: CheckSeal,
): { readonly is: "pinned"; readonly head: Head } | Refused {
  // 1.
  if (!isOneEntry(witness.words)) return { is: "refused", reason: "malformed" };
  // 2. and 3.
  const device = findDevice(state, witness.device);
  if (device === undefined) return { is: "refused", reason: "unknown-device" };
  if (keyHash(witness.key) !== device.keyHash) return { is: "refused", reason: "wrong-key" };
  // 4.
  const head = rollHead(witness.before, witness.words);
  const head27 = head.slice(0, HEAD27_DIGITS);
  const pinned = pinnedSeq(state, witness.device, device);
  const isPinned = pinned === witness.seq;
  const isOther = isPinned && slotOf(state.pins, witness.device).head27 !== head27;
  if (witness.seq < Math.max(device.nextSeq, pinned) || (isPinned && !isOther)) {
    return { is: "refused", reason: "already-recorded" };
  }
  // 5.
  if (!isSealed(state, witness.device, device, { ...witness, head }, checkSeal)) {
    return { is: "refused", reason: "bad-seal" };
  }
  if (isOther) {
    markForked(state, witness.device);
    return { is: "refused", reason: "fork", forkedAt: witness.seq };
  }
  takeOver(state, witness.device);
  state.pins.set(witness.device, { seq: witness.seq, head27 });
  state.devices.set(witness.device, withFlag(device, "pinned"));
  return { is: "pinned", head };
}

function isOneEntry(words: Uint8Array): boolean {
  try {
    return splitWords(words).length === 1;
  } catch (problem) {
    if (problem instanceof MalformedWords) return false;
    throw problem;
  }
}

/** How a run of entries compares with what a witness has pinned of the journal. */
export type PinCheck =
  { readonly is: "not-reached" } | { readonly is: "same" } | { readonly is: "other"; readonly seq: Seq };

export function checkPin(
  state: State,
  id: DeviceId,
  device: Device,
  run: { readonly firstSeq: Seq; readonly heads: readonly Head[] },
): PinCheck {
  if (!hasFlag(device, "pinned")) return { is: "not-reached" };
  const pin = slotOf(state.pins, id);
  if (pin.seq >= run.firstSeq + run.heads.length) return { is: "not-reached" };
  const head = run.heads[pin.seq - run.firstSeq];
  const isOther = head !== undefined && head.slice(0, HEAD27_DIGITS) !== pin.head27;
  return isOther ? { is: "other", seq: pin.seq } : { is: "same" };
}

/** Marks a device whose key sealed two heads for one seq; says whether that is shown. */
export function proveFork(
  state: State,
  id: DeviceId,
  proofs: { readonly one: SealProof; readonly other: SealProof },
  checkSeal: CheckSeal,
): boolean {
  const { one, other } = proofs;
  const device = findDevice(state, id);
  if (device === undefined || one.seq !== other.seq || one.head === other.head) return false;
  for (const proof of [one, other]) {
    if (keyHash(proof.key) !== device.keyHash) return false;
    if (!isSealed(state, id, device, proof, checkSeal)) return false;
  }
  markForked(state, id);
  return true;
}

/** Gives notice that a journal may go on after entries it has lost; says whether it can. */
export function announceGap(
  state: State,
  id: DeviceId,
  fields: EntryOf<"close_gap">["fields"],
  blockTime: Seconds,
): boolean {
  const device = slotOf(state.devices, id);
  const toSeq = Number(fields.to_seq);
  if (Number(fields.from_seq) !== device.nextSeq || toSeq < device.nextSeq) return false;
  if (hasFlag(device, "pinned") && slotOf(state.pins, id).seq <= toSeq) return false;
  state.gaps.set(id, { toSeq, opensAt: blockTime + NOTICE_SECONDS, head: headOf(fields.head) });
  state.devices.set(id, withFlag(device, "announced"));
  return true;
}

/** The announced gap that ends right before this seq, once its 72 hours are over. */
export function openGapBefore(
  state: State,
  id: DeviceId,
  device: Device,
  firstSeq: Seq,
  blockTime: Seconds,
): Gap | undefined {
  if (!hasFlag(device, "announced") || firstSeq <= device.nextSeq) return undefined;
  const gap = slotOf(state.gaps, id);
  // What a witness has shown since is not lost: it can be handed in.
  if (hasFlag(device, "pinned") && slotOf(state.pins, id).seq <= gap.toSeq) return undefined;
  return gap.toSeq + 1 === firstSeq && blockTime >= gap.opensAt ? gap : undefined;
}

/** Closes a journal here; it goes on in another ledger. */
export function move(state: State, device: DeviceId, ledger: string): void {
  state.moves.set(device, ledger);
  state.devices.set(device, withFlag(slotOf(state.devices, device), "moved"));
}
