/** The journal, newest first: what was written, and where it has got to. */
import { unpackEntry } from "../domain/journal.ts";
import { binNumber, declineReasonOf, type LotId, lotId, serialOf, streamOf } from "../domain/types.ts";
import { readSingle, type StoredEntry, type Trimmed } from "../store/database.ts";
import { countUnsent, queueRejected, readNewest } from "../store/journal.ts";
import type { App, Screen } from "./app.ts";
import { type Child, h } from "./dom.ts";
import { earlierJournals } from "./earlier.ts";
import { icon, type IconName, streamIcon } from "./icons.ts";
import { actions, answerNotes, button, empty, notice, stateChip } from "./pieces.ts";
import { saveRescue } from "./save_rescue.ts";
import { dateText, kindKey, massText, momentText, reasonText, shortBin, shortId } from "./words.ts";

const SHOWN = 100;
const LOOKED_AT = 12;

export async function historyScreen(app: App): Promise<Screen> {
  const { t, db } = app;
  const entries = await readNewest(db, { count: SHOWN, isWanted: () => true, isOver: () => false });
  const trimmed = await readSingle(db, "trimmed");
  const { rejected } = await countUnsent(db);
  void lookAtOutcomes(app, entries);
  const body = h(
    "div",
    { class: "stack" },
    rejected > 0 &&
      notice(
        "bad",
        h("p", {}, t("rejectedHelp")),
        button(t("rejectedRetry"), async () => {
          await queueRejected(db);
          app.changes.tell("written");
        }),
      ),
    !(await isStorageKept()) && notice("warning", t("storageNotKept")),
    entries.length === 0 && empty(t("historyEmpty"), "list"),
    h("ul", { class: "rows" }, ...entries.map((entry) => entryRow(app, entry))),
    trimmed !== undefined && trimmedNote(app, trimmed),
    await earlierJournals(app),
  );
  return {
    title: t("history"),
    back: "/",
    isLive: true,
    body,
    actions: actions(
      h(
        "div",
        { class: "pair" },
        button(t("rescueRead"), () => app.go("/relay"), { icon: "scan", test: "rescue-read" }),
        button(t("rescueCodes"), () => app.go("/codes"), { icon: "phone", test: "rescue-codes" }),
      ),
      button(t("rescue"), () => saveRescue(app), { icon: "save", test: "rescue" }),
    ),
  };
}

/** Where the lines are that this phone has let go of; anybody can read them there. */
function trimmedNote(app: App, { throughSeq, untilAt }: Trimmed): HTMLElement {
  const { t } = app;
  const { device, network } = app.identity;
  const href = `${network.publicBaseUrl.replace(/\/+$/, "")}/verify/${device}/${throughSeq}`;
  return h(
    "p",
    { class: "centre quiet", test: "trimmed", data: { seq: String(throughSeq) } },
    t("historyTrimmed", { date: dateText(app, untilAt) }),
    " ",
    h("a", { href, target: "_blank", rel: "noopener" }, t("historyTrimmedSee")),
  );
}

async function isStorageKept(): Promise<boolean> {
  return (await navigator.storage?.persisted?.()) ?? false;
}

export function entryRow(app: App, entry: StoredEntry): HTMLElement {
  const { t } = app;
  const { title, detail, at, mark } = describe(app, entry);
  const { state } = entry;
  const notes: Child[] = [...answerNotes(app, state)];
  if (state.is === "accepted") {
    notes.push(...state.warnings.map((warning) => h("span", { class: "note" }, warning.message)));
  }
  if (state.is === "rejected") {
    notes.push(h("span", { class: "note" }, state.problem.detail || state.problem.title));
  }
  return h(
    "li",
    { class: "row", data: { seq: String(entry.seq), kind: entry.kind } },
    h("span", { class: "row-mark" }, mark),
    h(
      "div",
      { class: "row-text" },
      h(
        "div",
        { class: "row-line" },
        h("strong", {}, title),
        detail && h("span", { class: "figure" }, detail),
      ),
      h(
        "div",
        { class: "row-line" },
        h("span", { class: "quiet small" }, `${t("seqNumber", { n: entry.seq })} · ${momentText(app, at)}`),
        stateChip(t, state),
      ),
      notes.length > 0 && h("div", { class: "row-notes" }, ...notes),
    ),
  );
}

const MARKS: Readonly<Record<string, IconName>> = {
  load: "truck",
  give: "give",
  take: "check",
  withdraw: "back",
  weigh: "scale",
  decline: "refuse",
  refuse: "refuse",
  shift_end: "clock",
  enrol: "phone",
  revoke: "close",
  rotate: "phone",
};

function describe(app: App, entry: StoredEntry): { title: string; detail: string; at: number; mark: Node } {
  const { t } = app;
  const read = unpackEntry(entry.words);
  const mark = icon(MARKS[entry.kind] ?? "seal");
  const title = t(kindKey(entry.kind));
  if (read.is !== "known") return { title, detail: "", at: 0, mark };
  const at = Number(read.entry.fields.occurred_at);
  const line = (detail: string, more: string) => ({ title: `${title} · ${more}`, detail, at, mark });
  switch (read.entry.kind) {
    case "lift": {
      const { stream, grams, bin } = read.entry.fields;
      const known = streamOf(stream);
      const number = bin === 0n ? t("unknownBin") : shortId(binNumber(bin));
      return {
        ...line(massText(app, Number(grams)), number),
        mark: known === undefined ? mark : h("span", { class: `stream-dot ${known}` }, streamIcon(known)),
      };
    }
    case "decline": {
      const { bin, reason } = read.entry.fields;
      return line(shortBin(app, bin), reasonText(t, declineReasonOf(reason)));
    }
    case "shift_end": {
      const { lifts, grams } = read.entry.fields;
      return line(massText(app, Number(grams)), t("lotCount", { n: Number(lifts) }));
    }
    case "load":
      return line("", t(streamOf(read.entry.fields.stream) ?? "residual"));
    case "refuse":
      return line(
        lotName(app, lotId(read.entry.fields.lot)),
        reasonText(t, declineReasonOf(read.entry.fields.reason)),
      );
    case "give":
    case "take":
      return line(massText(app, Number(read.entry.fields.grams)), lotName(app, lotId(read.entry.fields.lot)));
    case "weigh":
      return line(massText(app, Number(read.entry.fields.net)), lotName(app, lotId(read.entry.fields.lot)));
    default:
      return { title, detail: "", at, mark };
  }
}

export function lotName(app: App, lot: LotId): string {
  return `${app.t("lotNumber", { n: serialOf(lot) })} · ${lot.slice(12, 16).toUpperCase()}`;
}

const looked = new Set<number>();

/** Outcomes of the rows in sight, which the follower does not ask for one by one. Each is asked for once. */
async function lookAtOutcomes(app: App, entries: readonly StoredEntry[]): Promise<void> {
  const open = entries.filter(
    ({ seq, state }) =>
      !looked.has(seq) &&
      state.is === "accepted" &&
      state.onLedger.blockNumber !== null &&
      state.onLedger.outcome === null,
  );
  for (const entry of open.slice(0, LOOKED_AT)) {
    looked.add(entry.seq);
    await app.follower.look(entry.seq);
  }
  if (open.length > 0) app.changes.tell("synced");
}
