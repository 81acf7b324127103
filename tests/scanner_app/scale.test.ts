import { describe, expect, it } from "vitest";
import { portOf, readReading, readScale } from "../../scanner_app/src/scale/indicator.ts";

describe("what the gateway tells", () => {
  const mass = { grams: 18_240_000, is_stable: true, trouble: null, answer: "S S      18240 kg" };

  it("is a mass with the indicator's own line", () => {
    expect(readReading(mass)).toEqual({
      is: "mass",
      grams: 18_240_000,
      isStable: true,
      answer: "S S      18240 kg",
    });
  });

  it("is a trouble by its name, and one without a name of ours is no mass either", () => {
    expect(readReading({ ...mass, grams: null, trouble: "overload" })).toEqual({
      is: "trouble",
      trouble: "overload",
    });
    expect(readReading({ ...mass, trouble: "on fire" })).toEqual({ is: "trouble", trouble: "not-executable" });
  });

  it.each([{ ...mass, grams: "18240" }, { ...mass, grams: 0.5 }, { ...mass, is_stable: 1 }, {}])(
    "is nothing in any other form",
    (told) => {
      expect(readReading(told)).toBeUndefined();
    },
  );

  it("names the scale whole or not at all", () => {
    const told = { serial: "B1", calibration: 42, calibration_until: 4_922_870_400 };
    expect(readScale(told)).toEqual({ serial: "B1", calibration: 42, calibratedUntil: 4_922_870_400 });
    expect(readScale({ ...told, calibration_until: "2099" })).toBeUndefined();
  });
});

describe("a port", () => {
  it("is a whole number that a gateway can listen at", () => {
    expect(["8790", " 8790 ", "1", "65535"].map(portOf)).toEqual([8790, 8790, 1, 65_535]);
    expect(["0", "65536", "", "-1", "8790x", "999999"].map(portOf)).toEqual(Array(6).fill(undefined));
  });
});
