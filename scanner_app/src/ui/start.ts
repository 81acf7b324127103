/** Puts an enrolled device's parts together and starts them. */
import { JournalWriter } from "../sign/writer.ts";
import { type Identity, readSingle } from "../store/database.ts";
import { keepDirectory } from "../store/directory.ts";
import { Follower } from "../sync/follower.ts";
import { Sync } from "../sync/sync.ts";
import { Uploader } from "../sync/uploader.ts";
import type { App, Page } from "./app.ts";

const DIRECTORY_MILLISECONDS = 10 * 60_000;

export async function startApp(page: Page, identity: Identity): Promise<App> {
  const { db, changes, api, now } = page;
  const key = await readSingle(db, "key");
  if (key === undefined) throw new Error("an identity without a key");
  const writer = new JournalWriter(db, changes, key, identity, now);
  const uploader = new Uploader(db, api, identity.device, key.publicKey, now);
  const follower = new Follower(db, api, identity.device);
  const tipSeq = async () => (await writer.tip()).nextSeq - 1;
  const sync = new Sync({ db, changes, uploader, follower, tipSeq });
  const app: App = { ...page, identity, writer, sync, follower, lotsOnTheWay: undefined };
  sync.start();
  const fetchDirectory = async () => {
    const answer = await api.directory();
    if (answer.is !== "ok") return;
    await keepDirectory(db, answer.value);
    changes.tell("synced");
  };
  void fetchDirectory();
  setInterval(() => void fetchDirectory(), DIRECTORY_MILLISECONDS);
  globalThis.addEventListener("online", () => void fetchDirectory());
  return app;
}
