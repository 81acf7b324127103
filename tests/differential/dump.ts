/** The whole state of a ledger as JSON that any language can write alike, to compare slot by slot. */
import { bytesToHex, bigToBytes } from "../../scanner_app/src/domain/bytes.ts";
import {
  LOT_STATUSES,
  type State,
  type Step,
  type Totals,
} from "../../scanner_app/src/domain/custody_state.ts";
import { KINDS } from "../../scanner_app/src/domain/layout.ts";
import { NOBODY, numberOf } from "../../scanner_app/src/domain/types.ts";

type Json = string | number | readonly Json[] | { readonly [name: string]: Json };

/** Ids are hex of full width; numbers beyond 2^53 are decimal text; empty desks are left out; keys are sorted. */
export function dumpOf(state: State): { readonly [name: string]: Json } {
  return {
    attested: [...state.attested].sort(),
    day_totals: sorted(state.dayTotals, totalsOf),
    desks: sorted(
      new Map(
        [...state.desks].filter(
          ([, desk]) => desk.lotSerial || desk.openDeferrals || desk.lastTicket,
        ),
      ),
      (desk) => [desk.lotSerial, desk.openDeferrals, desk.lastTicket],
    ),
    devices: sorted(state.devices, (device) => [
      device.keyHash,
      device.nextSeq,
      device.notAfter,
      device.role,
      device.flags,
      device.epoch,
      device.head,
    ]),
    expected: sorted(state.expected, (device) => device),
    gaps: sorted(state.gaps, (gap) => [gap.toSeq, gap.opensAt, gap.head]),
    gives: sorted(state.gives, (give) => [give.to, give.seq, give.grams, give.head13]),
    lots: sorted(state.lots, (lot) => [
      lot.holder,
      lot.grams,
      lot.lifts,
      lot.stream,
      LOT_STATUSES.indexOf(lot.status),
      lot.pendings,
      lot.lastSeq,
      Number(lot.isShut),
      lot.mixture,
    ]),
    mandates: sorted(state.mandates, (mandate) => [
      mandate.to,
      mandate.left,
      mandate.until,
      mandate.depth,
      mandate.streams,
      Number(mandate.isRevoked),
      mandate.site,
      mandate.parent,
      mandate.parentSeq,
    ]),
    moves: sorted(state.moves, (ledger) => ledger),
    origins: sorted(state.origins, (origin) => bytesToHex(bigToBytes(origin, 8))),
    pins: sorted(state.pins, (pin) => [pin.seq, pin.head27]),
    queues: sorted(state.queues, (queue) => queue.map(packStep)),
    releases: [...state.releases].sort(),
    seen: sorted(state.seen, ({ seq, brought }) => [seq, brought]),
    totals: sorted(state.totals, totalsOf),
  };
}

function sorted<Slot>(slots: ReadonlyMap<string | number, Slot>, write: (slot: Slot) => Json) {
  const rows = [...slots].map(([key, slot]) => [String(key), write(slot)] as const);
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function totalsOf({ lifted, gained, out, lost }: Totals): Json {
  return [lifted, gained, out, lost].map((grams) =>
    grams <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(grams) : String(grams),
  );
}

type Part = readonly [value: number | string, bits: number];

/** A waiting step as the contract keeps it: words a, b and c, of which the last two may be zero. */
export function packStep(step: Step): [a: string, b: string, c: string] {
  const isAnswer = step.kind === "take" || step.kind === "refuse";
  const a = packed([[KINDS[step.kind].code, 8], [step.seq, 40], ...ownParts(step)]);
  const cited: Part[] = [
    [step.head13, 104],
    [step.principal, 64],
    [step.mandateSeq, 40],
    [step.occurredAt, 40],
  ];
  const b = packed(isAnswer ? cited : []);
  const c = packed(step.kind === "take" && step.principal !== NOBODY ? [[step.site, 64]] : []);
  return [a, b, c];
}

function ownParts(step: Step): Part[] {
  const give: Part[] = [
    [step.to, 64],
    [step.head13, 104],
  ];
  const giveSeq: Part = [step.giveSeq, 40];
  const answered: Part[] = [[step.giver, 64], giveSeq];
  switch (step.kind) {
    case "give":
      return give;
    case "redirect":
      return [...give, giveSeq];
    case "withdraw":
      return [giveSeq];
    case "merge":
      return [[step.intoSerial, 32]];
    case "split":
      return [
        [step.intoSerial, 32],
        [step.grams, 48],
        [step.stream, 8],
      ];
    case "close":
      return [[step.fate, 8]];
    case "transform":
      return [
        [step.intoSerial, 32],
        [step.outputs, 8],
        [step.grams, 48],
        [step.loss, 48],
        [Number(step.isGain), 8],
      ];
    case "take":
      return [...answered, [step.grams, 48], [step.stream, 8], [step.intoSerial, 32]];
    case "refuse":
      return answered;
  }
}

/** One word, first part in the highest bits. */
function packed(parts: readonly Part[]): string {
  let word = 0n;
  let free = 256n;
  for (const [value, bits] of parts) {
    free -= BigInt(bits);
    word |= (typeof value === "string" ? numberOf(value) : BigInt(value)) << free;
  }
  return bytesToHex(bigToBytes(word, 32));
}
