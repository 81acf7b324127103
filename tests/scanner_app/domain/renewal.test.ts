import { describe, expect, it } from "vitest";
import { bytesToHex, keccak } from "../../../scanner_app/src/domain/bytes.ts";
import { readCertificate } from "../../../scanner_app/src/domain/certificate.ts";
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
import { certificateOf } from "../renewing.ts";
import { NETWORK, SoftwareDevice } from "../street.ts";
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
    expect(renewedDevice(ORGANISATION, other)).not.toBe(device);
  });
});

describe("the days before a certificate ends", () => {
  it("leave a phone time to ask, and a registrar time to answer", () => {
    expect(ASKS_AHEAD_SECONDS).toBeLessThan(ANSWERED_AHEAD_SECONDS);
    expect(ANSWERED_AHEAD_SECONDS).toBeLessThan(CREW_VALID_SECONDS);
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

describe("a certificate", () => {
  const registrar = new SoftwareDevice("0000020000000001");
  const read = (replaced?: string) => {
    const fields = { device: "0000020000000009", role: 1, scheme: 1, x: "11", y: "22" };
    if (replaced === undefined) registrar.write("enrol", fields);
    else registrar.write("rotate", { ...fields, replaced });
    const answer = readCertificate(NETWORK, certificateOf(registrar));
    return answer.is === "read" ? answer.enrolled : undefined;
  };

  it("of an enrolment takes no device's place", () => {
    expect(read()).toMatchObject({ device: "0000020000000009", role: "crew", replaced: undefined });
  });

  it("of a rotation names the device whose place is taken", () => {
    expect(read("0000020000000007")).toMatchObject({
      device: "0000020000000009",
      replaced: "0000020000000007",
    });
  });
});
