import { describe, expect, it } from "vitest";
import { backoffSeconds } from "../../../scanner_app/src/sync/backoff.ts";

describe("back-off", () => {
  it("doubles to two minutes, and half of it is chance", () => {
    const least = [1, 2, 3, 8, 50].map((failures) => backoffSeconds(failures, () => 0));
    const most = [1, 2, 3, 8, 50].map((failures) => backoffSeconds(failures, () => 1));
    expect(least).toEqual([0.5, 1, 2, 60, 60]);
    expect(most).toEqual([1, 2, 4, 120, 120]);
  });
});
