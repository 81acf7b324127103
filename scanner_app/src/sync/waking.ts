/** Lets the browser wake the service worker when the network is back, for a page that may be closed by then. */
import type { Changes } from "../store/changes.ts";
import type { Sync } from "./sync.ts";

export const WAKE_TAG = "huanlian-send";

/** Not in TypeScript's library: Chromium alone has it. */
interface WithSync {
  readonly sync?: { register(tag: string): Promise<void> };
}

/** Asks to be woken whenever something waits that this page could not send. */
export function watchForWaking(changes: Changes, sync: Pick<Sync, "line">): void {
  changes.listenAtLeisure(() => {
    if (sync.line.is === "waiting" || !navigator.onLine) void askToBeWoken();
  });
}

export async function askToBeWoken(): Promise<boolean> {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  const registration = (await workers?.getRegistration("/app/")) as WithSync | undefined;
  if (registration?.sync === undefined) return false;
  // A person can forbid it; the page then sends when it is next opened.
  return registration.sync.register(WAKE_TAG).then(
    () => true,
    () => false,
  );
}
