import { describe, expect, it } from "vitest";
import { readCrewCode } from "../../../scanner_app/src/domain/crew_code.ts";

describe("a crew's code", () => {
  it("is a few letters or digits, whoever types it", () => {
    expect(readCrewCode(" b3 ")).toBe("B3");
    expect(readCrewCode("12")).toBe("12");
    expect(readCrewCode("crew07")).toBe("CREW07");
  });

  it.each(["", "7", "13812345678", "1381234", "A1381234", "张三", "B 3", "粤B12345", "NINECHARS"])(
    "is not %j",
    (typed) => {
      expect(readCrewCode(typed)).toBeUndefined();
    },
  );
});
