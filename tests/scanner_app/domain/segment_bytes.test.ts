import { describe, expect, it } from "vitest";
import { bytesToHex, hexToBytes } from "../../../scanner_app/src/domain/bytes.ts";
import {
  MalformedUpload,
  packUploads,
  type Upload,
  unpackUploads,
} from "../../../scanner_app/src/domain/segment_bytes.ts";
import { readVectors } from "../vectors.ts";

interface Uploads {
  bodies: { name: string; uploads: Upload[]; body: string }[];
  malformed: { name: string; pointer: string; body: string }[];
}
const vectors = readVectors<Uploads>("uploads.json");

describe("segments as bytes", () => {
  it.each(vectors.bodies)("pack and read as the treaty says: $name", ({ uploads, body }) => {
    expect(bytesToHex(packUploads(uploads))).toBe(body);
    expect(unpackUploads(hexToBytes(body))).toEqual(uploads);
  });

  it.each(vectors.malformed)("refuse $name", ({ pointer, body }) => {
    expect(() => unpackUploads(hexToBytes(body))).toThrow(new MalformedUpload(pointer));
  });
});
