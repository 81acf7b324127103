/**
 * What an entry does with lots, as far as the entry and the device's own journal show: loading, and each step
 * before it is attempted. Source: docs/spec/entries.md, "Loading" and "Steps on a lot".
 */
import { book } from "./booking.ts";
import { bytesToBig } from "./bytes.ts";
import {
  type Device,
  isOpenTo,
  makeStep,
  newLot,
  type Settled,
  slotOf,
  type State,
  type Step,
  type Transcription,
} from "./custody_state.ts";
import type { EntryOf } from "./journal.ts";
import { bitOf } from "./mixing.ts";
import { type CheckSeal } from "./seal.ts";
import {
  APPLIED,
  attempt,
  CONFLICT,
  deskIn,
  INVALID,
  LOT_GRAMS_MAX,
  SERIALS,
  withdrawWaiting,
} from "./steps.ts";
import {
  type Answer,
  type DeviceId,
  deviceId,
  FATE,
  type Grams,
  type Head,
  head as headOf,
  type LotId,
  lotId,
  lotOf,
  NO_LOT,
  NO_ORGANISATION,
  NO_SITE,
  NOBODY,
  openerOf,
  type OrganisationId,
  organisationOf,
  type Seconds,
  type Seq,
  serialOf,
  siteId,
  STREAM_CODE,
  streamOf,
} from "./types.ts";

const OUTPUTS_MAX = 16;
const HEAD13_DIGITS = 26;
const MIXED: Answer = { outcome: "applied", flaw: "mixed" };
const UNATTESTED: Answer = { outcome: "applied", flaw: "unattested" };

/** One journal's entries on their way into the state: what a rule sees, and where it says what came of others. */
export interface Folding {
  readonly state: State;
  readonly id: DeviceId;
  /** As it was before the segment. */
  readonly device: Device;
  readonly organisation: OrganisationId;
  readonly blockTime: Seconds;
  readonly checkSeal: CheckSeal;
  readonly settled: Settled[];
  readonly transcribed: Transcription[];
  /** Of the entry that is being judged; the head is the one after it. */
  seq: Seq;
  head: Head;
}

const isStream = (code: number) => streamOf(code) !== undefined;
const head13Of = (head: Head) => head.slice(0, HEAD13_DIGITS);

function isOwnId(folding: Folding, lot: LotId): boolean {
  return openerOf(lot) === folding.id && serialOf(lot) !== 0;
}

function tryStep(folding: Folding, lot: LotId, step: Step): Answer {
  const { answer, settled } = attempt(folding.state, folding.id, lot, step, folding.blockTime);
  folding.settled.push(...settled);
  return answer;
}

export function load(folding: Folding, { fields }: EntryOf<"load">): Answer {
  const { state, id } = folding;
  const lot = lotId(fields.lot);
  const stream = Number(fields.stream);
  if (!isOwnId(folding, lot) || !isStream(stream)) return INVALID;
  const known = state.lots.get(lot);
  if (known === undefined) state.lots.set(lot, newLot(id, stream));
  else if (!isOpenTo(known, id) || known.stream !== stream) return CONFLICT;
  state.desks.set(id, { ...deskIn(state, id), lotSerial: serialOf(lot) });
  return APPLIED;
}

/** A run of lifts goes into one lot: its slot is read and written once. */
export function liftRun(folding: Folding, firstSeq: Seq, lifts: readonly Uint8Array[]): Answer[] {
  const { state, id } = folding;
  const { lotSerial } = deskIn(state, id);
  if (lotSerial === 0) return lifts.map(() => INVALID);
  const lotId = lotOf(id, lotSerial);
  const lot = slotOf(state.lots, lotId);
  const isOpen = isOpenTo(lot, id);
  let { grams, lastSeq, mixture } = lot;
  let applied = 0;
  const answers = lifts.map((word, place) => {
    const mass = massOf(word);
    const stream = (word[6] ?? 0) >> 4;
    if (!isStream(stream) || grams + mass > LOT_GRAMS_MAX) return INVALID;
    if (!isOpen) return CONFLICT;
    grams += mass;
    applied += 1;
    lastSeq = firstSeq + place;
    if (stream === lot.stream) return APPLIED;
    mixture |= bitOf(stream);
    return MIXED;
  });
  if (applied > 0) {
    state.lots.set(lotId, { ...lot, grams, lifts: (lot.lifts + applied) % SERIALS, lastSeq, mixture });
    book(state, folding.organisation, folding.blockTime, lot.stream, "lifted", grams - lot.grams);
  }
  return answers;
}

/** Most entries are lifts, so their word is read without unpacking the rest of it. */
function massOf(liftWord: Uint8Array): Grams {
  return Number(bytesToBig(liftWord.subarray(13, 17)));
}

/** Anybody but oneself; 0 stands for somebody who is not registered. */
function isReceiver(folding: Folding, to: DeviceId): boolean {
  return to === NOBODY || (to !== folding.id && organisationOf(to) !== NO_ORGANISATION);
}

export function give(folding: Folding, { fields }: EntryOf<"give">): Answer {
  const to = deviceId(fields.to);
  if (!isReceiver(folding, to)) return INVALID;
  const step = makeStep("give", folding.seq, { to, head13: head13Of(folding.head) });
  return tryStep(folding, lotId(fields.lot), step);
}

export function redirect(folding: Folding, { fields }: EntryOf<"redirect">): Answer {
  const to = deviceId(fields.to);
  if (!isReceiver(folding, to)) return INVALID;
  const giveSeq = Number(fields.give_seq);
  const step = makeStep("redirect", folding.seq, { to, head13: head13Of(folding.head), giveSeq });
  return tryStep(folding, lotId(fields.lot), step);
}

export function close(folding: Folding, { fields }: EntryOf<"close">): Answer {
  const fate = Number(fields.fate);
  if (fate < FATE.product || fate > FATE.energy) return INVALID;
  return tryStep(folding, lotId(fields.lot), makeStep("close", folding.seq, { fate }));
}

export function withdraw(folding: Folding, { fields }: EntryOf<"withdraw">): Answer {
  const lot = lotId(fields.lot);
  const undoneSeq = Number(fields.undone_seq);
  const givenUp = withdrawWaiting(folding.state, folding.id, lot, undoneSeq);
  if (givenUp !== undefined) {
    folding.settled.push(...givenUp);
    return APPLIED;
  }
  return tryStep(folding, lot, makeStep("withdraw", folding.seq, { giveSeq: undoneSeq }));
}

export function merge(folding: Folding, { fields }: EntryOf<"merge">): Answer {
  const { state, id } = folding;
  const lot = lotId(fields.lot);
  const intoId = lotId(fields.into);
  const stream = Number(fields.stream);
  if (!isOwnId(folding, intoId) || intoId === lot || !isStream(stream)) return INVALID;
  const into = state.lots.get(intoId) ?? newLot(id, stream);
  if (!isOpenTo(into, id) || into.stream !== stream) return CONFLICT;
  state.lots.set(intoId, { ...into, pendings: into.pendings + 1 });
  return tryStep(folding, lot, makeStep("merge", folding.seq, { intoSerial: serialOf(intoId) }));
}

export function split(folding: Folding, { fields }: EntryOf<"split">): Answer {
  const lot = lotId(fields.lot);
  const into = lotId(fields.into);
  const stream = Number(fields.stream);
  const grams = Number(fields.grams);
  if (!isOwnId(folding, into) || into === lot || !isStream(stream)) return INVALID;
  if (!promise(folding, [[into, grams]], stream)) return CONFLICT;
  const step = makeStep("split", folding.seq, { intoSerial: serialOf(into), grams, stream });
  return tryStep(folding, lot, step);
}

/** The outputs are the entry's own next lots, first; measures (lot 0) follow and move nothing. */
export function transform(folding: Folding, { fields, items = [] }: EntryOf<"transform">): Answer {
  const lot = lotId(fields.lot);
  const outputs = Number(fields.outputs);
  if (outputs < 1 || outputs > Math.min(items.length, OUTPUTS_MAX)) return INVALID;
  const lots = items.map((item) => [lotId(item["lot"] ?? 0n), Number(item["amount"] ?? 0n)] as const);
  const made = lots.slice(0, outputs);
  const measures = lots.slice(outputs);
  const grams = made.reduce((sum, [, amount]) => sum + amount, 0);
  const [[first] = [NO_LOT]] = made;
  const intoSerial = serialOf(first);
  if (
    !isOwnId(folding, first) ||
    intoSerial + outputs > SERIALS ||
    made.some(([output], place) => output !== lotOf(folding.id, intoSerial + place) || output === lot) ||
    measures.some(([measure]) => measure !== NO_LOT) ||
    grams > LOT_GRAMS_MAX ||
    fields.is_gain > 1n
  ) {
    return INVALID;
  }
  if (!promise(folding, made, STREAM_CODE.residual)) return CONFLICT;
  const loss = Number(fields.loss);
  const isGain = fields.is_gain === 1n;
  const step = makeStep("transform", folding.seq, { intoSerial, outputs, grams, loss, isGain });
  return tryStep(folding, lot, step);
}

/** Opens lots that are to come out of a step, unless one is there already. */
function promise(
  { state, id }: Folding,
  lots: readonly (readonly [LotId, Grams])[],
  stream: number,
): boolean {
  if (lots.some(([lot]) => state.lots.has(lot))) return false;
  for (const [lot, grams] of lots) {
    state.lots.set(lot, { ...newLot(id, stream), grams, status: "promised", isShut: true });
  }
  return true;
}

export function take(folding: Folding, entry: EntryOf<"take">): Answer {
  const { fields } = entry;
  const lot = lotId(fields.lot);
  const into = lotId(fields.into);
  const giver = deviceId(fields.giver);
  const stream = Number(fields.stream);
  const grams = Number(fields.grams);
  if (giver === NOBODY) return takeUnattested(folding, entry);
  if (giver === folding.id || !(stream === 0 || isStream(stream))) return INVALID;
  if (into !== NO_LOT) {
    if (!isOwnId(folding, into) || into === lot) return INVALID;
    if (!promise(folding, [[into, grams]], stream || STREAM_CODE.residual)) return CONFLICT;
  }
  const principal = deviceId(fields.principal);
  const hasPrincipal = principal !== NOBODY;
  const step = makeStep("take", folding.seq, {
    giver,
    giveSeq: Number(fields.give_seq),
    grams,
    stream,
    intoSerial: serialOf(into),
    head13: head13Of(headOf(fields.give_head)),
    principal,
    mandateSeq: hasPrincipal ? Number(fields.mandate_seq) : 0,
    site: hasPrincipal ? siteId(fields.site) : NO_SITE,
    occurredAt: Number(fields.occurred_at),
  });
  return tryStep(folding, lot, step);
}

/** A lot from somebody who is not registered begins here, in a lot of the taker's own. */
function takeUnattested(folding: Folding, { fields }: EntryOf<"take">): Answer {
  const { state, id } = folding;
  const lot = lotId(fields.lot);
  const stream = Number(fields.stream);
  const grams = Number(fields.grams);
  if (!isOwnId(folding, lot) || !isStream(stream) || fields.into !== 0n) return INVALID;
  if (state.lots.has(lot)) return CONFLICT;
  state.lots.set(lot, { ...newLot(id, stream), grams, isShut: true });
  book(state, folding.organisation, folding.blockTime, stream, "gained", grams);
  return UNATTESTED;
}

export function refuse(folding: Folding, { fields }: EntryOf<"refuse">): Answer {
  const giver = deviceId(fields.giver);
  if (giver === NOBODY || giver === folding.id) return INVALID;
  const head13 = head13Of(headOf(fields.give_head));
  const step = makeStep("refuse", folding.seq, { giver, giveSeq: Number(fields.give_seq), head13 });
  return tryStep(folding, lotId(fields.lot), step);
}
