import { describe, expect, it } from "vitest";
import { bytesToHex } from "../../../scanner_app/src/domain/bytes.ts";
import { keyHash, sealDigest, withLowS } from "../../../scanner_app/src/domain/seal.ts";
import type { DeviceId, Head } from "../../../scanner_app/src/domain/types.ts";
import { checkWithOpenSsl } from "../../differential/check_with_openssl.ts";
import { checkSeal } from "../check_seal.ts";
import { type NetworkVector, readVectors } from "../vectors.ts";

interface Seals {
  network: NetworkVector;
  seals: {
    name: string;
    device: string;
    seq: number;
    head: string;
    digest: string;
    x: string;
    y: string;
    key_hash: string;
    r: string;
    s: string;
    is_valid: boolean;
  }[];
}
const vectors = readVectors<Seals>("seals.json");
const network = {
  chainId: vectors.network.chain_id,
  ledger: vectors.network.ledger,
};

describe("a seal", () => {
  it.each(vectors.seals)("of $device at $seq ($name) is judged as the treaty says", (vector) => {
    const place = { ...network, device: vector.device as DeviceId };
    const digest = sealDigest(place, vector.seq, vector.head as Head);
    expect(bytesToHex(digest)).toBe(vector.digest);
    expect(keyHash(vector)).toBe(vector.key_hash);
    expect(checkSeal(digest, vector, vector)).toBe(vector.is_valid);
    expect(checkWithOpenSsl(digest, vector, vector)).toBe(vector.is_valid);
    if (vector.is_valid) expect(checkSeal(digest, vector, withLowS(vector))).toBe(true);
  });

  it("is brought to the lower half of the order", () => {
    const low = vectors.seals.find((seal) => seal.name === "low s");
    if (low === undefined) throw new Error("no such vector");
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const high = {
      r: low.r,
      s: (order - BigInt(`0x${low.s}`)).toString(16).padStart(64, "0"),
    };
    expect(withLowS(high)).toEqual({ r: low.r, s: low.s });
    expect(withLowS({ r: low.r, s: low.s })).toEqual({ r: low.r, s: low.s });
  });
});
