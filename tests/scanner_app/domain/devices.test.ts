import { describe, expect, it } from "vitest";
import { utf8ToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { hasFlag, type State } from "../../../scanner_app/src/domain/custody_state.ts";
import { proveFork, recordWitness } from "../../../scanner_app/src/domain/devices.ts";
import { rollHead } from "../../../scanner_app/src/domain/journal.ts";
import { sealDigest } from "../../../scanner_app/src/domain/seal.ts";
import type { DeviceId } from "../../../scanner_app/src/domain/types.ts";
import { assertedMessage, originDigestOf, packAssertion } from "../../../scanner_app/src/domain/webauthn.ts";
import { toBase64Url } from "../../../scanner_app/src/domain/bytes.ts";
import { checkSeal } from "../check_seal.ts";
import { NETWORK, NOW, SoftwareDevice, Street } from "../street.ts";

const HOURS_72 = 72 * 3600;
const ORIGIN = "https://bins.example.org";

function town() {
  const street = new Street();
  const registrar = street.registrar("000002");
  const crew = street.enrol(registrar, 7, "crew");
  const marks = (count: number) => {
    for (let block = 1; block <= count; block += 1) crew.write("mark", { block });
  };
  const show = () => recordWitness(street.state, crew.witness(), checkSeal);
  return { street, registrar, crew, marks, show };
}

const flagOf = (state: State, id: DeviceId, flag: Parameters<typeof hasFlag>[1]) => {
  const device = state.devices.get(id);
  return device !== undefined && hasFlag(device, flag);
};

describe("an enrolment", () => {
  const enrolment = (id: string, more: object = {}) => {
    const { key } = new SoftwareDevice(id);
    return { device: id, role: 1, scheme: 1, ...key, ...more };
  };

  it("is a registrar's, of its own organisation, and makes sense", () => {
    const { street, registrar, crew } = town();
    for (const refused of [
      enrolment("0000030000000009"),
      enrolment("0000020000000000"),
      enrolment("0000020000000009", { role: 6 }),
      enrolment("0000020000000009", { scheme: 3 }),
      enrolment("0000020000000009", { not_after: 2 ** 32 }),
    ]) {
      registrar.write("enrol", refused);
    }
    registrar.write("enrol", enrolment(crew.id));
    registrar.write("enrol", enrolment(registrar.id));
    expect(street.bytes(registrar)).toBe("0606060606" + "0404");
    crew.write("enrol", enrolment("0000020000000009"));
    expect(street.bytes(crew)).toBe("06");
  });

  it("has no effect while the organisation is suspended", () => {
    const street = new Street();
    const registrar = street.registrar("000002", { isSuspended: true });
    registrar.write("enrol", enrolment("0000020000000009"));
    expect(street.bytes(registrar)).toBe("06");
  });

  it("of a replacement leaves the replaced device 72 hours", () => {
    const { street, registrar, crew, marks } = town();
    registrar.write("rotate", { ...enrolment("0000020000000009"), replaced: crew.id });
    expect(street.bytes(registrar)).toBe("01");
    expect(street.state.devices.get(crew.id)?.notAfter).toBe(NOW + HOURS_72);
    marks(1);
    street.now = NOW + HOURS_72;
    expect(street.bytes(crew)).toBe("01");
    marks(1);
    street.now += 1;
    expect(street.bytes(crew)).toBe("05");
    expect(street.state.seen.get(crew.id)).toEqual({ seq: 1, brought: 0 });
  });
});

describe("a passkey", () => {
  it("seals with an assertion of its origin, and with nothing else", () => {
    const { street, registrar } = town();
    const person = new SoftwareDevice("0000020000000009");
    const origin = originDigestOf(ORIGIN);
    registrar.write("enrol", { device: person.id, role: 5, scheme: 2, origin, ...person.key });
    street.hand(registrar);
    person.write("mark", { block: 1 });
    const raw = person.cut();
    const digest = sealDigest({ ...NETWORK, device: person.id }, 1, person.head);
    const asserted = (page: string) => {
      const challenge = toBase64Url(digest);
      const client = `{"type":"webauthn.get","challenge":"${challenge}","origin":"${page}","crossOrigin":false}`;
      const assertion = packAssertion(new Uint8Array(37).with(32, 5), utf8ToBytes(client));
      const message = assertedMessage(digest, originDigestOf(page), assertion) ?? new Uint8Array();
      return { ...raw, assertion, seal: person.sign(message) };
    };
    expect(street.offer(raw)).toEqual({ is: "refused", reason: "bad-seal" });
    expect(street.offer(asserted("https://elsewhere.example"))).toEqual({
      is: "refused",
      reason: "bad-seal",
    });
    expect(street.offer(asserted(ORIGIN))).toMatchObject({ is: "recorded" });
  });
});

describe("a witness", () => {
  it("pins a head further on, once, and the journal does not advance", () => {
    const { street, crew, marks, show } = town();
    marks(3);
    expect(show()).toEqual({ is: "pinned", head: crew.head });
    expect(show()).toEqual({ is: "refused", reason: "already-recorded" });
    expect(street.state.devices.get(crew.id)?.nextSeq).toBe(1);
    expect(street.bytes(crew)).toBe("010101");
    expect(flagOf(street.state, crew.id, "pinned")).toBe(false);
  });

  it("lets what it has shown still count after a revocation", () => {
    const { street, registrar, crew, marks, show } = town();
    marks(2);
    show();
    marks(2);
    registrar.write("revoke", { device: crew.id });
    street.hand(registrar);
    expect(street.bytes(crew)).toBe("01010505");
  });

  it("convicts a journal that differs from it", () => {
    const { street, crew, marks, show } = town();
    marks(2);
    show();
    const twin = Object.assign(new SoftwareDevice(crew.id), { key: crew.key, sign: crew.sign.bind(crew) });
    twin.write("mark", { block: 9 });
    twin.write("mark", { block: 9 });
    expect(street.offer(twin.cut())).toEqual({ is: "refused", reason: "fork", forkedAt: 2 });
    expect(flagOf(street.state, crew.id, "forked")).toBe(true);
    expect(street.bytes(crew)).toBe("f5f5");
  });

  it("is refused with a seal, a key or words that are not right", () => {
    const { street, crew, marks } = town();
    marks(1);
    const good = crew.witness();
    const other = new SoftwareDevice(crew.id);
    const reasons = [
      { ...good, words: new Uint8Array(0) },
      { ...good, device: "0000020000000099" as DeviceId },
      { ...good, key: other.key },
      { ...good, seal: other.seal(1, crew.head) },
    ].map((witness) => recordWitness(street.state, witness, checkSeal));
    expect(reasons).toEqual(
      ["malformed", "unknown-device", "wrong-key", "bad-seal"].map((reason) => ({ is: "refused", reason })),
    );
  });
});

describe("a fork", () => {
  it("is shown by two seals of one seq, and by no less", () => {
    const { street, crew, marks } = town();
    marks(1);
    const proof = (head: typeof crew.head, seq = 1) => ({
      seq,
      head,
      key: crew.key,
      seal: crew.seal(seq, head),
    });
    const one = proof(crew.head);
    const other = proof(rollHead(crew.head, new Uint8Array(32)));
    const shown = (proofs: { one: typeof one; other: typeof one }) =>
      proveFork(street.state, crew.id, proofs, checkSeal);
    expect(shown({ one, other: one })).toBe(false);
    expect(shown({ one, other: { ...other, seal: one.seal } })).toBe(false);
    expect(shown({ one, other: { ...other, seq: 2 } })).toBe(false);
    expect(shown({ one, other })).toBe(true);
    expect(street.bytes(crew)).toBe("f5");
  });
});

describe("an announced gap", () => {
  function announced() {
    const all = town();
    const { street, registrar, crew, marks } = all;
    marks(1);
    const seen = crew.witness();
    marks(1);
    const head = crew.head;
    const lost = crew.cut();
    registrar.write("close_gap", { device: crew.id, from_seq: 1, to_seq: 2, head });
    expect(street.bytes(registrar)).toBe("01");
    return { ...all, lost, seen };
  }

  it("lets the journal go on behind it after 72 hours", () => {
    const { street, crew, marks } = announced();
    marks(1);
    const segment = crew.cut();
    expect(street.offer(segment)).toEqual({ is: "refused", reason: "gap" });
    street.now = NOW + HOURS_72;
    expect(street.offer(segment)).toMatchObject({ is: "recorded", closedGap: [1, 2] });
    expect(street.state.devices.get(crew.id)?.nextSeq).toBe(4);
    expect(street.state.gaps.size).toBe(0);
  });

  it("still takes the missing entries", () => {
    const { street, lost } = announced();
    street.now = NOW + HOURS_72;
    expect(street.offer(lost)).toMatchObject({ is: "recorded", closedGap: undefined });
  });

  it("is not passed while a witness shows an entry inside it", () => {
    const { street, crew, marks, lost, seen } = announced();
    expect(recordWitness(street.state, seen, checkSeal)).toMatchObject({ is: "pinned" });
    marks(1);
    street.now = NOW + HOURS_72;
    expect(street.offer(crew.cut())).toEqual({ is: "refused", reason: "gap" });
    expect(street.offer(lost)).toMatchObject({ is: "recorded", closedGap: undefined });
  });

  it("conflicts when it does not begin at the next seq, or holds what a witness has shown", () => {
    const { street, registrar, crew, marks, show } = town();
    marks(2);
    show();
    const gap = (from: number, to: number) =>
      registrar.write("close_gap", { device: crew.id, from_seq: from, to_seq: to });
    gap(2, 2);
    gap(1, 0);
    gap(1, 2);
    gap(1, 1);
    expect(street.bytes(registrar)).toBe("04040401");
  });
});
