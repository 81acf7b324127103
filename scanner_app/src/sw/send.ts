/** Sends what a closed page had left, with the page's own code and under the same lock. */
import { chooseLanguage } from "../i18n/index.ts";
import { Changes } from "../store/changes.ts";
import { openDatabase, readSingle } from "../store/database.ts";
import { countUnsent } from "../store/journal.ts";
import { Api } from "../sync/api.ts";
import { owning } from "../sync/owner.ts";
import { Uploader } from "../sync/uploader.ts";

/** Something is left to send. The browser then tries again later. */
export class StillUnsent extends Error {
  override readonly name = "StillUnsent";
}

/**
 * Sends until nothing is left or nothing more can be sent, for each device that this browser has been; throws
 * `StillUnsent`. Sealing needs a page, sending no key.
 */
export async function sendWhatIsLeft(first: string, fetching: typeof fetch): Promise<void> {
  let unsent = 0;
  let name: string | undefined = first;
  while (name !== undefined) {
    const left = await sendFrom(name, fetching);
    unsent += left.unsent;
    name = left.next;
  }
  if (unsent > 0) throw new StillUnsent();
}

async function sendFrom(
  databaseName: string,
  fetching: typeof fetch,
): Promise<{ unsent: number; next: string | undefined }> {
  const db = await openDatabase(databaseName);
  const changes = new Changes(databaseName);
  try {
    const [identity, key] = [await readSingle(db, "identity"), await readSingle(db, "key")];
    if (identity === undefined || key === undefined) return { unsent: 0, next: undefined };
    const api = new Api(fetching, () => chooseLanguage(navigator.languages));
    const now = () => Math.floor(Date.now() / 1000);
    const uploader = new Uploader(db, api, identity.device, key.publicKey, now);
    const send = async () => {
      for (;;) {
        const { is } = await uploader.step();
        if (is !== "sent" && is !== "repaired") return;
        changes.tell("synced");
      }
    };
    // A page that is open sends by itself; the browser asks here again in case it is closed before.
    await owning(databaseName, send, { ifAvailable: true });
    const next = (await readSingle(db, "successor"))?.database;
    return { unsent: (await countUnsent(db)).queued, next };
  } finally {
    changes.close();
    db.close();
  }
}
