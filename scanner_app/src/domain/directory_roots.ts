/**
 * Which root registrars a phone believes. It has no node to ask, so it keeps those that it saw first. The city
 * replaces a root by a notice of 72 hours; so long a new one is waited for here too, and said.
 */
import { DirectoryRefused, type ToldDirectory } from "./directory.ts";
import { type DeviceId, organisationOf, type Seconds } from "./types.ts";

export const ROOT_NOTICE_SECONDS = 72 * 3600;

/** Key hashes of root registrars by their device. */
export type Roots = Readonly<Record<DeviceId, string>>;
/** A root that was told of, and since when. */
export interface NewRoot {
  readonly keyHash: string;
  readonly since: Seconds;
}
export type NewRoots = Readonly<Record<DeviceId, NewRoot>>;

export interface SortedRoots {
  readonly believed: Roots;
  /** Those that have not been known for long enough. */
  readonly waiting: NewRoots;
}

/** A root with another key than before is refused at once: an id is never given to another key. */
export function sortRoots(
  told: ToldDirectory["roots"],
  known: Roots,
  waiting: NewRoots,
  now: Seconds,
): SortedRoots {
  const organisations = new Set(Object.keys(known).map((device) => organisationOf(device as DeviceId)));
  const believed: Record<DeviceId, string> = { ...known };
  const fresh: Record<DeviceId, NewRoot> = {};
  for (const { device, key_hash: keyHash } of told) {
    const before = known[device];
    if (before !== undefined && before !== keyHash) throw new DirectoryRefused("root", device);
    if (before !== undefined) continue;
    const heard = waiting[device];
    const since = heard?.keyHash === keyHash ? heard.since : now;
    const isFirst = !organisations.has(organisationOf(device));
    if (isFirst || now - since >= ROOT_NOTICE_SECONDS) believed[device] = keyHash;
    else fresh[device] = { keyHash, since };
  }
  return { believed, waiting: fresh };
}
