/** A small street with software keys: devices that write, seal and hand in, for tests of the custody rules. */
import { p256 } from "@noble/curves/nist.js";
import { bytesToHex, concatBytes } from "../../scanner_app/src/domain/bytes.ts";
import { recordSegment } from "../../scanner_app/src/domain/custody.ts";
import {
  emptyState,
  type Recorded,
  type Segment,
  type State,
} from "../../scanner_app/src/domain/custody_state.ts";
import {
  append,
  emptyJournal,
  type Entry,
  type JournalTip,
  makeEntry,
  packEntry,
} from "../../scanner_app/src/domain/journal.ts";
import { type FieldName, type KindName, layoutOf } from "../../scanner_app/src/domain/layout.ts";
import {
  type CheckSeal,
  keyHash,
  type PublicKey,
  type Seal,
  sealDigest,
} from "../../scanner_app/src/domain/seal.ts";
import {
  type Answer,
  byteOf,
  type DeviceId,
  type Head,
  type LotId,
  lotOf,
  numberOf,
  organisationOf,
  type Role,
  ROLE_CODE,
  type Seconds,
  type Seq,
} from "../../scanner_app/src/domain/types.ts";
import { checkSeal } from "./check_seal.ts";

export const NETWORK = { chainId: 31337, ledger: "5fbdb2315678afecb367f032d93f642f64180aa3" };
export const NOW = 1_772_337_600;
const NO_ITEMS: readonly Readonly<Record<string, bigint>>[] = [];
/** Grams and times are numbers, ids are hex as the treaty writes them. */
type Value = bigint | number | string;

export class SoftwareDevice {
  readonly id: DeviceId;
  readonly key: PublicKey;
  private readonly secret: Uint8Array;
  private tip: JournalTip;
  private written: { seq: Seq; words: Uint8Array; before: Head; head: Head }[] = [];

  constructor(id: string) {
    this.id = id as DeviceId;
    this.secret = p256.utils.randomSecretKey();
    const point = p256.getPublicKey(this.secret, false);
    this.key = { x: bytesToHex(point.slice(1, 33)), y: bytesToHex(point.slice(33)) };
    this.tip = emptyJournal({ ...NETWORK, device: this.id });
  }

  lot(serial: number): LotId {
    return lotOf(this.id, serial);
  }

  get head(): Head {
    return this.tip.head;
  }

  /** Writes an entry, every field that is not named being zero; answers with its seq. */
  write<K extends KindName>(
    kind: K,
    fields: Partial<Record<FieldName<K>, Value>> = {},
    items = NO_ITEMS,
  ): Seq {
    return this.writeWords(packEntry(entryOf(kind, fields, items)));
  }

  writeWords(words: Uint8Array): Seq {
    const before = this.tip;
    this.tip = append(before, words);
    this.written.push({ seq: before.nextSeq, words, before: before.head, head: this.tip.head });
    return before.nextSeq;
  }

  /** Everything not handed in yet, as one sealed segment; or its first entries only. */
  cut(count = this.written.length): Segment {
    const run = this.written.splice(0, count);
    const first = run[0];
    const last = run.at(-1);
    if (first === undefined || last === undefined) throw new Error("nothing to cut");
    const words = concatBytes(...run.map((each) => each.words));
    const seal = this.seal(last.seq, last.head);
    return { device: this.id, firstSeq: first.seq, words, key: this.key, seal };
  }

  /** The last entry not handed in yet, as somebody else would show it. */
  witness() {
    const last = this.written.at(-1);
    if (last === undefined) throw new Error("nothing to show");
    const { seq, words, before, head } = last;
    return { device: this.id, seq, before, words, key: this.key, seal: this.seal(seq, head) };
  }

  seal(seq: Seq, head: Head): Seal {
    return this.sign(sealDigest({ ...NETWORK, device: this.id }, seq, head));
  }

  sign(message: Uint8Array): Seal {
    const signature = p256.sign(message, this.secret, { prehash: true });
    return { r: bytesToHex(signature.slice(0, 32)), s: bytesToHex(signature.slice(32)) };
  }
}

/** An entry of which only some fields matter: the others are zero. */
export function entryOf<K extends KindName>(
  kind: K,
  fields: Partial<Record<FieldName<K>, Value>> = {},
  items = NO_ITEMS,
): Entry {
  const given: Readonly<Record<string, Value | undefined>> = fields;
  const names = layoutOf(kind)
    .words.flat()
    .map(([name]) => name)
    .filter((name) => name !== "kind" && name !== "words");
  const whole = Object.fromEntries(names.map((name) => [name, numberIn(given[name] ?? 0)]));
  return makeEntry(kind, whole as Record<FieldName<K>, bigint>, items) as unknown as Entry;
}

function numberIn(value: Value): bigint {
  return typeof value === "string" ? numberOf(value) : BigInt(value);
}

/** A ledger's state with registrars of its own. */
export class Street {
  readonly state: State;
  now: Seconds = NOW;

  constructor(state = emptyState(NETWORK)) {
    this.state = state;
  }

  /** The root registrar of an organisation, given as six digits. */
  registrar(organisation: string, standing: { isSuspended?: boolean; isRegulator?: boolean } = {}) {
    const device = new SoftwareDevice(`${organisation}0000000001`);
    this.state.namedRoots.add(device.id);
    const root = { device: device.id, keyHash: keyHash(device.key), epoch: 1, ...standing };
    this.state.roots.set(organisationOf(device.id), root);
    return device;
  }

  /** Lets a new device in, and hands its registrar's journal in. */
  enrol(registrar: SoftwareDevice, serial: number, role: Role): SoftwareDevice {
    const device = new SoftwareDevice(`${registrar.id.slice(0, 6)}${serial.toString(16).padStart(10, "0")}`);
    const { x, y } = device.key;
    registrar.write("enrol", { device: device.id, role: ROLE_CODE[role], scheme: 1, x, y });
    this.hand(registrar);
    return device;
  }

  /** Hands in what a device has written; throws when the ledger keeps nothing of it. */
  hand(device: SoftwareDevice): Recorded {
    const answer = this.offer(device.cut());
    if (answer.is === "refused") throw new Error(answer.reason);
    return answer;
  }

  offer(segment: Segment, check: CheckSeal = checkSeal) {
    return recordSegment(this.state, segment, { blockTime: this.now, checkSeal: check });
  }

  /** What the ledger says of each entry that a device has written, as its bytes in hex. */
  bytes(device: SoftwareDevice): string {
    return hexOf(this.hand(device).answers);
  }
}

export function hexOf(answers: readonly Answer[]): string {
  return bytesToHex(Uint8Array.from(answers, byteOf));
}
