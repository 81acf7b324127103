import { describe, expect, it } from "vitest";
import { bytesToHex, keccak } from "../../../scanner_app/src/domain/bytes.ts";
import {
  ANSWERED_AHEAD_SECONDS,
  ASKS_AHEAD_SECONDS,
  CREW_VALID_SECONDS,
  isDue,
  renewalDigest,
  renewedDevice,
} from "../../../scanner_app/src/domain/renewal.ts";
import type { PublicKey } from "../../../scanner_app/src/domain/seal.ts";
import type { DeviceId, OrganisationId } from "../../../scanner_app/src/domain/types.ts";
import { checkSeal } from "../check_seal.ts";
import { type NetworkVector, readVectors } from "../vectors.ts";

interface Renewals {
  network: NetworkVector;
  renewals: {
    name: string;
    device: DeviceId;
    new_key: PublicKey;
    digest: string;
    x: string;
    y: string;
    r: string;
    s: string;
    is_valid: boolean;
  }[];
}
const vectors = readVectors<Renewals>("renewals.json");
const ORGANISATION = "000002" as OrganisationId;

describe("a request for a next key", () => {
  it.each(vectors.renewals)("of $device ($name) is judged as the treaty says", (vector) => {
    const { chain_id: chainId, ledger } = vectors.network;
    const digest = renewalDigest({ chainId, ledger, device: vector.device }, vector.new_key);
    expect(bytesToHex(digest)).toBe(vector.digest);
    expect(checkSeal(digest, vector, vector)).toBe(vector.is_valid);
  });

  it("names the device that answers it, the same each time and another for another request", () => {
    const [one, other] = [keccak(new Uint8Array([1])), keccak(new Uint8Array([2]))];
    const device = renewedDevice(ORGANISATION, one);
    expect(device).toBe(`000002${bytesToHex(keccak(one)).slice(0, 10)}`);
    expect(renewedDevice(ORGANISATION, one)).toBe(device);
    expect(renewedDevice(ORGANISATION, other) === device).toBe(false);
  });
});

describe("the days before a certificate ends", () => {
  it("leave a phone time to ask, and a registrar time to answer", () => {
    expect(ANSWERED_AHEAD_SECONDS).toBeGreaterThan(ASKS_AHEAD_SECONDS);
    expect(CREW_VALID_SECONDS).toBeGreaterThan(ANSWERED_AHEAD_SECONDS);
  });

  it.each([
    [ASKS_AHEAD_SECONDS + 1, false],
    [ASKS_AHEAD_SECONDS, true],
    [1, true],
    [-1_000_000, true],
  ])("with %i seconds left: due is %s", (left, due) => {
    expect(isDue(5_000_000 + left, 5_000_000)).toBe(due);
  });

  it("never come for a certificate without an end", () => {
    expect(isDue(0, 5_000_000)).toBe(false);
  });
});
