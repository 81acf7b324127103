/** The parts of Node.js that tests use. */
declare module "node:fs" {
  export function readFileSync(path: URL, encoding: "utf8"): string;
}
declare module "node:process" {
  export const argv: readonly string[];
  export const stdin: unknown;
  export const stdout: { write(text: string): boolean };
}
declare module "node:crypto" {
  export type KeyObject = { readonly type: "public" };
  export function createPublicKey(from: {
    key: { kty: "EC"; crv: "P-256"; x: string; y: string };
    format: "jwk";
  }): KeyObject;
  export function verify(
    hash: "sha256",
    message: Uint8Array,
    how: { key: KeyObject; dsaEncoding: "ieee-p1363" },
    signature: Uint8Array,
  ): boolean;
}
declare module "node:readline" {
  export function createInterface(from: { input: unknown }): AsyncIterable<string>;
}
