import { describe, expect, it } from "vitest";
import type { Certificate } from "../../../scanner_app/src/domain/certificate.ts";
import { type DeviceId, ROLE_CODE } from "../../../scanner_app/src/domain/types.ts";
import type { EntryState, Identity, StoredEntry } from "../../../scanner_app/src/store/database.ts";
import { Api, type WaitingRenewal } from "../../../scanner_app/src/sync/api.ts";
import { type OwnWord, ownWordOf, RequestJudge } from "../../../scanner_app/src/sync/renewal_requests.ts";
import { packEntry } from "../../../scanner_app/src/domain/journal.ts";
import { NETWORK, problem } from "../fakes.ts";
import { certificateOf, DAY, requestOf } from "../renewing.ts";
import { entryOf, NOW, SoftwareDevice } from "../street.ts";

const PHONE = "0000020000000007";
const NOTHING: OwnWord = { revoked: new Set(), replaced: new Map() };
const QUEUED: EntryState = { is: "queued" };

/** The city named the root; it enrolled this browser's registrar and another one, who enrolled a third. */
class Office {
  readonly root = new SoftwareDevice("0000020000000001");
  readonly desk = new SoftwareDevice("0000020000000002");
  readonly other = new SoftwareDevice("0000020000000003");
  readonly third = new SoftwareDevice("0000020000000004");
  readonly certificates = new Map<string, Certificate>();
  readonly phone = new SoftwareDevice(PHONE);
  asked: string[] = [];
  isCut = false;

  constructor() {
    this.certify(this.root, this.desk, { role: ROLE_CODE.registrar });
    this.certify(this.root, this.other, { role: ROLE_CODE.registrar });
    this.certify(this.other, this.third, { role: ROLE_CODE.registrar });
  }

  certify(registrar: SoftwareDevice, device: SoftwareDevice, fields: object = {}): Certificate {
    const { x, y } = device.key;
    const crew = { device: device.id, role: ROLE_CODE.crew, scheme: 1, not_after: NOW + 9 * DAY, x, y };
    registrar.write("enrol", { ...crew, ...fields });
    const made = certificateOf(registrar);
    this.certificates.set(device.id, made);
    return made;
  }

  /** What this browser's registrar finds of a request. */
  judge(request: WaitingRenewal, own = NOTHING, now = NOW) {
    const certificate = this.certificates.get(this.desk.id) as Certificate;
    const identity: Identity = {
      device: this.desk.id,
      role: "registrar",
      notAfter: 0,
      certificate,
      network: NETWORK,
    };
    const fetching: typeof fetch = async (input) => {
      if (this.isCut) throw new TypeError("no line");
      const device = String(input).split("/").at(-1) ?? "";
      this.asked.push(device);
      const known = device === this.root.id ? null : this.certificates.get(device);
      return known === undefined
        ? problem("unknown-device", 404)
        : Response.json({ device, certificate: known });
    };
    return new RequestJudge(new Api(fetching, () => "en"), identity, this.desk.key, () => now).judge(
      request,
      own,
    );
  }
}

describe("a registrar finds a request renewable", () => {
  it.each(["desk", "root", "other", "third"] as const)("of a phone that the %s enrolled", async (who) => {
    const office = new Office();
    const request = requestOf(office.phone, office.certify(office[who], office.phone));
    expect(await office.judge(request)).toMatchObject({
      is: "renewable",
      hasEnded: false,
      notAfter: NOW + 9 * DAY,
    });
    // What this browser knows by itself is asked of nobody.
    expect(office.asked).toEqual(
      { desk: [], root: [], other: ["0000020000000003"], third: ["0000020000000004", "0000020000000003"] }[
        who
      ],
    );
  });

  it("of a phone whose certificate has ended, and says so", async () => {
    const office = new Office();
    const request = requestOf(office.phone, office.certify(office.desk, office.phone));
    expect(await office.judge(request, NOTHING, NOW + 90 * DAY)).toMatchObject({
      is: "renewable",
      hasEnded: true,
    });
  });

  it("of a phone that was renewed before", async () => {
    const office = new Office();
    const { x, y } = office.phone.key;
    const fields = {
      device: PHONE,
      role: 1,
      scheme: 1,
      x,
      y,
      not_after: NOW + DAY,
      replaced: "0000020000000006",
    };
    office.desk.write("rotate", fields);
    expect((await office.judge(requestOf(office.phone, certificateOf(office.desk)))).is).toBe("renewable");
  });

  it("under one number, whoever judges it", async () => {
    const office = new Office();
    const request = requestOf(office.phone, office.certify(office.desk, office.phone));
    const [one, again] = [await office.judge(request), await office.judge(request)];
    if (one.is !== "renewable" || again.is !== "renewable") throw new Error("not renewable");
    expect(one.next).toBe(again.next);
    expect(one.next).toMatch(/^000002[0-9a-f]{10}$/);
    expect(one.next).not.toBe(PHONE);
  });
});

describe("a registrar refuses a request", () => {
  const refusedOf = async (office: Office, request: WaitingRenewal, own = NOTHING) => {
    const judged = await office.judge(request, own);
    return judged.is === "refused" ? judged.why : judged.is;
  };
  const fields = async (more: object) => {
    const office = new Office();
    return refusedOf(office, requestOf(office.phone, office.certify(office.desk, office.phone, more)));
  };

  it("that another key has sealed", async () => {
    const office = new Office();
    const certificate = office.certify(office.desk, office.phone);
    const thief = new SoftwareDevice(PHONE);
    expect(await refusedOf(office, requestOf(thief, certificate))).toBe("seal");
  });

  it("whose new key is not the one that was sealed", async () => {
    const office = new Office();
    const certificate = office.certify(office.desk, office.phone);
    const exchanged = new SoftwareDevice(PHONE).key;
    expect(await refusedOf(office, requestOf(office.phone, certificate, { new_key: exchanged }))).toBe(
      "seal",
    );
  });

  it("with a certificate that the server has made up, however well it is sealed", async () => {
    const office = new Office();
    // A registrar of the same name with a key of the server's own.
    for (const id of [office.desk.id, office.root.id, office.other.id]) {
      const invented = new SoftwareDevice(id);
      expect(await refusedOf(office, requestOf(office.phone, office.certify(invented, office.phone)))).toBe(
        "registrar",
      );
    }
  });

  it("with a certificate that bears the right key, and was changed after it was sealed", async () => {
    const office = new Office();
    const certificate = office.certify(office.desk, office.phone);
    const thief = new SoftwareDevice(PHONE);
    const { words } = office.certify(office.desk, thief);
    expect(await refusedOf(office, requestOf(thief, { ...certificate, words }))).toBe("registrar");
  });

  it("from a registrar whose own certificate the server has made up", async () => {
    const office = new Office();
    const invented = new SoftwareDevice("0000020000000005");
    const root = new SoftwareDevice(office.root.id);
    office.certify(root, invented, { role: ROLE_CODE.registrar });
    expect(await refusedOf(office, requestOf(office.phone, office.certify(invented, office.phone)))).toBe(
      "registrar",
    );
  });

  it("from one that is no registrar", async () => {
    const office = new Office();
    const crew = new SoftwareDevice("0000020000000005");
    office.certify(office.desk, crew);
    expect(await refusedOf(office, requestOf(office.phone, office.certify(crew, office.phone)))).toBe(
      "registrar",
    );
  });

  it("from a registrar that the city named, and this browser does not know", async () => {
    const office = new Office();
    const named = new SoftwareDevice("0000020000000008");
    expect(await refusedOf(office, requestOf(office.phone, office.certify(named, office.phone)))).toBe(
      "registrar",
    );
  });

  it("from registrars in a ring, and comes to an end", async () => {
    const office = new Office();
    const [a, b] = [new SoftwareDevice("00000200000000a1"), new SoftwareDevice("00000200000000a2")];
    office.certify(a, b, { role: ROLE_CODE.registrar });
    office.certify(b, a, { role: ROLE_CODE.registrar });
    expect(await refusedOf(office, requestOf(office.phone, office.certify(a, office.phone)))).toBe(
      "registrar",
    );
    expect(office.asked.length).toBe(4);
  });

  it("while it cannot be checked", async () => {
    const office = new Office();
    const request = requestOf(office.phone, office.certify(office.other, office.phone));
    office.isCut = true;
    expect(await refusedOf(office, request)).toBe("unreachable");
    office.isCut = false;
    expect(await refusedOf(office, request)).toBe("renewable");
  });

  it("of a device that the server says is revoked", async () => {
    const office = new Office();
    const certificate = office.certify(office.desk, office.phone);
    expect(await refusedOf(office, requestOf(office.phone, certificate, { revoked: true }))).toBe("revoked");
  });

  it("of a device that it has revoked itself, whatever the server says", async () => {
    const office = new Office();
    const request = requestOf(office.phone, office.certify(office.desk, office.phone));
    const own = ownWordOf([stored(entryOf("revoke", { device: PHONE, reason: 1 }))]);
    expect(await refusedOf(office, request, own)).toBe("revoked");
  });

  it("of another organisation", async () => {
    const office = new Office();
    const foreign = new SoftwareDevice("0000040000000007");
    expect(await refusedOf(office, requestOf(foreign, null))).toBe("organisation");
  });

  it("without a certificate, with an unreadable one, and with another device's", async () => {
    const office = new Office();
    expect(await refusedOf(office, requestOf(office.phone, null))).toBe("unreadable");
    const certificate = { ...office.certify(office.desk, office.phone), words: "00" };
    expect(await refusedOf(office, requestOf(office.phone, certificate))).toBe("unreadable");
    const others = office.certify(office.desk, new SoftwareDevice("0000020000000009"));
    expect(await refusedOf(office, requestOf(office.phone, others))).toBe("unreadable");
  });

  it.each([
    ["role", { role: ROLE_CODE.gate }],
    ["role", { role: ROLE_CODE.registrar }],
    ["role", { scheme: 2, origin: 7 }],
    ["role", { not_after: 0 }],
    ["early", { not_after: NOW + 15 * DAY }],
  ])("for its %s: %o", async (why, more) => {
    expect(await fields(more)).toBe(why);
  });
});

function stored(entry: ReturnType<typeof entryOf>): StoredEntry {
  return { seq: 1, kind: entry.kind, words: packEntry(entry), state: QUEUED };
}

describe("a registrar's own journal", () => {
  it("says which requests it has sealed already, and how far that is", async () => {
    const office = new Office();
    const request = requestOf(office.phone, office.certify(office.desk, office.phone));
    const own = ownWordOf([stored(entryOf("rotate", { device: "00000200000000ff", replaced: PHONE }))]);
    expect(own.replaced.get(PHONE as DeviceId)?.next).toBe("00000200000000ff");
    expect(await office.judge(request, own)).toEqual({ is: "sealed", request, state: QUEUED });
  });
});
