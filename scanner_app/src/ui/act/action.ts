/** What the page offers to do, the entry that it becomes, and what that entry says in words. */
import { bytesToHex } from "../../domain/bytes.ts";
import { type Evidence, makeEvidence } from "../../domain/evidence.ts";
import { type Entry, packEntry, unpackEntry } from "../../domain/journal.ts";
import { deviceId, numberOf, type OrganisationId, type Seconds, type Seq } from "../../domain/types.ts";
import type { Say } from "./words.ts";

const KINDS = ["amend", "dispute", "acknowledge"] as const;
type ActionKind = (typeof KINDS)[number];
const GRAMS_A_KILOGRAM = 1000;
const SALT_BYTES = 16;
/** Dispute entries that carry a value: open, answer, rule. */
const OPS_WITH_VALUE = [1n, 3n, 4n];

export interface Action {
  readonly name: string;
  readonly kind: ActionKind;
  /** Numbers as text, the device's as its id. */
  readonly fields: Readonly<Record<string, string>>;
  readonly organisations: readonly OrganisationId[];
  /** The field whose value is asked for; null where none is. */
  readonly value_of: string | null;
  readonly is_mass: boolean;
  readonly only_office: boolean;
}
export interface Offer {
  readonly case: string;
  readonly actions: readonly Action[];
}
/** An entry ready to be sealed, and its evidence if there is any. */
export interface Draft {
  readonly words: Uint8Array;
  readonly evidence: Evidence | undefined;
  readonly reason: string;
}
export interface Line {
  readonly label: string;
  readonly text: string;
}

/** Reads a mass in kilograms, or a code; undefined for what is neither. */
export function readValue(action: Action, text: string): bigint | undefined {
  const trimmed = text.trim();
  if (!action.is_mass) return /^\d{1,30}$/.test(trimmed) ? BigInt(trimmed) : undefined;
  const found = /^(\d{1,9})(?:\.(\d{1,3}))?$/.exec(trimmed);
  if (found === null) return undefined;
  return BigInt(found[1] ?? "0") * 1000n + BigInt((found[2] ?? "").padEnd(3, "0"));
}

/** The value as the person would type it. */
export function writeValue(action: Action, value: bigint): string {
  if (!action.is_mass) return value.toString();
  const grams = Number(value);
  return (grams / GRAMS_A_KILOGRAM).toString();
}

export function draftOf(action: Action, value: bigint | undefined, reason: string, now: Seconds): Draft {
  if (!KINDS.includes(action.kind)) throw new RangeError(`no such action: ${action.kind}`);
  const made =
    reason === "" ? undefined : makeEvidence({ reason }, crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
  const numbers = Object.entries(action.fields).map(([name, text]) => [
    name,
    name === "device" ? numberOf(text) : BigInt(text),
  ]);
  const fields = {
    ...Object.fromEntries(numbers),
    ...(value !== undefined && { value }),
    flags: 0n,
    occurred_at: BigInt(now),
    evidence: made?.digest ?? 0n,
  };
  const entry = { kind: action.kind, fields } as unknown as Entry;
  return { words: packEntry(entry), evidence: made?.evidence, reason };
}

/** What is about to be sealed, read back out of the very words; the page's own promises are not repeated. */
export function linesOf(
  draft: Draft,
  action: Action,
  at: { seq: Seq; digest: Uint8Array },
  t: Say,
): { title: string; lines: readonly Line[] } {
  const read = unpackEntry(draft.words);
  if (read.is !== "known" || !(KINDS as readonly string[]).includes(read.entry.kind)) {
    throw new RangeError("not an entry that this page may seal");
  }
  const fields = read.entry.fields as Readonly<Record<string, bigint>>;
  const what = read.entry.kind === "acknowledge" ? fields["verdict"] : fields["op"];
  const about = { device: deviceId(fields["device"] ?? 0n), seq: String(fields["seq"]) };
  const lines: Line[] = [{ label: "", text: t("about_entry", about) }];
  const value = fields["value"] ?? 0n;
  if (read.entry.kind === "dispute" && OPS_WITH_VALUE.includes(fields["op"] ?? 0n)) {
    const unit = action.is_mass ? " kg" : "";
    lines.push({ label: t("line.value"), text: `${writeValue(action, value)}${unit}` });
  }
  if (draft.reason !== "") lines.push({ label: t("line.reason"), text: draft.reason });
  lines.push({ label: "", text: t("line.journal", { seq: at.seq }) });
  lines.push({ label: t("line.digest"), text: bytesToHex(at.digest) });
  return { title: t(`entry.${read.entry.kind}.${what}`), lines };
}
