import { describe, expect, it } from "vitest";
import { hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import {
  dayKey,
  emptyState,
  recordSegment,
  type Refusal,
  type Segment,
  settle,
  type Settled,
  type State,
  type Totals,
} from "../../../scanner_app/src/domain/custody.ts";
import {
  type DeviceId,
  type LotId,
  OUTCOMES,
  type OrganisationId,
} from "../../../scanner_app/src/domain/types.ts";
import { checkSeal } from "../check_seal.ts";
import { type NetworkVector, readVectors } from "../vectors.ts";

interface SettledVector {
  device: string;
  seq: number;
  lot: string;
  outcome: number;
}
interface SegmentVector {
  device: string;
  first_seq: number;
  words: string;
  key: { x: string; y: string };
  seal: { r: string; s: string };
}
type Step =
  | { record: SegmentVector; block_time: number; refused: number }
  | {
      record: SegmentVector;
      block_time: number;
      outcomes: string;
      head: string;
      settled: SettledVector[];
    }
  | {
      settle: string;
      max_steps: number;
      block_time: number;
      settled: SettledVector[];
    };
interface Story {
  name: string;
  roots: {
    organisation: string;
    device: string;
    key_hash: string;
    epoch: number;
  }[];
  steps: Step[];
  final: {
    devices: Record<string, unknown>;
    desks: Record<string, [number, number]>;
    lots: Record<string, unknown>;
    totals: Record<string, number[]>;
    day_totals: {
      organisation: string;
      day: number;
      stream: number;
      grams: number[];
    }[];
  };
}
const vectors = readVectors<{ network: NetworkVector; stories: Story[] }>("custody.json");

const REFUSALS: Refusal[] = [
  "unknown-device",
  "wrong-key",
  "bad-seal",
  "gap",
  "already-recorded",
  "overlap",
  "malformed",
];
const STATUSES = ["none", "held", "given", "merged", "closed", "leaving"];
const grams = (t: Totals) => [t.lifted, t.gained, t.out, t.lost].map(Number);
const coded = (settled: readonly Settled[]) =>
  settled.map((step) => ({
    ...step,
    outcome: OUTCOMES.indexOf(step.outcome) + 1,
  }));

function segmentOf(vector: SegmentVector): Segment {
  return {
    device: vector.device as DeviceId,
    firstSeq: vector.first_seq,
    words: hexToBytes(vector.words),
    key: vector.key,
    seal: vector.seal,
  };
}

function begin(story: Story): State {
  const network = {
    chainId: vectors.network.chain_id,
    ledger: vectors.network.ledger,
  };
  const roots = story.roots.map(
    (root) =>
      [
        root.organisation as OrganisationId,
        {
          device: root.device as DeviceId,
          keyHash: root.key_hash,
          epoch: root.epoch,
        },
      ] as const,
  );
  return {
    ...emptyState(network),
    roots: new Map(roots),
    namedRoots: new Set(roots.map(([, root]) => root.device)),
  };
}

function take(state: State, step: Step): State {
  if ("settle" in step) {
    const how = { blockTime: step.block_time, stepsMax: step.max_steps };
    const done = settle(state, step.settle as LotId, how);
    expect(coded(done.settled)).toEqual(step.settled);
    return done.state;
  }
  const answer = recordSegment(state, segmentOf(step.record), {
    blockTime: step.block_time,
    checkSeal,
  });
  if ("refused" in step) {
    expect(answer).toEqual({
      is: "refused",
      reason: REFUSALS[step.refused - 1],
    });
    return state;
  }
  if (answer.is === "refused") throw new Error(answer.reason);
  expect(answer.outcomes.map((outcome) => OUTCOMES.indexOf(outcome) + 1)).toEqual([
    ...hexToBytes(step.outcomes),
  ]);
  expect(answer.head).toBe(step.head);
  expect(coded(answer.settled)).toEqual(step.settled);
  return answer.state;
}

const folded = new Map<string, { before: State; after: State }>();

/** A story folded once, for all the tests that look at its end. */
function fold(story: Story): { before: State; after: State } {
  const known = folded.get(story.name);
  if (known !== undefined) return known;
  const before = begin(story);
  const both = { before, after: story.steps.reduce(take, before) };
  folded.set(story.name, both);
  return both;
}

describe("custody", () => {
  it.each(vectors.stories)("folds $name as the treaty does", (story) => {
    const state = fold(story).after;
    const devices = [...state.devices].map(([id, device]) => [
      id,
      {
        next_seq: device.nextSeq,
        head: device.head,
        role: device.role,
        is_revoked: device.isRevoked,
      },
    ]);
    expect(Object.fromEntries(devices)).toEqual(story.final.devices);
    const desks = [...state.desks].map(([id, desk]) => [id, [desk.lotSerial, desk.openDeferrals]]);
    expect(Object.fromEntries(desks)).toEqual(story.final.desks);
    const lots = [...state.lots].map(([id, lot]) => [
      id,
      {
        holder: lot.holder,
        grams: lot.grams,
        lifts: lot.lifts,
        stream: lot.stream,
        status: STATUSES.indexOf(lot.status),
        pendings: lot.pendings,
        last_seq: lot.lastSeq,
        taken: lot.isTaken,
      },
    ]);
    expect(Object.fromEntries(lots)).toEqual(story.final.lots);
    const totals = [...state.totals].map(([stream, total]) => [stream, grams(total)]);
    expect(Object.fromEntries(totals)).toEqual(story.final.totals);
    const days = story.final.day_totals.map((day) => [
      dayKey(day.organisation as OrganisationId, day.day, day.stream),
      day.grams,
    ]);
    expect(Object.fromEntries([...state.dayTotals].map(([key, total]) => [key, grams(total)]))).toEqual(
      Object.fromEntries(days),
    );
  });

  it("keeps every gram: lifted + gained = held + out + lost", () => {
    for (const story of vectors.stories) {
      const state = fold(story).after;
      for (const [stream, total] of state.totals) {
        const held = [...state.lots.values()].reduce(
          (sum, lot) => sum + (lot.stream === stream ? BigInt(lot.grams) : 0n),
          0n,
        );
        expect(total.lifted + total.gained).toBe(held + total.out + total.lost);
      }
    }
  });

  it("leaves the state before it as it was", () => {
    for (const story of vectors.stories) {
      const { before } = fold(story);
      expect(before.lots.size + before.devices.size + before.totals.size).toBe(0);
    }
  });
});
