/**
 * Fold entries into who holds what: the ledger's rules, `custody-2`.
 *
 * The same rules stand in contracts/ and backend/domain/, bound by tests/vectors/custody.json.
 * Source: docs/spec/entries.md, "Custody rules".
 */
import { bigToBytes, concatBytes } from "./bytes.ts";
import {
  copyOf,
  type Device,
  entryKey,
  hasFlag,
  type Recorded,
  type Refused,
  releaseKey,
  type Segment,
  type State,
  withoutFlag,
} from "./custody_state.ts";
import {
  checkPin,
  findDevice,
  isSealed,
  markForked,
  openGapBefore,
  type Standing,
  standingOf,
} from "./devices.ts";
import {
  type Entry,
  type EntryOf,
  MalformedWords,
  rollHead,
  SEQ_MAX,
  splitWords,
  unpackEntry,
  WORD_BYTES,
} from "./journal.ts";
import { KINDS } from "./layout.ts";
import { takeOver } from "./moving.ts";
import * as lots from "./lot_rules.ts";
import type { Folding } from "./lot_rules.ts";
import * as registrars from "./registrar_rules.ts";
import { type CheckSeal, keyHash } from "./seal.ts";
import { APPLIED, CONFLICT, deskIn, INVALID } from "./steps.ts";
import {
  type Answer,
  type DeviceId,
  deviceId,
  type Head,
  head as headOf,
  MANDATE_OP,
  NO_ORGANISATION,
  type OrganisationId,
  organisationOf,
  ROLE_CODE,
  type Seconds,
  type Seq,
  siteId,
  VERDICT,
} from "./types.ts";

const HEAD17_DIGITS = 34;
/** Kinds from here on are a registrar's. */
const REGISTRY_KINDS = 32;
const UNKNOWN: Answer = { outcome: "unknown", flaw: "none" };
const QUARANTINED: Answer = { outcome: "quarantined", flaw: "none" };

/**
 * The ledger's answer to one segment; the state is changed as the ledger's is.
 *
 * 1. readable, 2. known device, 3. its key, 4. its next seq, or the one behind a gap that was announced,
 * 5. its seal, 6. what witnesses have shown of it; then each entry in order.
 */
export function recordSegment(
  state: State,
  segment: Segment,
  when: { readonly blockTime: Seconds; readonly checkSeal: CheckSeal },
): Recorded | Refused {
  const id = segment.device;
  // 1.
  const entries = readableEntries(segment.words);
  if (entries === undefined) return { is: "refused", reason: "malformed" };
  const { firstSeq } = segment;
  const lastSeq = firstSeq + entries.length - 1;
  // The next seq must fit.
  if (lastSeq >= SEQ_MAX) return { is: "refused", reason: "malformed" };
  // 2. and 3.
  let device = findDevice(state, id);
  if (device === undefined) return { is: "refused", reason: "unknown-device" };
  if (keyHash(segment.key) !== device.keyHash) return { is: "refused", reason: "wrong-key" };
  // 4.
  const gap = openGapBefore(state, id, device, firstSeq, when.blockTime);
  const closedGap = gap && ([device.nextSeq, gap.toSeq] as const);
  if (gap !== undefined) {
    device = withoutFlag({ ...device, nextSeq: firstSeq, head: gap.head }, "announced");
  }
  if (firstSeq > device.nextSeq) return { is: "refused", reason: "gap" };
  if (lastSeq < device.nextSeq) return { is: "refused", reason: "already-recorded" };
  if (firstSeq !== device.nextSeq) return { is: "refused", reason: "overlap" };
  // 5.
  const heads = headsAfter(device.head, entries);
  const head = heads.at(-1) ?? device.head;
  const proof = { seq: lastSeq, head, key: segment.key, seal: segment.seal, assertion: segment.assertion };
  if (!isSealed(state, id, device, proof, when.checkSeal)) return { is: "refused", reason: "bad-seal" };
  // 6.
  const pin = checkPin(state, id, device, { firstSeq, heads });
  if (pin.is === "other") {
    markForked(state, id);
    return { is: "refused", reason: "fork", forkedAt: pin.seq };
  }
  if (pin.is === "same") device = withoutFlag(device, "pinned");
  if (gap !== undefined) state.gaps.delete(id);
  takeOver(state, id);
  state.devices.set(id, { ...device, nextSeq: lastSeq + 1, head });
  const folding = beginFolding(state, id, device, when);
  const answers = fold(folding, firstSeq, entries, heads);
  const { settled, transcribed } = folding;
  return { is: "recorded", answers, head, settled, transcribed, closedGap };
}

function readableEntries(words: Uint8Array): Uint8Array[] | undefined {
  try {
    return splitWords(words);
  } catch (problem) {
    if (problem instanceof MalformedWords) return undefined;
    throw problem;
  }
}

function headsAfter(before: Head, entries: readonly Uint8Array[]): Head[] {
  let head = before;
  return entries.map((words) => (head = rollHead(head, words)));
}

/**
 * What the ledger would say of entries that this very device is about to seal or has sealed, and the state after
 * them; the state before stays as it was. No seal is checked, because there is nobody to deceive.
 */
export function foldOwn(
  state: State,
  device: DeviceId,
  entries: readonly Uint8Array[],
  now: Seconds,
): { answers: Answer[]; state: State } {
  const known = findDevice(state, device);
  if (known === undefined) return { answers: entries.map(() => UNKNOWN), state };
  const after = copyOf(state);
  const firstSeq = known.nextSeq;
  const heads = headsAfter(known.head, entries);
  const head = heads.at(-1) ?? known.head;
  takeOver(after, device);
  after.devices.set(device, { ...known, nextSeq: firstSeq + entries.length, head });
  const folding = beginFolding(after, device, known, { blockTime: now, checkSeal: () => true });
  return { answers: fold(folding, firstSeq, entries, heads), state: after };
}

function beginFolding(
  state: State,
  id: DeviceId,
  device: Device,
  when: { readonly blockTime: Seconds; readonly checkSeal: CheckSeal },
): Folding {
  return {
    state,
    id,
    device,
    organisation: organisationOf(id),
    blockTime: when.blockTime,
    checkSeal: when.checkSeal,
    settled: [],
    transcribed: [],
    seq: 0,
    head: device.head,
  };
}

/** Judges each entry in order; those beyond what still counts are kept in quarantine. */
function fold(
  folding: Folding,
  firstSeq: Seq,
  entries: readonly Uint8Array[],
  heads: readonly Head[],
): Answer[] {
  const { state, id } = folding;
  let standing: Standing = standingOf(state, id, folding.device, folding.blockTime);
  const lastSeq = firstSeq + entries.length - 1;
  if (lastSeq > standing.lastSeq && !state.seen.has(id))
    state.seen.set(id, { seq: firstSeq - 1, brought: 0 });
  const answers: Answer[] = [];
  while (answers.length < entries.length) {
    const at = answers.length;
    const seq = firstSeq + at;
    if (seq > standing.lastSeq) {
      const rest: Answer = { outcome: "quarantined", flaw: standing.flaw };
      return [...answers, ...entries.slice(at).map(() => rest)];
    }
    const lifts = liftsFrom(entries, at, standing.lastSeq - firstSeq);
    if (lifts.length > 0) {
      answers.push(...lots.liftRun(folding, seq, lifts));
      continue;
    }
    const words = entries[at] ?? new Uint8Array();
    const answer = judgeNext(folding, { seq, words, head: heads[at] ?? folding.head });
    answers.push(answer);
    if (words[0] === KINDS.moved.code && answer.outcome === "applied") {
      standing = { lastSeq: seq, flaw: "none" };
      if (!state.seen.has(id)) state.seen.set(id, { seq, brought: 0 });
    }
  }
  return answers;
}

/** The lifts that follow each other from here on, no further than a place. */
function liftsFrom(entries: readonly Uint8Array[], from: number, last: number): readonly Uint8Array[] {
  let end = from;
  while (end < entries.length && end <= last && entries[end]?.[0] === KINDS.lift.code) end += 1;
  return entries.slice(from, end);
}

interface Next {
  readonly seq: Seq;
  readonly words: Uint8Array;
  readonly head: Head;
}

function judgeNext(folding: Folding, next: Next, how?: "transcribed"): Answer {
  folding.seq = next.seq;
  folding.head = next.head;
  const read = unpackEntry(next.words);
  switch (read.is) {
    case "unknown":
      return UNKNOWN;
    case "wrong-length":
      return INVALID;
    case "known":
      // A registrar's own kinds have no effect when somebody else brings them.
      if (how === "transcribed" && KINDS[read.entry.kind].code >= REGISTRY_KINDS) return QUARANTINED;
      return apply(folding, read.entry, next.words);
  }
}

function apply(folding: Folding, entry: Entry, words: Uint8Array): Answer {
  switch (entry.kind) {
    case "lift":
      return lots.liftRun(folding, folding.seq, [words])[0] ?? INVALID;
    case "load":
      return lots.load(folding, entry);
    case "give":
      return lots.give(folding, entry);
    case "take":
      return lots.take(folding, entry);
    case "withdraw":
      return lots.withdraw(folding, entry);
    case "merge":
      return lots.merge(folding, entry);
    case "split":
      return lots.split(folding, entry);
    case "transform":
      return lots.transform(folding, entry);
    case "refuse":
      return lots.refuse(folding, entry);
    case "redirect":
      return lots.redirect(folding, entry);
    case "close":
      return lots.close(folding, entry);
    case "weigh":
      return weigh(folding, entry);
    case "mandate":
      return mandate(folding, entry);
    case "acknowledge":
      return acknowledge(folding, entry);
    case "amend":
    case "dispute":
    case "anchor":
    case "mark":
    case "shift_end":
    case "decline":
      return APPLIED;
    case "enrol":
      return registrars.enrol(folding, entry.fields);
    case "rotate":
      return registrars.rotate(folding, entry);
    case "revoke":
      return registrars.revoke(folding, entry);
    case "close_gap":
      return registrars.closeGap(folding, entry);
    case "moved":
      return registrars.moved(folding, entry);
    case "transcribed":
      return transcribe(folding, entry);
    case "site":
      return registrars.attest(folding, entry.fields, "site", entry.fields.site_kind);
    case "place":
      return registrars.attest(folding, entry.fields, "place", entry.fields.count);
  }
}

// --- what moves nothing ---

/** A ticket counts when a scale sealed it, it adds up, and its number follows the last. */
function weigh({ state, id, device }: Folding, { fields }: EntryOf<"weigh">): Answer {
  const mayWeigh = device.role === ROLE_CODE.scale || device.role === ROLE_CODE.gate;
  if (!mayWeigh) return { outcome: "invalid", flaw: "not-a-scale" };
  const ticket = Number(fields.ticket);
  if (fields.gross - fields.tare !== fields.net || ticket === 0) return INVALID;
  const desk = deskIn(state, id);
  if (ticket <= desk.lastTicket) return { outcome: "invalid", flaw: "ticket-repeated" };
  state.desks.set(id, { ...desk, lastTicket: ticket });
  if (desk.lastTicket !== 0 && ticket !== desk.lastTicket + 1) {
    return { outcome: "invalid", flaw: "ticket-skipped" };
  }
  if (fields.calibration_until < fields.occurred_at) {
    return { outcome: "invalid", flaw: "calibration-expired" };
  }
  return APPLIED;
}

/** Registrars, offices and gates speak for their organisation. */
function maySpeak(device: Device): boolean {
  return [ROLE_CODE.registrar, ROLE_CODE.office, ROLE_CODE.gate].includes(device.role);
}

/** A release lets a registrar of the other organisation bring quarantined entries back. */
function acknowledge({ state, device, organisation }: Folding, { fields }: EntryOf<"acknowledge">): Answer {
  if (Number(fields.verdict) !== VERDICT.released) return APPLIED;
  const released = deviceId(fields.device);
  if (!maySpeak(device) || organisationOf(released) === organisation) return INVALID;
  const by = state.roots.get(organisation)?.isRegulator === true ? NO_ORGANISATION : organisation;
  const head17 = fields.head17.toString(16).padStart(HEAD17_DIGITS, "0");
  state.releases.add(releaseKey(released, Number(fields.seq), head17, by));
  return APPLIED;
}

function mandate({ state, id, device, seq }: Folding, { fields }: EntryOf<"mandate">): Answer {
  if (!maySpeak(device)) return INVALID;
  const op = Number(fields.op);
  if (op === MANDATE_OP.grant) {
    const to = deviceId(fields.to);
    if (organisationOf(to) === NO_ORGANISATION) return INVALID;
    state.mandates.set(entryKey(id, seq), {
      to,
      left: Number(fields.grams),
      until: Number(fields.until),
      depth: Number(fields.depth),
      streams: Number(fields.streams),
      isRevoked: false,
      site: siteId(fields.site),
      parent: deviceId(fields.parent),
      parentSeq: Number(fields.parent_seq),
    });
    return APPLIED;
  }
  if (op !== MANDATE_OP.revoke || deviceId(fields.parent) !== id) return INVALID;
  const key = entryKey(id, Number(fields.parent_seq));
  const granted = state.mandates.get(key);
  if (granted === undefined) return CONFLICT;
  state.mandates.set(key, { ...granted, isRevoked: true });
  return APPLIED;
}

/**
 * Records another device's sealed run verbatim; it has effect once somebody else has released it.
 *
 * 1. a registrar of its organisation, 2. that device's key and raw seal, over readable entries,
 * 3. beyond what already counts, 4. released by a regulator or by a counterparty that the run names.
 */
function transcribe(folding: Folding, { fields, items = [] }: EntryOf<"transcribed">): Answer {
  const { state, organisation } = folding;
  // 1.
  const otherId = registrars.subjectOf(folding, fields.device);
  const other = otherId && state.devices.get(otherId);
  if (otherId === undefined || other === undefined) return INVALID;
  // 2.
  const words = concatBytes(...items.map((item) => bigToBytes(item["word"] ?? 0n, WORD_BYTES)));
  const entries = readableEntries(words);
  if (entries === undefined) return INVALID;
  const before = headOf(fields.before);
  const heads = headsAfter(before, entries);
  const head = heads.at(-1) ?? before;
  const firstSeq = Number(fields.first_seq);
  const seq = firstSeq + entries.length - 1;
  if (seq > SEQ_MAX) return INVALID;
  const key = { x: headOf(fields.x), y: headOf(fields.y) };
  const proof = { seq, head, key, seal: { r: headOf(fields.r), s: headOf(fields.s) } };
  if (keyHash(key) !== other.keyHash) return INVALID;
  if (!isSealed(state, otherId, other, proof, folding.checkSeal)) return INVALID;
  // 3.
  const seen = state.seen.get(otherId);
  if (seen === undefined || firstSeq <= Math.max(seen.seq, seen.brought)) return QUARANTINED;
  if (hasFlag(other, "moved")) return QUARANTINED;
  // 4.
  const named = new Set(entries.flatMap(partiesOf));
  named.delete(organisation);
  named.add(NO_ORGANISATION);
  const head17 = head.slice(0, HEAD17_DIGITS);
  const isReleased = [...named].some((by) => state.releases.has(releaseKey(otherId, seq, head17, by)));
  if (!isReleased) return QUARANTINED;
  state.seen.set(otherId, { ...seen, brought: seq });
  const inner = beginFolding(state, otherId, other, folding);
  const answers = entries.map((words, at) =>
    judgeNext(inner, { seq: firstSeq + at, words, head: heads[at] ?? head }, "transcribed"),
  );
  folding.settled.push(...inner.settled);
  folding.transcribed.push({ device: otherId, firstSeq, answers });
  return APPLIED;
}

/** The organisation that a handoff's half names. */
function partiesOf(words: Uint8Array): OrganisationId[] {
  const read = unpackEntry(words);
  if (read.is !== "known") return [];
  switch (read.entry.kind) {
    case "give":
    case "redirect":
      return [organisationOf(deviceId(read.entry.fields.to))];
    case "take":
    case "refuse":
      return [organisationOf(deviceId(read.entry.fields.giver))];
    default:
      return [];
  }
}
