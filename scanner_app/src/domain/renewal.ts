/** A phone asks for its next number and key. Source: docs/spec/renewal.md. */
import { bigToBytes, bytesToHex, hexToBytes, keccak, utf8ToBytes } from "./bytes.ts";
import { type JournalPlace } from "./journal.ts";
import { domainDigest, type PublicKey } from "./seal.ts";
import { type DeviceId, numberOf, type OrganisationId, type Seconds } from "./types.ts";

const DAY_SECONDS = 86_400;
/** A crew's phone gets a new number and key at least monthly, with a few days to do it in. */
export const CREW_VALID_SECONDS = 35 * DAY_SECONDS;
/** How long before its certificate's end a phone asks. */
export const ASKS_AHEAD_SECONDS = 10 * DAY_SECONDS;
/** A request that comes earlier than this is not answered: clocks differ, but not by days. */
export const ANSWERED_AHEAD_SECONDS = 14 * DAY_SECONDS;

const RENEWAL_TYPE = keccak(utf8ToBytes("Renewal(uint64 device,uint256 x,uint256 y)"));
const SERIAL_BYTES = 5;

/** The 32 bytes that a device signs with its old key to ask for this one as its next. */
export function renewalDigest(place: JournalPlace, key: PublicKey): Uint8Array {
  const device = bigToBytes(numberOf(place.device), 32);
  return domainDigest(place, keccak(RENEWAL_TYPE, device, hexToBytes(key.x), hexToBytes(key.y)));
}

/** The number that answers a request: the same on every page that answers it. */
export function renewedDevice(organisation: OrganisationId, request: Uint8Array): DeviceId {
  const hash = keccak(request);
  for (let at = 0; at + SERIAL_BYTES <= hash.length; at += SERIAL_BYTES) {
    const serial = hash.slice(at, at + SERIAL_BYTES);
    // Serial 0 names the organisation itself.
    if (serial.some((byte) => byte !== 0)) return `${organisation}${bytesToHex(serial)}` as DeviceId;
  }
  throw new Error("a hash of nothing but zeros");
}

/** Whether a certificate is near enough to its end, or past it, to ask for the next; one without an end never is. */
export function isDue(notAfter: Seconds, now: Seconds, aheadSeconds = ASKS_AHEAD_SECONDS): boolean {
  return notAfter !== 0 && now >= notAfter - aheadSeconds;
}
