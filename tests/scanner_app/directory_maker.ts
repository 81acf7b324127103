/** A directory as a server tells it, sealed by software registrars, that tests can then spoil. */
import { bytesToHex, concatBytes, hexToBytes, keccak } from "../../scanner_app/src/domain/bytes.ts";
import type { Segment } from "../../scanner_app/src/domain/custody_state.ts";
import {
  DIRECTORY_FORMAT,
  type SealedRun,
  type ToldDirectory,
} from "../../scanner_app/src/domain/directory.ts";
import type { DirectoryTrust } from "../../scanner_app/src/domain/directory_check.ts";
import { keyHash } from "../../scanner_app/src/domain/seal.ts";
import {
  type DeviceId,
  type Head,
  type OrganisationId,
  type Role,
  ROLE_CODE,
  type Seq,
  type SiteId,
} from "../../scanner_app/src/domain/types.ts";
import { NETWORK, NOW, SoftwareDevice } from "./street.ts";

export const OURS = "000002" as OrganisationId;
export const STREET = "0000020000000001" as SiteId;
export const HALL = "0000030000000001" as SiteId;
export const PHONE = "0000020000000007" as DeviceId;

/** Spoilt as a test likes: what comes over the line has no types. */
export type Loose = any;

export const binHex = (number: number, stream = 3) =>
  [
    number.toString(16).padStart(10, "0"),
    bytesToHex(keccak(Uint8Array.of(number & 0xff, number >> 8))),
    stream.toString(16).padStart(2, "0"),
    NOW.toString(16).padStart(10, "0"),
  ].join("");

/** The carrier's root, the desk that it enrolled, and the station's root. */
export class Registry {
  readonly root = new SoftwareDevice("0000020000000001");
  readonly desk = new SoftwareDevice("0000020000000009");
  readonly station = new SoftwareDevice("0000030000000001");
  readonly runs: SealedRun[] = [];
  private readonly heads = new Map<DeviceId, Head>();

  constructor() {
    for (const device of [this.root, this.desk, this.station]) this.heads.set(device.id, device.head);
  }

  enrol(registrar: SoftwareDevice, id: string, role: Role, fields: object = {}, device?: SoftwareDevice): Seq {
    const { x, y } = (device ?? new SoftwareDevice(id)).key;
    const told = { device: id, role: ROLE_CODE[role], scheme: 1, x, y, occurred_at: NOW };
    return registrar.write("enrol", { ...told, ...fields });
  }

  place(registrar: SoftwareDevice, bins: string, site: string = STREET): Seq {
    const digest = bytesToHex(keccak(hexToBytes(bins)));
    return registrar.write("place", { site, count: bins.length / 86, digest, occurred_at: NOW });
  }

  /** Seals what a registrar has written as one run; answers with its place in the list. */
  seal(registrar: SoftwareDevice): number {
    const before = this.heads.get(registrar.id) as Head;
    const run = runOf(registrar.cut(), before);
    this.heads.set(registrar.id, registrar.head);
    this.runs.push(run);
    return this.runs.length - 1;
  }
}

export function runOf(segment: Segment, before: Head): SealedRun {
  return {
    registrar: segment.device,
    first_seq: segment.firstSeq,
    prev_head: before,
    words: bytesToHex(segment.words),
    key: segment.key,
    seal: segment.seal,
    assertion: "",
  };
}

export interface Made {
  readonly registry: Registry;
  readonly told: ToldDirectory;
  readonly trust: DirectoryTrust;
}

/** A street of `count` bins and one unsealed, two crews, a gate, a hall: a chain of two links and one of one. */
export function makeDirectory(count = 3): Made {
  const registry = new Registry();
  const { root, desk, station } = registry;
  const deskSeq = registry.enrol(root, desk.id, "registrar", {}, desk);
  const streetSeq = root.write("site", { site: STREET, site_kind: 1, occurred_at: NOW });
  const top = registry.seal(root);
  const crewSeqs = [PHONE, "0000020000000008"].map((id) => registry.enrol(desk, id, "crew"));
  const crews = registry.seal(desk);
  const bins = Array.from({ length: count }, (_, at) => binHex(at + 1)).join("");
  const placeSeq = registry.place(desk, bins);
  const placed = registry.seal(desk);
  const gateSeq = registry.enrol(station, "0000030000000005", "gate");
  const hallSeq = station.write("site", { site: HALL, site_kind: 2, occurred_at: NOW });
  const gates = registry.seal(station);
  const name = (text: string) => ({ zh: text, en: text });
  const told = {
    format: DIRECTORY_FORMAT,
    chain_id: NETWORK.chainId,
    ledger: NETWORK.ledger,
    organisation: OURS,
    dated_at: new Date(NOW * 1000).toISOString(),
    organisations: [{ id: OURS, name: name("carrier") }],
    sites: [
      { id: STREET, kind: 1, organisation: OURS, name: name("street"), run: top, seq: streetSeq },
      { id: HALL, kind: 2, organisation: "000003", name: name("hall"), run: gates, seq: hallSeq },
      { id: "0000030000000002", kind: 3, organisation: "000003", name: name("park"), run: null, seq: null },
    ],
    streets: [{ site: STREET, bins: count + 1 }],
    bins_left_out: false,
    points: Array.from({ length: count + 1 }, (_, at) => name(`point ${at}`)),
    placements: [
      {
        site: STREET,
        run: placed,
        seq: placeSeq,
        bins,
        points: Array.from({ length: count }, (_, at) => at),
      },
    ],
    bins: [
      {
        number: "00000000ff",
        serial_digest: "ab".repeat(32),
        stream: 4,
        site: STREET,
        point: count,
        placed_from: NOW,
      },
    ],
    devices: [
      { device: PHONE, role: 1, run: crews, seq: crewSeqs[0] },
      { device: "0000020000000008", role: 1, run: crews, seq: crewSeqs[1] },
      { device: "0000030000000005", role: 2, run: gates, seq: gateSeq },
    ],
    roots: [root, station].map(({ id, key }) => ({ device: id, key_hash: keyHash(key) })),
    registrars: [{ device: desk.id, run: top, seq: deskSeq, seen_seq: null }],
    runs: registry.runs,
  } as unknown as ToldDirectory;
  const trust: DirectoryTrust = {
    network: NETWORK,
    organisation: OURS,
    roots: Object.fromEntries(told.roots.map(({ device, key_hash }) => [device, key_hash])),
    enrolledBy: { registrar: desk.id, key: desk.key },
  };
  return { registry, told, trust };
}

/** A copy that a test may write into. */
export const copyOf = (told: ToldDirectory): Loose => JSON.parse(JSON.stringify(told));

/** The same bytes with one digit changed. */
export function withOneDigitOff(hex: string, at = hex.length - 1): string {
  const digit = ((Number.parseInt(hex[at] ?? "0", 16) + 1) & 15).toString(16);
  return hex.slice(0, at) + digit + hex.slice(at + 1);
}

export const joined = (...parts: readonly string[]) => bytesToHex(concatBytes(...parts.map(hexToBytes)));
