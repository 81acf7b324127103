import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { foldOwn, recordSegment } from "../../../scanner_app/src/domain/custody.ts";
import { emptyState, type Settled, type State } from "../../../scanner_app/src/domain/custody_state.ts";
import { proveFork, recordWitness } from "../../../scanner_app/src/domain/devices.ts";
import { packEntry } from "../../../scanner_app/src/domain/journal.ts";
import { settle } from "../../../scanner_app/src/domain/steps.ts";
import {
  byteOf,
  type DeviceId,
  type Head,
  type LotId,
  type OrganisationId,
  REFUSALS,
} from "../../../scanner_app/src/domain/types.ts";
import { dumpOf } from "../../differential/dump.ts";
import { checkSeal } from "../check_seal.ts";
import { type NetworkVector, readVectors } from "../vectors.ts";
import { entryOf, hexOf, NOW, SoftwareDevice, Street } from "../street.ts";

interface Sealed {
  device: string;
  words: string;
  key: { x: string; y: string };
  seal: { r: string; s: string };
  assertion?: string;
}
interface SettledVector {
  device: string;
  seq: number;
  lot: string;
  outcome: number;
}
type SegmentVector = Sealed & { first_seq: number };
type WitnessVector = Sealed & { seq: number; before: string };
type RefusedVector = { refused: number; forked_at: number | null };
type RecordedVector = {
  outcomes: string;
  head: string;
  settled: SettledVector[];
  transcribed: [string, number, string][];
  closed_gap: [number, number] | null;
};
interface SettleVector {
  settle: string;
  device: string;
  max_steps: number;
  block_time: number;
  settled: SettledVector[];
}
interface ForkVector {
  prove_fork: string;
  seq: number;
  key: { x: string; y: string };
  heads: { head: string; r: string; s: string }[];
  is_shown: boolean;
}
type Step =
  | ({ record: SegmentVector; block_time: number } & (RefusedVector | RecordedVector))
  | ({ witness: WitnessVector } & (RefusedVector | { head: string }))
  | SettleVector
  | ForkVector;
interface Story {
  name: string;
  roots: {
    organisation: string;
    device: string;
    key_hash: string;
    epoch: number;
    is_suspended?: boolean;
    is_regulator?: boolean;
  }[];
  steps: Step[];
  final: Record<string, unknown>;
}
const vectors = readVectors<{ network: NetworkVector; stories: Story[] }>("custody.json");

const coded = (settled: readonly Settled[]) =>
  settled.map(({ answer, ...step }) => ({ ...step, outcome: byteOf(answer) }));

function sealed(vector: Sealed) {
  return {
    device: vector.device as DeviceId,
    words: hexToBytes(vector.words),
    key: vector.key,
    seal: vector.seal,
    assertion: hexToBytes(vector.assertion ?? ""),
  };
}

function begin(story: Story): State {
  const state = emptyState({ chainId: vectors.network.chain_id, ledger: vectors.network.ledger });
  for (const root of story.roots) {
    const device = root.device as DeviceId;
    state.namedRoots.add(device);
    state.roots.set(root.organisation as OrganisationId, {
      device,
      keyHash: root.key_hash,
      epoch: root.epoch,
      isSuspended: root.is_suspended ?? false,
      isRegulator: root.is_regulator ?? false,
    });
  }
  return state;
}

function expectStep(state: State, step: Step): void {
  if ("settle" in step) {
    const how = { blockTime: step.block_time, stepsMax: step.max_steps };
    const settled = settle(state, step.settle as LotId, step.device as DeviceId, how);
    expect(coded(settled)).toEqual(step.settled);
  } else if ("prove_fork" in step) {
    const [one, other] = step.heads.map(({ head, r, s }) => ({
      seq: step.seq,
      head: head as Head,
      key: step.key,
      seal: { r, s },
    }));
    if (one === undefined || other === undefined) throw new Error("two heads make a fork");
    expect(proveFork(state, step.prove_fork as DeviceId, { one, other }, checkSeal)).toBe(step.is_shown);
  } else if ("witness" in step) {
    const { seq, before } = step.witness;
    const witness = { ...sealed(step.witness), seq, before: before as Head };
    const answer = recordWitness(state, witness, checkSeal);
    if ("refused" in step) expectRefused(answer, step);
    else expect(answer).toEqual({ is: "pinned", head: step.head });
  } else {
    const segment = { ...sealed(step.record), firstSeq: step.record.first_seq };
    const answer = recordSegment(state, segment, { blockTime: step.block_time, checkSeal });
    if ("refused" in step) return expectRefused(answer, step);
    if (answer.is === "refused") throw new Error(answer.reason);
    expect({
      outcomes: hexOf(answer.answers),
      head: answer.head,
      settled: coded(answer.settled),
      transcribed: answer.transcribed.map((run) => [run.device, run.firstSeq, hexOf(run.answers)]),
      closed_gap: answer.closedGap ?? null,
    }).toEqual({
      outcomes: step.outcomes,
      head: step.head,
      settled: step.settled,
      transcribed: step.transcribed,
      closed_gap: step.closed_gap,
    });
  }
}

function expectRefused(answer: object, { refused, forked_at: forkedAt }: RefusedVector): void {
  const reason = REFUSALS[refused - 1];
  expect(answer).toEqual({ is: "refused", reason, ...(forkedAt !== null && { forkedAt }) });
}

const folded = new Map<string, State>();

/** A story folded once, for all the tests that look at its end. */
function fold(story: Story): State {
  const state = folded.get(story.name) ?? begin(story);
  if (!folded.has(story.name)) for (const step of story.steps) expectStep(state, step);
  folded.set(story.name, state);
  return state;
}

describe("custody", () => {
  it.each(vectors.stories)("folds $name as the treaty does", (story) => {
    expect(dumpOf(fold(story))).toEqual(story.final);
  });

  it("keeps every gram: lifted + gained = held + out + lost", () => {
    for (const story of vectors.stories) {
      const state = fold(story);
      for (const [stream, total] of state.totals) {
        const held = [...state.lots.values()].reduce(
          (sum, lot) => sum + (lot.stream === stream && lot.status !== "promised" ? BigInt(lot.grams) : 0n),
          0n,
        );
        const missing = total.lifted + total.gained - held - total.out - total.lost;
        expect(BigInt.asUintN(64, missing)).toBe(0n);
      }
    }
  });
});

describe("a segment", () => {
  const city = () => {
    const town = new Street();
    const registrar = town.registrar("000002");
    return { town, registrar, crew: town.enrol(registrar, 7, "crew") };
  };

  it("is refused for the first thing that is wrong with it, and leaves nothing behind", () => {
    const { town, crew } = city();
    crew.write("load", { lot: crew.lot(1), stream: 4 });
    const good = crew.cut();
    const before = JSON.stringify(dumpOf(town.state));
    const stranger = new SoftwareDevice("0000020000000099");
    const attempts = [
      { ...good, words: good.words.slice(1) },
      { ...good, device: stranger.id },
      { ...good, key: stranger.key },
      { ...good, firstSeq: 2 },
      { ...good, firstSeq: 0 },
      { ...good, seal: { ...good.seal, s: good.seal.r } },
      { ...good, assertion: new Uint8Array([1]) },
    ];
    const reasons = attempts.map((segment) => {
      const answer = town.offer(segment);
      return answer.is === "refused" ? answer.reason : "recorded";
    });
    expect(reasons).toEqual([
      "malformed",
      "unknown-device",
      "wrong-key",
      "gap",
      "already-recorded",
      "bad-seal",
      "bad-seal",
    ]);
    expect(JSON.stringify(dumpOf(town.state))).toBe(before);
    expect(town.offer(good)).toMatchObject({ is: "recorded" });
  });

  it("keeps a mixed lift, and calls it mixed", () => {
    const { town, crew } = city();
    crew.write("load", { lot: crew.lot(1), stream: 1 });
    crew.write("lift", { bin: 5, stream: 1, grams: 100 });
    crew.write("lift", { bin: 6, stream: 3, grams: 50 });
    crew.write("lift", { bin: 6, stream: 5, grams: 50 });
    expect(town.bytes(crew)).toBe("01011106");
    expect(town.state.lots.get(crew.lot(1))).toMatchObject({ grams: 150, lifts: 2, lastSeq: 3, mixture: 8 });
  });

  it("has entries of unknown kinds, and known ones of wrong length", () => {
    const { town, crew } = city();
    crew.writeWords(new Uint8Array(32).fill(0).with(0, 99).with(1, 1));
    crew.writeWords(new Uint8Array(32).fill(0).with(0, 3).with(1, 1));
    expect(town.bytes(crew)).toBe("0706");
  });

  it("counts a ticket once, in order, from a calibrated scale", () => {
    const { town, registrar, crew } = city();
    const scale = town.enrol(registrar, 8, "scale");
    const weigh = (ticket: number, more = {}) =>
      scale.write("weigh", { net: 5, gross: 8, tare: 3, ticket, calibration_until: NOW, ...more });
    weigh(7);
    weigh(7);
    weigh(8, { net: 6 });
    weigh(9);
    weigh(10, { occurred_at: NOW + 1 });
    weigh(11);
    expect(town.bytes(scale)).toBe("01560646" + "6601");
    crew.write("weigh", { net: 5, gross: 8, tare: 3, ticket: 1 });
    expect(town.bytes(crew)).toBe("36");
  });

  it("is transcribed by a registrar once a counterparty has released it", () => {
    const { town, registrar, crew } = city();
    const park = town.registrar("000003");
    crew.write("load", { lot: crew.lot(1), stream: 4 });
    town.hand(crew);
    registrar.write("revoke", { device: crew.id });
    town.hand(registrar);
    const before = crew.head;
    const seq = crew.write("give", { lot: crew.lot(1), to: park.id });
    const { words, firstSeq, seal } = crew.cut();
    const { head } = crew;
    const items = Array.from({ length: 4 }, (_, at) => ({
      word: BigInt(`0x${bytesToHex(words.slice(at * 32, at * 32 + 32))}`),
    }));
    const transcribe = () =>
      registrar.write(
        "transcribed",
        { device: crew.id, first_seq: firstSeq, before, ...crew.key, ...seal },
        items,
      );
    transcribe();
    expect(town.bytes(registrar)).toBe("05");
    park.write("acknowledge", { device: crew.id, seq, verdict: 3, head17: head.slice(0, 34) });
    expect(town.bytes(park)).toBe("01");
    transcribe();
    const answer = town.hand(registrar);
    expect(hexOf(answer.answers)).toBe("01");
    expect(answer.transcribed.map((run) => [run.device, run.firstSeq, hexOf(run.answers)])).toEqual([
      [crew.id, seq, "01"],
    ]);
    expect(town.state.lots.get(crew.lot(1))?.status).toBe("given");
  });
});

describe("a device's own fold", () => {
  const park = new Street();
  const crew = park.enrol(park.registrar("000002"), 7, "crew");
  const words = (entry: ReturnType<typeof entryOf>) => packEntry(entry);

  it("says what the ledger would, and leaves the state before it as it was", () => {
    const before = JSON.stringify(dumpOf(park.state));
    const load = words(entryOf("load", { lot: crew.lot(1), stream: 4 }));
    const lift = words(entryOf("lift", { stream: 2, grams: 9 }));
    const { answers, state } = foldOwn(park.state, crew.id, [load, lift], NOW);
    expect(hexOf(answers)).toBe("0111");
    expect(state.lots.get(crew.lot(1))?.grams).toBe(9);
    expect(JSON.stringify(dumpOf(park.state))).toBe(before);
  });

  it("goes on where it ended", () => {
    const first = foldOwn(
      park.state,
      crew.id,
      [words(entryOf("load", { lot: crew.lot(1), stream: 4 }))],
      NOW,
    );
    const give = words(entryOf("give", { lot: crew.lot(1), to: "0000030000000000" }));
    const second = foldOwn(first.state, crew.id, [give], NOW);
    expect(hexOf(second.answers)).toBe("01");
    expect(second.state.gives.get(crew.lot(1))).toMatchObject({ seq: 2, to: "0000030000000000" });
  });

  it("knows nothing of a device that nobody enrolled", () => {
    const stranger = "0000020000000055" as DeviceId;
    expect(hexOf(foldOwn(park.state, stranger, [words(entryOf("mark"))], NOW).answers)).toBe("07");
  });
});
