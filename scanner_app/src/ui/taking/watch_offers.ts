/** Keeps the list of lots on their way fresh while a screen shows it. */
import type { App } from "../app.ts";
import { fetchOffers } from "./offers.ts";

const POLL_MILLISECONDS = 10_000;
let isStale = false;

/** Whether the list could not be fetched when it was last asked for. */
export const isStaleNow = () => isStale;

export function watchOffers(app: App): { refresh(): Promise<void>; stop(): void } {
  const refresh = async () => {
    const before = JSON.stringify(app.lotsOnTheWay);
    const wasStale = isStale;
    isStale = (await fetchOffers(app)) === "stale";
    if (before !== JSON.stringify(app.lotsOnTheWay) || wasStale !== isStale) app.changes.tell("synced");
  };
  if (app.lotsOnTheWay === undefined) void refresh();
  const timer = setInterval(() => void refresh(), POLL_MILLISECONDS);
  return { refresh, stop: () => clearInterval(timer) };
}
