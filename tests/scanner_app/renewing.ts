/** A phone near the end of its certificate, its registrar with a software key, and a server between the two. */
import "fake-indexeddb/auto";
import { bytesToHex } from "../../scanner_app/src/domain/bytes.ts";
import type { Certificate } from "../../scanner_app/src/domain/certificate.ts";
import type { FieldName } from "../../scanner_app/src/domain/layout.ts";
import { renewalDigest } from "../../scanner_app/src/domain/renewal.ts";
import { type DeviceId, ROLE_CODE } from "../../scanner_app/src/domain/types.ts";
import { type DeviceKey, makeDeviceKey } from "../../scanner_app/src/sign/device_key.ts";
import { JournalWriter } from "../../scanner_app/src/sign/writer.ts";
import { Changes } from "../../scanner_app/src/store/changes.ts";
import {
  type Database,
  type Identity,
  keepSingle,
  openDatabase,
} from "../../scanner_app/src/store/database.ts";
import { Api, type RenewalRequest, type WaitingRenewal } from "../../scanner_app/src/sync/api.ts";
import { RenewalKeeper } from "../../scanner_app/src/sync/renewal.ts";
import { checkSeal } from "./check_seal.ts";
import { NETWORK, problem } from "./fakes.ts";
import { NOW, SoftwareDevice } from "./street.ts";

export const DAY = 86_400;
export const RENEWED = "0000020000000099" as DeviceId;
let phones = 0;

/** What a registrar sealed, as a certificate of the last entry that it wrote. */
export function certificateOf(registrar: SoftwareDevice): Certificate {
  const { seq, before } = registrar.witness();
  const { words } = registrar.witness();
  const { device, key, seal } = registrar.cut();
  return { registrar: device, first_seq: seq, words: bytesToHex(words), seq, prev_head: before, key, seal };
}

type RotateFields = Partial<Record<FieldName<"rotate">, number | bigint | string>>;

export class RenewingServer {
  readonly registrar = new SoftwareDevice("0000020000000001");
  readonly calls: string[] = [];
  asked: (RenewalRequest & { readonly device: DeviceId }) | undefined;
  certificate: Certificate | undefined;
  /** A problem that it answers requests with. */
  refusal: readonly [slug: string, status: number] | undefined;
  isCut = false;
  outcome = "applied";
  state = "included";

  enrol(
    device: string,
    key: { x: string; y: string },
    notAfter: number,
    fields: RotateFields = {},
  ): Certificate {
    const enrolment = { device, role: ROLE_CODE.crew, scheme: 1, not_after: notAfter, ...key, ...fields };
    this.registrar.write("enrol", enrolment);
    return certificateOf(this.registrar);
  }

  /** The registrar seals what was asked for, and may have sealed it wrongly. */
  approve(fields: RotateFields = {}, change: (made: Certificate) => Certificate = (made) => made): void {
    if (this.asked === undefined) throw new Error("nobody has asked");
    const { device, new_key } = this.asked;
    this.registrar.write("rotate", {
      device: RENEWED,
      role: ROLE_CODE.crew,
      scheme: 1,
      not_after: NOW + 35 * DAY,
      x: new_key.x,
      y: new_key.y,
      replaced: device,
      occurred_at: NOW,
      ...fields,
    });
    this.certificate = change(certificateOf(this.registrar));
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const path = String(input).replace("/api/v1", "");
    this.calls.push(path);
    if (this.isCut) throw new TypeError("no line");
    const [, , device] = path.split("/");
    if (path.endsWith("/renewal")) return this.renewal(device as DeviceId, JSON.parse(String(init?.body)));
    if (path.startsWith("/entries/")) return Response.json({ state: this.state, outcome: this.outcome });
    return problem("not-found", 404);
  };

  private renewal(device: DeviceId, asked: RenewalRequest): Response {
    if (this.refusal !== undefined) return problem(...this.refusal);
    const digest = renewalDigest({ ...NETWORK, device }, asked.new_key);
    if (!checkSeal(digest, asked.key, asked.seal)) return problem("bad-seal", 403);
    const before = this.asked;
    if (before !== undefined && before.new_key.x !== asked.new_key.x) return problem("renewal-differs", 409);
    this.asked = { ...asked, device };
    const certificate = this.certificate ?? null;
    const state = certificate === null ? "waiting" : "approved";
    return Response.json({ device, state, asked_at: "", renewed: null, certificate });
  }
}

export interface RenewingPhone {
  readonly db: Database;
  readonly changes: Changes;
  readonly key: DeviceKey;
  readonly identity: Identity;
  readonly writer: JournalWriter;
  readonly renewal: RenewalKeeper;
  /** What the screens know of it. */
  readonly rest: { isAtRest: boolean };
}

/** A crew's phone whose certificate ends in so many days. */
export async function renewingPhone(server: RenewingServer, days: number): Promise<RenewingPhone> {
  phones += 1;
  const device = `00000200000001${String(phones).padStart(2, "0")}` as DeviceId;
  const db = await openDatabase(`renewing-${phones}-${globalThis.crypto.randomUUID()}`);
  const key = await makeDeviceKey();
  const notAfter = NOW + days * DAY;
  const certificate = server.enrol(device, key.publicKey, notAfter);
  const identity: Identity = { device, role: "crew", notAfter, certificate, network: NETWORK };
  await keepSingle(db, "key", key);
  await keepSingle(db, "identity", identity);
  return { ...onDatabase(server, db, key, identity), db, key, identity };
}

/** The parts of a page that was opened on this database. */
export function onDatabase(server: RenewingServer, db: Database, key: DeviceKey, identity: Identity) {
  const changes = new Changes(db.name);
  const writer = new JournalWriter(db, changes, key, identity, () => NOW);
  const rest = { isAtRest: true };
  const api = new Api(server.fetch, () => "en");
  const isAtRest = async () => rest.isAtRest;
  const renewal = new RenewalKeeper({ db, changes, api, writer, identity, key, now: () => NOW, isAtRest });
  return { changes, writer, renewal, rest };
}

/** A request as the server lists it, of a phone with a software key. */
export function requestOf(
  phone: SoftwareDevice,
  certificate: Certificate | null,
  change: Partial<WaitingRenewal> = {},
): WaitingRenewal {
  const new_key = new SoftwareDevice(phone.id).key;
  const seal = phone.sign(renewalDigest({ ...NETWORK, device: phone.id }, new_key));
  const told = {
    device: phone.id,
    new_key,
    seal,
    asked_at: "2026-03-01T04:00:00Z",
    revoked: false,
    certificate,
  };
  return { ...told, ...change };
}
