/**
 * Folds what it reads, line by line, into one state, and writes what the rules answer: for fuzzing the three
 * languages against each other. `node tests/differential/fold.ts`; the first line is a NetworkLine, each further
 * one an Operation, and each of those is answered with one line. `--openssl` checks seals with Node's own library.
 */
import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { bytesToHex, hexToBytes } from "../../scanner_app/src/domain/bytes.ts";
import { recordSegment } from "../../scanner_app/src/domain/custody.ts";
import {
  emptyState,
  type Refused,
  type Settled,
  type State,
} from "../../scanner_app/src/domain/custody_state.ts";
import { proveFork, recordWitness } from "../../scanner_app/src/domain/devices.ts";
import type { PublicKey, Seal, SealProof } from "../../scanner_app/src/domain/seal.ts";
import { settle } from "../../scanner_app/src/domain/steps.ts";
import {
  type Answer,
  byteOf,
  type DeviceId,
  type Head,
  type LotId,
  type OrganisationId,
  REFUSALS,
} from "../../scanner_app/src/domain/types.ts";
import { checkSeal as checkWithNoble } from "../scanner_app/check_seal.ts";
import { checkWithOpenSsl } from "./check_with_openssl.ts";
import { dumpOf } from "./dump.ts";

type RootLine = [string, string, string, number, boolean | number, boolean | number];
interface NetworkLine {
  readonly chain_id: number;
  readonly ledger: string;
  readonly roots: readonly RootLine[];
  readonly named_roots: readonly string[];
  /** Ledgers to which journals move, each from the one before. */
  readonly successors?: readonly string[];
}
interface SealLine {
  readonly r: string;
  readonly s: string;
  readonly assertion?: string;
}
interface KeyLine {
  readonly x: string;
  readonly y: string;
}
type Operation = {
  /** Its place among the ledgers; the first when it is not said. */
  readonly ledger?: number;
} & (
  | (SealLine &
      KeyLine & {
        readonly op: "record";
        readonly block_time: number;
        readonly device: string;
        readonly first_seq: number;
        readonly words: string;
      })
  | (SealLine &
      KeyLine & {
        readonly op: "witness";
        readonly device: string;
        readonly seq: number;
        readonly before: string;
        readonly words: string;
      })
  | (KeyLine & {
      readonly op: "prove_fork";
      readonly device: string;
      readonly seq: number;
      readonly one: SealLine & { readonly head: string };
      readonly other: SealLine & { readonly head: string };
    })
  | {
      readonly op: "settle";
      readonly block_time: number;
      readonly lot: string;
      readonly device: string;
      readonly max_steps: number;
    }
  | { readonly op: "state" }
);

const checkSeal = argv.includes("--openssl") ? checkWithOpenSsl : checkWithNoble;

function beginAll(line: NetworkLine): State[] {
  const states: State[] = [];
  for (const ledger of [line.ledger, ...(line.successors ?? [])]) {
    states.push({ ...begin({ ...line, ledger }), predecessor: states.at(-1) });
  }
  return states;
}

function begin(line: NetworkLine): State {
  const state = emptyState({ chainId: line.chain_id, ledger: line.ledger });
  for (const [organisation, device, keyHash, epoch, isSuspended, isRegulator] of line.roots) {
    state.roots.set(organisation as OrganisationId, {
      device: device as DeviceId,
      keyHash,
      epoch,
      isSuspended: Boolean(isSuspended),
      isRegulator: Boolean(isRegulator),
    });
  }
  for (const device of line.named_roots) state.namedRoots.add(device as DeviceId);
  return state;
}

function answer(state: State, line: Operation): object {
  switch (line.op) {
    case "record": {
      const { device, first_seq, words, block_time } = line;
      const segment = {
        device: device as DeviceId,
        firstSeq: first_seq,
        words: hexToBytes(words),
        ...sealed(line, line),
      };
      const recorded = recordSegment(state, segment, { blockTime: block_time, checkSeal });
      if (recorded.is === "refused") return refused(recorded);
      return {
        outcomes: hexOf(recorded.answers),
        head: recorded.head,
        settled: settledRows(recorded.settled),
        transcribed: recorded.transcribed.map((run) => [
          run.device,
          run.firstSeq,
          hexOf(run.answers),
        ]),
        closed_gap: recorded.closedGap ?? null,
      };
    }
    case "witness": {
      const witness = {
        device: line.device as DeviceId,
        seq: line.seq,
        before: line.before as Head,
        words: hexToBytes(line.words),
        ...sealed(line, line),
      };
      const pinned = recordWitness(state, witness, checkSeal);
      return pinned.is === "refused" ? refused(pinned) : { head: pinned.head };
    }
    case "prove_fork": {
      const proof = (shown: SealLine & { head: string }): SealProof => ({
        seq: line.seq,
        head: shown.head as Head,
        ...sealed(line, shown),
      });
      const proofs = { one: proof(line.one), other: proof(line.other) };
      return { is_shown: proveFork(state, line.device as DeviceId, proofs, checkSeal) };
    }
    case "settle": {
      const how = { blockTime: line.block_time, stepsMax: line.max_steps };
      return {
        settled: settledRows(settle(state, line.lot as LotId, line.device as DeviceId, how)),
      };
    }
    case "state":
      return dumpOf(state);
  }
}

function sealed(
  key: KeyLine,
  seal: SealLine,
): { key: PublicKey; seal: Seal; assertion: Uint8Array } {
  return {
    key: { x: key.x, y: key.y },
    seal: { r: seal.r, s: seal.s },
    assertion: hexToBytes(seal.assertion ?? ""),
  };
}

const hexOf = (answers: readonly Answer[]) => bytesToHex(Uint8Array.from(answers, byteOf));

function settledRows(settled: readonly Settled[]): (string | number)[][] {
  return settled.map((step) => [step.device, step.seq, step.lot, byteOf(step.answer)]);
}

function refused({ reason, forkedAt }: Refused): object {
  return { refused: REFUSALS.indexOf(reason) + 1, forked_at: forkedAt ?? null };
}

let states: State[] | undefined;
for await (const line of createInterface({ input: stdin })) {
  if (line.trim() === "") continue;
  if (states === undefined) {
    states = beginAll(JSON.parse(line) as NetworkLine);
    continue;
  }
  const operation = JSON.parse(line) as Operation;
  const state = states[operation.ledger ?? 0];
  if (state === undefined) throw new Error(`there is no ledger ${operation.ledger}`);
  stdout.write(`${JSON.stringify(answer(state, operation))}\n`);
}
