import { afterEach, describe, expect, it, vi } from "vitest";
import { sendWhatIsLeft, StillUnsent } from "../../../scanner_app/src/sw/send.ts";
import { keepSingle, openDatabase } from "../../../scanner_app/src/store/database.ts";
import { owning } from "../../../scanner_app/src/sync/owner.ts";
import { askToBeWoken, WAKE_TAG, watchForWaking } from "../../../scanner_app/src/sync/waking.ts";
import { type Cut, FakeBackend } from "../fakes.ts";
import { countByState, DEVICE, lift, load, newPhone, type Phone } from "../phone.ts";

/** A phone whose page was closed with so many lifts unsent; its key may only be read, never used. */
async function closedPhone(
  lifts: number,
  successor?: Phone,
): Promise<Phone & { reopened: () => Promise<{ queued: number }> }> {
  const phone = await newPhone();
  await keepSingle(phone.db, "key", phone.key);
  await keepSingle(phone.db, "identity", phone.identity);
  if (lifts > 0) await phone.writer.write(() => load(1n));
  for (let bin = 1; bin < lifts; bin += 1) await phone.writer.write(() => lift(bin));
  if (successor !== undefined)
    await keepSingle(phone.db, "successor", { database: successor.db.name });
  phone.db.close();
  const reopened = async () => {
    const db = await openDatabase(phone.db.name);
    const { queued } = await countByState(db);
    db.close();
    return { queued };
  };
  return { ...phone, reopened };
}

afterEach(() => vi.unstubAllGlobals());

describe("a worker that the browser has woken", () => {
  it("sends all that the closed page had left, and seals nothing", async () => {
    const phone = await closedPhone(300);
    const sign = vi.spyOn(crypto.subtle, "sign");
    const backend = new FakeBackend(DEVICE, phone.key.publicKey);
    await sendWhatIsLeft(phone.db.name, backend.fetch);
    expect(backend.entries).toHaveLength(300);
    expect(backend.uploads).toHaveLength(2);
    expect(await phone.reopened()).toEqual({ queued: 0 });
    expect(sign).not.toHaveBeenCalled();
    sign.mockRestore();
  });

  it("asks to be woken again when the line was cut, and doubles nothing then", async () => {
    const phone = await closedPhone(3);
    const cuts: Cut[] = ["after", "none"];
    const backend = new FakeBackend(DEVICE, phone.key.publicKey, () => cuts.shift() ?? "none");
    await expect(sendWhatIsLeft(phone.db.name, backend.fetch)).rejects.toThrow(StillUnsent);
    expect(await phone.reopened()).toEqual({ queued: 3 });
    await sendWhatIsLeft(phone.db.name, backend.fetch);
    expect(backend.entries).toHaveLength(3);
    expect(await phone.reopened()).toEqual({ queued: 0 });
  });

  it("leaves the line to a page that is open, and asks to be woken again", async () => {
    const phone = await closedPhone(2);
    const backend = new FakeBackend(DEVICE, phone.key.publicKey);
    await owning(phone.db.name, async () => {
      await expect(sendWhatIsLeft(phone.db.name, backend.fetch)).rejects.toThrow(StillUnsent);
    });
    expect(backend.calls).toBe(0);
    await sendWhatIsLeft(phone.db.name, backend.fetch);
    expect(backend.entries).toHaveLength(2);
  });

  it.each([
    [3, 0],
    [0, 3],
  ])("sends for the number before (%i left) and for the one that followed (%i left)", async (old, fresh) => {
    const after = await closedPhone(fresh);
    const before = await closedPhone(old, after);
    const backend = new FakeBackend(DEVICE, (old > 0 ? before : after).key.publicKey);
    await sendWhatIsLeft(before.db.name, backend.fetch);
    expect(backend.entries).toHaveLength(3);
    expect([await before.reopened(), await after.reopened()]).toEqual([{ queued: 0 }, { queued: 0 }]);
  });

  it("has nothing to do before the phone is enrolled", async () => {
    const { db } = await newPhone();
    const backend = new FakeBackend(DEVICE, { x: "", y: "" });
    await sendWhatIsLeft(db.name, backend.fetch);
    expect(backend.calls).toBe(0);
  });
});

describe("a page that cannot send", () => {
  /** A browser with a worker, and what was asked of it. */
  function browser(register: (tag: string) => Promise<void>, onLine = true): void {
    const serviceWorker = { getRegistration: async () => ({ sync: { register } }) };
    vi.stubGlobal("navigator", { onLine, serviceWorker });
  }

  it("asks the browser to wake the worker, and does not ask while it can send", async () => {
    const { changes } = await newPhone();
    const asked: string[] = [];
    browser(async (tag) => void asked.push(tag));
    const sync = {
      line: { is: "resting" } as { is: "resting" } | { is: "waiting"; why: string; until: number },
    };
    watchForWaking(changes, sync);
    changes.tell("written");
    sync.line = { is: "waiting", why: "unreachable", until: 0 };
    changes.tell("synced");
    await vi.waitFor(() => expect(asked).toEqual([WAKE_TAG]));
  });

  it("goes on without where the person or the browser does not allow it", async () => {
    browser(() => Promise.reject(new DOMException("denied", "NotAllowedError")));
    expect(await askToBeWoken()).toBe(false);
    vi.stubGlobal("navigator", { serviceWorker: { getRegistration: async () => ({}) } });
    expect(await askToBeWoken()).toBe(false);
    vi.stubGlobal("navigator", {});
    expect(await askToBeWoken()).toBe(false);
  });
});
