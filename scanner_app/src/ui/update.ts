/** Registers the service worker; a new version replaces this one only when the person says so. */
export async function watchForUpdates(offer: (replace: () => void) => void): Promise<void> {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (workers === undefined || import.meta.env.DEV) return;
  const registration = await workers.register("/app/sw.js", { scope: "/app/" }).catch(() => undefined);
  if (registration === undefined) return;
  const offerWaiting = () => {
    const { active, waiting } = registration;
    // The very first version waits for nobody.
    if (waiting !== null && active !== null) offer(() => waiting.postMessage("replace"));
  };
  offerWaiting();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offerWaiting);
  });
  let isKept = workers.controller !== null;
  workers.addEventListener("controllerchange", () => {
    // The first one takes over a page that it was made for; any other comes with a page of its own.
    if (isKept) location.reload();
    isKept = true;
  });
}
