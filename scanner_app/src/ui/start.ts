/** Puts an enrolled device's parts together and starts them. */
import { readCertificate } from "../domain/certificate.ts";
import { emptyJournal } from "../domain/journal.ts";
import { organisationOf } from "../domain/types.ts";
import { JournalWriter } from "../sign/writer.ts";
import { Changes } from "../store/changes.ts";
import { type Identity, readSingle, whileKept } from "../store/database.ts";
import { keepDirectory } from "../store/directory.ts";
import { readTip } from "../store/journal.ts";
import { openEarlier } from "../store/succession.ts";
import { Follower } from "../sync/follower.ts";
import { RenewalKeeper } from "../sync/renewal.ts";
import { askStanding } from "../sync/standing.ts";
import { Sync } from "../sync/sync.ts";
import { Uploader } from "../sync/uploader.ts";
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
  const sync = new Sync({ db, changes, uploader, follower, tipSeq });
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
  changes.listen(() => void whileKept(listen));
  sync.start();
  renewal.start();
  await followEarlier(page);
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
    const answer = await api.directory();
    if (answer.is !== "ok") return;
    await keepDirectory(db, answer.value);
    changes.tell("synced");
  };
  void whileKept(fetchNews);
  setInterval(() => void whileKept(fetchNews), NEWS_MILLISECONDS);
  globalThis.addEventListener("online", () => void whileKept(fetchNews));
  return app;
}

/** What the device before this one wrote is followed to its last block. */
async function followEarlier({ db, api, now }: Page): Promise<void> {
  const earlier = await openEarlier(db);
  if (earlier === undefined) return;
  const { device, network } = earlier.identity;
  const key = await readSingle(earlier.db, "key");
  if (key === undefined) throw new Error("an identity without a key");
  const uploader = new Uploader(earlier.db, api, device, key.publicKey, now);
  const follower = new Follower(earlier.db, api, device);
  const empty = emptyJournal({ ...network, device });
  const tipSeq = async () => (await readTip(earlier.db, empty)).nextSeq - 1;
  const changes = new Changes(earlier.db.name);
  new Sync({ db: earlier.db, changes, uploader, follower, tipSeq }).start();
}
