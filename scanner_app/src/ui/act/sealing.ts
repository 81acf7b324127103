/** One draft becomes one sealed segment, is kept here first, and then handed in like any other. */
import { bytesToHex } from "../../domain/bytes.ts";
import { canonicalJson } from "../../domain/evidence.ts";
import { append, type JournalTip } from "../../domain/journal.ts";
import { sealDigest } from "../../domain/seal.ts";
import type { Upload } from "../../domain/segment_bytes.ts";
import { sealWithPasskey } from "../../sign/passkey.ts";
import type { Answer, Api, Uploaded } from "../../sync/api.ts";
import type { Draft } from "./action.ts";
import { keepSealer, passkeyOf, type Sealer } from "./keeper.ts";

/** The digest that the passkey is asked for. */
export function digestOf(sealer: Sealer, tip: JournalTip, draft: Draft): Uint8Array {
  const { chainId, ledger, device } = sealer;
  return sealDigest({ chainId, ledger, device }, tip.nextSeq, append(tip, draft.words).head);
}

/** Throws the browser's `DOMException` where the person did not agree; nothing was sealed then. */
export async function seal(sealer: Sealer, tip: JournalTip, draft: Draft): Promise<Sealer> {
  const passkey = passkeyOf(sealer.passkey);
  const { r, s, assertion } = await sealWithPasskey(passkey, digestOf(sealer, tip, draft));
  const { evidence } = draft;
  const unsent: Upload = {
    device: sealer.device,
    first_seq: tip.nextSeq,
    words: bytesToHex(draft.words),
    key: passkey.publicKey,
    seal: { r, s },
    assertion: bytesToHex(assertion),
    ...(evidence !== undefined && {
      evidence: [{ seq: tip.nextSeq, salt: evidence.salt, document: canonicalJson(evidence.document) }],
    }),
  };
  const kept = { ...sealer, end: { seq: tip.nextSeq, head: append(tip, draft.words).head }, unsent };
  keepSealer(kept);
  return kept;
}

/** Hands in what is kept; once the server has it, it is no longer unsent. */
export async function send(api: Api, sealer: Sealer): Promise<Answer<Uploaded>> {
  if (sealer.unsent === undefined) throw new RangeError("nothing to send");
  const answer = await api.upload(sealer.unsent);
  if (answer.is === "ok") {
    const { unsent: _, ...rest } = sealer;
    keepSealer(rest);
  }
  return answer;
}
