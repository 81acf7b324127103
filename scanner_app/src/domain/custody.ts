/**
 * Fold entries into who holds what: the ledger's rules, `custody-1`.
 *
 * The same rules stand in contracts/CustodyLedger.sol and backend/domain/custody.py, bound by
 * tests/vectors/custody.json. Source: docs/spec/entries.md, "Custody rules".
 */
import { bigToBytes, bytesToHex, keccak } from "./bytes.ts";
import {
  append,
  type Entry,
  type EntryOf,
  firstHead,
  MalformedWords,
  rollHead,
  splitWords,
  unpackEntry,
} from "./journal.ts";
import { KINDS } from "./layout.ts";
import { keyHash, type PublicKey, type Seal, sealDigest } from "./seal.ts";
import {
  type DeviceId,
  deviceId,
  type Grams,
  type Head,
  head,
  type LotId,
  lotId,
  lotOf,
  openerOf,
  type OrganisationId,
  organisationOf,
  type Outcome,
  ROLE_CODE,
  type Seconds,
  type Seq,
  serialOf,
  streamOf,
} from "./types.ts";

const OPEN_DEFERRALS_MAX = 64;
const LOT_GRAMS_MAX = 2 ** 48 - 1;
const LIFTS_MODULUS = 2 ** 32;
const NOT_AFTER_MAX = 2n ** 32n - 1n;
const HEAD13_DIGITS = 26;
const FATE = { product: 1, residue: 2, loss: 3, energy: 4 } as const;
const SCHEME_RAW = 1n;

/** Leaving: its holder has given, merged or closed it, and that step waits for merges into the lot. */
export type LotStatus = "held" | "given" | "merged" | "closed" | "leaving";
export type Refusal =
  "unknown-device" | "wrong-key" | "bad-seal" | "gap" | "already-recorded" | "overlap" | "malformed";

export interface Network {
  readonly chainId: number;
  readonly ledger: string;
}
/** An organisation's root registrar, as ActorRegistry names it. */
export interface Root {
  readonly device: DeviceId;
  readonly keyHash: string;
  readonly epoch: number;
}
export interface Device {
  readonly keyHash: string;
  readonly nextSeq: Seq;
  readonly notAfter: Seconds;
  readonly role: number;
  readonly isRevoked: boolean;
  readonly epoch: number;
  readonly head: Head;
}
export interface Desk {
  readonly lotSerial: number;
  readonly openDeferrals: number;
}
export interface Lot {
  readonly holder: DeviceId;
  readonly grams: Grams;
  readonly lifts: number;
  readonly stream: number;
  readonly status: LotStatus;
  readonly pendings: number;
  readonly lastSeq: Seq;
  /** Custody has once passed: no more loads, lifts or merges go into it. */
  readonly isTaken: boolean;
}
/** The offer under which a lot travels; `head13` is the giver's head after it, cut to 13 bytes. */
export interface Give {
  readonly to: DeviceId;
  readonly seq: Seq;
  readonly grams: Grams;
  readonly head13: string;
}
export interface WaitingTake {
  readonly taker: DeviceId;
  readonly seq: Seq;
  readonly grams: Grams;
  readonly head13: string;
}
/** What a device wants to do with a lot that is not yet its own. */
export type WaitingStep =
  | { readonly kind: "expecting" }
  | { readonly kind: "give"; readonly seq: Seq; readonly to: DeviceId; readonly head13: string }
  | { readonly kind: "merge"; readonly seq: Seq; readonly intoSerial: number }
  | { readonly kind: "close"; readonly seq: Seq; readonly fate: number };
type Leave = Exclude<WaitingStep, { kind: "expecting" }>;

/** Grams that entered and left custody; they count modulo 2^64, so that no total can block an entry. */
export interface Totals {
  readonly lifted: bigint;
  readonly gained: bigint;
  readonly out: bigint;
  readonly lost: bigint;
}
/** Everything the rules read and write. Slots are replaced, never changed; folding copies the maps. */
export interface State {
  readonly network: Network;
  readonly roots: ReadonlyMap<OrganisationId, Root>;
  /** Devices that ActorRegistry has ever named or proposed as a root registrar. */
  readonly namedRoots: ReadonlySet<DeviceId>;
  readonly devices: ReadonlyMap<DeviceId, Device>;
  readonly desks: ReadonlyMap<DeviceId, Desk>;
  readonly lots: ReadonlyMap<LotId, Lot>;
  readonly gives: ReadonlyMap<LotId, Give>;
  /** By "giver:give_seq:organisation of the taker:lot". */
  readonly waitingTakes: ReadonlyMap<string, WaitingTake>;
  /** By "lot:device". */
  readonly waitingSteps: ReadonlyMap<string, WaitingStep>;
  readonly totals: ReadonlyMap<number, Totals>;
  /** By "organisation:day:stream". */
  readonly dayTotals: ReadonlyMap<string, Totals>;
  readonly attested: ReadonlySet<string>;
}
export interface Segment {
  readonly device: DeviceId;
  readonly firstSeq: Seq;
  readonly words: Uint8Array;
  readonly key: PublicKey;
  readonly seal: Seal;
}
export interface Settled {
  readonly device: DeviceId;
  readonly seq: Seq;
  readonly lot: LotId;
  readonly outcome: Outcome;
}
export type Answer =
  | {
      readonly is: "recorded";
      readonly outcomes: readonly Outcome[];
      readonly head: Head;
      readonly settled: readonly Settled[];
      readonly state: State;
    }
  | { readonly is: "refused"; readonly reason: Refusal };

/** Says whether a signature is the key's over the digest; how is the caller's matter. */
export type CheckSeal = (digest: Uint8Array, key: PublicKey, seal: Seal) => boolean;

export function emptyState(network: Network): State {
  return {
    network,
    roots: new Map(),
    namedRoots: new Set(),
    devices: new Map(),
    desks: new Map(),
    lots: new Map(),
    gives: new Map(),
    waitingTakes: new Map(),
    waitingSteps: new Map(),
    totals: new Map(),
    dayTotals: new Map(),
    attested: new Set(),
  };
}

export const takeKey = (giver: DeviceId, giveSeq: Seq, taker: DeviceId, lot: LotId) =>
  `${giver}:${giveSeq}:${organisationOf(taker)}:${lot}`;
export const stepKey = (lot: LotId, device: DeviceId) => `${lot}:${device}`;
export const dayKey = (organisation: OrganisationId, day: number, stream: number) =>
  `${organisation}:${day}:${stream}`;

/** The number of the Asia/Shanghai day that holds an instant. */
export function dayOf(blockTime: Seconds): number {
  return Math.floor((blockTime + 8 * 3600) / 86_400);
}

/** A device's slot; a root registrar is pulled from the registry when it is met first. */
export function findDevice(state: State, device: DeviceId): Device | undefined {
  const known = state.devices.get(device);
  if (known !== undefined) return known;
  const root = state.roots.get(organisationOf(device));
  if (root?.device !== device) return undefined;
  return {
    keyHash: root.keyHash,
    nextSeq: 1,
    notAfter: 0,
    role: ROLE_CODE.registrar,
    isRevoked: false,
    epoch: root.epoch,
    head: firstHead({ ...state.network, device }),
  };
}

/**
 * The ledger's answer to one segment, with the state after it.
 *
 * 1. readable, 2. known device, 3. its key, 4. its next seq, 5. its seal; then each entry in order.
 */
export function recordSegment(
  state: State,
  segment: Segment,
  when: { blockTime: Seconds; checkSeal: CheckSeal },
): Answer {
  // 1.
  let entries: Uint8Array[];
  try {
    entries = splitWords(segment.words);
  } catch (problem) {
    if (problem instanceof MalformedWords) return { is: "refused", reason: "malformed" };
    throw problem;
  }
  // 2.
  const device = findDevice(state, segment.device);
  if (device === undefined) return { is: "refused", reason: "unknown-device" };
  // 3.
  if (keyHash(segment.key) !== device.keyHash) return { is: "refused", reason: "wrong-key" };
  // 4.
  const lastSeq = segment.firstSeq + entries.length - 1;
  if (segment.firstSeq > device.nextSeq) return { is: "refused", reason: "gap" };
  if (lastSeq < device.nextSeq) return { is: "refused", reason: "already-recorded" };
  if (segment.firstSeq !== device.nextSeq) return { is: "refused", reason: "overlap" };
  // 5.
  const last = entries.reduce((before, words) => rollHead(before, words), device.head);
  const digest = sealDigest({ ...state.network, device: segment.device }, lastSeq, last);
  if (!when.checkSeal(digest, segment.key, segment.seal)) return { is: "refused", reason: "bad-seal" };

  const fold = new Fold(state, segment.device, device, when.blockTime);
  const outcomes = entries.map((words) => fold.next(words));
  return { is: "recorded", outcomes, head: last, settled: fold.settled, state: fold.state };
}

/**
 * What the ledger would say of entries that this very device is about to seal or has sealed: no seal is
 * checked, because there is nobody to deceive.
 */
export function foldOwn(
  state: State,
  device: DeviceId,
  entries: readonly Uint8Array[],
  now: Seconds,
): { outcomes: Outcome[]; state: State } {
  const known = findDevice(state, device);
  if (known === undefined) return { outcomes: entries.map(() => "unknown"), state };
  const fold = new Fold(state, device, known, now);
  return { outcomes: entries.map((words) => fold.next(words)), state: fold.state };
}

/** Applies up to `stepsMax` waiting steps, of one lot and then of what it was merged into. */
export function settle(
  state: State,
  lot: LotId,
  how: { blockTime: Seconds; stepsMax: number },
): { state: State; settled: Settled[] } {
  const draft = new Draft(state, how.blockTime);
  const settled: Settled[] = [];
  let next = lot;
  for (let step = 0; step < how.stepsMax; step += 1) {
    const into = draft.mergeTarget(next);
    const applied = draft.settleOnce(next);
    if (applied.length === 0) break;
    settled.push(...applied);
    next = into ?? next;
  }
  return { state: draft, settled };
}

/** In this device's hands and free to leave them. */
const isHeldBy = (lot: Lot | undefined, device: DeviceId): lot is Lot =>
  lot?.holder === device && lot.status === "held";
/** Held, and custody never passed: only such a lot takes loads, lifts and merges. */
const isOpenTo = (lot: Lot | undefined, device: DeviceId): lot is Lot =>
  isHeldBy(lot, device) && !lot.isTaken;

/** Says whether a give to `to` (a device, or an organisation: serial 0) may be taken by this device. */
function isNamed(to: DeviceId, device: DeviceId): boolean {
  return to === device || (to.endsWith("0000000000") && organisationOf(to) === organisationOf(device));
}

const NO_TOTALS: Totals = { lifted: 0n, gained: 0n, out: 0n, lost: 0n };
const NO_DESK: Desk = { lotSerial: 0, openDeferrals: 0 };

/** A state being changed: own copies of the maps, and the steps that more than one rule takes. */
class Draft implements State {
  readonly network: Network;
  readonly roots: ReadonlyMap<OrganisationId, Root>;
  readonly namedRoots: ReadonlySet<DeviceId>;
  readonly devices: Map<DeviceId, Device>;
  readonly desks: Map<DeviceId, Desk>;
  readonly lots: Map<LotId, Lot>;
  readonly gives: Map<LotId, Give>;
  readonly waitingTakes: Map<string, WaitingTake>;
  readonly waitingSteps: Map<string, WaitingStep>;
  readonly totals: Map<number, Totals>;
  readonly dayTotals: Map<string, Totals>;
  readonly attested: Set<string>;

  constructor(
    before: State,
    private readonly blockTime: Seconds,
  ) {
    this.network = before.network;
    this.roots = before.roots;
    this.namedRoots = before.namedRoots;
    this.devices = new Map(before.devices);
    this.desks = new Map(before.desks);
    this.lots = new Map(before.lots);
    this.gives = new Map(before.gives);
    this.waitingTakes = new Map(before.waitingTakes);
    this.waitingSteps = new Map(before.waitingSteps);
    this.totals = new Map(before.totals);
    this.dayTotals = new Map(before.dayTotals);
    this.attested = new Set(before.attested);
  }

  desk(device: DeviceId): Desk {
    return this.desks.get(device) ?? NO_DESK;
  }

  countDeferral(device: DeviceId, change: 1 | -1): void {
    const desk = this.desk(device);
    this.desks.set(device, { ...desk, openDeferrals: desk.openDeferrals + change });
  }

  book(organisation: OrganisationId, stream: number, side: keyof Totals, grams: Grams): void {
    const total = this.totals.get(stream) ?? NO_TOTALS;
    this.totals.set(stream, { ...total, [side]: BigInt.asUintN(64, total[side] + BigInt(grams)) });
    const key = dayKey(organisation, dayOf(this.blockTime), stream);
    const day = this.dayTotals.get(key) ?? NO_TOTALS;
    this.dayTotals.set(key, { ...day, [side]: BigInt.asUintN(64, day[side] + BigInt(grams)) });
  }

  /** Carries out a holder's give, merge or close of a lot that is free to leave. */
  applyStep(lotId: LotId, lot: Lot, step: Leave): "applied" | "invalid" {
    switch (step.kind) {
      case "give":
        this.lots.set(lotId, { ...lot, status: "given" });
        this.gives.set(lotId, { to: step.to, seq: step.seq, grams: lot.grams, head13: step.head13 });
        return "applied";
      case "merge":
        return this.applyMerge(lotId, lot, lotOf(lot.holder, step.intoSerial));
      case "close": {
        this.lots.set(lotId, { ...lot, status: "closed", grams: 0 });
        const side = step.fate === FATE.loss ? "lost" : "out";
        this.book(organisationOf(lot.holder), lot.stream, side, lot.grams);
        return "applied";
      }
    }
  }

  private applyMerge(lotId: LotId, lot: Lot, intoId: LotId): "applied" | "invalid" {
    const into = this.lots.get(intoId);
    if (into === undefined || lot.stream !== into.stream) return "invalid";
    if (into.grams + lot.grams > LOT_GRAMS_MAX) return "invalid";
    const lifts = (into.lifts + lot.lifts) % LIFTS_MODULUS;
    this.lots.set(intoId, { ...into, grams: into.grams + lot.grams, lifts });
    this.lots.set(lotId, { ...lot, status: "merged", grams: 0 });
    return "applied";
  }

  applyTake(lotId: LotId, lot: Lot, take: WaitingTake): void {
    this.lots.set(lotId, {
      ...lot,
      holder: take.taker,
      grams: take.grams,
      status: "held",
      isTaken: true,
    });
    this.gives.delete(lotId);
    const change = take.grams - lot.grams;
    if (change === 0) return;
    this.book(organisationOf(take.taker), lot.stream, change > 0 ? "gained" : "lost", Math.abs(change));
  }

  /** Where this lot goes next, when what it waits to do is a merge. */
  mergeTarget(lotId: LotId): LotId | undefined {
    const lot = this.lots.get(lotId);
    if (lot?.status !== "leaving") return undefined;
    const step = this.waitingSteps.get(stepKey(lotId, lot.holder));
    return step?.kind === "merge" ? lotOf(lot.holder, step.intoSerial) : undefined;
  }

  /** Applies at most one waiting step; a take found wrong brings down the step that built on it. */
  settleOnce(lotId: LotId): Settled[] {
    const lot = this.lots.get(lotId);
    if (lot?.status === "given") return this.settleTake(lotId, lot);
    if (lot?.status === "leaving" && lot.pendings === 0) return this.settleStep(lotId, lot);
    return [];
  }

  private settleTake(lotId: LotId, lot: Lot): Settled[] {
    const give = this.gives.get(lotId);
    if (give === undefined) return [];
    const waitingKey = takeKey(lot.holder, give.seq, give.to, lotId);
    const take = this.waitingTakes.get(waitingKey);
    if (take === undefined) return [];
    this.waitingTakes.delete(waitingKey);
    this.countDeferral(take.taker, -1);
    const ownKey = stepKey(lotId, take.taker);
    const step = this.waitingSteps.get(ownKey);
    const answer = { device: take.taker, seq: take.seq, lot: lotId };
    if (isNamed(give.to, take.taker) && give.head13 === take.head13) {
      this.applyTake(lotId, lot, take);
      if (step?.kind === "expecting") this.waitingSteps.delete(ownKey);
      else this.setStatus(lotId, "leaving");
      return [{ ...answer, outcome: "applied" }];
    }
    this.waitingSteps.delete(ownKey);
    if (step === undefined || step.kind === "expecting") return [{ ...answer, outcome: "conflict" }];
    this.countDeferral(take.taker, -1);
    if (step.kind === "merge") this.countPending(lotOf(take.taker, step.intoSerial), -1);
    return [
      { ...answer, outcome: "conflict" },
      { ...answer, seq: step.seq, outcome: "conflict" },
    ];
  }

  private settleStep(lotId: LotId, leaving: Lot): Settled[] {
    const ownKey = stepKey(lotId, leaving.holder);
    const step = this.waitingSteps.get(ownKey);
    if (step === undefined || step.kind === "expecting") return [];
    const lot: Lot = { ...leaving, status: "held" };
    this.lots.set(lotId, lot);
    this.waitingSteps.delete(ownKey);
    this.countDeferral(lot.holder, -1);
    if (step.kind === "merge") this.countPending(lotOf(lot.holder, step.intoSerial), -1);
    const outcome = this.applyStep(lotId, lot, step);
    return [{ device: lot.holder, seq: step.seq, lot: lotId, outcome }];
  }

  setStatus(lotId: LotId, status: LotStatus): void {
    const lot = this.lots.get(lotId);
    if (lot !== undefined) this.lots.set(lotId, { ...lot, status });
  }

  countPending(lotId: LotId, change: 1 | -1): void {
    const lot = this.lots.get(lotId);
    if (lot !== undefined) this.lots.set(lotId, { ...lot, pendings: lot.pendings + change });
  }
}

/** One device's entries on their way into a state. */
class Fold {
  readonly state: Draft;
  readonly settled: Settled[] = [];
  private readonly isQuarantined: boolean;
  private seq: Seq;
  private head: Head;

  constructor(
    before: State,
    private readonly id: DeviceId,
    private readonly device: Device,
    blockTime: Seconds,
  ) {
    this.state = new Draft(before, blockTime);
    this.seq = device.nextSeq - 1;
    this.head = device.head;
    this.isQuarantined = device.isRevoked || (device.notAfter !== 0 && blockTime > device.notAfter);
  }

  next(words: Uint8Array): Outcome {
    const tip = append({ nextSeq: this.seq + 1, head: this.head }, words);
    this.seq = tip.nextSeq - 1;
    this.head = tip.head;
    // A rule may have changed this device's own slot (a root registrar names itself): read it again.
    const slot = this.state.devices.get(this.id) ?? this.device;
    this.state.devices.set(this.id, { ...slot, nextSeq: tip.nextSeq, head: tip.head });
    return this.isQuarantined ? "quarantined" : this.judge(words);
  }

  private judge(words: Uint8Array): Outcome {
    const read = unpackEntry(words);
    switch (read.is) {
      case "unknown":
        return "unknown";
      case "wrong-length":
        return HAS_RULE.has(read.kind) ? "invalid" : "unknown";
      case "known":
        return this.apply(read.entry);
    }
  }

  private apply(entry: Entry): Outcome {
    switch (entry.kind) {
      case "load":
        return this.load(entry);
      case "lift":
        return this.lift(entry);
      case "give":
        return this.give(entry);
      case "take":
        return this.take(entry);
      case "withdraw":
        return this.withdraw(entry);
      case "merge":
        return this.merge(entry);
      case "close":
        return this.close(entry);
      case "weigh":
        return this.weigh(entry);
      case "enrol":
        return this.enrol(entry);
      case "revoke":
        return this.revoke(entry);
      case "site":
        return this.attest(entry.fields.site, KINDS.site.code, entry.fields.site_kind, entry.fields.digest);
      case "place":
        return this.attest(entry.fields.site, KINDS.place.code, entry.fields.count, entry.fields.digest);
      case "mark":
      case "anchor":
      case "shift_end":
      case "acknowledge":
      case "decline":
        return "applied";
      default:
        return "unknown";
    }
  }

  private isOwnNewId(lot: LotId): boolean {
    return openerOf(lot) === this.id && serialOf(lot) !== 0;
  }

  private trySettle(lot: LotId): void {
    this.settled.push(...this.state.settleOnce(lot));
  }

  private hasRoomToWait(): boolean {
    return this.state.desk(this.id).openDeferrals < OPEN_DEFERRALS_MAX;
  }

  private wait(lot: LotId, step: Leave): Outcome {
    if (!this.hasRoomToWait()) return "late";
    this.state.waitingSteps.set(stepKey(lot, this.id), step);
    this.state.countDeferral(this.id, 1);
    return "deferred";
  }

  private load({ fields }: EntryOf<"load">): Outcome {
    const id = lotId(fields.lot);
    const stream = Number(fields.stream);
    if (!this.isOwnNewId(id) || streamOf(stream) === undefined) return "invalid";
    const lot = this.state.lots.get(id);
    if (lot === undefined) {
      this.state.lots.set(id, newLot(this.id, stream));
    } else if (!isOpenTo(lot, this.id) || lot.stream !== stream) {
      return "conflict";
    }
    this.state.desks.set(this.id, { ...this.state.desk(this.id), lotSerial: serialOf(id) });
    return "applied";
  }

  private lift({ fields }: EntryOf<"lift">): Outcome {
    const { lotSerial } = this.state.desk(this.id);
    const id = lotOf(this.id, lotSerial);
    const lot = this.state.lots.get(id);
    const grams = Number(fields.grams);
    if (lotSerial === 0 || lot === undefined || Number(fields.stream) !== lot.stream) return "invalid";
    if (lot.grams + grams > LOT_GRAMS_MAX) return "invalid";
    if (!isOpenTo(lot, this.id)) return "conflict";
    this.state.lots.set(id, {
      ...lot,
      grams: lot.grams + grams,
      lifts: (lot.lifts + 1) % LIFTS_MODULUS,
      lastSeq: this.seq,
    });
    this.state.book(organisationOf(this.id), lot.stream, "lifted", grams);
    return "applied";
  }

  private give({ fields }: EntryOf<"give">): Outcome {
    const to = deviceId(fields.to);
    if (to === this.id || Number.parseInt(organisationOf(to), 16) === 0) return "invalid";
    const head13 = this.head.slice(0, HEAD13_DIGITS);
    return this.leave(lotId(fields.lot), { kind: "give", seq: this.seq, to, head13 });
  }

  private close({ fields }: EntryOf<"close">): Outcome {
    const fate = Number(fields.fate);
    if (fate < FATE.product || fate > FATE.energy) return "invalid";
    return this.leave(lotId(fields.lot), { kind: "close", seq: this.seq, fate });
  }

  /** Give, merge or close: now when the lot is free in this device's hands, later when it is coming. */
  private leave(id: LotId, step: Leave): Outcome {
    const lot = this.state.lots.get(id);
    if (isHeldBy(lot, this.id)) {
      if (lot.pendings === 0) return this.carryOut(id, lot, step);
      const outcome = this.wait(id, step);
      if (outcome === "deferred") this.state.setStatus(id, "leaving");
      return outcome;
    }
    const slot = this.state.waitingSteps.get(stepKey(id, this.id));
    return slot?.kind === "expecting" ? this.wait(id, step) : "conflict";
  }

  private carryOut(id: LotId, lot: Lot, step: Leave): Outcome {
    const outcome = this.state.applyStep(id, lot, step);
    if (outcome === "applied") this.trySettle(step.kind === "merge" ? lotOf(this.id, step.intoSerial) : id);
    return outcome;
  }

  private take({ fields }: EntryOf<"take">): Outcome {
    const id = lotId(fields.lot);
    const giver = deviceId(fields.giver);
    const giveSeq = Number(fields.give_seq);
    const take: WaitingTake = {
      taker: this.id,
      seq: this.seq,
      grams: Number(fields.grams),
      head13: head(fields.give_head).slice(0, HEAD13_DIGITS),
    };
    const ownKey = stepKey(id, this.id);
    if (this.state.waitingSteps.has(ownKey) || isHeldBy(this.state.lots.get(id), this.id)) return "conflict";
    const lot = this.state.lots.get(id);
    if (lot === undefined && openerOf(id) === this.id) return "conflict";
    const give = this.state.gives.get(id);
    if (lot?.status === "given" && lot.holder === giver && give?.seq === giveSeq) {
      if (!isNamed(give.to, this.id) || give.head13 !== take.head13) return "conflict";
      this.state.applyTake(id, lot, take);
      this.trySettle(id);
      return "applied";
    }
    const key = takeKey(giver, giveSeq, this.id, id);
    if (this.state.waitingTakes.has(key)) return "conflict";
    if (!this.hasRoomToWait()) return "late";
    this.state.waitingTakes.set(key, take);
    this.state.waitingSteps.set(ownKey, { kind: "expecting" });
    this.state.countDeferral(this.id, 1);
    return "deferred";
  }

  private withdraw({ fields }: EntryOf<"withdraw">): Outcome {
    const id = lotId(fields.lot);
    const giveSeq = Number(fields.give_seq);
    const lot = this.state.lots.get(id);
    const key = stepKey(id, this.id);
    const slot = this.state.waitingSteps.get(key);
    if (slot === undefined) {
      const isGiven = lot?.holder === this.id && lot.status === "given";
      if (!isGiven || this.state.gives.get(id)?.seq !== giveSeq) return "conflict";
      this.state.setStatus(id, "held");
      this.state.gives.delete(id);
      this.trySettle(id);
      return "applied";
    }
    if (slot.kind !== "give" || slot.seq !== giveSeq) return "conflict";
    if (lot?.holder === this.id && lot.status === "leaving") {
      this.state.setStatus(id, "held");
      this.state.waitingSteps.delete(key);
    } else {
      this.state.waitingSteps.set(key, { kind: "expecting" });
    }
    this.state.countDeferral(this.id, -1);
    return "applied";
  }

  private merge({ fields }: EntryOf<"merge">): Outcome {
    const id = lotId(fields.lot);
    const intoId = lotId(fields.into);
    const stream = Number(fields.stream);
    if (!this.isOwnNewId(intoId) || intoId === id || streamOf(stream) === undefined) return "invalid";
    const into = this.state.lots.get(intoId) ?? newLot(this.id, stream);
    if (!isOpenTo(into, this.id) || into.stream !== stream) return "conflict";
    this.state.lots.set(intoId, into);
    const outcome = this.leave(id, { kind: "merge", seq: this.seq, intoSerial: serialOf(intoId) });
    if (outcome === "deferred") this.state.countPending(intoId, 1);
    return outcome;
  }

  private weigh({ fields }: EntryOf<"weigh">): Outcome {
    const mayWeigh = this.device.role === ROLE_CODE.scale || this.device.role === ROLE_CODE.gate;
    return mayWeigh && fields.gross - fields.tare === fields.net ? "applied" : "invalid";
  }

  private isRegistrarOf(organisation: OrganisationId): boolean {
    const root = this.state.roots.get(organisationOf(this.id));
    return (
      this.device.role === ROLE_CODE.registrar &&
      root?.epoch === this.device.epoch &&
      organisation === organisationOf(this.id)
    );
  }

  private enrol({ fields }: EntryOf<"enrol">): Outcome {
    const id = deviceId(fields.device);
    const role = Number(fields.role);
    const isAllowed =
      this.isRegistrarOf(organisationOf(id)) &&
      !id.endsWith("0000000000") &&
      role >= ROLE_CODE.crew &&
      role <= ROLE_CODE.office &&
      fields.scheme === SCHEME_RAW &&
      fields.not_after <= NOT_AFTER_MAX;
    if (!isAllowed) return "invalid";
    if (this.state.devices.has(id) || this.state.namedRoots.has(id)) return "conflict";
    this.state.devices.set(id, {
      keyHash: keyHash({ x: head(fields.x), y: head(fields.y) }),
      nextSeq: 1,
      notAfter: Number(fields.not_after),
      role,
      isRevoked: false,
      epoch: this.device.epoch,
      head: firstHead({ ...this.state.network, device: id }),
    });
    return "applied";
  }

  private revoke({ fields }: EntryOf<"revoke">): Outcome {
    const id = deviceId(fields.device);
    const known = this.state.devices.get(id);
    if (!this.isRegistrarOf(organisationOf(id)) || id === this.id || known === undefined) return "invalid";
    this.state.devices.set(id, { ...known, isRevoked: true });
    return "applied";
  }

  private attest(site: bigint, kind: number, number: bigint, digest: bigint): Outcome {
    if (!this.isRegistrarOf(organisationOf(deviceId(site)))) return "invalid";
    this.state.attested.add(statementOf(kind, site, number, digest));
    return "applied";
  }
}

const HAS_RULE: ReadonlySet<string> = new Set([
  "lift",
  "load",
  "give",
  "take",
  "withdraw",
  "weigh",
  "merge",
  "close",
  "acknowledge",
  "anchor",
  "mark",
  "shift_end",
  "decline",
  "enrol",
  "revoke",
  "site",
  "place",
]);

function newLot(holder: DeviceId, stream: number): Lot {
  return { holder, grams: 0, lifts: 0, stream, status: "held", pendings: 0, lastSeq: 0, isTaken: false };
}

/** The hash under which a registrar's site or place entry is attested. */
export function statementOf(kind: number, site: bigint, number: bigint, digest: bigint): string {
  return bytesToHex(
    keccak(
      bigToBytes(BigInt(kind), 32),
      bigToBytes(site, 32),
      bigToBytes(number, 32),
      bigToBytes(digest, 32),
    ),
  );
}
