/** The journals of the numbers that this phone had before: to be read, and to be exported. */
import { readEntries, readTip } from "../store/journal.ts";
import { emptyJournal } from "../domain/journal.ts";
import { earlierDevices, findEarlier } from "../store/succession.ts";
import type { App, Screen } from "./app.ts";
import { type Child, h } from "./dom.ts";
import { entryRow } from "./history.ts";
import { actions, button, empty, section } from "./pieces.ts";
import { saveRescueOf } from "./save_rescue.ts";
import { dateText } from "./words.ts";

const SHOWN = 100;

/** Leads to each of them; nothing on a phone that was never renewed. */
export async function earlierJournals(app: App): Promise<Child> {
  const before = await earlierDevices(app.db);
  if (before.length === 0) return false;
  const buttons = before.map(({ device, notAfter }) =>
    button(app.t("earlierUntil", { date: dateText(app, notAfter) }), () => app.go(`/earlier/${device}`), {
      look: "quiet",
      icon: "list",
      test: `earlier-${device}`,
    }),
  );
  return section(app.t("earlierJournals"), ...buttons);
}

export async function earlierScreen(app: App, device: string): Promise<Screen> {
  const { t } = app;
  const earlier = await findEarlier(app.db, device);
  if (earlier === undefined)
    return { title: t("earlierJournal"), back: "/history", body: empty(t("none"), "list") };
  const { db, identity } = earlier;
  const tip = await readTip(db, emptyJournal({ ...identity.network, device: identity.device }));
  const entries = (await readEntries(db, Math.max(1, tip.nextSeq - SHOWN))).reverse();
  return {
    title: t("earlierJournal"),
    back: "/history",
    body: h(
      "div",
      { class: "stack", test: "earlier", data: { device: identity.device } },
      h("p", { class: "quiet" }, t("earlierHelp"), " ", h("code", {}, identity.device)),
      entries.length === 0 && empty(t("historyEmpty"), "list"),
      h("ul", { class: "rows" }, ...entries.map((entry) => entryRow(app, entry))),
    ),
    actions: actions(
      button(t("rescue"), () => saveRescueOf(db, identity, app.now()), {
        icon: "save",
        test: "earlier-rescue",
      }),
    ),
    leave: () => db.close(),
  };
}
