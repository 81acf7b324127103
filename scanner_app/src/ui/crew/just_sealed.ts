/** What was just sealed into a lot, newest first. It stays in sight: nobody has to wonder whether it was kept. */
import { unpackEntry } from "../../domain/journal.ts";
import { declineReasonOf } from "../../domain/types.ts";
import type { Database, StoredEntry } from "../../store/database.ts";
import { readNewest } from "../../store/journal.ts";
import type { App } from "../app.ts";
import { fill, h } from "../dom.ts";
import { icon, type IconName } from "../icons.ts";
import { massText, reasonText, sentText, shortBin } from "../words.ts";

const SHOWN = 3;

/** The last bins since this lot was loaded, lifted or refused; the app loads another lot only by opening it. */
export function lastBins(db: Database): Promise<StoredEntry[]> {
  return readNewest(db, {
    count: SHOWN,
    isWanted: ({ kind }) => kind === "lift" || kind === "decline",
    isOver: ({ kind }) => kind === "load",
  });
}

/** A list that redraws itself; `shown` is when everything sealed so far is on it. */
export function justSealed(app: App): { element: HTMLElement; shown(): Promise<void>; stop(): void } {
  const list = h("ul", { class: "just-rows", label: app.t("justSealed") });
  const element = h("div", { class: "just", "aria-live": "polite", hidden: true }, list);
  const drawOnce = async () => {
    const rows = (await lastBins(app.db)).map((entry, at) => row(app, entry, at === 0));
    element.hidden = rows.length === 0;
    fill(list, ...rows);
  };
  // One after another: an older answer must not overwrite a newer one.
  let drawn = drawOnce();
  const draw = () => {
    drawn = drawn.then(drawOnce, drawOnce);
  };
  return { element, shown: () => drawn, stop: app.changes.listen(draw) };
}

function row(app: App, stored: StoredEntry, isNewest: boolean): HTMLElement {
  const { seq, state } = stored;
  const { bin, what, test, mark } = describe(app, stored);
  return h(
    "li",
    {
      class: `just-row ${stored.kind} ${isNewest ? "newest" : ""}`,
      ...(isNewest && { test }),
      data: { seq: String(seq), state: state.is },
    },
    icon(mark),
    h("strong", {}, shortBin(app, bin)),
    h("span", { class: "figure" }, what),
    h("span", { class: "just-seq" }, app.t("seqNumber", { n: seq })),
    h("span", { class: `chip ${state.is}`, test: "just-state" }, sentText(app.t, state)),
  );
}

function describe(
  app: App,
  { seq, words }: StoredEntry,
): { bin: bigint; what: string; test: string; mark: IconName } {
  const read = unpackEntry(words);
  const entry = read.is === "known" ? read.entry : undefined;
  switch (entry?.kind) {
    case "lift": {
      const { bin, grams } = entry.fields;
      return { bin, what: massText(app, Number(grams)), test: "lift-saved", mark: "check" };
    }
    case "decline": {
      const { bin, reason } = entry.fields;
      return { bin, what: reasonText(app.t, declineReasonOf(reason)), test: "decline-saved", mark: "refuse" };
    }
    default:
      throw new Error(`entry ${seq} is about no bin`);
  }
}
