/** Hands the person a file with everything that a device of this browser wrote. */
import type { Seconds } from "../domain/types.ts";
import type { Database, Identity } from "../store/database.ts";
import { rescueFile } from "../sync/rescue.ts";
import type { App } from "./app.ts";
import { h } from "./dom.ts";

export const saveRescue = (app: App) => saveRescueOf(app.db, app.identity, app.now());

export async function saveRescueOf(db: Database, identity: Identity, now: Seconds): Promise<void> {
  const address = URL.createObjectURL(await rescueFile(db, identity));
  const link = h("a", { href: address, download: `huanlian-${identity.device}-${now}.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
