/** What proved segments say about a lot's journey or a site's day: derived, never read from a set. */
import type { RecordedSegment } from "./announced.ts";
import type { About } from "./bundle_set.ts";
import { bytesToHex } from "./bytes.ts";
import { MalformedWords, type ReadEntry, splitWords, unpackEntry } from "./journal.ts";
import { liftsRoot } from "./lifts_root.ts";
import { StepFailed } from "./proof.ts";
import { answerOf, deviceId, FATE, type LotId, lotId, openerOf, siteId } from "./types.ts";

const SHANGHAI_SECONDS = 8 * 3600;
const AT_A_SITE = new Set(["take", "transform", "close"]);

/** One entry of a proved segment; of a lift, `lot` is the one it went into. */
export interface Told {
  readonly device: string;
  readonly seq: number;
  readonly read: ReadEntry;
  readonly outcome: number;
  readonly blockTime: number;
  readonly lot: LotId | undefined;
  /** Every entry of its journal since the load of its lot is here. */
  readonly isWhole: boolean;
}
/** A recorded segment, the head before it, and the clock of its block. */
export interface TimedRecord {
  readonly record: RecordedSegment;
  readonly prevHead: Uint8Array;
  readonly blockTime: number;
}

const outcomeOf = (told: Told) => told.outcome & 0x0f;
const isApplied = (told: Told) => outcomeOf(told) === 1;
const kindOf = (told: Told) => (told.read.is === "known" ? told.read.entry.kind : undefined);

function valueOf(told: Told, name: string): bigint | undefined {
  if (told.read.is !== "known") return undefined;
  return (told.read.entry.fields as Readonly<Record<string, bigint>>)[name];
}

function lotsOf(told: Told): Set<LotId> {
  const items = told.read.is === "known" ? (told.read.entry.items ?? []) : [];
  const numbers = [valueOf(told, "into") ?? 0n, ...items.map((item) => item["lot"] ?? 0n)];
  const named = numbers.filter((lot) => lot !== 0n).map(lotId);
  const own = told.lot === undefined || told.lot === lotId(0n) ? [] : [told.lot];
  return new Set([...named, ...own]);
}

/** Where a journal's next lift goes, and the lots it has loaded, as far back as no entry is missing. */
interface Desk {
  head: string;
  lot: LotId | undefined;
  loaded: Set<LotId>;
}

/**
 * The entries of each segment, in the order of the records. A lift names no lot: it goes into the one that the
 * journal's last applied load named. That is known as far as the segments since that load are there without a gap.
 */
export function tell(records: readonly TimedRecord[]): Told[][] {
  const told: Told[][] = records.map(() => []);
  const desks = new Map<bigint, Desk>();
  const order = records.map((timed, place) => ({ timed, place }));
  order.sort((a, b) => (a.timed.record.firstSeq < b.timed.record.firstSeq ? -1 : 1));
  for (const { timed, place } of order) {
    const { record, prevHead } = timed;
    let desk = desks.get(record.device);
    if (desk?.head !== bytesToHex(prevHead)) desk = { head: "", lot: undefined, loaded: new Set() };
    told[place] = tellOne(timed, desk);
    desk.head = bytesToHex(record.head);
    desks.set(record.device, desk);
  }
  return told;
}

function tellOne({ record, blockTime }: TimedRecord, desk: Desk): Told[] {
  let entries: Uint8Array[];
  try {
    entries = splitWords(record.words);
  } catch (problem) {
    if (problem instanceof MalformedWords) throw new StepFailed(problem.message);
    throw problem;
  }
  if (entries.length !== record.outcomes.length) throw new StepFailed("There is not one outcome an entry.");
  return entries.map((words, position) => {
    const read = unpackEntry(words);
    const outcome = record.outcomes[position] ?? 0;
    const entry = read.is === "known" ? read.entry : undefined;
    if (entry?.kind === "load" && (outcome & 0x0f) === 1) {
      desk.lot = lotId(entry.fields.lot);
      desk.loaded.add(desk.lot);
    }
    const named = (entry?.fields as Readonly<Record<string, bigint>> | undefined)?.["lot"];
    const lot = entry?.kind === "lift" ? desk.lot : named === undefined ? undefined : lotId(named);
    const isWhole = lot !== undefined && desk.loaded.has(lot);
    const seq = Number(record.firstSeq) + position;
    return { device: deviceId(record.device), seq, read, outcome, blockTime, lot, isWhole };
  });
}

/** The entries that a set is about. Throws StepFailed where a segment does not belong, or one is missing. */
export function entriesAbout(told: readonly (readonly Told[])[], about: About): Told[] {
  return about.is === "lot" ? aboutLot(told, about.lot) : aboutDay(told, about.site, about.date);
}

function aboutLot(told: readonly (readonly Told[])[], lot: LotId): Told[] {
  const everything = told.flat();
  const lots = linked(lot, everything);
  const openers = new Set<string>([...lots].map(openerOf));
  const isAbout = (each: Told) => [...lotsOf(each)].some((other) => lots.has(other));
  for (const segment of told) {
    // Between a load and its lifts a journal may tell of something else.
    if (!segment.some((each) => isAbout(each) || openers.has(each.device))) {
      throw new StepFailed("A segment has nothing to do with the lot.");
    }
  }
  const found = inOrder(everything.filter(isAbout));
  if (found.length === 0) throw new StepFailed("No entry is about the lot.");
  for (const give of givesOfOpeners(found)) {
    if (!give.isWhole && (!wasMade(found, give) || liftsOf(found, give).length > 0)) {
      throw new StepFailed(`Not all entries from the load to the give of lot ${give.lot} are here.`);
    }
  }
  return found;
}

/** The lot, and those on one line with it: all that it came from, and all that it became. */
function linked(lot: LotId, told: readonly Told[]): Set<LotId> {
  const links: [LotId, LotId][] = [];
  for (const each of told) {
    if (each.lot === undefined || (outcomeOf(each) !== 1 && outcomeOf(each) !== 2)) continue;
    for (const other of lotsOf(each)) if (other !== each.lot) links.push([each.lot, other]);
  }
  const reach = (pairs: readonly [LotId, LotId][]) => {
    const found = new Set([lot]);
    for (const each of found) for (const [from, to] of pairs) if (from === each) found.add(to);
    return found;
  };
  return new Set([...reach(links), ...reach(links.map(([from, to]) => [to, from]))]);
}

function aboutDay(told: readonly (readonly Told[])[], site: string, date: string): Told[] {
  const found: Told[] = [];
  for (const segment of told) {
    const here = segment.filter((each) => {
      const at = valueOf(each, "site");
      return AT_A_SITE.has(kindOf(each) ?? "") && at !== undefined && siteId(at) === site;
    });
    if (here.length === 0 || here.some((each) => dateOf(each.blockTime) !== date)) {
      throw new StepFailed("A segment has nothing of this site on this day.");
    }
    found.push(...here);
  }
  if (found.length === 0) throw new StepFailed("Nothing is of this site on this day.");
  return inOrder(found);
}

function dateOf(blockTime: number): string {
  const date = new Date((blockTime + SHANGHAI_SECONDS) * 1000);
  if (Number.isNaN(date.getTime())) throw new StepFailed("A block's clock shows no date.");
  return date.toISOString().slice(0, 10);
}

function inOrder(told: readonly Told[]): Told[] {
  return [...told].sort(
    (a, b) =>
      a.blockTime - b.blockTime || (a.device < b.device ? -1 : a.device > b.device ? 1 : a.seq - b.seq),
  );
}

function givesOfOpeners(found: readonly Told[]): Told[] {
  return found.filter(
    (each) =>
      kindOf(each) === "give" &&
      isApplied(each) &&
      each.lot !== undefined &&
      openerOf(each.lot) === each.device,
  );
}

/** Whether the lot began as something made of other lots, rather than with a load. */
function wasMade(found: readonly Told[], give: Told): boolean {
  const { device, lot } = give;
  return found.some(
    (each) => each.device === device && lot !== undefined && each.lot !== lot && lotsOf(each).has(lot),
  );
}

function liftsOf(found: readonly Told[], give: Told): Told[] {
  return found
    .filter((each) => kindOf(each) === "lift" && each.device === give.device && each.lot === give.lot)
    .filter((each) => each.seq < give.seq)
    .sort((a, b) => a.seq - b.seq);
}

/** What a set tells, a line each, in the words of `huanlian verify`. */
export function linesOf(found: readonly Told[], about: About): string[] {
  const lines = [...entryLines(found), ...liftsLines(found)];
  return about.is === "day" ? [...lines, ...balanceLines(found)] : lines;
}

/** Others' entries may have been recorded between two segments of one run of lifts: they do not cut it. */
function entryLines(found: readonly Told[]): string[] {
  const runs: [Told, ...Told[]][] = [];
  const newest = new Map<string, [Told, ...Told[]]>();
  for (const each of found) {
    const run = newest.get(each.device);
    if (run !== undefined && goesOn(run.at(-1) ?? run[0], each)) {
      run.push(each);
      continue;
    }
    const begun: [Told, ...Told[]] = [each];
    runs.push(begun);
    newest.set(each.device, begun);
  }
  return runs.map((run) => (kindOf(run[0]) === "lift" ? liftsLine(run) : entryLine(run[0])));
}

function liftsLine(run: readonly [Told, ...Told[]]): string {
  const [first, last] = [run[0], run.at(-1) ?? run[0]];
  const grams = run.reduce((sum, lift) => sum + (valueOf(lift, "grams") ?? 0n), 0n);
  return `${first.device} ${first.seq}-${last.seq} lift x${run.length}: ${grams} g ${outcomeText(first.outcome)}`;
}

function goesOn(before: Told, after: Told): boolean {
  const areLifts = kindOf(before) === "lift" && kindOf(after) === "lift";
  return (
    areLifts && before.seq + 1 === after.seq && before.lot === after.lot && before.outcome === after.outcome
  );
}

function entryLine(told: Told): string {
  const name = kindOf(told) ?? `kind ${told.read.words[0]}`;
  const grams = valueOf(told, "net") ?? valueOf(told, "grams");
  const mass = grams === undefined ? "" : ` ${grams} g`;
  const lot = told.lot === undefined ? "" : ` lot ${told.lot}`;
  return `${told.device} ${told.seq} ${name}${lot}:${mass} ${outcomeText(told.outcome)}`;
}

function outcomeText(byte: number): string {
  return answerOf(byte & 0x0f)?.outcome ?? `outcome ${byte & 0x0f}`;
}

function liftsLines(found: readonly Told[]): string[] {
  const whole = givesOfOpeners(found).filter((give) => give.isWhole);
  return whole.map((give) => {
    const lifts = liftsOf(found, give);
    const root = (valueOf(give, "lifts_root") ?? 0n).toString(16).padStart(64, "0");
    const isSame = root === bytesToHex(liftsRoot(lifts.map((lift) => lift.read.words)));
    const declared = `its give declares ${valueOf(give, "lifts")}, and ${isSame ? "the same" : "ANOTHER"} Merkle root`;
    return `lot ${give.lot}: ${lifts.length} lifts, none left out; ${declared}`;
  });
}

function balanceLines(found: readonly Told[]): string[] {
  const sums = new Map<string, bigint>();
  const add = (name: string, value: bigint) => sums.set(name, (sums.get(name) ?? 0n) + value);
  for (const each of found) {
    const value = (name: string) => valueOf(each, name) ?? 0n;
    if (!isApplied(each)) add("waiting_or_without_effect_entries", 1n);
    else if (kindOf(each) === "take") add("taken_in_grams", value("grams"));
    else if (kindOf(each) === "close") {
      const fate = Object.entries(FATE).find(([, code]) => BigInt(code) === value("fate"))?.[0] ?? "unknown";
      add(`${fate}_grams`, value("grams"));
    } else add(value("is_gain") === 0n ? "lost_in_work_grams" : "gained_grams", value("loss"));
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}: ${value}`);
}
