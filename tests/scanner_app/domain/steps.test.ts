import { describe, expect, it } from "vitest";
import { queueKey } from "../../../scanner_app/src/domain/custody_state.ts";
import { isReady, settle } from "../../../scanner_app/src/domain/steps.ts";
import type { DeviceId, Head } from "../../../scanner_app/src/domain/types.ts";
import { type SoftwareDevice, Street } from "../street.ts";

const PARK = "0000030000000000";

function town() {
  const street = new Street();
  const registrar = street.registrar("000002");
  const crew = street.enrol(registrar, 7, "crew");
  const gate = street.enrol(street.registrar("000003"), 8, "gate");
  const settled = (device: SoftwareDevice, lot = crew.lot(1), stepsMax = 9) =>
    settle(street.state, lot, device.id, { blockTime: street.now, stepsMax });
  const load = (grams = 100, serial = 1) => {
    crew.write("load", { lot: crew.lot(serial), stream: 4 });
    crew.write("lift", { stream: 4, grams });
  };
  const give = (to = PARK) => {
    const seq = crew.write("give", { lot: crew.lot(1), to });
    return { lot: crew.lot(1), giver: crew.id, give_seq: seq, give_head: crew.head };
  };
  const lot = (serial = 1) => street.state.lots.get(crew.lot(serial));
  return { street, registrar, crew, gate, settled, load, give, lot };
}

describe("a handoff", () => {
  it("passes a lot on, and books what the taker weighed differently", () => {
    const { street, crew, gate, load, give, lot } = town();
    load();
    const cited = give();
    street.hand(crew);
    gate.write("take", { ...cited, grams: 96 });
    expect(street.bytes(gate)).toBe("01");
    expect(lot()).toMatchObject({ holder: gate.id, grams: 96, status: "held", isShut: true });
    expect(street.state.totals.get(4)).toEqual({ lifted: 100n, gained: 0n, out: 0n, lost: 4n });
  });

  it("ends the same when the take comes first", () => {
    const { street, crew, gate, load, give, lot } = town();
    load();
    const cited = give();
    gate.write("take", { ...cited, grams: 104 });
    expect(street.bytes(gate)).toBe("02");
    expect(street.state.desks.get(gate.id)?.openDeferrals).toBe(1);
    const { settled } = street.hand(crew);
    expect(settled).toEqual([
      { device: gate.id, seq: 1, lot: crew.lot(1), answer: { outcome: "applied", flaw: "none" } },
    ]);
    expect(lot()).toMatchObject({ holder: gate.id, grams: 104 });
    expect([...street.state.queues, ...street.state.expected]).toEqual([]);
    expect(street.state.desks.get(gate.id)?.openDeferrals).toBe(0);
  });

  it("conflicts when the head that is cited is another", () => {
    const { street, crew, gate, load, give } = town();
    load();
    const cited = give();
    street.hand(crew);
    gate.write("take", { ...cited, give_head: "0".repeat(64) as Head, grams: 100 });
    expect(street.bytes(gate)).toBe("04");
  });

  it("does not make a mixed load cleaner", () => {
    const { street, crew, gate, load, give, lot } = town();
    load();
    crew.write("lift", { stream: 3, grams: 20 });
    const cited = give();
    street.hand(crew);
    for (const [stream, byte] of [
      [3, "74"],
      [0, "01"],
    ] as const) {
      gate.write("take", { ...cited, grams: 120, stream });
      expect(street.bytes(gate)).toBe(byte);
    }
    expect(lot()).toMatchObject({ stream: 4, mixture: 8 });
  });

  it("moves the grams to another stream when the taker names a worse one", () => {
    const { street, crew, gate, load, give, lot } = town();
    load();
    const cited = give();
    street.hand(crew);
    gate.write("take", { ...cited, grams: 90, stream: 2 });
    expect(street.bytes(gate)).toBe("01");
    expect(lot()).toMatchObject({ stream: 2, mixture: 0b10000 });
    expect(street.state.totals.get(4)?.lost).toBe(100n);
    expect(street.state.totals.get(2)?.gained).toBe(90n);
  });

  it("can be in part: the rest is the giver's again", () => {
    const { street, crew, gate, load, give, lot } = town();
    load();
    const cited = give();
    street.hand(crew);
    gate.write("take", { ...cited, grams: 30, into: gate.lot(1) });
    expect(street.bytes(gate)).toBe("01");
    expect(lot()).toMatchObject({ holder: crew.id, grams: 70, status: "held" });
    expect(street.state.lots.get(gate.lot(1))).toMatchObject({ holder: gate.id, grams: 30, stream: 4 });
  });

  it("can be refused, withdrawn and redirected", () => {
    const { street, crew, gate, load, give, lot } = town();
    load();
    const cited = give();
    street.hand(crew);
    gate.write("refuse", cited);
    expect(street.bytes(gate)).toBe("01");
    expect(lot()?.status).toBe("held");
    const { give_seq: again } = give("0000020000000000");
    const seq = crew.write("redirect", { lot: crew.lot(1), give_seq: again, to: PARK });
    expect(street.bytes(crew)).toBe("0101");
    expect(street.state.gives.get(crew.lot(1))).toMatchObject({ seq, to: PARK });
    crew.write("withdraw", { lot: crew.lot(1), undone_seq: again });
    crew.write("withdraw", { lot: crew.lot(1), undone_seq: seq });
    expect(street.bytes(crew)).toBe("0401");
    expect(lot()?.status).toBe("held");
  });

  it("may begin with somebody who is not registered", () => {
    const { street, gate } = town();
    gate.write("take", { lot: gate.lot(1), grams: 55, stream: 1 });
    expect(street.bytes(gate)).toBe("21");
    expect(street.state.totals.get(1)?.gained).toBe(55n);
  });
});

describe("a queue", () => {
  it("keeps a device's steps on a lot in the order of its journal", () => {
    const { street, crew, gate, load, give, settled } = town();
    load();
    const cited = give();
    gate.write("take", { ...cited, grams: 100 });
    gate.write("split", { lot: crew.lot(1), into: gate.lot(1), stream: 4, grams: 40 });
    gate.write("close", { lot: crew.lot(1), fate: 1 });
    expect(street.bytes(gate)).toBe("020202");
    expect(isReady(street.state, crew.lot(1), gate.id)).toBe(false);
    expect(settled(gate)).toEqual([]);
    street.hand(crew);
    expect(street.state.lots.get(crew.lot(1))).toMatchObject({ holder: gate.id, status: "leaving" });
    expect(isReady(street.state, crew.lot(1), gate.id)).toBe(true);
    expect(settled(gate, crew.lot(1), 1).map((step) => step.seq)).toEqual([2]);
    expect(settled(gate).map((step) => [step.seq, step.answer.outcome])).toEqual([[3, "applied"]]);
    expect(street.state.lots.get(crew.lot(1))).toMatchObject({ status: "closed", grams: 0 });
    expect(street.state.lots.get(gate.lot(1))).toMatchObject({ status: "held", grams: 40 });
    expect(street.state.totals.get(4)?.out).toBe(60n);
  });

  it("holds sixteen steps, and what comes after them is late and leaves empty what it promised", () => {
    const { street, crew, gate } = town();
    for (let serial = 1; serial <= 17; serial += 1) {
      gate.write("split", { lot: gate.lot(99), into: gate.lot(serial), stream: 4, grams: 1 });
      if (serial === 1) gate.write("take", { lot: crew.lot(1), giver: crew.id, give_seq: 9 });
    }
    // Nobody has lot 99 in hand, so its splits are judged at once; a take that waits begins a queue.
    expect(street.bytes(gate)).toBe("04" + "02" + "04".repeat(16));
    for (let serial = 20; serial < 36; serial += 1) {
      gate.write("split", { lot: crew.lot(1), into: gate.lot(serial), stream: 4, grams: 7 });
    }
    expect(street.bytes(gate)).toBe("02".repeat(15) + "03");
    expect(street.state.lots.get(gate.lot(35))).toMatchObject({ status: "held", grams: 0 });
    expect(street.state.lots.get(gate.lot(34))).toMatchObject({ status: "promised", grams: 7 });
  });

  it("gives up a take that waits when it is withdrawn, and what waits behind it goes on", () => {
    const { street, crew, gate } = town();
    const seq = gate.write("take", { lot: crew.lot(1), giver: crew.id, give_seq: 9, into: gate.lot(1) });
    gate.write("withdraw", { lot: crew.lot(1), undone_seq: seq });
    const answer = street.hand(gate);
    expect(answer.answers.map(({ outcome }) => outcome)).toEqual(["deferred", "applied"]);
    expect(answer.settled.map((step) => [step.seq, step.answer.outcome])).toEqual([[seq, "conflict"]]);
    expect(street.state.queues.has(queueKey(crew.lot(1), gate.id))).toBe(false);
    expect(street.state.lots.get(gate.lot(1))).toMatchObject({ status: "held", grams: 0 });
  });

  it("lets one take or refusal of a give wait for each organisation", () => {
    const { street, crew, gate } = town();
    gate.write("take", { lot: crew.lot(1), giver: crew.id, give_seq: 9 });
    gate.write("refuse", { lot: crew.lot(1), giver: crew.id, give_seq: 9 });
    expect(street.bytes(gate)).toBe("0204");
  });

  it("holds a give back until the merges into its lot are decided", () => {
    const { street, registrar, crew, load, give, settled, lot } = town();
    const other = street.enrol(registrar, 9, "crew");
    load();
    crew.write("take", { lot: other.lot(1), giver: other.id, give_seq: 2 });
    crew.write("merge", { lot: other.lot(1), into: crew.lot(1), stream: 4 });
    const { give_seq: seq } = give();
    expect(street.bytes(crew)).toBe("0101020202");
    expect(lot()).toMatchObject({ pendings: 1, status: "leaving" });
    expect(settled(crew)).toEqual([]);
    expect(settled(crew, other.lot(1))).toEqual([]);
    other.write("load", { lot: other.lot(1), stream: 4 });
    other.write("close", { lot: other.lot(1), fate: 3 });
    street.hand(other);
    // There is nothing left to take or to merge, and the give is free.
    expect(settled(crew, other.lot(1)).map((step) => step.answer.outcome)).toEqual(["conflict", "conflict"]);
    expect(lot()?.pendings).toBe(0);
    expect(settled(crew).map((step) => [step.seq, step.answer.outcome])).toEqual([[seq, "applied"]]);
    expect(lot()?.status).toBe("given");
  });
});

describe("a transformation", () => {
  const transform = (device: SoftwareDevice, outputs: number, items: [number, number][], more = {}) =>
    device.write(
      "transform",
      { lot: device.lot(1), outputs, ...more },
      items.map(([serial, amount]) => ({
        lot: serial === 0 ? 0n : BigInt(`0x${device.lot(serial)}`),
        amount: BigInt(amount),
        product: 0n,
        spare: 0n,
      })),
    );

  it("makes new lots of the whole of one, with what is lost on the way", () => {
    const { street, crew, load, lot } = town();
    load();
    transform(crew, 2, [[2, 60], [3, 30], [0, 999]], { loss: 10 }); // prettier-ignore
    expect(street.bytes(crew)).toBe("010101");
    expect([lot(1)?.status, lot(2)?.grams, lot(3)?.grams]).toEqual(["closed", 60, 30]);
    expect(street.state.totals.get(4)).toEqual({ lifted: 100n, gained: 0n, out: 0n, lost: 10n });
  });

  it("may gain, with water or air", () => {
    const { street, crew, load, lot } = town();
    load();
    transform(crew, 1, [[2, 130]], { loss: 30, is_gain: 1 });
    expect(street.bytes(crew)).toBe("010101");
    expect(lot(2)?.grams).toBe(130);
    expect(street.state.totals.get(4)?.gained).toBe(30n);
  });

  it("is invalid when it does not add up, and its lots are then empty", () => {
    const { street, crew, load, lot } = town();
    load();
    transform(crew, 1, [[2, 99]]);
    expect(street.bytes(crew)).toBe("010106");
    expect([lot(1)?.grams, lot(2)?.grams]).toEqual([100, 0]);
  });

  it("is invalid with no output, with lots out of order, or with a measure that is a lot", () => {
    const { street, crew, load } = town();
    load();
    transform(crew, 0, []);
    transform(crew, 0, [[2, 100]]);
    transform(crew, 2, [[3, 50], [2, 50]]); // prettier-ignore
    transform(crew, 1, [[2, 50], [3, 50]]); // prettier-ignore
    transform(crew, 1, [[1, 100]]);
    transform(crew, 1, [[2, 100]], { is_gain: 2 });
    expect(street.bytes(crew)).toBe("0101" + "06".repeat(6));
  });
});

describe("a lot", () => {
  it("takes no more once a step was attempted on it", () => {
    const { street, crew, load, lot } = town();
    load();
    crew.write("redirect", { lot: crew.lot(1), to: "0000030000000000" as DeviceId });
    crew.write("lift", { stream: 4, grams: 1 });
    expect(street.bytes(crew)).toBe("01010404");
    expect(lot()).toMatchObject({ isShut: true, grams: 100 });
  });

  it("stays in hand when more is split off than it holds", () => {
    const { street, crew, load, lot } = town();
    load();
    crew.write("split", { lot: crew.lot(1), into: crew.lot(2), stream: 4, grams: 101 });
    expect(street.bytes(crew)).toBe("010106");
    expect([lot(1)?.grams, lot(2)?.grams]).toEqual([100, 0]);
  });
});
