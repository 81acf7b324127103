import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { bytesToHex, concatBytes, toBase64Url, utf8ToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import {
  type DirectoryRefusal,
  DirectoryRefused,
  type ToldDirectory,
} from "../../../scanner_app/src/domain/directory.ts";
import { checkDirectory, type DirectoryTrust } from "../../../scanner_app/src/domain/directory_check.ts";
import { readDirectory } from "../../../scanner_app/src/domain/directory_form.ts";
import { emptyJournal } from "../../../scanner_app/src/domain/journal.ts";
import { keyHash, sealDigest } from "../../../scanner_app/src/domain/seal.ts";
import { originDigestOf, packAssertion } from "../../../scanner_app/src/domain/webauthn.ts";
import { checkSeal } from "../check_seal.ts";
import {
  binHex,
  copyOf,
  HALL,
  joined,
  type Loose,
  type Made,
  makeDirectory,
  PHONE,
  runOf,
  STREET,
  withOneDigitOff,
} from "../directory_maker.ts";
import { NETWORK, NOW, SoftwareDevice } from "../street.ts";

const checking = {
  isSeal: async (...asked: Parameters<typeof checkSeal>) => checkSeal(...asked),
  pause: async () => undefined,
};
const check = (told: unknown, trust: DirectoryTrust) => checkDirectory(readDirectory(told), trust, checking);

async function refusalOf(told: unknown, trust: DirectoryTrust): Promise<DirectoryRefusal | "none"> {
  try {
    await check(told, trust);
    return "none";
  } catch (problem) {
    if (problem instanceof DirectoryRefused) return problem.reason;
    throw problem;
  }
}

/** What is said of a directory that was made rightly and then changed. */
async function spoilt(change: (told: Loose, made: Made) => unknown, trust: Partial<DirectoryTrust> = {}) {
  const made = makeDirectory();
  const told = copyOf(made.told);
  change(told, made);
  return refusalOf(told, { ...made.trust, ...trust });
}

/** A registrar's further run, sealed after the directory was made. */
function added(told: Loose, made: Made, by: "root" | "desk" | "station"): number {
  made.registry.seal(made.registry[by]);
  told.runs = copyOf(made.registry.runs as unknown as ToldDirectory);
  return told.runs.length - 1;
}

describe("a directory whose seals all hold", () => {
  it("gives devices with their keys, sealed sites, and bins in the order of the street", async () => {
    const { told, trust, registry } = makeDirectory();
    const checked = await check(told, trust);
    expect(checked.seals).toBe(registry.runs.length);
    expect(checked.devices.map(({ device, role }) => [device, role])).toEqual([
      [PHONE, "crew"],
      ["0000020000000008", "crew"],
      ["0000030000000005", "gate"],
    ]);
    expect(checked.sites).toEqual([STREET, HALL]);
    expect(checked.bins.map(({ number, isSealed }) => [number, isSealed])).toEqual([
      ["0000000001", true],
      ["0000000002", true],
      ["0000000003", true],
      ["00000000ff", false],
    ]);
    expect(checked.bins[0]).toMatchObject({ stream: 3, site: STREET, point: 0, placedFrom: NOW });
  });

  it("leaves out a bin that does not stand there any more, under the same seal", async () => {
    const { told, trust } = makeDirectory();
    const changed = copyOf(told);
    changed.placements[0].points[1] = null;
    expect((await check(changed, trust)).bins.map(({ number }) => number)).not.toContain("0000000002");
  });

  it("has the screen's turn between its pieces", async () => {
    const { told, trust } = makeDirectory();
    let pauses = 0;
    await checkDirectory(told, trust, { ...checking, pause: async () => void (pauses += 1) });
    expect(pauses).toBeGreaterThanOrEqual(told.runs.length + told.placements.length);
  });

  it("may be sealed by a registrar who was revoked later, up to where the ledger had seen it", async () => {
    const made = makeDirectory();
    const told = copyOf(made.told);
    made.registry.root.write("revoke", { device: made.registry.desk.id, occurred_at: NOW });
    added(told, made, "root");
    told.registrars[0].seen_seq = 3;
    expect(await refusalOf(told, made.trust)).toBe("none");
  });

  it("may be sealed with a person's passkey, on the page that it was enrolled for", async () => {
    const made = makeDirectory();
    const told = copyOf(made.told);
    const { registry } = made;
    const person = new SoftwareDevice("000002000000000a");
    const origin = "https://bins.example.org";
    const seq = registry.enrol(
      registry.root,
      person.id,
      "registrar",
      { scheme: 2, origin: originDigestOf(origin) },
      person,
    );
    const run = added(told, made, "root");
    told.registrars.push({ device: person.id, run, seq, seen_seq: null });
    const crewSeq = registry.enrol(person, "000002000000000b", "crew");
    const before = emptyJournal({ ...NETWORK, device: person.id }).head;
    const raw = runOf(person.cut(), before);
    told.devices.push({ device: "000002000000000b", role: 1, run: told.runs.length, seq: crewSeq });
    told.runs.push(raw);
    expect(await refusalOf(told, made.trust), "a bare seal is none of a passkey").toBe("seal");
    told.runs[told.runs.length - 1] = { ...raw, ...asserted(person, crewSeq, origin) };
    expect(await refusalOf(told, made.trust)).toBe("none");
    told.runs[told.runs.length - 1] = { ...raw, ...asserted(person, crewSeq, "https://elsewhere.example") };
    expect(await refusalOf(told, made.trust)).toBe("seal");
  });
});

describe("a directory is refused", () => {
  it("of another chain, ledger or organisation", async () => {
    expect(await spoilt((told) => (told.chain_id += 1))).toBe("network");
    expect(await spoilt((told) => (told.ledger = withOneDigitOff(told.ledger)))).toBe("network");
    expect(await spoilt((told) => (told.organisation = "000003"))).toBe("form");
  });

  it("with a device of another network, whatever the directory says of itself", async () => {
    const elsewhere = { chainId: NETWORK.chainId + 1, ledger: NETWORK.ledger };
    expect(await spoilt((told) => (told.chain_id += 1), { network: elsewhere })).toBe("seal");
  });

  it.each([0, 1, 2, 3])("with a wrong seal over run %d", async (at) => {
    const change = (told: Loose) => {
      told.runs[at].seal.r = withOneDigitOff(told.runs[at].seal.r);
    };
    expect(await spoilt(change)).toBe("seal");
  });

  it("with an entry changed under a true seal: another key for a device", async () => {
    const change = (told: Loose) => {
      // The key of the first crew: the second of four words of an enrolment.
      told.runs[1].words = withOneDigitOff(told.runs[1].words, 64 + 10);
    };
    expect(await spoilt(change)).toBe("seal");
  });

  it("with a key in a run that is not the registrar's", async () => {
    expect(await spoilt((told) => (told.runs[1].key = told.runs[0].key))).toBe("key");
    const other = new SoftwareDevice("0000020000000009");
    expect(await spoilt(() => undefined, { enrolledBy: { registrar: other.id, key: other.key } })).toBe("key");
  });

  it("with a root that is not believed", async () => {
    expect(await spoilt(() => undefined, { roots: {} })).toBe("root");
    const forger = new SoftwareDevice("0000020000000001");
    const { trust } = makeDirectory();
    const roots = { ...trust.roots, [forger.id]: keyHash(forger.key) };
    expect(await spoilt(() => undefined, { roots })).toBe("key");
  });

  it("with a link of the chain missing", async () => {
    expect(await spoilt((told) => (told.registrars = []))).toBe("link");
    expect(await spoilt((told) => told.roots.shift())).toBe("link");
    expect(await spoilt((told) => (told.devices[0].run = 99))).toBe("link");
  });

  it("with registrars in a ring, or in the wrong order", async () => {
    const change = (told: Loose) => (told.registrars[0].run = 1);
    expect(await spoilt(change)).toBe("link");
  });

  it("with something sealed by another organisation's registrar", async () => {
    const foreign = (told: Loose, made: Made) => {
      const seq = made.registry.enrol(made.registry.station, PHONE, "crew");
      told.devices[0] = { device: PHONE, role: 1, run: added(told, made, "station"), seq };
    };
    expect(await spoilt(foreign)).toBe("registrar");
    const placed = (told: Loose, made: Made) => {
      const seq = made.registry.place(made.registry.station, told.placements[0].bins);
      Object.assign(told.placements[0], { run: added(told, made, "station"), seq });
    };
    expect(await spoilt(placed)).toBe("registrar");
  });

  it("with a crew in the place of a registrar", async () => {
    const change = (told: Loose) => {
      told.registrars.push({ device: PHONE, run: 1, seq: 1, seen_seq: null });
    };
    expect(await spoilt(change)).toBe("registrar");
  });

  it("with what a registrar sealed after it was revoked", async () => {
    expect(await spoilt((told) => (told.registrars[0].seen_seq = 1))).toBe("revoked");
  });

  it("with a revoked registrar or device that is shown as if it were not", async () => {
    for (const target of ["desk", "crew"] as const) {
      const change = (told: Loose, made: Made) => {
        const device = target === "desk" ? made.registry.desk.id : PHONE;
        made.registry.root.write("revoke", { device, occurred_at: NOW });
        added(told, made, "root");
      };
      expect(await spoilt(change), target).toBe("revoked");
    }
  });

  it("not for a revocation that another organisation, or the device itself, has written", async () => {
    const change = (told: Loose, made: Made) => {
      made.registry.station.write("revoke", { device: PHONE, occurred_at: NOW });
      made.registry.desk.write("revoke", { device: made.registry.desk.id, occurred_at: NOW });
      added(told, made, "station");
      added(told, made, "desk");
    };
    expect(await spoilt(change)).toBe("none");
  });

  it("with a certificate that had ended", async () => {
    const ended = (notAfter: number) => (told: Loose, made: Made) => {
      const id = "000002000000000c";
      const seq = made.registry.enrol(made.registry.desk, id, "crew", { not_after: notAfter });
      told.devices.push({ device: id, role: 1, run: added(told, made, "desk"), seq });
    };
    expect(await spoilt(ended(NOW - 1))).toBe("expired");
    expect(await spoilt(ended(NOW))).toBe("none");
  });

  it("with a name for something that another entry says", async () => {
    expect(await spoilt((told) => (told.devices[0].seq = 2))).toBe("entry");
    expect(await spoilt((told) => (told.devices[0].seq = 77))).toBe("entry");
    expect(await spoilt((told) => (told.devices[0].role = 2))).toBe("entry");
    expect(await spoilt((told) => (told.sites[0].kind = 3))).toBe("entry");
    expect(await spoilt((told) => (told.sites[0].id = "0000020000000099"))).toBe("entry");
    expect(await spoilt((told) => (told.placements[0].site = "0000020000000002"))).toBe("entry");
  });

  it("with bins that are not those of the digest: changed, added, left out, exchanged", async () => {
    const bins = (change: (hex: string) => string) => (told: Loose) => {
      told.placements[0].bins = change(told.placements[0].bins);
      told.placements[0].points = Array.from({ length: told.placements[0].bins.length / 86 }, () => 0);
    };
    for (const at of [9, 40, 75, 85]) {
      expect(await spoilt(bins((hex) => withOneDigitOff(hex, at)))).toBe("bins");
    }
    expect(await spoilt(bins((hex) => joined(hex, binHex(9))))).toBe("bins");
    expect(await spoilt(bins((hex) => hex.slice(86)))).toBe("bins");
    expect(await spoilt(bins((hex) => joined(hex.slice(86, 172), hex.slice(0, 86), hex.slice(172))))).toBe("bins");
    expect(await spoilt((told) => told.placements[0].points.pop())).toBe("bins");
  });

  it("with a journal that does not begin at its first head", async () => {
    const change = (told: Loose) => (told.runs[0].prev_head = withOneDigitOff(told.runs[0].prev_head));
    expect(await spoilt(change)).toBe("seal");
  });
});

describe("a directory's form", () => {
  const { told, trust } = makeDirectory();
  const fields = Object.keys(told);

  it.each(fields)("needs %s", async (field) => {
    for (const value of [undefined, null, -7, "x", {}, [7], [{}]]) {
      const changed = copyOf(told);
      changed[field] = value;
      expect(await refusalOf(changed, trust), JSON.stringify(value)).toBe("form");
    }
  });

  it("is not that of something else, nor of a later version", async () => {
    for (const value of [null, undefined, 7, "", [], {}, { ...told, format: "huanlian-directory-2" }]) {
      expect(await refusalOf(value, trust)).toBe("form");
    }
  });

  it("has its inner fields as well, each in its own form", async () => {
    const changes: ((told: Loose) => unknown)[] = [
      (each) => (each.devices[0].device = PHONE.toUpperCase() + "A"),
      (each) => (each.devices[0].seq = -1),
      (each) => (each.devices[0].run = 1.5),
      (each) => (each.runs[0].words = "abc"),
      (each) => (each.runs[0].words = ""),
      (each) => (each.runs[0].words = "00".repeat(32)),
      (each) => (each.runs[0].key = { x: "1", y: "2" }),
      (each) => (each.runs[0].seal.r = "g".repeat(64)),
      (each) => (each.placements[0].bins += "00"),
      (each) => (each.placements[0].points[0] = 4e6),
      (each) => (each.placements[0].points[0] = 99),
      (each) => (each.bins[0].point = 99),
      (each) => (each.bins[0].serial_digest = "ab"),
      (each) => (each.organisations[0].name = "carrier"),
      (each) => (each.dated_at = "yesterday"),
    ];
    for (const change of changes) expect(await spoilt(change), String(change)).toBe("form");
  });
});

/** A passkey's seal over its journal so far, as a page of this origin would make it. */
function asserted(person: SoftwareDevice, seq: number, origin: string) {
  const digest = sealDigest({ ...NETWORK, device: person.id }, seq, person.head);
  const data = new Uint8Array(37);
  data[32] = 0x05;
  const client = utf8ToBytes(
    `{"type":"webauthn.get","challenge":"${toBase64Url(digest)}","origin":"${origin}","crossOrigin":false}`,
  );
  const seal = person.sign(concatBytes(data, sha256(client)));
  return { seal, assertion: bytesToHex(packAssertion(data, client)) };
}
