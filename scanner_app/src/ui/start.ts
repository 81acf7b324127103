/** Puts an enrolled device's parts together and starts them. */
import { readCertificate } from "../domain/certificate.ts";
import { organisationOf } from "../domain/types.ts";
import { JournalWriter } from "../sign/writer.ts";
import { type Identity, readSingle } from "../store/database.ts";
import { refreshDirectory } from "../sync/directory.ts";
import { Follower } from "../sync/follower.ts";
import { askStanding } from "../sync/standing.ts";
import { Sync } from "../sync/sync.ts";
import { Uploader } from "../sync/uploader.ts";
import type { App, Page } from "./app.ts";
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
  const parts = { identity, enrolledAt, writer, sync, follower };
  const app: App = { ...page, ...parts, isRevoked: false, lotsOnTheWay: undefined };
  const readStanding = async () => {
    app.isRevoked = (await readSingle(db, "standing"))?.isRevoked ?? false;
  };
  await readStanding();
  changes.listen(async () => {
    const before = app.isRevoked;
    await readStanding();
    if (app.isRevoked !== before) changes.tell("synced");
  });
  sync.start();
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
  void fetchNews();
  setInterval(() => void fetchNews(), NEWS_MILLISECONDS);
  globalThis.addEventListener("online", () => void fetchNews());
  return app;
}
