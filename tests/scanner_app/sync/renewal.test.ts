import { describe, expect, it, vi } from "vitest";
import type { Certificate } from "../../../scanner_app/src/domain/certificate.ts";
import { isSameKey } from "../../../scanner_app/src/domain/certificate.ts";
import { keepSingle, readSingle } from "../../../scanner_app/src/store/database.ts";
import { openCurrent } from "../../../scanner_app/src/store/succession.ts";
import { KeyReplaced } from "../../../scanner_app/src/sign/writer.ts";
import { lift } from "../phone.ts";
import { DAY, onDatabase, RENEWED, RenewingServer, renewingPhone } from "../renewing.ts";
import { NOW } from "../street.ts";

async function scene(days = 9) {
  const server = new RenewingServer();
  return { server, phone: await renewingPhone(server, days) };
}

describe("a phone whose certificate nears its end", () => {
  it("asks, waits, and goes on as another device once its registrar has sealed that", async () => {
    const { server, phone } = await scene();
    await phone.writer.write(() => lift(1));
    expect(await phone.renewal.step()).toEqual({ is: "waiting" });
    expect(server.asked?.device).toBe(phone.identity.device);
    expect(await phone.renewal.step()).toEqual({ is: "waiting" });
    server.approve();
    expect(await phone.renewal.step()).toEqual({ is: "replaced" });

    const db = await openCurrent(phone.db.name);
    const identity = await readSingle(db, "identity");
    const key = await readSingle(db, "key");
    expect(identity).toMatchObject({ device: RENEWED, role: "crew", notAfter: NOW + 35 * DAY });
    expect(key && server.asked && isSameKey(key.publicKey, server.asked.new_key)).toBe(true);
    expect(key?.privateKey.extractable).toBe(false);
    expect(await db.getAll("entries")).toEqual([]);
    await expect(phone.writer.write(() => lift(2))).rejects.toThrow(KeyReplaced);
    expect(await phone.renewal.step()).toEqual({ is: "replaced" });
  });

  it("keeps its new key before it offers it, and offers the same after a cut", async () => {
    const { server, phone } = await scene();
    server.isCut = true;
    expect(await phone.renewal.step()).toEqual({ is: "unreachable" });
    const kept = await readSingle(phone.db, "renewal");
    server.isCut = false;
    await phone.renewal.step();
    expect(server.asked?.new_key).toEqual(kept?.key.publicKey);
    expect(kept?.key.publicKey).not.toEqual(phone.key.publicKey);
  });

  it("asks only at rest", async () => {
    const { server, phone } = await scene();
    phone.rest.isAtRest = false;
    expect(await phone.renewal.step()).toEqual({ is: "resting" });
    expect(server.calls).toEqual([]);
    expect(await readSingle(phone.db, "renewal")).toBeUndefined();
    phone.rest.isAtRest = true;
    expect(await phone.renewal.step()).toEqual({ is: "waiting" });
  });

  it("goes on with the old key until it is at rest, however long the new certificate has been there", async () => {
    const { server, phone } = await scene();
    await phone.renewal.step();
    server.approve();
    phone.rest.isAtRest = false;
    expect(await phone.renewal.step()).toEqual({ is: "ready" });
    await phone.writer.write(() => lift(1));
    expect((await openCurrent(phone.db.name)).name).toBe(phone.db.name);
    const calls = server.calls.length;
    expect(await phone.renewal.step()).toEqual({ is: "ready" });
    expect(server.calls.length).toBe(calls);
    phone.rest.isAtRest = true;
    expect(await phone.renewal.step()).toEqual({ is: "replaced" });
  });

  it("does not change over when somebody begins to work in the very last moment", async () => {
    const { server, phone } = await scene();
    await phone.renewal.step();
    server.approve();
    let looks = 0;
    // At rest when it begins to fill the new database; not any more when nobody can write.
    Object.defineProperty(phone.rest, "isAtRest", { get: () => (looks += 1) === 1 });
    expect(await phone.renewal.step()).toEqual({ is: "ready" });
    expect(looks).toBe(2);
    expect((await openCurrent(phone.db.name)).name).toBe(phone.db.name);
    expect((await phone.writer.write(() => lift(1))).seq).toBe(1);
  });

  it("waits until the ledger has applied what its registrar sealed", async () => {
    const { server, phone } = await scene();
    await phone.renewal.step();
    server.approve();
    server.state = "queued";
    expect(await phone.renewal.step()).toEqual({ is: "waiting" });
    server.state = "included";
    server.outcome = "quarantined";
    expect(await phone.renewal.step()).toEqual({ is: "waiting" });
    server.outcome = "applied";
    expect(await phone.renewal.step()).toEqual({ is: "replaced" });
  });

  it.each([
    [11, "resting"],
    [10, "waiting"],
    [-200, "waiting"],
  ])("with %i days left is %s", async (days, is) => {
    const { phone } = await scene(days);
    expect(await phone.renewal.step()).toEqual({ is });
  });

  it.each(["revoked-device", "not-renewable", "renewal-differs", "renewal-too-early"])(
    "that is refused (%s) goes on as it is",
    async (slug) => {
      const { server, phone } = await scene();
      server.refusal = [slug, 409];
      expect(await phone.renewal.step()).toEqual({ is: "refused", slug });
      expect((await phone.writer.write(() => lift(1))).seq).toBe(1);
    },
  );

  it("that has heard that it is revoked neither asks nor changes over", async () => {
    const { server, phone } = await scene();
    await phone.renewal.step();
    server.approve();
    await keepSingle(phone.db, "standing", { isRevoked: true, heardAt: NOW });
    const calls = server.calls.length;
    expect(await phone.renewal.step()).toEqual({ is: "refused", slug: "revoked-device" });
    expect(server.calls.length).toBe(calls);
    expect((await openCurrent(phone.db.name)).name).toBe(phone.db.name);
  });

  const forged = (made: Certificate) => ({ ...made, seal: { ...made.seal, r: `${made.seal.r.slice(1)}0` } });
  it.each([
    ["unreadable", {}, (made: Certificate) => ({ ...made, words: "00" })],
    ["key", { x: "1", y: "2" }, undefined],
    ["device", { replaced: "0000020000000077" }, undefined],
    ["role", { role: 2 }, undefined],
    ["role", { scheme: 2 }, undefined],
    ["end", { not_after: NOW }, undefined],
    ["seal", {}, forged],
  ] as const)(
    "does not believe a certificate for its %s, and goes on as it is",
    async (why, fields, change) => {
      const { server, phone } = await scene();
      await phone.renewal.step();
      server.approve(fields, change);
      expect(await phone.renewal.step()).toEqual({ is: "disbelieved", why });
      expect((await readSingle(phone.db, "renewal"))?.next).toBeUndefined();
      expect((await openCurrent(phone.db.name)).name).toBe(phone.db.name);
    },
  );

  it("does not believe a certificate that enrols without taking its place", async () => {
    const { server, phone } = await scene();
    await phone.renewal.step();
    if (server.asked === undefined) throw new Error("nobody has asked");
    server.certificate = server.enrol(RENEWED, server.asked.new_key, NOW + DAY);
    expect(await phone.renewal.step()).toEqual({ is: "disbelieved", why: "device" });
  });
});

describe("a phone that is open", () => {
  it("tells of it, counts what is left to the old key, and asks again by itself", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { server, phone } = await scene();
      phone.renewal.start();
      await vi.waitFor(() => expect(phone.renewal.state).toBe("asked"));
      phone.rest.isAtRest = false;
      server.approve();
      await vi.waitFor(async () => {
        await vi.advanceTimersByTimeAsync(1000);
        expect(phone.renewal.state).toBe("ready");
      });
      expect(phone.renewal.notAfter).toBe(NOW + 3 * DAY);
      phone.rest.isAtRest = true;
      phone.changes.tell("synced");
      await vi.waitFor(async () => {
        await vi.advanceTimersByTimeAsync(1000);
        expect(await readSingle(phone.db, "successor")).toBeDefined();
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it("says nothing of it once it is refused", async () => {
    const { server, phone } = await scene();
    server.refusal = ["revoked-device", 403];
    phone.renewal.start();
    await vi.waitFor(() => expect(server.calls).toHaveLength(1));
    await vi.waitFor(() => expect(phone.renewal.state).toBe("none"));
  });

  it("that is full goes on as it is, and renews itself once there is room", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { put } = IDBObjectStore.prototype;
    try {
      const { phone } = await scene();
      let tries = 0;
      IDBObjectStore.prototype.put = function () {
        tries += 1;
        throw new DOMException("full", "QuotaExceededError");
      };
      phone.renewal.start();
      await vi.waitFor(() => expect(tries).toBe(1));
      IDBObjectStore.prototype.put = put;
      await vi.waitFor(async () => {
        await vi.advanceTimersByTimeAsync(3_600_000);
        expect(phone.renewal.state).toBe("asked");
      });
    } finally {
      IDBObjectStore.prototype.put = put;
      vi.useRealTimers();
    }
  });

  it("ends quietly when the browser has closed its storage", async () => {
    const { server, phone } = await scene();
    phone.db.close();
    phone.renewal.start();
    await expect(phone.renewal.step()).rejects.toThrow(DOMException);
    expect(server.calls).toEqual([]);
  });

  it("is left alone when it is no crew's, or its certificate has no end", async () => {
    const { server, phone } = await scene();
    const gate = onDatabase(server, phone.db, phone.key, { ...phone.identity, role: "gate" });
    const endless = onDatabase(server, phone.db, phone.key, { ...phone.identity, notAfter: 0 });
    gate.renewal.start();
    endless.renewal.start();
    expect(await endless.renewal.step()).toEqual({ is: "resting" });
    expect(server.calls).toEqual([]);
  });
});
