/** Registers the service worker; a new version replaces this one only when the person says so. */
export async function watchForUpdates(offer: (replace: () => void) => void): Promise<void> {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (workers === undefined || import.meta.env.DEV) return;
  const registration = await workers.register("/app/sw.js", { scope: "/app/" }).catch(() => undefined);
  if (registration === undefined) return;
  const hadOne = workers.controller !== null;
  const offerWaiting = () => {
    const { waiting } = registration;
    if (waiting !== null && hadOne) offer(() => waiting.postMessage("replace"));
  };
  offerWaiting();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offerWaiting);
  });
  workers.addEventListener("controllerchange", () => {
    if (hadOne) location.reload();
  });
}
