/** Checks a directory against registrars' seals: what it says is read out of their entries, not out of its fields. */
import { bytesToHex, hexToBytes, keccak } from "./bytes.ts";
import {
  type CheckedDevice,
  type CheckedDirectory,
  DirectoryRefused,
  type EntryPlace,
  type SealedRun,
  type StandingBin,
  type ToldDirectory,
  type ToldPlacement,
} from "./directory.ts";
import type { Roots } from "./directory_roots.ts";
import { type Entry, firstHead, rollHead, splitWords, unpackEntry } from "./journal.ts";
import { keyHash, type PublicKey, type Seal, sealDigest } from "./seal.ts";
import {
  type DeviceId,
  deviceId,
  head,
  type OrganisationId,
  organisationOf,
  roleOf,
  SCHEME,
  type Seq,
  type SiteId,
  siteId,
} from "./types.ts";
import { assertedMessage } from "./webauthn.ts";

/** What the phone believes before it opens a directory. */
export interface DirectoryTrust {
  readonly network: { readonly chainId: number; readonly ledger: string };
  readonly organisation: OrganisationId;
  readonly roots: Roots;
  /** The registrar who enrolled this very phone. */
  readonly enrolledBy: { readonly registrar: DeviceId; readonly key: PublicKey };
}
export interface Checking {
  isSeal(message: Uint8Array, key: PublicKey, seal: Seal): Promise<boolean>;
  /** Called between two pieces of work, so that the screen stays alive. */
  pause(): Promise<void>;
}

/** Who may seal for an organisation, and how far. */
interface Signer {
  readonly keyHash: string;
  readonly seenSeq: Seq | null;
  /** Of a passkey. */
  readonly originDigest?: bigint;
}
interface Run {
  readonly registrar: DeviceId;
  readonly entries: ReadonlyMap<Seq, Entry>;
}
interface Enrolled extends CheckedDevice {
  readonly originDigest?: bigint;
}
const BIN_HEX = 86;

/**
 * 1. It is of this phone's chain, ledger and organisation. 2. Registrars lead up to a root that is believed, one
 * sealing the next. 3. Every run is sealed by the key of its registrar. 4. Every device, site and placement is what
 * a registrar of its organisation sealed while that registrar counted. 5. No device has ended, and none is revoked
 * by an entry that is shown. 6. A placement's bins are those of its digest.
 */
export async function checkDirectory(
  told: ToldDirectory,
  trust: DirectoryTrust,
  checking: Checking,
): Promise<CheckedDirectory> {
  // 1.
  const { chainId, ledger } = trust.network;
  if (told.chain_id !== chainId || told.ledger !== ledger.replace(/^0x/, "").toLowerCase()) {
    throw new DirectoryRefused("network", `${told.chain_id} ${told.ledger}`);
  }
  if (told.organisation !== trust.organisation) throw new DirectoryRefused("form", "organisation");
  const check = new DirectoryCheck(told, trust, checking);
  return check.all();
}

class DirectoryCheck {
  private readonly signers = new Map<DeviceId, Signer>();
  private readonly runs = new Map<number, Run>();

  constructor(
    private readonly told: ToldDirectory,
    private readonly trust: DirectoryTrust,
    private readonly checking: Checking,
  ) {}

  async all(): Promise<CheckedDirectory> {
    const { told, trust } = this;
    // 2.
    for (const { device } of told.roots) {
      const hash = trust.roots[device];
      if (hash === undefined) throw new DirectoryRefused("root", device);
      this.signers.set(device, { keyHash: hash, seenSeq: null });
    }
    for (const each of told.registrars) {
      const enrolled = await this.enrolment(each.device, each);
      if (enrolled.role !== "registrar") throw new DirectoryRefused("registrar", each.device);
      this.signers.set(each.device, {
        keyHash: keyHash(enrolled.key),
        seenSeq: each.seen_seq,
        ...(enrolled.originDigest !== undefined && { originDigest: enrolled.originDigest }),
      });
    }
    const own = this.signers.get(trust.enrolledBy.registrar);
    if (own !== undefined && own.keyHash !== keyHash(trust.enrolledBy.key)) {
      throw new DirectoryRefused("key", trust.enrolledBy.registrar);
    }
    // 3.
    for (let at = 0; at < told.runs.length; at += 1) await this.run(at);
    // 4. to 6.
    const devices = await this.devices();
    const sites = await this.sites();
    const bins = await this.bins();
    return { devices, sites, bins, seals: told.runs.length };
  }

  private async run(at: number): Promise<Run> {
    const known = this.runs.get(at);
    if (known !== undefined) return known;
    const told = this.told.runs[at];
    if (told === undefined) throw new DirectoryRefused("link", `run ${at}`);
    const { registrar } = told;
    const signer = this.signers.get(registrar);
    if (signer === undefined) throw new DirectoryRefused("link", registrar);
    if (keyHash(told.key) !== signer.keyHash) throw new DirectoryRefused("key", registrar);
    const { entries, lastSeq, digest } = this.roll(told);
    const assertion = hexToBytes(told.assertion);
    const { originDigest } = signer;
    const message =
      originDigest !== undefined
        ? assertedMessage(digest, originDigest, assertion)
        : assertion.length === 0
          ? digest
          : undefined;
    const isGood = message !== undefined && (await this.checking.isSeal(message, told.key, told.seal));
    if (!isGood) throw new DirectoryRefused("seal", `${registrar} ${lastSeq}`);
    await this.checking.pause();
    const run = { registrar, entries };
    this.runs.set(at, run);
    return run;
  }

  /** The entries by their seq, and the digest that the registrar must have sealed. */
  private roll(told: SealedRun) {
    const place = { ...this.trust.network, device: told.registrar };
    if (told.first_seq === 1 && told.prev_head !== firstHead(place)) {
      throw new DirectoryRefused("seal", `${told.registrar} 1`);
    }
    let words: Uint8Array[];
    try {
      words = splitWords(hexToBytes(told.words));
    } catch (problem) {
      throw new DirectoryRefused("form", String(problem));
    }
    const entries = new Map<Seq, Entry>();
    words.forEach((each, at) => {
      const read = unpackEntry(each);
      if (read.is === "known") entries.set(told.first_seq + at, read.entry);
    });
    const lastSeq = told.first_seq + words.length - 1;
    const digest = sealDigest(place, lastSeq, words.reduce(rollHead, told.prev_head));
    return { entries, lastSeq, digest };
  }

  /** An entry that a registrar of this organisation sealed while its word counted. */
  private async sealed(place: EntryPlace, organisation: OrganisationId): Promise<Entry> {
    const { registrar, entries } = await this.run(place.run);
    const entry = entries.get(place.seq);
    const about = `${registrar} ${place.seq}`;
    if (entry === undefined) throw new DirectoryRefused("entry", about);
    if (organisationOf(registrar) !== organisation) throw new DirectoryRefused("registrar", about);
    const signer = this.signers.get(registrar);
    if (signer === undefined) throw new DirectoryRefused("link", registrar);
    if (signer.seenSeq !== null && place.seq > signer.seenSeq) throw new DirectoryRefused("revoked", about);
    return entry;
  }

  private async enrolment(device: DeviceId, place: EntryPlace): Promise<Enrolled> {
    const entry = await this.sealed(place, organisationOf(device));
    const isOne = entry.kind === "enrol" || entry.kind === "rotate";
    const role = isOne ? roleOf(entry.fields.role) : undefined;
    if (!isOne || role === undefined || deviceId(entry.fields.device) !== device) {
      throw new DirectoryRefused("entry", device);
    }
    const { x, y, not_after: notAfter, scheme, origin } = entry.fields;
    const enrolled = { device, role, notAfter: Number(notAfter), key: { x: head(x), y: head(y) } };
    return Number(scheme) === SCHEME.webauthn ? { ...enrolled, originDigest: origin } : enrolled;
  }

  private async devices(): Promise<CheckedDevice[]> {
    const revoked = this.revoked();
    for (const { device, seen_seq: seenSeq } of this.told.registrars) {
      if (seenSeq === null && revoked.has(device)) throw new DirectoryRefused("revoked", device);
    }
    const datedAt = Math.floor(Date.parse(this.told.dated_at) / 1000);
    const found: CheckedDevice[] = [];
    for (const each of this.told.devices) {
      const { originDigest: _, ...enrolled } = await this.enrolment(each.device, each);
      if (roleOf(each.role) !== enrolled.role) throw new DirectoryRefused("entry", each.device);
      if (enrolled.notAfter !== 0 && enrolled.notAfter < datedAt) {
        throw new DirectoryRefused("expired", each.device);
      }
      if (revoked.has(each.device)) throw new DirectoryRefused("revoked", each.device);
      found.push(enrolled);
    }
    return found;
  }

  /** The devices that a registrar of their organisation revokes in a run that is here. */
  private revoked(): Set<DeviceId> {
    const found = new Set<DeviceId>();
    for (const { registrar, entries } of this.runs.values()) {
      for (const [seq, entry] of entries) {
        if (entry.kind !== "revoke") continue;
        const device = deviceId(entry.fields.device);
        const seen = this.signers.get(registrar)?.seenSeq ?? null;
        const counts = organisationOf(device) === organisationOf(registrar) && device !== registrar;
        if (counts && (seen === null || seq <= seen)) found.add(device);
      }
    }
    return found;
  }

  private async sites(): Promise<SiteId[]> {
    const found: SiteId[] = [];
    for (const { id, kind, run, seq } of this.told.sites) {
      if (run === null || seq === null) continue;
      const entry = await this.sealed({ run, seq }, organisationOf(id));
      const isIt = entry.kind === "site" && siteId(entry.fields.site) === id;
      if (!isIt || Number(entry.fields.site_kind) !== kind) throw new DirectoryRefused("entry", id);
      found.push(id);
    }
    return found;
  }

  private async bins(): Promise<StandingBin[]> {
    const found: StandingBin[] = [];
    for (const placement of this.told.placements) {
      const entry = await this.sealed(placement, organisationOf(placement.site));
      if (entry.kind !== "place" || siteId(entry.fields.site) !== placement.site) {
        throw new DirectoryRefused("entry", placement.site);
      }
      const count = placement.bins.length / BIN_HEX;
      const digest = bytesToHex(keccak(hexToBytes(placement.bins)));
      const isIt = Number(entry.fields.count) === count && head(entry.fields.digest) === digest;
      if (!isIt || placement.points.length !== count) throw new DirectoryRefused("bins", placement.site);
      found.push(...standing(placement));
      await this.checking.pause();
    }
    for (const { number, serial_digest: serialDigest, stream, site, point, placed_from } of this.told.bins) {
      found.push({ number, serialDigest, stream, site, point, placedFrom: placed_from, isSealed: false });
    }
    const wrong = found.find(({ point }) => point >= this.told.points.length);
    if (wrong !== undefined) throw new DirectoryRefused("form", "points");
    return found.sort((a, b) => a.point - b.point || a.stream - b.stream || (a.number < b.number ? -1 : 1));
  }
}

function standing({ site, bins, points }: ToldPlacement): StandingBin[] {
  return points.flatMap((point, at) => {
    if (point === null) return [];
    const one = bins.slice(at * BIN_HEX, (at + 1) * BIN_HEX);
    const bin = {
      number: one.slice(0, 10),
      serialDigest: one.slice(10, 74),
      stream: Number.parseInt(one.slice(74, 76), 16),
      site,
      point,
      placedFrom: Number.parseInt(one.slice(76), 16),
      isSealed: true,
    };
    return [bin];
  });
}
