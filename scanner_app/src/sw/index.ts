/**
 * The service worker: the app opens with no network, a new version waits until the person agrees, and what a closed
 * page had left is sent when the network is back.
 */
import { WAKE_TAG } from "../sync/waking.ts";
import { answer, dropOldVersions, isOurs, keepAll } from "./cache.ts";
import { sendWhatIsLeft } from "./send.ts";

interface LifeEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface RequestEvent extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface WakeEvent extends LifeEvent {
  readonly tag: string;
}
interface WorkerScope {
  addEventListener(type: "install" | "activate", listener: (event: LifeEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: RequestEvent) => void): void;
  addEventListener(type: "sync", listener: (event: WakeEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}
const scope = self as unknown as WorkerScope;

scope.addEventListener("install", (event) => event.waitUntil(keepAll()));
scope.addEventListener("activate", (event) =>
  event.waitUntil(dropOldVersions().then(() => scope.clients.claim())),
);
scope.addEventListener("message", (event) => {
  if (event.data === "replace") void scope.skipWaiting();
});
scope.addEventListener("fetch", (event) => {
  if (isOurs(event.request)) event.respondWith(answer(event.request));
});
scope.addEventListener("sync", (event) => {
  // The registrar's page has no worker: whoever enrols sits at a desk.
  if (event.tag === WAKE_TAG) event.waitUntil(sendWhatIsLeft("huanlian", fetch.bind(globalThis)));
});
