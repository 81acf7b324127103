import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { bytesToHex } from "../../../scanner_app/src/domain/bytes.ts";
import type { Certificate } from "../../../scanner_app/src/domain/certificate.ts";
import { emptyJournal } from "../../../scanner_app/src/domain/journal.ts";
import type { PublicKey } from "../../../scanner_app/src/domain/seal.ts";
import { ROLE_CODE } from "../../../scanner_app/src/domain/types.ts";
import { openDatabase, readSingle } from "../../../scanner_app/src/store/database.ts";
import { Api } from "../../../scanner_app/src/sync/api.ts";
import { askProgress, offerKey, requireKey } from "../../../scanner_app/src/sync/enrolment.ts";
import { NETWORK, SoftwareDevice } from "../street.ts";

const CODE = "invitation";
const DEVICE = "0000040000000009";
let phones = 0;

/** A server that answers each path with what it is given. */
function served(answers: Readonly<Record<string, readonly [status: number, body: object]>>): Api {
  const fetching: typeof fetch = async (input) => {
    const path = String(input).replace("/api/v1", "");
    const [status, body] = answers[path] ?? [404, { type: "/problems/not-found" }];
    const type = status < 300 ? "application/json" : "application/problem+json";
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": type } });
  };
  return new Api(fetching, () => "en");
}

/** What a registrar sealed for this key, and may have sealed wrongly. */
function certify(key: PublicKey, fields: object = {}, registrarId = "0000040000000001"): Certificate {
  const registrar = new SoftwareDevice(registrarId);
  const prev_head = emptyJournal({ ...NETWORK, device: registrar.id }).head;
  const seq = registrar.write("enrol", {
    device: DEVICE,
    role: ROLE_CODE.gate,
    scheme: 1,
    x: key.x,
    y: key.y,
    ...fields,
  });
  const { device, firstSeq, words, key: sealing, seal } = registrar.cut();
  return { registrar: device, first_seq: firstSeq, words: bytesToHex(words), seq, prev_head, key: sealing, seal };
}

async function progressOf(change: (certificate: Certificate) => Certificate, told: object = {}, fields: object = {}) {
  phones += 1;
  const db = await openDatabase(`enrolling-${phones}`);
  const certificate = change(certify(await requireKey(db), fields));
  const api = served({
    "/network": [200, { chain_id: NETWORK.chainId, ledger: NETWORK.ledger, public_base_url: "http://localhost" }],
    [`/enrolments/${CODE}`]: [
      200,
      { state: "approved", organisation: "000004", role: 2, device: DEVICE, certificate, ...told },
    ],
  });
  return { progress: await askProgress(db, api, CODE), identity: await readSingle(db, "identity") };
}
const same = (certificate: Certificate) => certificate;

describe("a certificate that was sent", () => {
  it("is kept when it is of this key, for the organisation and purpose that invited", async () => {
    const { progress, identity } = await progressOf(same);
    expect(progress.is).toBe("enrolled");
    expect(identity).toMatchObject({ device: DEVICE, role: "gate" });
  });

  const forged = (certificate: Certificate) => ({
    ...certificate,
    seal: { ...certificate.seal, r: `${certificate.seal.r.slice(1)}0` },
  });
  it.each([
    ["unreadable", (certificate: Certificate) => ({ ...certificate, words: "00" }), {}, {}],
    ["key", same, {}, { x: "1", y: "2" }],
    ["device", same, { device: "0000040000000008" }, {}],
    ["organisation", same, { organisation: "000002" }, {}],
    ["role", same, { role: 1 }, {}],
    ["seal", forged, {}, {}],
  ] as const)("is not believed for its %s, and nothing is kept", async (why, change, told, fields) => {
    const { progress, identity } = await progressOf(change, told, fields);
    expect(progress).toEqual({ is: "disbelieved", why });
    expect(identity).toBeUndefined();
  });
});

describe("an invitation", () => {
  it.each(["code-used", "code-expired", "unknown-code"])("that is refused says why: %s", async (slug) => {
    const db = await openDatabase(`refused-${slug}`);
    const problem = { type: `http://localhost/problems/${slug}`, title: "no", detail: "", retryable: false };
    const api = served({ [`/enrolments/${CODE}/key`]: [409, problem] });
    expect(await offerKey(db, api, CODE)).toEqual({ is: "refused", slug, detail: "no" });
    expect(await readSingle(db, "invitation")).toBeUndefined();
  });

  it("is kept while the server cannot be reached", async () => {
    const db = await openDatabase("unreached");
    const api = new Api(() => Promise.reject(new TypeError("no line")), () => "en");
    expect(await offerKey(db, api, CODE)).toEqual({ is: "unreachable" });
    expect(await readSingle(db, "invitation")).toEqual({ code: CODE });
  });
});
