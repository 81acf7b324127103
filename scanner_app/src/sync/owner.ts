/** One owner of the line at a time: a tab, or the service worker while no tab is open. */

/**
 * Does the work once nobody else owns the line. With `ifAvailable`, only if nobody does now: false when somebody did.
 *
 * Without Web Locks, which browsers give to secure pages only, everybody owns it: a segment that is sent twice gets the
 * same receipt twice.
 */
export async function owning(
  databaseName: string,
  work: () => Promise<void>,
  options: LockOptions = {},
): Promise<boolean> {
  const locks = globalThis.navigator?.locks;
  if (locks === undefined) {
    await work();
    return true;
  }
  return locks.request(`huanlian-upload-${databaseName}`, options, async (lock) => {
    if (lock === null) return false;
    await work();
    return true;
  });
}
