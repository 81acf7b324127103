import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { unpackEntry } from "../../../scanner_app/src/domain/journal.ts";
import { CREW_VALID_SECONDS } from "../../../scanner_app/src/domain/renewal.ts";
import { deviceId, head, ROLE_CODE } from "../../../scanner_app/src/domain/types.ts";
import { KeyRevoked } from "../../../scanner_app/src/sign/writer.ts";
import { keepSingle, readSingle } from "../../../scanner_app/src/store/database.ts";
import { readEntries } from "../../../scanner_app/src/store/journal.ts";
import { Api, type WaitingRenewal } from "../../../scanner_app/src/sync/api.ts";
import { RenewalDesk } from "../../../scanner_app/src/sync/renewal_desk.ts";
import { newPhone, type Phone } from "../phone.ts";
import { certificateOf, DAY, requestOf } from "../renewing.ts";
import { NOW, SoftwareDevice } from "../street.ts";

const ROOT = new SoftwareDevice("0000020000000001");

/** A registrar's page, whose registrar enrolled the phones that ask. */
async function openDesk(page?: Phone) {
  const opened = page ?? (await newPhone("registrar"));
  const requests: WaitingRenewal[] = [];
  const line = { isCut: false };
  const fetching: typeof fetch = async () => {
    if (line.isCut) throw new TypeError("no line");
    return Response.json({ renewals: requests });
  };
  const api = new Api(fetching, () => "en");
  const { key } = ROOT;
  const certificate = { registrar: ROOT.id, first_seq: 1, words: "", seq: 1, prev_head: head(0n), key };
  const identity = { ...opened.identity, certificate: { ...certificate, seal: { r: "", s: "" } } };
  const desk = new RenewalDesk({ ...opened, identity, api, ownKey: opened.key.publicKey, now: () => NOW });
  return { desk, requests, line, page: opened };
}

function ask(serial: number, days = 9): WaitingRenewal {
  const phone = new SoftwareDevice(`00000200000002${String(serial).padStart(2, "0")}`);
  const { x, y } = phone.key;
  ROOT.write("enrol", {
    device: phone.id,
    role: ROLE_CODE.crew,
    scheme: 1,
    not_after: NOW + days * DAY,
    x,
    y,
  });
  return requestOf(phone, certificateOf(ROOT));
}

async function sealed({ db }: Phone) {
  return (await readEntries(db, 1)).flatMap(({ words }) => {
    const read = unpackEntry(words);
    return read.is === "known" && read.entry.kind === "rotate" ? [read.entry.fields] : [];
  });
}

describe("a registrar's page", () => {
  it("renews all that are in order at one tap, each in the place of its phone", async () => {
    const { desk, requests, page } = await openDesk();
    const forged = ask(3);
    requests.push(ask(1), ask(2, -30), { ...forged, seal: ask(4).seal });
    await desk.round();
    expect(desk.judged.map(({ is }) => is)).toEqual(["renewable", "renewable", "refused"]);
    expect(await sealed(page)).toEqual([]);
    await desk.renewAll();
    const entries = await sealed(page);
    expect(entries.map(({ replaced }) => deviceId(replaced))).toEqual(
      requests.slice(0, 2).map(({ device }) => device),
    );
    expect(entries.map(({ x }) => head(x))).toEqual(requests.slice(0, 2).map(({ new_key }) => new_key.x));
    for (const { role, scheme, not_after, origin } of entries) {
      expect([role, scheme, origin]).toEqual([1n, 1n, 0n]);
      expect(Number(not_after)).toBe(NOW + CREW_VALID_SECONDS);
    }
    expect(new Set(entries.map(({ device }) => device)).size).toBe(2);
    expect(desk.judged.map(({ is }) => is)).toEqual(["sealed", "sealed", "refused"]);
  });

  it("seals none twice, when it is tapped again or the server still lists it", async () => {
    const { desk, requests, page } = await openDesk();
    requests.push(ask(1));
    await desk.round();
    await Promise.all([desk.renewAll(), desk.renewAll()]);
    await desk.round();
    await desk.renewAll();
    expect(await sealed(page)).toHaveLength(1);
  });

  it("does nothing by itself unless that was chosen, and remembers the choice", async () => {
    const { desk, requests, page } = await openDesk();
    requests.push(ask(1));
    await desk.round();
    await desk.round();
    expect(await sealed(page)).toEqual([]);
    await desk.renewByItself(true);
    await desk.round();
    expect(await sealed(page)).toHaveLength(1);
    expect(await readSingle(page.db, "renewing")).toEqual({ byItself: true });
    requests.push(ask(2));
    await desk.renewByItself(false);
    await desk.round();
    expect(await sealed(page)).toHaveLength(1);
    expect(await readSingle(page.db, "renewing")).toEqual({ byItself: false });
  });

  it("leaves a phone whose certificate has ended to a person", async () => {
    const { desk, requests, page } = await openDesk();
    requests.push(ask(1, -1), ask(2));
    await desk.renewByItself(true);
    await desk.round();
    expect((await sealed(page)).map(({ replaced }) => deviceId(replaced))).toEqual([requests[1]?.device]);
    await desk.renewAll();
    expect(await sealed(page)).toHaveLength(2);
  });

  it("stops renewing by itself when nothing can be sealed, and says why", async () => {
    const { desk, requests, page } = await openDesk();
    requests.push(ask(1));
    await keepSingle(page.db, "standing", { isRevoked: true, heardAt: NOW });
    await desk.renewByItself(true);
    await desk.round();
    expect(desk.failure).toBeInstanceOf(KeyRevoked);
    expect(desk.byItself).toBe(false);
    await expect(desk.renewAll()).rejects.toThrow(KeyRevoked);
  });

  it("keeps what it heard while the server does not answer, and seals nothing meanwhile", async () => {
    const { desk, requests, line, page } = await openDesk();
    requests.push(ask(1));
    await desk.round();
    await desk.renewByItself(true);
    line.isCut = true;
    await desk.round();
    expect(desk.judged).toHaveLength(1);
    expect(await sealed(page)).toEqual([]);
  });
});
