/** A person's passkey: made and used by the browser, which asks the person each time; the key stays in there. */
import { bytesToHex } from "../domain/bytes.ts";
import { type PublicKey, withLowS } from "../domain/seal.ts";
import {
  type AssertedSeal,
  assertedMessage,
  originDigestOf,
  packAssertion,
  type PasskeyIdentity,
} from "../domain/webauthn.ts";
import { sealFromDer } from "./der.ts";
import { isSealOf } from "./device_key.ts";

export interface Passkey {
  /** By which the browser finds the key again. */
  readonly id: Uint8Array;
  readonly publicKey: PublicKey;
  /** Of the page that made it; it answers on no other. */
  readonly origin: string;
}
/** Under which name the browser lists the passkey; never a person's. */
export interface PasskeyName {
  readonly system: string;
  readonly device: string;
}

/** The browser has no passkeys, or this one answers in a way that the ledger does not read. */
export class PasskeyUnusable extends Error {
  constructor(reason: string) {
    super(`This passkey cannot seal: ${reason}.`);
    this.name = "PasskeyUnusable";
  }
}

/** ES256: https://www.iana.org/assignments/cose/cose.xhtml */
const ES256 = -7;
const POINT_BYTES = 64;

/** Makes a passkey for this page's origin. */
export async function makePasskey(name: PasskeyName): Promise<Passkey> {
  const made = await container().create({
    publicKey: {
      rp: { name: name.system },
      user: { id: randomBytes(), name: name.device, displayName: name.device },
      // Nobody checks an answer to this one: the registrar compares the key, not the ceremony.
      challenge: randomBytes(),
      pubKeyCredParams: [{ type: "public-key", alg: ES256 }],
      authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
      attestation: "none",
    },
  });
  const { rawId, response } = made as PublicKeyCredential & { response: AuthenticatorAttestationResponse };
  const spki = response.getPublicKey();
  if (response.getPublicKeyAlgorithm() !== ES256 || spki === null) throw new PasskeyUnusable("not ES256");
  // SubjectPublicKeyInfo ends with the uncompressed point, https://www.rfc-editor.org/rfc/rfc5480#section-2.2
  const point = new Uint8Array(spki).slice(-POINT_BYTES);
  return {
    id: new Uint8Array(rawId),
    publicKey: { x: bytesToHex(point.slice(0, 32)), y: bytesToHex(point.slice(32)) },
    origin: location.origin,
  };
}

/** Asks the person to seal a digest; the answer has the low s, and is checked before it is given back. */
export async function sealWithPasskey(passkey: Passkey, digest: Uint8Array): Promise<AssertedSeal> {
  const answer = await container().get({
    publicKey: {
      challenge: digest.slice(),
      allowCredentials: [{ type: "public-key", id: passkey.id.slice() }],
      userVerification: "required",
    },
  });
  const { response } = answer as PublicKeyCredential & { response: AuthenticatorAssertionResponse };
  const signature = sealFromDer(new Uint8Array(response.signature));
  if (signature === undefined) throw new PasskeyUnusable("its signature is not in DER");
  const assertion = packAssertion(
    new Uint8Array(response.authenticatorData),
    new Uint8Array(response.clientDataJSON),
  );
  const seal = { ...withLowS(signature), assertion };
  const identity = { key: passkey.publicKey, originDigest: originDigestOf(passkey.origin) };
  // Some browsers and password managers write the client data in an order of their own, and no verifier of ours
  // would read it. It is better to know while the person is there.
  if (!(await isPasskeySealOf(digest, identity, seal)))
    throw new PasskeyUnusable("no verifier accepts its answer");
  return seal;
}

export async function isPasskeySealOf(
  digest: Uint8Array,
  passkey: PasskeyIdentity,
  seal: AssertedSeal,
): Promise<boolean> {
  const message = assertedMessage(digest, passkey.originDigest, seal.assertion);
  return message !== undefined && (await isSealOf(message, passkey.key, seal));
}

function container(): CredentialsContainer {
  const { credentials } = navigator;
  if (credentials === undefined) throw new PasskeyUnusable("this page has no access to passkeys");
  return credentials;
}

function randomBytes(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32));
}
