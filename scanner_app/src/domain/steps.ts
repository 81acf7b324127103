/**
 * Steps on lots: carried out now, or kept in the order of their journal until they can be. A device's steps on a
 * lot wait in one queue, and only its front is ever judged; so what a step does is the same whenever the entries
 * it builds on arrive. Source: docs/spec/entries.md, "Steps on a lot".
 */
import { book } from "./booking.ts";
import {
  type Desk,
  giveKey,
  isGivenBy,
  isHeldBy,
  isInHandsOf,
  type Lot,
  queueKey,
  type Settled,
  slotOf,
  type State,
  type Step,
  type StepKind,
} from "./custody_state.ts";
import { type Authority, findAuthority, isNamed, useUp } from "./mandates.ts";
import { mayBeTakenAs, mixtureTakenAs } from "./mixing.ts";
import { bringOver } from "./moving.ts";
import {
  type Answer,
  type DeviceId,
  FATE,
  type Grams,
  type LotId,
  lotOf,
  NOBODY,
  openerOf,
  organisationOf,
  type Seconds,
  type Seq,
} from "./types.ts";

export const LOT_GRAMS_MAX = 2 ** 48 - 1;
export const SERIALS = 2 ** 32;
const OPEN_DEFERRALS_MAX = 256;
export const QUEUE_MAX = 16;

export const APPLIED: Answer = { outcome: "applied", flaw: "none" };
export const CONFLICT: Answer = { outcome: "conflict", flaw: "none" };
export const INVALID: Answer = { outcome: "invalid", flaw: "none" };
const DEFERRED: Answer = { outcome: "deferred", flaw: "none" };
const LATE: Answer = { outcome: "late", flaw: "none" };

const NO_DESK: Desk = { lotSerial: 0, openDeferrals: 0, lastTicket: 0 };
const NO_STEPS: readonly Step[] = [];

export function deskIn(state: State, device: DeviceId): Desk {
  return state.desks.get(device) ?? NO_DESK;
}

function queueOf(state: State, lot: LotId, device: DeviceId): readonly Step[] {
  return state.queues.get(queueKey(lot, device)) ?? NO_STEPS;
}

/**
 * Judges a step on a lot, or lets it wait behind the device's earlier ones; also answers what else it set free.
 *
 * 1. A lot comes over from the ledger before with its holder's first step. 2. From that step on it is shut.
 * 3. Behind a queue a step waits. 4. Otherwise it is judged, and waits when the lot may still come.
 */
export function attempt(
  state: State,
  device: DeviceId,
  lotId: LotId,
  step: Step,
  blockTime: Seconds,
): { answer: Answer; settled: Settled[] } {
  // 1.
  bringOver(state, device, lotId, blockTime);
  // 2.
  const lot = state.lots.get(lotId);
  if (lot?.holder === device && !lot.isShut) state.lots.set(lotId, { ...lot, isShut: true });
  // 3. and 4.
  const hasQueue = queueOf(state, lotId, device).length > 0;
  const judged = hasQueue ? "must-wait" : judge(state, device, lotId, step, blockTime);
  if (judged === "must-wait") {
    const answer = wait(state, device, lotId, step);
    if (answer.outcome !== "deferred") breakPromises(state, device, step);
    return { answer, settled: [] };
  }
  endPromises(state, device, step, judged);
  return { answer: judged, settled: settleAfter(state, lotId, step, judged, blockTime) };
}

/** Steps that only change to whom a lot is given; they are undone by another step, never given up. */
const CHANGES_RECEIVER: ReadonlySet<Step["kind"]> = new Set(["give", "withdraw", "redirect"]);

/** Gives up any other step of this device that still waits; undefined: there is none with that seq. */
export function withdrawWaiting(state: State, device: DeviceId, lot: LotId, seq: Seq): Settled[] | undefined {
  const queue = queueOf(state, lot, device);
  const place = queue.findIndex((step) => step.seq === seq && !CHANGES_RECEIVER.has(step.kind));
  const step = queue[place];
  if (step === undefined) return undefined;
  leaveQueue(state, device, lot, place);
  if (isAnswer(step)) state.expected.delete(expectedKey(device, lot, step));
  endPromises(state, device, step, CONFLICT);
  return [{ device, seq, lot, answer: CONFLICT }];
}

/** Judges the first step that a device has waiting on a lot; nothing when it must wait on. */
function settleFront(state: State, lot: LotId, device: DeviceId, blockTime: Seconds): Settled[] {
  const [step] = queueOf(state, lot, device);
  if (step === undefined) return [];
  const answer = judge(state, device, lot, step, blockTime);
  if (answer === "must-wait") return [];
  if (isAnswer(step)) state.expected.delete(expectedKey(device, lot, step));
  leaveQueue(state, device, lot, 0);
  endPromises(state, device, step, answer);
  return [{ device, seq: step.seq, lot, answer }];
}

/** Judges up to `stepsMax` steps that a device has waiting on a lot; anyone may ask the ledger to. */
export function settle(
  state: State,
  lot: LotId,
  device: DeviceId,
  how: { readonly blockTime: Seconds; readonly stepsMax: number },
): Settled[] {
  const settled: Settled[] = [];
  for (let count = 0; count < how.stepsMax; count += 1) {
    const done = settleFront(state, lot, device, how.blockTime);
    if (done.length === 0) break;
    settled.push(...done);
  }
  return settled;
}

/** Says whether a settle step of this queue would do something. */
export function isReady(state: State, lot: LotId, device: DeviceId): boolean {
  const [step] = queueOf(state, lot, device);
  return step !== undefined && READY[step.kind](state, device, lot, step);
}

// --- queues ---

/** A take or a refusal answers somebody's give. */
function isAnswer(step: Step): boolean {
  return step.kind === "take" || step.kind === "refuse";
}

function expectedKey(device: DeviceId, lot: LotId, step: Step): string {
  return giveKey(step.giver, step.giveSeq, device, lot);
}

function wait(state: State, device: DeviceId, lotId: LotId, step: Step): Answer {
  const queue = queueOf(state, lotId, device);
  const desk = deskIn(state, device);
  const key = expectedKey(device, lotId, step);
  if (isAnswer(step) && state.expected.has(key)) return CONFLICT;
  if (desk.openDeferrals >= OPEN_DEFERRALS_MAX || queue.length >= QUEUE_MAX) return LATE;
  if (isAnswer(step)) state.expected.set(key, device);
  state.queues.set(queueKey(lotId, device), [...queue, step]);
  state.desks.set(device, { ...desk, openDeferrals: desk.openDeferrals + 1 });
  const lot = state.lots.get(lotId);
  if (isHeldBy(lot, device)) state.lots.set(lotId, { ...lot, status: "leaving" });
  return DEFERRED;
}

function leaveQueue(state: State, device: DeviceId, lot: LotId, place: number): void {
  const rest = queueOf(state, lot, device).toSpliced(place, 1);
  if (rest.length > 0) state.queues.set(queueKey(lot, device), rest);
  else state.queues.delete(queueKey(lot, device));
  const desk = deskIn(state, device);
  state.desks.set(device, { ...desk, openDeferrals: desk.openDeferrals - 1 });
  hold(state, lot, device);
}

/** A lot in a device's hands is leaving while steps of that device wait on it, held otherwise. */
function hold(state: State, lotId: LotId, device: DeviceId): void {
  const lot = state.lots.get(lotId);
  if (!isInHandsOf(lot, device)) return;
  const status = state.queues.has(queueKey(lotId, device)) ? "leaving" : "held";
  state.lots.set(lotId, { ...lot, status });
}

/** Tries the one step that an entry most likely set free: its counterpart's. */
function settleAfter(state: State, lotId: LotId, step: Step, answer: Answer, blockTime: Seconds): Settled[] {
  if (answer.outcome !== "applied") return [];
  const lot = slotOf(state.lots, lotId);
  if (lot.status === "given") {
    const give = slotOf(state.gives, lotId);
    const waiting = state.expected.get(giveKey(lot.holder, give.seq, give.to, lotId));
    return waiting === undefined ? [] : settleFront(state, lotId, waiting, blockTime);
  }
  const isBack = isAnswer(step) && lot.holder === step.giver;
  return isBack ? settleFront(state, lotId, step.giver, blockTime) : [];
}

// --- lots that are to come out of a step ---

/** The lots that a split, a transformation or a take in part is to bring forth. */
function promisedLots(device: DeviceId, step: Step): LotId[] {
  if (step.kind === "transform") {
    return Array.from({ length: step.outputs }, (_, place) => lotOf(device, step.intoSerial + place));
  }
  const isMaking = step.kind === "split" || (step.kind === "take" && step.intoSerial !== 0);
  return isMaking ? [lotOf(device, step.intoSerial)] : [];
}

function endPromises(state: State, device: DeviceId, step: Step, answer: Answer): void {
  if (answer.outcome !== "applied") return breakPromises(state, device, step);
  for (const lot of promisedLots(device, step)) fulfil(state, device, lot);
  if (step.kind === "merge") endPending(state, device, step);
}

/** What was to come out of a step stays in the device's hands, empty. */
function breakPromises(state: State, device: DeviceId, step: Step): void {
  for (const lot of promisedLots(device, step)) {
    state.lots.set(lot, { ...slotOf(state.lots, lot), grams: 0 });
    fulfil(state, device, lot);
  }
  if (step.kind === "merge") endPending(state, device, step);
}

function fulfil(state: State, device: DeviceId, lot: LotId): void {
  state.lots.set(lot, { ...slotOf(state.lots, lot), status: "held" });
  hold(state, lot, device);
}

function endPending(state: State, device: DeviceId, step: Step): void {
  const intoId = lotOf(device, step.intoSerial);
  const into = slotOf(state.lots, intoId);
  state.lots.set(intoId, { ...into, pendings: into.pendings - 1 });
}

// --- judging ---

/** Carries a step out or turns it down, unless it must wait. */
function judge(
  state: State,
  device: DeviceId,
  lot: LotId,
  step: Step,
  blockTime: Seconds,
): Answer | "must-wait" {
  if (!READY[step.kind](state, device, lot, step)) return "must-wait";
  return CARRY_OUT[step.kind](state, device, lot, step, blockTime);
}

type IsReady = (state: State, device: DeviceId, lot: LotId, step: Step) => boolean;

/** A step that needs the lot in hand waits for merges into it, and for a give to be answered. */
const isLeavingStepReady: IsReady = (state, device, lotId) => {
  const lot = state.lots.get(lotId);
  if (lot?.holder !== device) return true;
  if (lot.status === "given" || lot.status === "promised") return false;
  return !isInHandsOf(lot, device) || lot.pendings === 0;
};

/** A withdrawal or redirection undoes a give that is there already. */
const isUndoingReady: IsReady = (state, device, lotId) => {
  const lot = state.lots.get(lotId);
  return lot?.holder !== device || lot.status !== "promised";
};

/** A take or refusal waits for its give, and a take for the mandates it cites. */
const isAnswerReady: IsReady = (state, device, lotId, step) => {
  const lot = state.lots.get(lotId);
  if (lot === undefined) return openerOf(lotId) === device;
  if (lot.status === "merged" || lot.status === "closed") return true;
  if (lot.holder === device && lot.status !== "given") return true;
  if (!isAnsweredBy(state, lotId, lot, step)) return false;
  if (step.kind === "refuse" || step.principal === NOBODY) return true;
  return findAuthority(state, device, step, step.stream || lot.stream).is !== "not-known";
};

function isAnsweredBy(state: State, lotId: LotId, lot: Lot, step: Step): boolean {
  return isGivenBy(lot, step.giver) && slotOf(state.gives, lotId).seq === step.giveSeq;
}

const READY: Readonly<Record<StepKind, IsReady>> = {
  give: isLeavingStepReady,
  merge: isLeavingStepReady,
  close: isLeavingStepReady,
  split: isLeavingStepReady,
  transform: isLeavingStepReady,
  withdraw: isUndoingReady,
  redirect: isUndoingReady,
  take: isAnswerReady,
  refuse: isAnswerReady,
};

type CarryOut = (state: State, device: DeviceId, lotId: LotId, step: Step, blockTime: Seconds) => Answer;

const give: CarryOut = (state, device, lotId, step) => {
  const lot = state.lots.get(lotId);
  if (!isInHandsOf(lot, device)) return CONFLICT;
  state.lots.set(lotId, { ...lot, status: "given" });
  state.gives.set(lotId, { to: step.to, seq: step.seq, grams: lot.grams, head13: step.head13 });
  return APPLIED;
};

const merge: CarryOut = (state, device, lotId, step) => {
  const lot = state.lots.get(lotId);
  if (!isInHandsOf(lot, device)) return CONFLICT;
  const intoId = lotOf(device, step.intoSerial);
  const into = slotOf(state.lots, intoId);
  const grams = into.grams + lot.grams;
  if (lot.stream !== into.stream || grams > LOT_GRAMS_MAX) return INVALID;
  const lifts = (into.lifts + lot.lifts) % SERIALS;
  state.lots.set(intoId, { ...into, grams, lifts, mixture: into.mixture | lot.mixture });
  state.lots.set(lotId, { ...lot, status: "merged", grams: 0 });
  return APPLIED;
};

const close: CarryOut = (state, device, lotId, step, blockTime) => {
  const lot = state.lots.get(lotId);
  if (!isInHandsOf(lot, device)) return CONFLICT;
  state.lots.set(lotId, { ...lot, status: "closed", grams: 0 });
  const side = step.fate === FATE.loss ? "lost" : "out";
  book(state, organisationOf(device), blockTime, lot.stream, side, lot.grams);
  return APPLIED;
};

const split: CarryOut = (state, device, lotId, step) => {
  const lot = state.lots.get(lotId);
  if (!isInHandsOf(lot, device)) return CONFLICT;
  if (step.stream !== lot.stream || step.grams > lot.grams) return INVALID;
  state.lots.set(lotId, { ...lot, grams: lot.grams - step.grams });
  bringForth(state, device, step, lot);
  return APPLIED;
};

const transform: CarryOut = (state, device, lotId, step, blockTime) => {
  const lot = state.lots.get(lotId);
  if (!isInHandsOf(lot, device)) return CONFLICT;
  const change = step.isGain ? step.loss : -step.loss;
  if (lot.grams + change !== step.grams) return INVALID;
  state.lots.set(lotId, { ...lot, status: "closed", grams: 0 });
  bringForth(state, device, step, lot);
  const side = step.isGain ? "gained" : "lost";
  if (step.loss > 0) book(state, organisationOf(device), blockTime, lot.stream, side, step.loss);
  return APPLIED;
};

type Contents = Pick<Lot, "stream" | "mixture">;

/** Says what is in the lots that come out; their grams were written when they were promised. */
function bringForth(state: State, device: DeviceId, step: Step, { stream, mixture }: Contents): void {
  for (const lot of promisedLots(device, step)) {
    state.lots.set(lot, { ...slotOf(state.lots, lot), stream, mixture });
  }
}

const withdraw: CarryOut = (state, device, lotId, step) => {
  const lot = state.lots.get(lotId);
  if (!isGivenBy(lot, device) || slotOf(state.gives, lotId).seq !== step.giveSeq) return CONFLICT;
  returnToGiver(state, lotId, lot);
  return APPLIED;
};

const redirect: CarryOut = (state, device, lotId, step) => {
  const lot = state.lots.get(lotId);
  if (!isGivenBy(lot, device) || slotOf(state.gives, lotId).seq !== step.giveSeq) return CONFLICT;
  state.gives.set(lotId, { to: step.to, seq: step.seq, grams: lot.grams, head13: step.head13 });
  return APPLIED;
};

const refuse: CarryOut = (state, device, lotId, step) => {
  const lot = state.lots.get(lotId);
  if (lot === undefined || !isAnsweredBy(state, lotId, lot, step)) return CONFLICT;
  const offer = slotOf(state.gives, lotId);
  if (!isNamed(offer.to, device) || offer.head13 !== step.head13) return CONFLICT;
  returnToGiver(state, lotId, lot);
  return APPLIED;
};

/** 1. the give it cites, 2. to this device or to one that it has a mandate from, 3. as no cleaner stream. */
const take: CarryOut = (state, device, lotId, step, blockTime) => {
  // 1.
  const lot = state.lots.get(lotId);
  if (lot === undefined || !isAnsweredBy(state, lotId, lot, step)) return CONFLICT;
  const offer = slotOf(state.gives, lotId);
  if (offer.head13 !== step.head13) return CONFLICT;
  // 2.
  const stream = step.stream || lot.stream;
  let authority: Authority | undefined;
  if (step.principal !== NOBODY) {
    const found = findAuthority(state, device, step, stream);
    if (found.is === "overstepped") return { outcome: "conflict", flaw: found.flaw };
    if (found.is === "not-known") return CONFLICT;
    authority = found;
  }
  if (!isNamed(offer.to, authority?.principal ?? device)) return CONFLICT;
  // 3.
  if (!mayBeTakenAs(stream, lot)) return { outcome: "conflict", flaw: "cleaner-stream" };
  if (authority !== undefined) useUp(state, authority, step.grams);
  const taken = { stream, mixture: mixtureTakenAs(stream, lot) };
  const left = step.intoSerial === 0 ? lot.grams : Math.min(lot.grams, step.grams);
  if (step.intoSerial === 0) {
    takeWhole(state, device, lotId, { ...lot, ...taken, grams: step.grams });
  } else {
    returnToGiver(state, lotId, { ...lot, grams: lot.grams - left });
    bringForth(state, device, step, taken);
  }
  const before = { stream: lot.stream, grams: left };
  bookWeighing(state, device, blockTime, before, { stream, grams: step.grams });
  return APPLIED;
};

function takeWhole(state: State, device: DeviceId, lotId: LotId, lot: Lot): void {
  state.gives.delete(lotId);
  state.lots.set(lotId, { ...lot, holder: device, status: "held", isShut: true });
  hold(state, lotId, device);
}

function returnToGiver(state: State, lotId: LotId, lot: Lot): void {
  state.gives.delete(lotId);
  state.lots.set(lotId, { ...lot, status: "held" });
  hold(state, lotId, lot.holder);
}

interface Weighed {
  readonly stream: number;
  readonly grams: Grams;
}

/** Books what the taker weighed more or less than left the lot, and under which stream. */
function bookWeighing(
  state: State,
  device: DeviceId,
  blockTime: Seconds,
  before: Weighed,
  after: Weighed,
): void {
  const organisation = organisationOf(device);
  const change = after.grams - before.grams;
  if (after.stream !== before.stream) {
    book(state, organisation, blockTime, before.stream, "lost", before.grams);
    book(state, organisation, blockTime, after.stream, "gained", after.grams);
  } else if (change !== 0) {
    book(state, organisation, blockTime, before.stream, change > 0 ? "gained" : "lost", Math.abs(change));
  }
}

const CARRY_OUT: Readonly<Record<StepKind, CarryOut>> = {
  give,
  merge,
  close,
  split,
  transform,
  withdraw,
  redirect,
  refuse,
  take,
};
