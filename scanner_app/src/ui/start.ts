/** Puts an enrolled device's parts together and starts them. */
import { readCertificate } from "../domain/certificate.ts";
import { emptyJournal } from "../domain/journal.ts";
import { organisationOf } from "../domain/types.ts";
import { JournalWriter } from "../sign/writer.ts";
import { Changes } from "../store/changes.ts";
import { type Identity, readSingle, whileKept } from "../store/database.ts";
import { refreshDirectory } from "../sync/directory.ts";
import { readTip } from "../store/journal.ts";
import { openEarlier } from "../store/succession.ts";
import { Follower } from "../sync/follower.ts";
import { Keeper } from "../sync/keeper.ts";
import { RenewalKeeper } from "../sync/renewal.ts";
import { askStanding } from "../sync/standing.ts";
import { Sync } from "../sync/sync.ts";
import { Uploader } from "../sync/uploader.ts";
import { watchForWaking } from "../sync/waking.ts";
import type { App, Page } from "./app.ts";
import { isAtRest } from "./rest.ts";
import { fetchMandates } from "./taking/mandates.ts";
import { fetchTolerances } from "./taking/verdict.ts";

const NEWS_MILLISECONDS = 10 * 60_000;

export async function startApp(page: Page, identity: Identity): Promise<App> {
  const { db, changes, api, now } = page;
  const key = await readSingle(db, "key");
  if (key === undefined) throw new Error("an identity without a key");
  const writer = new JournalWriter(db, changes, key, identity, now);
  const uploader = new Uploader(db, api, identity.device, key.publicKey, now);
  const follower = new Follower(db, api, identity.device);
  const tipSeq = async () => (await writer.tip()).nextSeq - 1;
  const keeper = new Keeper(db, api, identity, key.publicKey, now);
  const sync = new Sync({ db, changes, uploader, follower, keeper, tipSeq });
  const certified = readCertificate(identity.network, identity.certificate);
  const enrolledAt = certified.is === "read" ? certified.enrolled.occurredAt : 0;
  const renewal = new RenewalKeeper({
    db,
    changes,
    api,
    writer,
    identity,
    key,
    now,
    isAtRest: async () => !app.isRevoked && isAtRest(app),
  });
  const parts = { identity, enrolledAt, writer, sync, follower, renewal };
  const app: App = { ...page, ...parts, isRevoked: false, lotsOnTheWay: undefined };
  const readStanding = async () => {
    app.isRevoked = (await readSingle(db, "standing"))?.isRevoked ?? false;
  };
  await readStanding();
  const listen = async () => {
    // Another device has taken over, in this tab or in another: the page is that device's from now on.
    if ((await readSingle(db, "successor")) !== undefined) return location.reload();
    const before = app.isRevoked;
    await readStanding();
    if (app.isRevoked !== before) changes.tell("synced");
  };
  changes.listenAtLeisure(() => void whileKept(listen));
  sync.start();
  watchForWaking(changes, sync);
  renewal.start();
  const earlier = await followEarlier(page);
  changes.listen((change) => {
    if (change !== "full") return;
    for (const each of [{ keeper, sync }, ...earlier]) {
      each.keeper.wantRoom();
      each.sync.hurry();
    }
  });
  const fetchNews = async () => {
    if (await askStanding(db, api, identity.device, now)) {
      await readStanding();
      changes.tell("synced");
    }
    await fetchDirectory();
    await fetchTolerances(db, api);
    await fetchMandates(db, api, organisationOf(identity.device));
  };
  const fetchDirectory = async () => {
    const refreshed = await refreshDirectory(db, api, identity, now);
    if (refreshed !== "not-answered") changes.tell("synced");
  };
  void whileKept(fetchNews);
  setInterval(() => void whileKept(fetchNews), NEWS_MILLISECONDS);
  globalThis.addEventListener("online", () => void whileKept(fetchNews));
  return app;
}

/** What the device before this one wrote is followed to its last block, and let go of when its time has come. */
async function followEarlier({ db, api, now }: Page): Promise<{ keeper: Keeper; sync: Sync }[]> {
  const earlier = await openEarlier(db);
  if (earlier === undefined) return [];
  const { device, network } = earlier.identity;
  const key = await readSingle(earlier.db, "key");
  if (key === undefined) throw new Error("an identity without a key");
  const uploader = new Uploader(earlier.db, api, device, key.publicKey, now);
  const follower = new Follower(earlier.db, api, device);
  const keeper = new Keeper(earlier.db, api, earlier.identity, key.publicKey, now);
  const empty = emptyJournal({ ...network, device });
  const tipSeq = async () => (await readTip(earlier.db, empty)).nextSeq - 1;
  const changes = new Changes(earlier.db.name);
  const sync = new Sync({ db: earlier.db, changes, uploader, follower, keeper, tipSeq });
  sync.start();
  return [{ keeper, sync }];
}
