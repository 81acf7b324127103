/**
 * What only a registrar's entries do: let devices in and out, close gaps, move a journal, attest sites and bins.
 * Source: docs/spec/entries.md, "Devices".
 */
import { bigToBytes, bytesToHex, keccak } from "./bytes.ts";
import {
  announceGap,
  canBeEnrolled,
  enrol as letIn,
  type EnrolmentFields,
  isKnown,
  isRegistrarOf,
  move,
  retire,
  revoke as letNothingCount,
} from "./devices.ts";
import { addressNumber, type EntryOf, WORD_BYTES } from "./journal.ts";
import { KINDS } from "./layout.ts";
import type { Folding } from "./lot_rules.ts";
import { APPLIED, CONFLICT, INVALID } from "./steps.ts";
import { type Answer, type DeviceId, deviceId, siteId } from "./types.ts";

/** A device that this one may act on as registrar: of its organisation, stored here, and not itself. */
export function subjectOf({ state, id, device }: Folding, subject: bigint): DeviceId | undefined {
  const target = deviceId(subject);
  const mayAct = isRegistrarOf(state, id, device, target) && target !== id;
  return mayAct && state.devices.has(target) ? target : undefined;
}

export function enrol({ state, id, device }: Folding, fields: EnrolmentFields): Answer {
  const enrolled = deviceId(fields.device);
  if (!isRegistrarOf(state, id, device, enrolled) || !canBeEnrolled(fields)) return INVALID;
  if (isKnown(state, enrolled)) return CONFLICT;
  letIn(state, fields, device.epoch);
  return APPLIED;
}

export function rotate(folding: Folding, { fields }: EntryOf<"rotate">): Answer {
  const replaced = subjectOf(folding, fields.replaced);
  if (replaced === undefined) return INVALID;
  const answer = enrol(folding, fields);
  if (answer.outcome === "applied") retire(folding.state, replaced, folding.blockTime);
  return answer;
}

export function revoke(folding: Folding, { fields }: EntryOf<"revoke">): Answer {
  const target = subjectOf(folding, fields.device);
  if (target === undefined) return INVALID;
  letNothingCount(folding.state, target);
  return APPLIED;
}

export function closeGap(folding: Folding, { fields }: EntryOf<"close_gap">): Answer {
  const target = subjectOf(folding, fields.device);
  if (target === undefined) return INVALID;
  return announceGap(folding.state, target, fields, folding.blockTime) ? APPLIED : CONFLICT;
}

export function moved({ state, id }: Folding, { fields }: EntryOf<"moved">): Answer {
  const { ledger } = fields;
  if (ledger === 0n || ledger === addressNumber(state.network.ledger)) return INVALID;
  move(state, id, ledger.toString(16).padStart(40, "0"));
  return APPLIED;
}

export function attest(
  { state, id, device }: Folding,
  fields: { readonly site: bigint; readonly digest: bigint },
  kind: "site" | "place",
  number: bigint,
): Answer {
  if (!isRegistrarOf(state, id, device, siteId(fields.site))) return INVALID;
  state.attested.add(statementOf(KINDS[kind].code, fields.site, number, fields.digest));
  return APPLIED;
}

/** The hash under which a registrar's site or place entry is attested. */
export function statementOf(kind: number, site: bigint, number: bigint, digest: bigint): string {
  const words = [BigInt(kind), site, number, digest];
  return bytesToHex(keccak(...words.map((word) => bigToBytes(word, WORD_BYTES))));
}
