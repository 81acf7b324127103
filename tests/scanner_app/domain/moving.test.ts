import { describe, expect, it } from "vitest";
import { emptyState } from "../../../scanner_app/src/domain/custody_state.ts";
import { isKnown } from "../../../scanner_app/src/domain/devices.ts";
import { NETWORK, Street } from "../street.ts";

const NEXT_LEDGER = "00000000000000000000000000000000000000aa";

/** A crew with a lot of 100 g that closes its journal in the old ledger; its seals are still the old ledger's. */
function moved() {
  const old = new Street();
  const registrar = old.registrar("000002");
  const crew = old.enrol(registrar, 7, "crew");
  const staying = old.enrol(registrar, 8, "crew");
  crew.write("load", { lot: crew.lot(1), stream: 4 });
  crew.write("lift", { stream: 4, grams: 100 });
  crew.write("moved", { ledger: 0 });
  crew.write("moved", { ledger: NETWORK.ledger });
  crew.write("moved", { ledger: NEXT_LEDGER });
  crew.write("mark", { block: 1 });
  expect(old.bytes(crew)).toBe("010106060105");
  const next = { ...emptyState({ ...NETWORK, ledger: NEXT_LEDGER }), predecessor: old.state };
  return { old, crew, staying, next: new Street(next) };
}

describe("a journal that moved", () => {
  it("is closed from there on, and what came before still counts", () => {
    const { old, crew } = moved();
    expect(old.state.seen.get(crew.id)).toEqual({ seq: 5, brought: 0 });
    expect(old.state.moves.get(crew.id)).toBe(NEXT_LEDGER);
  });

  it("goes on in the next ledger from the same seq and head, and a lot follows with the next step", () => {
    const { old, crew, next } = moved();
    crew.write("give", { lot: crew.lot(1), to: "0000030000000000" });
    const segment = crew.cut();
    const blindly = () => true;
    const answer = next.offer(segment, blindly);
    expect(answer).toMatchObject({ is: "recorded", answers: [{ outcome: "applied" }] });
    expect(next.state.devices.get(crew.id)?.nextSeq).toBe(8);
    expect(next.state.lots.get(crew.lot(1))).toMatchObject({ status: "given", grams: 100, isShut: true });
    expect(next.state.totals.get(4)?.gained).toBe(100n);
    expect(old.state.lots.get(crew.lot(1))?.status).toBe("held");
  });

  it("leaves others where they were: known there, and not here", () => {
    const { staying, next } = moved();
    expect(isKnown(next.state, staying.id)).toBe(true);
    staying.write("mark", { block: 1 });
    expect(next.offer(staying.cut(), () => true)).toEqual({ is: "refused", reason: "unknown-device" });
  });

  it("takes a revocation along", () => {
    const { old, crew, next } = moved();
    const known = old.state.devices.get(crew.id);
    if (known === undefined) throw new Error("the crew is known");
    old.state.devices.set(crew.id, { ...known, flags: known.flags | 1 });
    crew.write("mark", { block: 2 });
    expect(next.offer(crew.cut(), () => true)).toMatchObject({ answers: [{ outcome: "quarantined" }] });
  });
});
