import { describe, expect, it } from "vitest";
import { DirectoryRefused } from "../../../scanner_app/src/domain/directory.ts";
import {
  type NewRoots,
  ROOT_NOTICE_SECONDS,
  type Roots,
  sortRoots,
} from "../../../scanner_app/src/domain/directory_roots.ts";
import type { DeviceId } from "../../../scanner_app/src/domain/types.ts";
import { NOW } from "../street.ts";

const [FIRST, SECOND, FOREIGN] = ["0000020000000001", "0000020000000002", "0000030000000001"] as DeviceId[] as [
  DeviceId,
  DeviceId,
  DeviceId,
];
const [KEY, OTHER] = ["a".repeat(40), "b".repeat(40)] as [string, string];
const root = (device: DeviceId, key_hash = KEY) => ({ device, key_hash });
const sorted = (told: ReturnType<typeof root>[], known: object, waiting: object = {}, now = NOW) =>
  sortRoots(told, known as Roots, waiting as NewRoots, now);

describe("roots", () => {
  it("of an organisation that was not known are believed as they are first seen", () => {
    expect(sorted([root(FIRST), root(FOREIGN)], {})).toEqual({
      believed: { [FIRST]: KEY, [FOREIGN]: KEY },
      waiting: {},
    });
    expect(sorted([root(FOREIGN)], { [FIRST]: KEY }).believed).toEqual({ [FIRST]: KEY, [FOREIGN]: KEY });
  });

  it("that are known stay, also while a directory does not name them", () => {
    expect(sorted([], { [FIRST]: KEY })).toEqual({ believed: { [FIRST]: KEY }, waiting: {} });
  });

  it("never have another key than before", () => {
    expect(() => sorted([root(FIRST, OTHER)], { [FIRST]: KEY })).toThrow(DirectoryRefused);
  });

  it("that are new to a known organisation wait for 72 hours, counted from when they were first told", () => {
    const first = sorted([root(FIRST), root(SECOND)], { [FIRST]: KEY });
    expect(first).toEqual({
      believed: { [FIRST]: KEY },
      waiting: { [SECOND]: { keyHash: KEY, since: NOW } },
    });
    const early = NOW + ROOT_NOTICE_SECONDS - 1;
    expect(sorted([root(SECOND)], first.believed, first.waiting, early)).toEqual(first);
    expect(sorted([root(SECOND)], first.believed, first.waiting, early + 1)).toEqual({
      believed: { [FIRST]: KEY, [SECOND]: KEY },
      waiting: {},
    });
  });

  it("wait anew under another key", () => {
    const waiting = { [SECOND]: { keyHash: KEY, since: NOW } };
    const later = NOW + ROOT_NOTICE_SECONDS;
    expect(sorted([root(SECOND, OTHER)], { [FIRST]: KEY }, waiting, later).waiting).toEqual({
      [SECOND]: { keyHash: OTHER, since: later },
    });
  });
});
