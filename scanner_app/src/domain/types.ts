/** Names for values that must not be mixed. Ids are lower-case hex of their full width, as in the treaty. */
declare const brand: unique symbol;
type Brand<T, Name> = T & { readonly [brand]: Name };

export type OrganisationId = Brand<string, "OrganisationId">;
export type DeviceId = Brand<string, "DeviceId">;
export type LotId = Brand<string, "LotId">;
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

export function streamOf(code: number | bigint): Stream | undefined {
  return STREAMS[Number(code) - 1];
}

export function roleOf(code: number | bigint): Role | undefined {
  return ROLES[Number(code) - 1];
}

function id(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

export const deviceId = (value: bigint) => id(value, 16) as DeviceId;
export const lotId = (value: bigint) => id(value, 24) as LotId;
export const organisationId = (value: bigint) => id(value, 6) as OrganisationId;
export const binNumber = (value: bigint) => id(value, 10) as BinNumber;
export const head = (value: bigint) => id(value, 64) as Head;

export const numberOf = (hexId: string) => BigInt(`0x${hexId}`);

export const organisationOf = (device: DeviceId) => device.slice(0, 6) as OrganisationId;
export const openerOf = (lot: LotId) => lot.slice(0, 16) as DeviceId;
export const serialOf = (lot: LotId) => Number.parseInt(lot.slice(16), 16);

/** The organisation itself, where an entry asks for a device. */
export const deskOf = (organisation: OrganisationId) => `${organisation}0000000000` as DeviceId;

export function lotOf(device: DeviceId, serial: number): LotId {
  return `${device}${serial.toString(16).padStart(8, "0")}` as LotId;
}
