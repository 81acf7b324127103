/** What this browser remembers of a person's passkey: nothing secret, and never more than one journal. */
import type { PublicKey } from "../../domain/seal.ts";
import type { Upload } from "../../domain/segment_bytes.ts";
import type { DeviceId, Head, Role, Seq } from "../../domain/types.ts";
import { bytesToHex, hexToBytes } from "../../domain/bytes.ts";
import type { Passkey } from "../../sign/passkey.ts";

interface StoredPasskey {
  readonly id: string;
  readonly publicKey: PublicKey;
  readonly origin: string;
}
/** An enrolled passkey, and how far its journal is as far as this browser knows. */
export interface Sealer {
  readonly device: DeviceId;
  readonly role: Role;
  readonly passkey: StoredPasskey;
  readonly chainId: number;
  readonly ledger: string;
  readonly end?: { readonly seq: Seq; readonly head: Head };
  /** Sealed, and not known to have arrived. Nothing else is sealed before it has. */
  readonly unsent?: Upload;
}
/** A passkey that waits for its registrar. */
export interface Offered {
  readonly code: string;
  readonly passkey: StoredPasskey;
}

const SEALER = "huanlian-sealer";
const OFFERED = "huanlian-sealer-offered";

export const readSealer = () => read<Sealer>(SEALER);
export const keepSealer = (sealer: Sealer) => localStorage.setItem(SEALER, JSON.stringify(sealer));
export const readOffered = () => read<Offered>(OFFERED);
export const keepOffered = (offered: Offered) => localStorage.setItem(OFFERED, JSON.stringify(offered));
export const dropOffered = () => localStorage.removeItem(OFFERED);

export function stored({ id, publicKey, origin }: Passkey): StoredPasskey {
  return { id: bytesToHex(id), publicKey, origin };
}

export function passkeyOf({ id, publicKey, origin }: StoredPasskey): Passkey {
  return { id: hexToBytes(id), publicKey, origin };
}

function read<T>(name: string): T | undefined {
  const text = localStorage.getItem(name);
  return text === null ? undefined : (JSON.parse(text) as T);
}
