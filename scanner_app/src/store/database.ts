/**
 * What this device keeps. Entries and seals are added, and go only when this device itself has proved that the ledger
 * holds them (docs/decisions/0027); the rest can be fetched or made again.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Certificate } from "../domain/certificate.ts";
import type { ServerTime } from "../domain/clock.ts";
import type { State } from "../domain/custody_state.ts";
import type { CheckedDevice, DirectoryRefusal } from "../domain/directory.ts";
import type { NewRoots, Roots } from "../domain/directory_roots.ts";
import type { Evidence } from "../domain/evidence.ts";
import type { HeardGive } from "../domain/heard.ts";
import type { Seal } from "../domain/seal.ts";
import type { Basis } from "../domain/tolerances.ts";
import type {
  DeviceId,
  Flaw,
  Grams,
  Head,
  LotId,
  OrganisationId,
  Outcome,
  Role,
  Seconds,
  Seq,
  SiteId,
  Stream,
} from "../domain/types.ts";
import type { DeviceKey } from "../sign/device_key.ts";

export interface Warning {
  readonly code: string;
  readonly message: string;
}
/** What the backend last said about an accepted entry. */
export interface OnLedger {
  readonly state: "queued" | "sent" | "refused" | "recorded" | "included" | "finalized";
  readonly outcome: Outcome | null;
  /** What is wrong with it; absent before the ledger has answered. */
  readonly flaw?: Flaw;
  readonly blockNumber: number | null;
  readonly txHash: string | null;
}
export interface StoredProblem {
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly status: number;
}
/** One of three shapes; a rejected entry stays, because it is evidence and a person decides. */
export type EntryState =
  | { readonly is: "queued" }
  | {
      readonly is: "accepted";
      readonly receiptId: string;
      readonly receivedAt: string;
      readonly warnings: readonly Warning[];
      readonly onLedger: OnLedger;
    }
  | { readonly is: "rejected"; readonly rejectedAt: Seconds; readonly problem: StoredProblem };

/** This device's own finding that the ledger holds an entry for good, and the block it was found in. */
export interface Proved {
  readonly at: Seconds;
  readonly blockNumber: number;
  readonly blockHash: string;
  /** The block's clock. */
  readonly recordedAt: Seconds;
}
export interface StoredEntry {
  readonly seq: Seq;
  readonly kind: string;
  readonly words: Uint8Array;
  readonly state: EntryState;
  readonly evidence?: Evidence;
  readonly proved?: Proved;
}
/** What stands for the entries that are gone. Up to `throughSeq` the journal may have holes, after it none. */
export interface Trimmed {
  readonly throughSeq: Seq;
  /** When the newest of those that are gone was written. */
  readonly untilAt: Seconds;
  /** Custody as this journal told it up to there. */
  readonly state: State;
}
export interface StoredSeal extends Seal {
  readonly seq: Seq;
  readonly head: Head;
}
/** What became of a give: told by the receiver's seal, or by the server. */
export interface StoredAnswer {
  /** `answerId`. */
  readonly id: string;
  readonly taker: DeviceId;
  readonly grams: number;
  readonly toldBy: "seal" | "server";
  /** The receiver's code, kept in case its journal is lost. */
  readonly code?: string;
}
/** A picture that an entry's evidence names. It stays on this device. */
export interface StoredPhoto {
  readonly seq: Seq;
  readonly type: string;
  readonly bytes: Uint8Array;
}
export interface Receipt {
  readonly id: string;
  readonly device: DeviceId;
  readonly first_seq: Seq;
  readonly last_seq: Seq;
  readonly head: Head;
  readonly received_at: string;
}
export interface Name {
  readonly zh: string;
  readonly en: string;
}
export interface DirectoryBin {
  readonly number: string;
  readonly serial_digest: string;
  readonly stream: number | Stream;
  readonly site: string;
  readonly point: Name;
  readonly placed_from: string | number;
  readonly volume_litres?: number;
  /** Where it stood in the list that was fetched; absent from lists that an earlier version kept. */
  readonly order?: number;
  /** Whether a registrar's seal says that it stands there; absent from lists that nobody checked. */
  readonly is_sealed?: boolean;
}
export interface DirectorySite {
  readonly id: string;
  readonly kind: number | string;
  readonly organisation: OrganisationId;
  readonly name: Name;
}
export interface Directory {
  readonly dated_at: string;
  readonly organisations: readonly { readonly id: OrganisationId; readonly name: Name }[];
  readonly sites: readonly DirectorySite[];
  readonly devices: readonly {
    readonly device: DeviceId;
    readonly role: Role | number;
    readonly is_revoked?: boolean;
  }[];
  /** What was asked for, and the server's tag for its answer. */
  readonly asked?: { readonly path: string; readonly tag: string };
  /** The organisation's streets with how many bins each has. */
  readonly streets?: readonly { readonly site: SiteId; readonly bins: number }[];
  /** True while the organisation has too many bins for one phone, and no street is chosen. */
  readonly bins_left_out?: boolean;
  /** Absent from a directory that an earlier version kept unchecked. */
  readonly checked?: CheckedPart;
}
/** What of a directory stands under seals that this phone has checked. */
export interface CheckedPart {
  readonly seals: number;
  readonly devices: readonly CheckedDevice[];
  readonly sites: readonly SiteId[];
  readonly bins: number;
}
/** Why the newest directory that was fetched is not the one in use. */
export interface RefusedDirectory {
  readonly reason: DirectoryRefusal;
  readonly about: string;
  readonly at: Seconds;
  /** Roots that it named for the first time. */
  readonly waiting: NewRoots;
}
/** Who this device is, once its certificate has been checked. */
export interface Identity {
  readonly device: DeviceId;
  readonly role: Role;
  readonly notAfter: Seconds;
  readonly certificate: Certificate;
  readonly network: { readonly chainId: number; readonly ledger: string; readonly publicBaseUrl: string };
}
/** Another device's sealed give that this one has checked and keeps, in case its giver loses it. */
export interface Witness {
  readonly id: string;
  readonly code: string;
  readonly seenAt: Seconds;
}
/** Whether this device was revoked, as it last heard. */
export interface Standing {
  readonly isRevoked: boolean;
  readonly heardAt: Seconds;
}
/** A mandate as the backend tells of it. */
export interface ToldMandate {
  readonly principal: DeviceId;
  readonly seq: Seq;
  readonly to: DeviceId;
  readonly left: Grams;
  readonly until: Seconds;
  readonly depth: number;
  readonly streams: number;
  readonly site: SiteId;
  readonly is_revoked: boolean;
  readonly parent: DeviceId;
  readonly parent_seq: Seq;
}
/** A give as this device knew it when it answered with a take; stream 0 where nobody had said. */
export interface TakenGive extends HeardGive {
  readonly basis: Basis;
}
/** A vehicle's first weighing, which waits for its second; nothing of it is sealed yet. */
export interface FirstWeighing {
  readonly lot: LotId;
  readonly grams: Grams;
  readonly at: Seconds;
  /** What the indicator answered; absent where the figure was typed. */
  readonly answer?: string;
}
/** Where the journal of the device goes on that has taken this one's place. */
export interface Successor {
  readonly database: string;
}
/** This device's next key, from before it is asked for until another device goes on with it. */
export interface Renewal {
  readonly key: DeviceKey;
  /** Once its certificate has come and was checked. */
  readonly next?: Identity;
}
interface Singles {
  key: DeviceKey;
  invitation: { readonly code: string };
  identity: Identity;
  directory: Directory;
  directoryRoots: Roots;
  directoryRefused: RefusedDirectory;
  /** The streets of this phone's route; absent: all of the organisation. */
  route: readonly SiteId[];
  serverTime: ServerTime;
  standing: Standing;
  mandates: readonly ToldMandate[];
  /** The published tolerance rules, as they were fetched. */
  tolerances: { readonly digest: string; readonly document: unknown };
  takenGives: readonly TakenGive[];
  /** Which crew uses a shared phone, until its shift ends. */
  signOn: { readonly code: string };
  firstWeighings: readonly FirstWeighing[];
  trimmed: Trimmed;
  /** Every node that this device was ever told to ask besides the server. */
  nodes: readonly string[];
  renewal: Renewal;
  /** Once this is there, nothing is added to this journal. */
  successor: Successor;
  /** Where the journal is that this one goes on from. */
  predecessor: { readonly database: string };
  /** Of a registrar's page: whether it renews phones without being asked each time. */
  renewing: { readonly byItself: boolean };
  /** The segment whose answer is not known: it is asked again exactly as it was. */
  inflight: { readonly firstSeq: Seq; readonly lastSeq: Seq };
}
interface Schema extends DBSchema {
  singles: { key: keyof Singles; value: Singles[keyof Singles] };
  entries: { key: Seq; value: StoredEntry; indexes: { by_state: string } };
  seals: { key: Seq; value: StoredSeal };
  receipts: { key: string; value: Receipt };
  bins: { key: string; value: DirectoryBin };
  witnesses: { key: string; value: Witness };
  photos: { key: Seq; value: StoredPhoto };
  answers: { key: string; value: StoredAnswer };
}
export type Database = IDBPDatabase<Schema>;

/** `lost` is called when the browser, or a newer version of the app in another tab, has closed it. */
export async function openDatabase(name: string, lost: () => void = () => undefined): Promise<Database> {
  return openDB<Schema>(name, 2, {
    upgrade(db, oldVersion) {
      if (oldVersion < 2) {
        db.createObjectStore("photos", { keyPath: "seq" });
        db.createObjectStore("answers", { keyPath: "id" });
      }
      if (oldVersion > 0) return;
      db.createObjectStore("singles");
      db.createObjectStore("entries", { keyPath: "seq" }).createIndex("by_state", "state.is");
      db.createObjectStore("seals", { keyPath: "seq" });
      db.createObjectStore("receipts", { keyPath: "id" });
      db.createObjectStore("bins", { keyPath: "serial_digest" });
      db.createObjectStore("witnesses", { keyPath: "id" });
    },
    blocking(_current, _next, event) {
      // Held open, it would keep the newer version from starting.
      (event.target as IDBDatabase | null)?.close();
      lost();
    },
    terminated: lost,
  });
}

/** Work that is over once the browser has closed the storage: `lost` was told then, and people are. */
export async function whileKept(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof DOMException && problem.name === "InvalidStateError")) throw problem;
  }
}

/** Asks the browser not to evict the journal; it may say no. */
export async function askToPersist(): Promise<boolean> {
  return (await navigator.storage?.persist?.()) ?? false;
}

export async function readSingle<K extends keyof Singles>(
  db: Database,
  name: K,
): Promise<Singles[K] | undefined> {
  return (await db.get("singles", name)) as Singles[K] | undefined;
}

export async function keepSingle<K extends keyof Singles>(
  db: Database,
  name: K,
  value: Singles[K],
): Promise<void> {
  const change = db.transaction("singles", "readwrite", { durability: "strict" });
  await change.store.put(value, name);
  await change.done;
}

export async function dropSingle(
  db: Database,
  name: "inflight" | "invitation" | "route" | "signOn",
): Promise<void> {
  await db.delete("singles", name);
}
