import { describe, expect, it } from "vitest";

describe("a broken rule", () => {
  it("is told of", () => {
    expect({ grams: [1n] }).toEqual({ grams: [2n] });
  });

  it("is told of when nothing is thrown", () => {
    expect(() => undefined).toThrow(RangeError);
  });

  it("does not hide what is whole", () => {
    expect(new Uint8Array([1])).toEqual(new Uint8Array([1]));
  });
});
