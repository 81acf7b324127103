/** Lots beside the one that is being filled: those to hand over, those handed over, and the last that were taken. */
import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { lotName } from "../history.ts";
import { streamIcon } from "../icons.ts";
import { section } from "../pieces.ts";
import { massText } from "../words.ts";
import { findAnswer } from "./answers.ts";
import { type OwnLot, ownLots } from "./lots.ts";

const TAKEN_SHOWN = 2;

export async function givenList(app: App): Promise<HTMLElement | false> {
  const { given } = await ownLots(app);
  const all = await Promise.all(
    given.map(async (lot) => ({
      lot,
      isTaken: (await findAnswer(app.db, lot)) !== undefined,
      // Of a give that only the ledger still holds there is nothing left to show.
      isHere: (await app.db.getKey("entries", lot.give.seq)) !== undefined,
    })),
  );
  const waiting = all.filter(({ isTaken }) => !isTaken);
  const taken = all.filter(({ isTaken, isHere }) => isTaken && isHere).slice(-TAKEN_SHOWN);
  const shown = [...waiting, ...taken.reverse()];
  if (shown.length === 0) return false;
  const rows = shown.map(({ lot, isTaken }) =>
    row(app, lot, {
      test: `given-lot-${lot.id}`,
      route: `/given/${lot.id}`,
      chip: h(
        "span",
        { class: `chip ${isTaken ? "finalized" : "warning"}` },
        app.t(isTaken ? "gateDone" : "givenWaiting"),
      ),
    }),
  );
  return section(app.t("lotsGiven"), h("div", { class: "options" }, ...rows));
}

/** Lots in this phone's hands that nothing more goes into, one that was withdrawn say: they wait to be given. */
export async function heldList(app: App): Promise<HTMLElement | false> {
  const { held, current } = await ownLots(app);
  const waiting = held.filter((lot) => (lot.lifts > 0 || lot.grams > 0) && lot.id !== current?.id);
  if (waiting.length === 0) return false;
  const rows = waiting.map((lot) =>
    row(app, lot, {
      test: `held-lot-${lot.id}`,
      route: `/give/${lot.id}`,
      chip: h("span", { class: "chip warning" }, app.t("heldWaiting")),
    }),
  );
  return section(app.t("lotsHeld"), h("div", { class: "options" }, ...rows));
}

interface RowEnd {
  readonly test: string;
  readonly route: string;
  readonly chip: HTMLElement;
}

function row(app: App, lot: OwnLot, { test, route, chip }: RowEnd): HTMLElement {
  const { t } = app;
  return h(
    "button",
    { type: "button", class: "option", test, on: { click: () => app.go(route) } },
    h("span", { class: `stream-dot ${lot.streamName}` }, streamIcon(lot.streamName)),
    h(
      "div",
      { class: "row-text" },
      h("strong", {}, t(lot.streamName)),
      h("span", { class: "quiet" }, `${lotName(app, lot.id)} · ${massText(app, lot.grams)}`),
    ),
    chip,
  );
}
