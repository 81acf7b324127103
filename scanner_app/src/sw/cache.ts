import { CACHE_NAME, FILES, PAGE } from "./to_cache.ts";

const BASE = "/app/";

/** Keeps the whole app, or nothing: a half-kept version would fail on the street. */
export async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE_NAME);
  await cache.addAll(FILES.map((file) => new Request(BASE + file, { cache: "reload" })));
}

export async function dropOldVersions(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("huanlian-") && name !== CACHE_NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The kept file for a request of this app; undefined leaves the request to the network. */
export async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE_NAME);
  const isPage = request.mode === "navigate";
  const kept = await (isPage ? cache.match(BASE + PAGE) : cache.match(request, { ignoreSearch: true }));
  return kept ?? fetch(request);
}

export function isOurs(request: Request): boolean {
  const { origin, pathname } = new URL(request.url);
  return (
    request.method === "GET" &&
    origin === location.origin &&
    pathname.startsWith(BASE) &&
    !pathname.endsWith("/sw.js") &&
    !pathname.endsWith("/registrar.html")
  );
}
