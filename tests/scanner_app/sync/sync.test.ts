import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Changes } from "../../../scanner_app/src/store/changes.ts";
import type { Database } from "../../../scanner_app/src/store/database.ts";
import type { Follower } from "../../../scanner_app/src/sync/follower.ts";
import { Sync } from "../../../scanner_app/src/sync/sync.ts";
import type { Step, Uploader } from "../../../scanner_app/src/sync/uploader.ts";

const CUT: Step = { is: "wait", atLeastSeconds: 0, why: "unreachable" };

/** A line that is never there, and how often it was tried. */
class DeadLine {
  tries = 0;
  answer: () => Promise<Step> = async () => CUT;
  readonly uploader = {
    step: () => {
      this.tries += 1;
      return this.answer();
    },
  } as unknown as Uploader;
}

describe("a phone that finds the network again", () => {
  let comeOnline: () => void = () => undefined;
  let line: DeadLine;
  let sync: Sync;
  let changes: Changes;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("addEventListener", (_: string, listener: () => void) => (comeOnline = listener));
    vi.stubGlobal("removeEventListener", () => undefined);
    vi.stubGlobal("navigator", {});
    line = new DeadLine();
    changes = new Changes("phone");
    sync = new Sync({
      db: { name: "phone" } as Database,
      changes,
      uploader: line.uploader,
      follower: { round: async () => false } as unknown as Follower,
      keeper: { round: async () => false, lookAgain: () => undefined },
      tipSeq: async () => 0,
    });
    sync.start();
  });

  afterEach(() => {
    sync.stop();
    changes.close();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const wait = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

  it("sends at once, and soon again should that fail, however long it had failed before", async () => {
    await wait(1000);
    const before = line.tries;
    comeOnline();
    await wait(0);
    expect(line.tries).toBe(before + 1);
    await wait(1);
    expect(line.tries).toBe(before + 2);
  });

  it("does not wait long for an upload that broke off just as the network came back", async () => {
    await wait(1000);
    let breakOff: (step: Step) => void = () => undefined;
    line.answer = () => new Promise((resolve) => (breakOff = resolve));
    await wait(120);
    const before = line.tries;
    comeOnline();
    line.answer = async () => CUT;
    breakOff(CUT);
    await wait(1);
    expect(line.tries).toBeGreaterThan(before);
  });

  it("goes on when the storage was closed or full for a while", async () => {
    line.answer = () => Promise.reject(new DOMException("no room", "QuotaExceededError"));
    await wait(1);
    expect(sync.line).toMatchObject({ is: "waiting", why: "storage" });
    line.answer = async () => ({ is: "blocked" });
    const before = line.tries;
    await wait(120);
    expect(line.tries).toBeGreaterThan(before);
    expect(sync.line.is).toBe("blocked");
  });
});
