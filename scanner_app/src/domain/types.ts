/** Names for values that must not be mixed. Ids are lower-case hex of their full width, as in the treaty. */
declare const brand: unique symbol;
type Brand<T, Name> = T & { readonly [brand]: Name };

export type OrganisationId = Brand<string, "OrganisationId">;
export type DeviceId = Brand<string, "DeviceId">;
export type LotId = Brand<string, "LotId">;
export type SiteId = Brand<string, "SiteId">;
export type BinNumber = Brand<string, "BinNumber">;
/** 32 bytes as 64 hex digits. */
export type Head = Brand<string, "Head">;
export type Seq = number;
export type Grams = number;
/** Unix seconds on some clock; the name of the variable says whose. */
export type Seconds = number;

export const STREAMS = ["recyclable", "hazardous", "food", "residual"] as const;
export type Stream = (typeof STREAMS)[number];
export const STREAM_CODE: Readonly<Record<Stream, number>> = {
  recyclable: 1,
  hazardous: 2,
  food: 3,
  residual: 4,
};

export const ROLES = ["crew", "gate", "scale", "registrar", "office"] as const;
export type Role = (typeof ROLES)[number];
export const ROLE_CODE: Readonly<Record<Role, number>> = {
  crew: 1,
  gate: 2,
  scale: 3,
  registrar: 4,
  office: 5,
};

export type Grade = 0 | 1 | 2 | 3;
export const BASIS = { estimated: 1, onBoardScale: 2, weighed: 3 } as const;

export const OUTCOMES = [
  "applied",
  "deferred",
  "late",
  "conflict",
  "quarantined",
  "invalid",
  "unknown",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What is wrong with an entry, where that has a name of its own. */
export const FLAWS = [
  "none",
  "mixed",
  "unattested",
  "not-a-scale",
  "ticket-skipped",
  "ticket-repeated",
  "calibration-expired",
  "cleaner-stream",
  "mandate-foreign",
  "mandate-ended",
  "mandate-expired",
  "mandate-stream",
  "mandate-site",
  "mandate-grams",
  "mandate-depth",
  "forked",
] as const;
export type Flaw = (typeof FLAWS)[number];

/** Why the ledger stored nothing of a segment, or of a witness. */
export const REFUSALS = [
  "unknown-device",
  "wrong-key",
  "bad-seal",
  "gap",
  "already-recorded",
  "overlap",
  "malformed",
  "fork",
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Why a crew did not collect a bin, in the order of their codes, from 1. */
export const DECLINE_REASONS = [
  "mixed",
  "hazardous-inside",
  "construction-waste",
  "bulky-item",
  "liquid",
  "overfull",
  "bin-damaged",
  "bin-not-reachable",
] as const;
export type DeclineReason = (typeof DECLINE_REASONS)[number];

export const SCHEME = { raw: 1, webauthn: 2 } as const;
export const MANDATE_OP = { grant: 1, revoke: 2 } as const;
export const VERDICT = { acknowledged: 1, contested: 2, released: 3, claimed: 4 } as const;
export const FATE = { product: 1, residue: 2, loss: 3, energy: 4 } as const;

/** What the ledger says of one entry: an outcome, and what is wrong with it, if it says. */
export interface Answer {
  readonly outcome: Outcome;
  readonly flaw: Flaw;
}

/** One byte: the outcome in its low four bits, the flaw in its high four. */
export function byteOf({ outcome, flaw }: Answer): number {
  return (OUTCOMES.indexOf(outcome) + 1) | (FLAWS.indexOf(flaw) << 4);
}

/** What a byte says; undefined for 0, not recorded, and for codes that this app does not know. */
export function answerOf(byte: number): Answer | undefined {
  const outcome = OUTCOMES[(byte & 0xf) - 1];
  const flaw = FLAWS[byte >> 4];
  return outcome === undefined || flaw === undefined ? undefined : { outcome, flaw };
}

export function streamOf(code: number | bigint): Stream | undefined {
  return STREAMS[Number(code) - 1];
}

export function declineReasonOf(code: number | bigint): DeclineReason | undefined {
  return DECLINE_REASONS[Number(code) - 1];
}

export const declineCode = (reason: DeclineReason) => DECLINE_REASONS.indexOf(reason) + 1;

export function roleOf(code: number | bigint): Role | undefined {
  return ROLES[Number(code) - 1];
}

function id(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

export const deviceId = (value: bigint) => id(value, 16) as DeviceId;
export const siteId = (value: bigint) => id(value, 16) as SiteId;
export const lotId = (value: bigint) => id(value, 24) as LotId;
export const organisationId = (value: bigint) => id(value, 6) as OrganisationId;
export const binNumber = (value: bigint) => id(value, 10) as BinNumber;
export const head = (value: bigint) => id(value, 64) as Head;

export const numberOf = (hexId: string) => BigInt(`0x${hexId}`);

/** Nobody who is registered, where an entry asks for a device. */
export const NOBODY = deviceId(0n);
export const NO_ORGANISATION = organisationId(0n);
export const NO_LOT = lotId(0n);
export const NO_SITE = siteId(0n);

export const organisationOf = (device: DeviceId | SiteId) => device.slice(0, 6) as OrganisationId;
export const openerOf = (lot: LotId) => lot.slice(0, 16) as DeviceId;
export const serialOf = (lot: LotId) => Number.parseInt(lot.slice(16), 16);

/** The organisation itself, where an entry asks for a device. */
export const deskOf = (organisation: OrganisationId) => `${organisation}0000000000` as DeviceId;

export function lotOf(device: DeviceId, serial: number): LotId {
  return `${device}${serial.toString(16).padStart(8, "0")}` as LotId;
}

/** Says whether an id is a device's, and not the organisation's itself (serial 0). */
export const hasSerial = (device: DeviceId) => !device.endsWith("0000000000");
