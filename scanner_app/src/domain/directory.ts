/** A route's directory as the server tells it, and what is left of it once it has been checked. Source: docs/spec/directory.md. */
import type { PublicKey, Seal } from "./seal.ts";
import type { DeviceId, Head, OrganisationId, Role, Seconds, Seq, SiteId } from "./types.ts";

export const DIRECTORY_FORMAT = "huanlian-directory-1";

export interface ToldName {
  readonly zh: string;
  readonly en: string;
}
/** Which run holds an entry, and its seq there. */
export interface EntryPlace {
  readonly run: number;
  readonly seq: Seq;
}
/** The end of a registrar's sealed segment. */
export interface SealedRun {
  readonly registrar: DeviceId;
  readonly first_seq: Seq;
  readonly prev_head: Head;
  readonly words: string;
  readonly key: PublicKey;
  readonly seal: Seal;
  /** Of a passkey; empty for a raw seal. */
  readonly assertion: string;
}
export interface ToldSite {
  readonly id: SiteId;
  readonly kind: number;
  readonly organisation: OrganisationId;
  readonly name: ToldName;
  /** Null where nobody has sealed what the site is. */
  readonly run: number | null;
  readonly seq: Seq | null;
}
export interface ToldPlacement extends EntryPlace {
  readonly site: SiteId;
  /** 43 bytes a bin, as hex. */
  readonly bins: string;
  /** Each bin's place among the points; null where it does not stand any more. */
  readonly points: readonly (number | null)[];
}
export interface ToldBin {
  readonly number: string;
  readonly serial_digest: string;
  readonly stream: number;
  readonly site: SiteId;
  readonly point: number;
  readonly placed_from: Seconds;
}
export interface ToldDirectory {
  readonly chain_id: number;
  readonly ledger: string;
  readonly organisation: OrganisationId;
  readonly dated_at: string;
  readonly organisations: readonly { readonly id: OrganisationId; readonly name: ToldName }[];
  readonly sites: readonly ToldSite[];
  readonly streets: readonly { readonly site: SiteId; readonly bins: number }[];
  readonly bins_left_out: boolean;
  readonly points: readonly ToldName[];
  readonly placements: readonly ToldPlacement[];
  readonly bins: readonly ToldBin[];
  readonly devices: readonly (EntryPlace & { readonly device: DeviceId; readonly role: number })[];
  readonly roots: readonly { readonly device: DeviceId; readonly key_hash: string }[];
  readonly registrars: readonly (EntryPlace & {
    readonly device: DeviceId;
    /** Of a revoked one: the last seq that counts. */
    readonly seen_seq: Seq | null;
  })[];
  readonly runs: readonly SealedRun[];
}

/** Why a directory is not believed. */
export const DIRECTORY_REFUSALS = [
  "form",
  "network",
  "root",
  "link",
  "registrar",
  "key",
  "seal",
  "entry",
  "revoked",
  "expired",
  "bins",
] as const;
export type DirectoryRefusal = (typeof DIRECTORY_REFUSALS)[number];

/** A directory is refused whole for the first thing in it that does not hold; `about` says which. */
export class DirectoryRefused extends Error {
  override readonly name = "DirectoryRefused";
  constructor(
    readonly reason: DirectoryRefusal,
    readonly about: string,
  ) {
    super(`${reason}: ${about}`);
  }
}

/** A device whose enrolment was checked up to the root. */
export interface CheckedDevice {
  readonly device: DeviceId;
  readonly role: Role;
  readonly notAfter: Seconds;
  readonly key: PublicKey;
}
/** A bin on the route; where nobody has sealed that it stands there, it is a hint. */
export interface StandingBin {
  readonly number: string;
  readonly serialDigest: string;
  readonly stream: number;
  readonly site: SiteId;
  readonly point: number;
  readonly placedFrom: Seconds;
  readonly isSealed: boolean;
}
export interface CheckedDirectory {
  readonly devices: readonly CheckedDevice[];
  /** Those whose kind a registrar has sealed. */
  readonly sites: readonly SiteId[];
  /** In the order of the street. */
  readonly bins: readonly StandingBin[];
  /** How many seals were checked. */
  readonly seals: number;
}
