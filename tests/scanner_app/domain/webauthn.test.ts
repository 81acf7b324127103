import { describe, expect, it } from "vitest";
import { hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import { isAssertionOf, originDigestOf } from "../../../scanner_app/src/domain/webauthn.ts";
import { isPasskeySealOf } from "../../../scanner_app/src/sign/passkey.ts";
import { checkSeal } from "../check_seal.ts";
import { readVectors } from "../vectors.ts";

interface Assertions {
  origins: { origin: string; origin_digest: string }[];
  assertions: {
    name: string;
    digest: string;
    origin_digest: string;
    assertion: string;
    x: string;
    y: string;
    r: string;
    s: string;
    is_valid: boolean;
  }[];
}
const vectors = readVectors<Assertions>("webauthn.json");

describe("an assertion", () => {
  it.each(vectors.assertions)("($name) is judged as the treaty says", async (vector) => {
    const digest = hexToBytes(vector.digest);
    const passkey = {
      key: { x: vector.x, y: vector.y },
      originDigest: BigInt(`0x${vector.origin_digest}`),
    };
    const seal = { r: vector.r, s: vector.s, assertion: hexToBytes(vector.assertion) };
    expect(isAssertionOf(digest, passkey, seal, checkSeal)).toBe(vector.is_valid);
    expect(await isPasskeySealOf(digest, passkey, seal)).toBe(vector.is_valid);
  });
});

describe("an origin", () => {
  it.each(vectors.origins)("($origin) has the digest of the treaty", ({ origin, origin_digest }) => {
    expect(originDigestOf(origin)).toBe(BigInt(`0x${origin_digest}`));
  });
});
