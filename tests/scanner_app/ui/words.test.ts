import { describe, expect, it } from "vitest";
import { byteOf, answerOf, FLAWS, OUTCOMES } from "../../../scanner_app/src/domain/types.ts";
import { LANGUAGES, type Language, textIn } from "../../../scanner_app/src/i18n/index.ts";
import { answerOfState, answerText } from "../../../scanner_app/src/ui/words.ts";

const languages = Object.keys(LANGUAGES) as Language[];

describe("an answer", () => {
  it("is one byte, outcome low and flaw high", () => {
    expect(byteOf({ outcome: "applied", flaw: "mixed" })).toBe(0x11);
    expect(answerOf(0x94)).toEqual({ outcome: "conflict", flaw: "mandate-ended" });
    expect([answerOf(0), answerOf(0x08)]).toEqual([undefined, undefined]);
    for (let byte = 0; byte < 256; byte += 1) {
      const answer = answerOf(byte);
      if (answer !== undefined) expect(byteOf(answer)).toBe(byte);
    }
  });

  it.each(languages)("is told in words of its own, with what to do, in %s", (language) => {
    const page = { t: (key: Parameters<typeof textIn>[1]) => textIn(language, key) };
    const told = [
      ...OUTCOMES.map((outcome) => answerText(page, { outcome, flaw: "none" })),
      ...FLAWS.slice(1).map((flaw) => answerText(page, { outcome: "conflict", flaw })),
    ];
    expect(new Set(told.map(({ what }) => what)).size).toBe(told.length);
    expect(new Set(told.map(({ todo }) => todo)).size).toBe(told.length);
    expect(told.filter(({ todo }) => todo === "")).toEqual([{ what: page.t("applied"), todo: "" }]);
  });

  it("is without flaw where the journal was kept before flaws were told", () => {
    const onLedger = { state: "finalized", outcome: "invalid", blockNumber: 1, txHash: null } as const;
    const accepted = { is: "accepted", receiptId: "", receivedAt: "", warnings: [] } as const;
    expect(answerOfState({ ...accepted, onLedger })).toEqual({ outcome: "invalid", flaw: "none" });
    expect(answerOfState({ ...accepted, onLedger: { ...onLedger, outcome: null } })).toBeUndefined();
    expect(answerOfState({ is: "queued" })).toBeUndefined();
  });
});
