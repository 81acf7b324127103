/** Hands the person a file with everything that this device wrote. */
import { rescueFile } from "../sync/rescue.ts";
import type { App } from "./app.ts";
import { h } from "./dom.ts";

export async function saveRescue(app: App): Promise<void> {
  const address = URL.createObjectURL(await rescueFile(app.db, app.identity));
  const link = h("a", { href: address, download: `huanlian-${app.identity.device}-${app.now()}.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
