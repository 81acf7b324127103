import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Changes, LEISURE_MILLISECONDS } from "../../../scanner_app/src/store/changes.ts";

let changes: Changes;
beforeEach(() => {
  vi.useFakeTimers();
  changes = new Changes("changes");
});
afterEach(() => {
  changes.close();
  vi.useRealTimers();
});

describe("a change", () => {
  it("is told at once to who watches, and once in a while to who does not", () => {
    const [told, later] = [vi.fn(), vi.fn()];
    changes.listen(told);
    changes.listenAtLeisure(later);
    changes.tell("written");
    changes.tell("synced");
    expect(told.mock.calls).toEqual([["written"], ["synced"]]);
    expect(later).not.toHaveBeenCalled();
    vi.advanceTimersByTime(LEISURE_MILLISECONDS);
    expect(later).toHaveBeenCalledOnce();
  });

  it("that comes later is told again, however many there are in between", () => {
    const later = vi.fn();
    changes.listenAtLeisure(later);
    for (let count = 0; count < 3; count += 1) {
      changes.tell("written");
      vi.advanceTimersByTime(LEISURE_MILLISECONDS);
    }
    expect(later).toHaveBeenCalledTimes(3);
  });

  it("is told to nobody who has gone", () => {
    const later = vi.fn();
    const stop = changes.listenAtLeisure(later);
    changes.tell("written");
    stop();
    changes.tell("written");
    vi.advanceTimersByTime(2 * LEISURE_MILLISECONDS);
    expect(later).not.toHaveBeenCalled();
  });
});
