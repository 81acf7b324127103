/** The gate's first screen: the queue of what is on its way here, and what has been answered. */
import { readSingle } from "../../store/database.ts";
import type { App, Screen } from "../app.ts";
import { directoryLine } from "../directory_line.ts";
import { h } from "../dom.ts";
import { entryRow } from "../history.ts";
import { actions, button, empty, iconButton, notice } from "../pieces.ts";
import { openOffers, ownAnswers } from "../taking/offers.ts";
import { offerCard } from "../taking/offer_card.ts";
import { isStaleNow, watchOffers } from "../taking/watch_offers.ts";

const DONE_SHOWN = 10;

export async function gateHome(app: App): Promise<Screen> {
  const { t } = app;
  const offers = await openOffers(app);
  const weighing = new Set(((await readSingle(app.db, "firstWeighings")) ?? []).map(({ lot }) => lot));
  const done = (await ownAnswers(app)).slice(-DONE_SHOWN).reverse();
  const watch = watchOffers(app);
  const queue = h(
    "section",
    { class: "queue" },
    h(
      "div",
      { class: "heading inline" },
      h(
        "h2",
        { test: "queue", data: { count: String(offers.length) } },
        t("gateQueue", { n: offers.length }),
      ),
      iconButton("refresh", t("refresh"), watch.refresh, "gate-refresh"),
    ),
    isStaleNow() && notice("warning", t("gateOffline")),
    offers.length === 0 && empty(t("gateNone"), "truck"),
    ...offers.map((offer) =>
      offerCard(app, offer, {
        test: `gate-lot-${offer.lot}`,
        route: `/lot/${offer.lot}`,
        chip: weighing.has(offer.lot) ? t("gateHalfWeighed") : "",
      }),
    ),
  );
  const answered = h(
    "section",
    {},
    h("h2", {}, t("gateMine")),
    done.length === 0
      ? h("p", { class: "quiet" }, t("none"))
      : h("ul", { class: "rows" }, ...done.map(({ entry }) => entryRow(app, entry))),
    directoryLine(app),
  );
  return {
    title: t("gateTitle"),
    isLive: true,
    leave: watch.stop,
    body: h("div", { class: "board" }, queue, answered),
    actions: actions(
      h(
        "div",
        { class: "pair" },
        button(t("history"), () => app.go("/history"), { icon: "list", test: "history-open" }),
        button(t("gateMyCode"), () => app.go("/code"), { icon: "phone", test: "gate-code" }),
      ),
      button(t("gateScan"), () => app.go("/scan"), { look: "primary", icon: "scan", test: "gate-scan" }),
    ),
  };
}
