import { describe, expect, it } from "vitest";
import { entryKey } from "../../../scanner_app/src/domain/custody_state.ts";
import { isNamed } from "../../../scanner_app/src/domain/mandates.ts";
import { type DeviceId, type Flaw, FLAWS } from "../../../scanner_app/src/domain/types.ts";
import { NOW, Street } from "../street.ts";

const HAULIER = "0000040000000000" as DeviceId;
const ALL_STREAMS = 0b11110;

/** A crew gives 100 g to a park, for which a haulier's gate takes it on a mandate. */
function town() {
  const street = new Street();
  const crew = street.enrol(street.registrar("000002"), 7, "crew");
  const park = street.registrar("000003");
  const haulier = street.registrar("000004");
  const gate = street.enrol(haulier, 8, "gate");
  crew.write("load", { lot: crew.lot(1), stream: 4 });
  crew.write("lift", { stream: 4, grams: 100 });
  const giveSeq = crew.write("give", { lot: crew.lot(1), to: "0000030000000000" });
  const giveHead = crew.head;
  street.hand(crew);
  const grant = (more: object = {}) =>
    park.write("mandate", { op: 1, to: HAULIER, grams: 100, until: NOW, streams: ALL_STREAMS, ...more });
  const take = (mandateSeq: number, more: object = {}) => {
    const cited = { lot: crew.lot(1), giver: crew.id, give_seq: giveSeq, give_head: giveHead };
    const mandate = { principal: park.id, mandate_seq: mandateSeq, occurred_at: NOW };
    gate.write("take", { ...cited, grams: 100, ...mandate, ...more });
    return street.bytes(gate);
  };
  const byteOfFlaw = (flaw: Flaw) => `${FLAWS.indexOf(flaw).toString(16)}4`;
  return { street, crew, park, haulier, gate, grant, take, byteOfFlaw };
}

describe("a name", () => {
  it("means a device, or every device of an organisation", () => {
    const device = "0000040000000008" as DeviceId;
    expect(isNamed(device, device)).toBe(true);
    expect(isNamed(HAULIER, device)).toBe(true);
    expect(isNamed("0000030000000000" as DeviceId, device)).toBe(false);
    expect(isNamed("0000040000000009" as DeviceId, device)).toBe(false);
  });
});

describe("a take on a mandate", () => {
  it("is applied, and uses the mandate up", () => {
    const { street, crew, park, gate, grant, take } = town();
    const seq = grant();
    street.hand(park);
    expect(take(seq, { grams: 90 })).toBe("01");
    expect(street.state.lots.get(crew.lot(1))?.holder).toBe(gate.id);
    expect(street.state.mandates.get(entryKey(park.id, seq))?.left).toBe(10);
  });

  it("waits for a mandate that is not known yet", () => {
    const { street, park, grant, take } = town();
    const seq = grant();
    expect(take(seq)).toBe("02");
    expect(street.bytes(park)).toBe("01");
    expect(street.state.queues.size).toBe(1);
  });

  it.each<[Flaw, object, object]>([
    ["mandate-foreign", { to: "0000020000000000" }, {}],
    ["mandate-expired", {}, { occurred_at: NOW + 1 }],
    ["mandate-stream", { streams: 0b00010 }, {}],
    ["mandate-stream", { streams: 0b10000 }, { stream: 2 }],
    ["mandate-site", { site: 9 }, { site: 8 }],
    ["mandate-grams", {}, { grams: 101 }],
  ])("conflicts with its own flaw: %s", (flaw, granted, taken) => {
    const { street, park, grant, take, byteOfFlaw } = town();
    const seq = grant(granted);
    street.hand(park);
    expect(take(seq, taken)).toBe(byteOfFlaw(flaw));
  });

  it("conflicts once the mandate is revoked", () => {
    const { street, park, grant, take, byteOfFlaw } = town();
    const seq = grant();
    park.write("mandate", { op: 2, parent: park.id, parent_seq: seq });
    expect(street.bytes(park)).toBe("0101");
    expect(take(seq)).toBe(byteOfFlaw("mandate-ended"));
  });

  it("goes up through the mandates that were passed on, as far as each allows", () => {
    for (const depth of [0, 1]) {
      const { street, crew, park, haulier, grant, take, byteOfFlaw } = town();
      const seq = grant({ depth });
      street.hand(park);
      const passed = { op: 1, to: HAULIER, grams: 100, until: NOW, streams: ALL_STREAMS };
      const below = haulier.write("mandate", { ...passed, parent: park.id, parent_seq: seq });
      street.hand(haulier);
      const answer = take(below, { principal: haulier.id });
      expect(answer).toBe(depth === 0 ? byteOfFlaw("mandate-depth") : "01");
      const left = street.state.mandates.get(entryKey(park.id, seq))?.left;
      expect(left).toBe(depth === 0 ? 100 : 0);
      expect(street.state.lots.get(crew.lot(1))?.grams).toBe(100);
    }
  });

  it("goes up through no more than four", () => {
    const { street, park, grant, take, byteOfFlaw } = town();
    // It is its own parent: there is no top.
    const seq = grant({ depth: 9, to: "0000040000000000", parent: park.id, parent_seq: 1 });
    expect(seq).toBe(1);
    park.write("mandate", {
      op: 1,
      to: "0000030000000000",
      grams: 100,
      until: NOW,
      depth: 9,
      streams: ALL_STREAMS,
      parent: park.id,
      parent_seq: 2,
    });
    const lowest = grant({ depth: 9, parent: park.id, parent_seq: 2 });
    street.hand(park);
    expect(take(lowest)).toBe(byteOfFlaw("mandate-depth"));
  });
});
