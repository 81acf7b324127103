import { describe, expect, it } from "vitest";
import { book, dayOf } from "../../../scanner_app/src/domain/booking.ts";
import { emptyState } from "../../../scanner_app/src/domain/custody_state.ts";
import type { OrganisationId } from "../../../scanner_app/src/domain/types.ts";
import { NETWORK } from "../street.ts";

const PARK = "000003" as OrganisationId;

describe("a day", () => {
  it("begins at midnight in Shanghai", () => {
    const midnight = Date.parse("2026-03-01T00:00:00+08:00") / 1000;
    expect(dayOf(midnight) - dayOf(midnight - 1)).toBe(1);
    expect(dayOf(midnight + 86_399)).toBe(dayOf(midnight));
  });
});

describe("booking", () => {
  it("adds to the stream, and to the organisation's day", () => {
    const state = emptyState(NETWORK);
    book(state, PARK, 0, 4, "gained", 7);
    book(state, PARK, 86_400, 4, "lost", 2);
    expect(state.totals.get(4)).toEqual({ lifted: 0n, gained: 7n, out: 0n, lost: 2n });
    expect([...state.dayTotals.keys()]).toEqual(["000003:0:4", "000003:1:4"]);
  });

  it("counts modulo 2^64, so that no total can block an entry", () => {
    const state = emptyState(NETWORK);
    state.totals.set(4, { lifted: 2n ** 64n - 1n, gained: 0n, out: 0n, lost: 0n });
    book(state, PARK, 0, 4, "lifted", 3);
    expect(state.totals.get(4)?.lifted).toBe(2n);
  });
});
