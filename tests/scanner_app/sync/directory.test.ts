import { describe, expect, it } from "vitest";
import { ROOT_NOTICE_SECONDS } from "../../../scanner_app/src/domain/directory_roots.ts";
import { keyHash } from "../../../scanner_app/src/domain/seal.ts";
import type { SiteId } from "../../../scanner_app/src/domain/types.ts";
import { type Identity, keepSingle, readSingle } from "../../../scanner_app/src/store/database.ts";
import { findBin, findBinByNumber, findDevice } from "../../../scanner_app/src/store/directory.ts";
import { Api } from "../../../scanner_app/src/sync/api.ts";
import { fetchNames, refreshDirectory } from "../../../scanner_app/src/sync/directory.ts";
import {
  copyOf,
  type Loose,
  type Made,
  makeDirectory,
  OURS,
  PHONE,
  runOf,
  STREET,
  withOneDigitOff,
} from "../directory_maker.ts";
import { problem } from "../fakes.ts";
import { newPhone } from "../phone.ts";
import { NETWORK, NOW, SoftwareDevice } from "../street.ts";

/** A server of one directory, which can go down, lie, or be asked twice. */
class DirectoryServer {
  readonly asked: string[] = [];
  isDown = false;
  refusal: Response | undefined;
  tag = '"one"';

  constructor(public content: Loose) {}

  readonly fetch: typeof fetch = async (input, init) => {
    this.asked.push(String(input));
    if (this.isDown) throw new TypeError("nobody is there");
    if (this.refusal !== undefined) return this.refusal.clone();
    const headers = { ETag: this.tag, Date: new Date((NOW + 3600) * 1000).toUTCString() };
    if (new Headers(init?.headers).get("If-None-Match") === this.tag) {
      return new Response(null, { status: 304, headers });
    }
    return Response.json(this.content, { headers });
  };
}

async function carried(made = makeDirectory()) {
  const phone = await newPhone();
  const { desk } = made.registry;
  const certificate = { registrar: desk.id, key: desk.key } as Identity["certificate"];
  const identity = { ...phone.identity, network: { ...NETWORK, publicBaseUrl: "" }, certificate };
  const server = new DirectoryServer(copyOf(made.told));
  const api = new Api(server.fetch, () => "en");
  let now = NOW;
  const refresh = () => refreshDirectory(phone.db, api, identity, () => now);
  const later = (seconds: number) => (now += seconds);
  return { made, db: phone.db, server, api, refresh, later };
}

/** Another directory of the same city, as the server would answer after a change. */
function replaced(server: DirectoryServer, change: (told: Loose) => unknown): void {
  server.content = copyOf(server.content);
  change(server.content);
  server.tag = `"${Math.random()}"`;
}
const forge = (told: Loose) => (told.runs[1].words = withOneDigitOff(told.runs[1].words, 74));

describe("a directory that is fetched", () => {
  it("is kept with its bins, its devices' keys, and how many seals were checked", async () => {
    const { db, refresh, made } = await carried();
    expect(await refresh()).toBe("kept");
    const directory = await readSingle(db, "directory");
    expect(directory?.checked).toMatchObject({ seals: made.told.runs.length, bins: 3 });
    const root = { device: made.registry.root.id, role: "registrar" };
    expect(directory?.devices, "the root is its organisation's too").toEqual(expect.arrayContaining([root]));
    expect(directory?.devices).toHaveLength(4);
    expect(await findBinByNumber(db, "0000000002")).toMatchObject({ order: 1, is_sealed: true });
    const digest = (await findBinByNumber(db, "00000000ff"))?.serial_digest ?? "";
    expect(await findBin(db, digest)).toMatchObject({ stream: "residual", point: { en: "point 3" } });
    expect((await findDevice(db, PHONE, NOW))?.key.x).toMatch(/^[0-9a-f]{64}$/);
    expect(await findDevice(db, made.registry.desk.id, NOW)).toBeUndefined();
  });

  it("costs nothing while it is the same, and is then as of that moment", async () => {
    const { db, refresh, server } = await carried();
    await refresh();
    expect(await refresh()).toBe("same");
    expect((await readSingle(db, "directory"))?.dated_at).toBe(new Date((NOW + 3600) * 1000).toISOString());
    expect(await db.count("bins")).toBe(4);
    replaced(server, (told) => (told.bins = []));
    expect(await refresh()).toBe("kept");
    expect(await db.count("bins")).toBe(3);
  });

  it("is not believed for one wrong seal: yesterday's stays whole, and why is kept", async () => {
    const { db, refresh, server } = await carried();
    await refresh();
    const before = await readSingle(db, "directory");
    replaced(server, (told) => {
      forge(told);
      told.bins = [];
    });
    expect(await refresh()).toBe("refused");
    expect(await readSingle(db, "directory")).toEqual(before);
    expect(await db.count("bins")).toBe(4);
    expect(await readSingle(db, "directoryRefused")).toMatchObject({ reason: "seal", at: NOW });
    replaced(server, (told) => (told.runs = copyOf(makeDirectory().told).runs));
    expect(await refresh()).toBe("refused");
    expect(await readSingle(db, "directoryRefused")).toMatchObject({ reason: "key" });
  });

  it("is refused the first time as well: then there is none", async () => {
    const { db, refresh, server } = await carried();
    replaced(server, forge);
    expect(await refresh()).toBe("refused");
    expect(await readSingle(db, "directory")).toBeUndefined();
    expect(await readSingle(db, "directoryRoots")).toBeUndefined();
    expect(await db.count("bins")).toBe(0);
  });

  it("clears a refusal once it holds again, also when it is the one that is kept", async () => {
    const { db, refresh, server, made } = await carried();
    await refresh();
    const good = server.tag;
    replaced(server, forge);
    await refresh();
    server.content = copyOf(made.told);
    server.tag = good;
    expect(await refresh()).toBe("same");
    expect(await readSingle(db, "directoryRefused")).toBeUndefined();
  });

  it.each(["down", "problem", "page"] as const)("stays as it is while the server is %s", async (how) => {
    const { db, refresh, server } = await carried();
    await refresh();
    const before = await readSingle(db, "directory");
    if (how === "down") server.isDown = true;
    else if (how === "problem") server.refusal = problem("busy", 503);
    else server.refusal = new Response("<html>", { status: 200 });
    expect(await refresh()).toBe("not-answered");
    expect(await readSingle(db, "directory")).toEqual(before);
    expect(await db.count("bins")).toBe(4);
  });

  it("is of the streets that were chosen; too many of them are let go", async () => {
    const { db, refresh, server } = await carried();
    await keepSingle(db, "route", [STREET, "0000020000000002" as SiteId]);
    await refresh();
    const path = `/api/v1/directory?organisation=${OURS}`;
    expect(server.asked).toEqual([`${path}&site=${STREET}&site=0000020000000002`]);
    server.refusal = problem("route-too-large", 413);
    expect(await refresh()).toBe("not-answered");
    server.refusal = undefined;
    expect(await refresh()).toBe("kept");
    expect(server.asked.at(-1)).toBe(path);
  });

  it("tells a newcomer what organisations are called, and keeps nothing", async () => {
    const { db, api, server } = await carried();
    expect((await fetchNames(api, OURS))?.organisations[0]?.name.en).toBe("carrier");
    server.content = { organisations: 7 };
    expect(await fetchNames(api, OURS)).toBeUndefined();
    expect(await readSingle(db, "directory")).toBeUndefined();
  });
});

describe("a device that has ended", () => {
  it("is not known any more, though the directory is older", async () => {
    const made = makeDirectory();
    const id = "000002000000000c";
    const seq = made.registry.enrol(made.registry.desk, id, "crew", { not_after: NOW + 10 });
    const run = made.registry.seal(made.registry.desk);
    const { db, refresh, server } = await carried(made);
    replaced(server, (told) => {
      told.runs = copyOf(made.registry.runs as never);
      told.devices.push({ device: id, role: 1, run, seq });
    });
    expect(await refresh()).toBe("kept");
    expect(await findDevice(db, id as never, NOW + 10)).toBeDefined();
    expect(await findDevice(db, id as never, NOW + 11)).toBeUndefined();
  });
});

describe("another root registrar of a known organisation", () => {
  /** The city named a new root; it enrolled a crew. */
  function withHeir(made: Made) {
    const heir = new SoftwareDevice("0000020000000002");
    const before = heir.head;
    const seq = made.registry.enrol(heir, "000002000000000f", "crew");
    const run = runOf(heir.cut(), before);
    return (told: Loose) => {
      told.roots.push({ device: heir.id, key_hash: keyHash(heir.key) });
      told.devices.push({ device: "000002000000000f", role: 1, run: told.runs.length, seq });
      told.runs.push(run);
    };
  }

  it("is taken after the city's notice of 72 hours, and the directory before is used until then", async () => {
    const { made, db, refresh, server, later } = await carried();
    await refresh();
    replaced(server, withHeir(made));
    expect(await refresh()).toBe("refused");
    later(ROOT_NOTICE_SECONDS - 1);
    expect(await refresh()).toBe("refused");
    expect(await readSingle(db, "directoryRefused")).toMatchObject({ reason: "root", about: "0000020000000002" });
    later(1);
    expect(await refresh()).toBe("kept");
    expect(Object.keys((await readSingle(db, "directoryRoots")) ?? {})).toHaveLength(3);
    expect(await readSingle(db, "directoryRefused")).toBeUndefined();
  });

  it("is waited for anew once a directory without it was believed", async () => {
    const { made, refresh, server, later } = await carried();
    await refresh();
    const [good, tag, change] = [server.content, server.tag, withHeir(made)];
    replaced(server, change);
    await refresh();
    [server.content, server.tag] = [good, tag];
    expect(await refresh()).toBe("same");
    later(ROOT_NOTICE_SECONDS);
    replaced(server, change);
    expect(await refresh()).toBe("refused");
  });
});
