/**
 * What the custody rules read and write: lots, journals' ends, and steps that wait. Each is a packed slot in the
 * contract. Source: docs/spec/entries.md, "Custody rules".
 */
import type {
  Answer,
  DeviceId,
  Grams,
  Head,
  LotId,
  OrganisationId,
  Refusal,
  Seconds,
  Seq,
  SiteId,
} from "./types.ts";
import { NO_SITE, NOBODY, organisationOf } from "./types.ts";
import type { PublicKey, Seal } from "./seal.ts";

/**
 * Where a lot is in its life, in the order of the treaty's codes; "none", no such lot, is not kept. Leaving: its
 * holder has steps on it that wait. Promised: it is to come out of a step that waits.
 */
export const LOT_STATUSES = ["none", "held", "given", "merged", "closed", "leaving", "promised"] as const;
export type LotStatus = Exclude<(typeof LOT_STATUSES)[number], "none">;

/**
 * What else the ledger knows of a device. Pinned: a witness has shown a head that the journal has yet to reach.
 * Announced: a gap is to be closed.
 */
export const DEVICE_FLAG = {
  revoked: 1,
  forked: 2,
  passkey: 4,
  pinned: 8,
  moved: 16,
  announced: 32,
} as const;
export type DeviceFlag = keyof typeof DEVICE_FLAG;

export interface Network {
  readonly chainId: number;
  readonly ledger: string;
}
/** An organisation's root registrar, as ActorRegistry names it, and the organisation's standing. */
export interface Root {
  readonly device: DeviceId;
  readonly keyHash: string;
  readonly epoch: number;
  readonly isSuspended?: boolean;
  readonly isRegulator?: boolean;
}
export interface Device {
  readonly keyHash: string;
  readonly nextSeq: Seq;
  readonly notAfter: Seconds;
  readonly role: number;
  readonly flags: number;
  readonly epoch: number;
  readonly head: Head;
}
/** A head that the device has sealed further on than its journal is recorded, cut to 27 bytes. */
export interface Pin {
  readonly seq: Seq;
  readonly head27: string;
}
/**
 * The last seq of a device under review that still counts, and the last that a registrar has brought.
 * What is handed in counts up to `seq`, what is brought only beyond both: so no entry counts twice.
 */
export interface Seen {
  readonly seq: Seq;
  readonly brought: Seq;
}
/** An announced gap: from `opensAt` on the journal may go on after `toSeq` with this head. */
export interface Gap {
  readonly toSeq: Seq;
  readonly opensAt: Seconds;
  readonly head: Head;
}
/** A device's working place: the serial of its current lot (0: none), its steps that wait, its last ticket. */
export interface Desk {
  readonly lotSerial: number;
  readonly openDeferrals: number;
  readonly lastTicket: number;
}
/** A load of one stream in one holder's hands. */
export interface Lot {
  readonly holder: DeviceId;
  readonly grams: Grams;
  readonly lifts: number;
  readonly stream: number;
  readonly status: LotStatus;
  readonly pendings: number;
  readonly lastSeq: Seq;
  /** It takes no more loads, lifts and merges. */
  readonly isShut: boolean;
  /** Bit 1 << stream for each other stream in it. */
  readonly mixture: number;
}
/** The offer under which a given lot travels; `head13` is the giver's head after it, cut to 13 bytes. */
export interface Give {
  readonly to: DeviceId;
  readonly seq: Seq;
  readonly grams: Grams;
  readonly head13: string;
}
export type StepKind =
  "give" | "withdraw" | "redirect" | "merge" | "split" | "transform" | "close" | "take" | "refuse";

/** An entry that does something to a lot, as it is kept while it waits. Unused fields are zero. */
export interface Step {
  readonly kind: StepKind;
  readonly seq: Seq;
  readonly to: DeviceId;
  readonly head13: string;
  readonly giveSeq: Seq;
  readonly giver: DeviceId;
  readonly grams: Grams;
  readonly stream: number;
  readonly intoSerial: number;
  readonly outputs: number;
  readonly loss: Grams;
  readonly isGain: boolean;
  readonly fate: number;
  readonly principal: DeviceId;
  readonly mandateSeq: Seq;
  readonly site: SiteId;
  readonly occurredAt: Seconds;
}
/** What a principal lets another device or organisation take for it; `left` is in grams. */
export interface Mandate {
  readonly to: DeviceId;
  readonly left: Grams;
  readonly until: Seconds;
  readonly depth: number;
  readonly streams: number;
  readonly isRevoked: boolean;
  readonly site: SiteId;
  readonly parent: DeviceId;
  readonly parentSeq: Seq;
}
/** Grams that entered and left custody. */
export interface Totals {
  readonly lifted: bigint;
  readonly gained: bigint;
  readonly out: bigint;
  readonly lost: bigint;
}
/** Everything the rules read and write, in place. Slots are replaced, never changed, so a copy of the maps is whole. */
export interface State {
  readonly network: Network;
  readonly roots: Map<OrganisationId, Root>;
  /** Devices that ActorRegistry has ever named or proposed as a root registrar. */
  readonly namedRoots: Set<DeviceId>;
  readonly devices: Map<DeviceId, Device>;
  readonly pins: Map<DeviceId, Pin>;
  readonly seen: Map<DeviceId, Seen>;
  readonly gaps: Map<DeviceId, Gap>;
  /** The first 8 bytes of keccak256 of the web origin that a passkey belongs to. */
  readonly origins: Map<DeviceId, bigint>;
  /** The ledger in which a closed journal goes on. */
  readonly moves: Map<DeviceId, string>;
  readonly desks: Map<DeviceId, Desk>;
  readonly lots: Map<LotId, Lot>;
  readonly gives: Map<LotId, Give>;
  /** By `queueKey`, in the order of the journal. */
  readonly queues: Map<string, readonly Step[]>;
  /** By `giveKey`: whose take or refusal waits for a give. */
  readonly expected: Map<string, DeviceId>;
  /** By `entryKey`. */
  readonly mandates: Map<string, Mandate>;
  /** By `releaseKey`. */
  readonly releases: Set<string>;
  readonly totals: Map<number, Totals>;
  /** By `dayKey`. */
  readonly dayTotals: Map<string, Totals>;
  readonly attested: Set<string>;
  /** The ledger before this one, from which journals and lots move here. */
  readonly predecessor: State | undefined;
}

/** A run of consecutive entries of one journal with one seal at its end. */
export interface Segment {
  readonly device: DeviceId;
  readonly firstSeq: Seq;
  readonly words: Uint8Array;
  readonly key: PublicKey;
  readonly seal: Seal;
  /** What a passkey signed around the seal's digest; empty or absent for a raw seal. */
  readonly assertion?: Uint8Array | undefined;
}
/** A step that had waited got its answer. */
export interface Settled {
  readonly device: DeviceId;
  readonly seq: Seq;
  readonly lot: LotId;
  readonly answer: Answer;
}
/** Entries that a registrar recorded for another device, and what they did. */
export interface Transcription {
  readonly device: DeviceId;
  readonly firstSeq: Seq;
  readonly answers: readonly Answer[];
}
/** A segment that the ledger keeps: one answer an entry, and the steps it set free. */
export interface Recorded {
  readonly is: "recorded";
  readonly answers: readonly Answer[];
  readonly head: Head;
  readonly settled: readonly Settled[];
  readonly transcribed: readonly Transcription[];
  readonly closedGap: readonly [from: Seq, to: Seq] | undefined;
}
/** A segment or a witness of which nothing is kept; `forkedAt`: the seq at which it shows a fork. */
export interface Refused {
  readonly is: "refused";
  readonly reason: Refusal;
  readonly forkedAt?: Seq;
}

export function emptyState(network: Network): State {
  return {
    network,
    roots: new Map(),
    namedRoots: new Set(),
    devices: new Map(),
    pins: new Map(),
    seen: new Map(),
    gaps: new Map(),
    origins: new Map(),
    moves: new Map(),
    desks: new Map(),
    lots: new Map(),
    gives: new Map(),
    queues: new Map(),
    expected: new Map(),
    mandates: new Map(),
    releases: new Set(),
    totals: new Map(),
    dayTotals: new Map(),
    attested: new Set(),
    predecessor: undefined,
  };
}

/** The same state in maps of its own: what happens to the copy does not happen to the original. */
export function copyOf(state: State): State {
  return {
    network: state.network,
    roots: new Map(state.roots),
    namedRoots: new Set(state.namedRoots),
    devices: new Map(state.devices),
    pins: new Map(state.pins),
    seen: new Map(state.seen),
    gaps: new Map(state.gaps),
    origins: new Map(state.origins),
    moves: new Map(state.moves),
    desks: new Map(state.desks),
    lots: new Map(state.lots),
    gives: new Map(state.gives),
    queues: new Map(state.queues),
    expected: new Map(state.expected),
    mandates: new Map(state.mandates),
    releases: new Set(state.releases),
    totals: new Map(state.totals),
    dayTotals: new Map(state.dayTotals),
    attested: new Set(state.attested),
    predecessor: state.predecessor,
  };
}

export const queueKey = (lot: LotId, device: DeviceId) => `${lot}:${device}`;
export const giveKey = (giver: DeviceId, giveSeq: Seq, receiver: DeviceId, lot: LotId) =>
  `${giver}:${giveSeq}:${organisationOf(receiver)}:${lot}`;
export const entryKey = (device: DeviceId, seq: Seq) => `${device}:${seq}`;
export const releaseKey = (device: DeviceId, seq: Seq, head17: string, by: OrganisationId) =>
  `${device}:${seq}:${head17}:${by}`;
export const dayKey = (organisation: OrganisationId, day: number, stream: number) =>
  `${organisation}:${day}:${stream}`;

export function hasFlag(device: Device, flag: DeviceFlag): boolean {
  return (device.flags & DEVICE_FLAG[flag]) !== 0;
}

export function withFlag(device: Device, flag: DeviceFlag): Device {
  return { ...device, flags: device.flags | DEVICE_FLAG[flag] };
}

export function withoutFlag(device: Device, flag: DeviceFlag): Device {
  return { ...device, flags: device.flags & ~DEVICE_FLAG[flag] };
}

/** A lot that was just opened: open to loads, lifts and merges. */
export function newLot(holder: DeviceId, stream: number): Lot {
  return {
    holder,
    grams: 0,
    lifts: 0,
    stream,
    status: "held",
    pendings: 0,
    lastSeq: 0,
    isShut: false,
    mixture: 0,
  };
}

/** In this device's hands and free to leave them. */
export function isHeldBy(lot: Lot | undefined, device: DeviceId): lot is Lot {
  return lot?.holder === device && lot.status === "held";
}

/** In this device's hands, whether or not its steps wait on it. */
export function isInHandsOf(lot: Lot | undefined, device: DeviceId): lot is Lot {
  return lot?.holder === device && (lot.status === "held" || lot.status === "leaving");
}

/** Offered by this device, and not taken yet. */
export function isGivenBy(lot: Lot | undefined, device: DeviceId): lot is Lot {
  return lot?.holder === device && lot.status === "given";
}

/** Held, and nothing but loading was ever done with it. */
export function isOpenTo(lot: Lot | undefined, device: DeviceId): lot is Lot {
  return isHeldBy(lot, device) && !lot.isShut;
}

const NO_HEAD13 = "0".repeat(26);

export function makeStep(kind: StepKind, seq: Seq, fields: Partial<Omit<Step, "kind" | "seq">>): Step {
  return {
    kind,
    seq,
    to: NOBODY,
    head13: NO_HEAD13,
    giveSeq: 0,
    giver: NOBODY,
    grams: 0,
    stream: 0,
    intoSerial: 0,
    outputs: 0,
    loss: 0,
    isGain: false,
    fate: 0,
    principal: NOBODY,
    mandateSeq: 0,
    site: NO_SITE,
    occurredAt: 0,
    ...fields,
  };
}

/** The slot of what must be there: the rules never ask for another. */
export function slotOf<Key, Slot>(slots: ReadonlyMap<Key, Slot>, key: Key): Slot {
  const slot = slots.get(key);
  if (slot === undefined) throw new Error(`${String(key)} is not in the state`);
  return slot;
}
