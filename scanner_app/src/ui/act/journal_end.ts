/**
 * Where a passkey's journal ends. The server tells, and is not believed: two seals of one seq with different heads
 * would mark the device as forked for ever, so nothing is sealed behind an end that is not known to be its own.
 */
import { readBundle } from "../../domain/bundle.ts";
import { bytesToHex } from "../../domain/bytes.ts";
import { emptyJournal, type JournalTip } from "../../domain/journal.ts";
import type { Head, Seq } from "../../domain/types.ts";
import type { Api } from "../../sync/api.ts";
import { checkSeal } from "../../verify/check_seal.ts";
import { readTrust } from "../../verify/trust.ts";
import { verifyBundle } from "../../verify/verify.ts";
import type { Sealer } from "./keeper.ts";

export type JournalEnd =
  | { readonly is: "known"; readonly tip: JournalTip }
  | { readonly is: "unreachable" | "revoked" | "distrusted" | "not-recorded" };

/**
 * 1. The device is not revoked. 2. An empty journal begins with the head that follows from chain, ledger and device.
 * 3. An end that this browser sealed itself is the one it remembers, and never lies before it. 4. Any other was
 * sealed elsewhere with the same passkey: its bundle has to prove that it is the device's own.
 */
export async function findEnd(api: Api, sealer: Sealer): Promise<JournalEnd> {
  const answer = await api.device(sealer.device);
  if (answer.is === "unreachable") return answer;
  if (answer.is === "problem") return { is: answer.problem.retryable ? "unreachable" : "distrusted" };
  // 1.
  if (answer.value.revoked) return { is: "revoked" };
  const { seq, head } = answer.value.accepted;
  const known = sealer.end;
  // 2.
  const empty = emptyJournal({ chainId: sealer.chainId, ledger: sealer.ledger, device: sealer.device });
  if (seq === 0 && known === undefined) {
    return head === empty.head ? { is: "known", tip: empty } : { is: "distrusted" };
  }
  // 3.
  if (known !== undefined && (seq < known.seq || (seq === known.seq && head !== known.head))) {
    return { is: "distrusted" };
  }
  if (known?.seq === seq) return { is: "known", tip: { nextSeq: seq + 1, head } };
  // 4.
  return provedEnd(sealer, seq, head);
}

async function provedEnd(sealer: Sealer, seq: Seq, head: Head): Promise<JournalEnd> {
  const [bundle, trust] = await Promise.all([
    fetch(`/api/v1/entries/${sealer.device}/${seq}/bundle`, { cache: "no-store" }),
    fetch("/trust.json", { cache: "no-store" }),
  ]);
  if (bundle.status === 409) return { is: "not-recorded" };
  if (!bundle.ok || !trust.ok) return { is: "unreachable" };
  const data = new Uint8Array(await bundle.arrayBuffer());
  const report = await verifyBundle(data, readTrust(await trust.text()), checkSeal);
  if (report.verdict === "INVALID") return { is: "distrusted" };
  const proved = readBundle(data);
  const isIt =
    proved.device === sealer.device &&
    proved.seq === seq &&
    bytesToHex(proved.head) === head &&
    proved.chainId === sealer.chainId;
  return isIt ? { is: "known", tip: { nextSeq: seq + 1, head } } : { is: "distrusted" };
}
