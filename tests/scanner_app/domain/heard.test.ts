import { describe, expect, it } from "vitest";
import { foldOwn } from "../../../scanner_app/src/domain/custody.ts";
import { dumpOf } from "../../differential/dump.ts";
import { withHeard } from "../../../scanner_app/src/domain/heard.ts";
import { packEntry } from "../../../scanner_app/src/domain/journal.ts";
import { entryKey, type Mandate } from "../../../scanner_app/src/domain/custody_state.ts";
import type { DeviceId, Head, LotId, SiteId } from "../../../scanner_app/src/domain/types.ts";
import { entryOf, NOW, Street } from "../street.ts";

const CREW = "0000020000000007" as DeviceId;
const LOT = `${CREW}00000001` as LotId;
const HEAD = "ab".repeat(32) as Head;
const PRINCIPAL = "0000030000000001" as DeviceId;

const street = new Street();
const gate = street.enrol(street.registrar("000003"), 8, "gate");
const offered = {
  lot: LOT,
  giver: CREW,
  giveSeq: 3,
  giveHead: HEAD,
  to: "0000030000000000" as DeviceId,
  grams: 100,
  stream: 3,
  mixture: 0b10000,
};

function answerTo(take: object, heard = {}) {
  const cited = { lot: LOT, giver: CREW, give_seq: 3, give_head: HEAD, grams: 90, occurred_at: NOW };
  const words = packEntry(entryOf("take", { ...cited, ...take }));
  return foldOwn(withHeard(street.state, heard), gate.id, [words], NOW).answers[0];
}

describe("what was heard", () => {
  it("warns of a stream that is too clean before the take is sealed", () => {
    const heard = { gives: [offered] };
    expect(answerTo({ stream: 0 }, heard)).toEqual({ outcome: "conflict", flaw: "cleaner-stream" });
    expect(answerTo({ stream: 4 }, heard)).toEqual({ outcome: "applied", flaw: "none" });
  });

  it("warns of a mandate that is overstepped", () => {
    const mandate: Mandate = {
      to: gate.id,
      left: 80,
      until: NOW,
      depth: 0,
      streams: 0b11110,
      isRevoked: false,
      site: "0000000000000000" as SiteId,
      parent: "0000000000000000" as DeviceId,
      parentSeq: 0,
    };
    const cited = { stream: 4, principal: PRINCIPAL, mandate_seq: 4 };
    const heard = (more: object = {}) => ({
      gives: [offered],
      mandates: new Map([[entryKey(PRINCIPAL, 4), { ...mandate, ...more }]]),
    });
    expect(answerTo(cited, heard())).toEqual({ outcome: "conflict", flaw: "mandate-grams" });
    expect(answerTo(cited, heard({ isRevoked: true }))).toMatchObject({ flaw: "mandate-ended" });
    expect(answerTo(cited, heard({ left: 90, to: PRINCIPAL }))).toMatchObject({ flaw: "mandate-foreign" });
    expect(answerTo({ ...cited, grams: 80 }, heard())).toEqual({ outcome: "applied", flaw: "none" });
    expect(answerTo(cited, { gives: [offered] })).toEqual({ outcome: "deferred", flaw: "none" });
  });

  it("changes nothing that the device knows itself", () => {
    const before = JSON.stringify(dumpOf(street.state));
    withHeard(street.state, { gives: [offered] });
    expect(JSON.stringify(dumpOf(street.state))).toBe(before);
    const own = withHeard(street.state, { gives: [offered] });
    const again = withHeard(own, { gives: [{ ...offered, grams: 1 }] });
    expect(again.lots.get(LOT)?.grams).toBe(100);
  });
});
