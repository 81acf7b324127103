import { describe, expect, it } from "vitest";
import { bitOf, leastStream, mayBeTakenAs, mixtureTakenAs } from "../../../scanner_app/src/domain/mixing.ts";

const [RECYCLABLE, HAZARDOUS, FOOD, RESIDUAL] = [1, 2, 3, 4] as const;
const wantedOf = (stream: number, mixture: number) =>
  [RECYCLABLE, HAZARDOUS, FOOD, RESIDUAL].filter((wanted) => mayBeTakenAs(wanted, { stream, mixture }));

describe("a lot of one stream", () => {
  it("may be taken as that, or as worse", () => {
    expect(wantedOf(FOOD, 0)).toEqual([HAZARDOUS, FOOD, RESIDUAL]);
    expect(wantedOf(RESIDUAL, 0)).toEqual([HAZARDOUS, RESIDUAL]);
    expect(wantedOf(HAZARDOUS, 0)).toEqual([HAZARDOUS]);
  });
});

describe("a mixed lot", () => {
  it("is residual at best", () => {
    expect(leastStream(RECYCLABLE, bitOf(FOOD))).toBe(RESIDUAL);
    expect(wantedOf(RECYCLABLE, bitOf(FOOD))).toEqual([HAZARDOUS, RESIDUAL]);
  });

  it("is hazardous when anything in it is", () => {
    expect(wantedOf(FOOD, bitOf(HAZARDOUS) | bitOf(RECYCLABLE))).toEqual([HAZARDOUS]);
  });

  it("keeps what it was, also under another name", () => {
    expect(mixtureTakenAs(RESIDUAL, { stream: FOOD, mixture: bitOf(RECYCLABLE) })).toBe(
      bitOf(RECYCLABLE) | bitOf(FOOD),
    );
    expect(mixtureTakenAs(FOOD, { stream: FOOD, mixture: 0 })).toBe(0);
  });
});
