/** The gate's first screen: what is on its way here, and what has been taken. */
import { receiveText } from "../../domain/codes.ts";
import type { App, Screen } from "../app.ts";
import { type Child, h } from "../dom.ts";
import { icon, streamIcon } from "../icons.ts";
import { entryRow, lotName } from "../history.ts";
import { actions, button, empty, iconButton, notice, qr } from "../pieces.ts";
import { makeScanner } from "../scanner.ts";
import { massText } from "../words.ts";
import { fetchOffers, type Offer, openOffers, ownTakes, readOffer } from "./offers.ts";
import { signalRead, signalWarning } from "../../scan/signal.ts";

const POLL_MILLISECONDS = 10_000;
const DONE_SHOWN = 10;
let isStale = false;

export async function gateHome(app: App): Promise<Screen> {
  const { t } = app;
  const offers = await openOffers(app);
  const done = (await ownTakes(app)).slice(-DONE_SHOWN).reverse();
  const poll = async () => {
    const before = JSON.stringify(app.lotsOnTheWay);
    const wasStale = isStale;
    isStale = (await fetchOffers(app)) === "stale";
    if (before !== JSON.stringify(app.lotsOnTheWay) || wasStale !== isStale) app.changes.tell("synced");
  };
  if (app.lotsOnTheWay === undefined) void poll();
  const timer = setInterval(() => void poll(), POLL_MILLISECONDS);
  return {
    title: t("gateTitle"),
    isLive: true,
    leave: () => clearInterval(timer),
    body: h(
      "div",
      { class: "stack" },
      h(
        "div",
        { class: "heading inline" },
        h("h2", {}, t("gateOnTheWay")),
        iconButton("refresh", t("refresh"), poll, "gate-refresh"),
      ),
      isStale && notice("warning", t("gateOffline")),
      offers.length === 0 && empty(t("gateNone"), "truck"),
      ...offers.map((offer) => offerCard(app, offer)),
      done.length > 0 && h("h2", {}, t("gateMine")),
      done.length > 0 && h("ul", { class: "rows" }, ...done.map(({ take }) => entryRow(app, take))),
    ),
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

function offerCard(app: App, offer: Offer): HTMLElement {
  const { t } = app;
  return h(
    "button",
    {
      type: "button",
      class: "option tall",
      test: `gate-lot-${offer.lot}`,
      on: { click: () => app.go(`/lot/${offer.lot}`) },
    },
    offerSummary(app, offer),
    h("span", { class: "visually-hidden" }, t("weighTitle")),
  );
}

export function offerSummary(app: App, offer: Offer): Child {
  const { t } = app;
  const count = t("lotCount", { n: offer.lifts });
  const about = offer.stream === undefined ? count : `${lotName(app, offer.lot)} · ${count}`;
  const mark = offer.stream === undefined ? icon("truck") : streamIcon(offer.stream);
  return [
    h("span", { class: `stream-dot ${offer.stream ?? "none"}` }, mark),
    h(
      "div",
      { class: "row-text" },
      h("strong", {}, offer.stream === undefined ? lotName(app, offer.lot) : t(offer.stream)),
      h("span", { class: "quiet" }, t("gateFrom", { name: offer.from })),
      h("span", { class: "quiet" }, about),
    ),
    h(
      "div",
      { class: "row-end" },
      h("span", { class: "figure" }, massText(app, offer.grams)),
      h("span", { class: "quiet" }, t("declared")),
    ),
  ];
}

export async function gateScan(app: App): Promise<Screen> {
  const { t } = app;
  const news = h("div", { class: "toast", role: "status", hidden: true });
  const scanner = makeScanner(app, t("gateScanTitle"), async (text) => {
    const read = await readOffer(app, text);
    if (read.is === "offer") {
      signalRead();
      return app.go(`/lot/${read.lot}`);
    }
    signalWarning();
    const key = { other: "gateScanWrong", forged: "gateScanForged", "not-us": "gateScanNotUs" } as const;
    news.replaceChildren(notice(read.is === "forged" ? "bad" : "warning", t(key[read.is])));
    news.hidden = false;
  });
  return {
    title: t("gateScan"),
    back: "/",
    isFull: true,
    body: h("div", { class: "scan-page" }, scanner.element, news),
    leave: () => scanner.stop(),
  };
}

export async function myCode(app: App): Promise<Screen> {
  const { t } = app;
  const tip = await app.writer.tip();
  const page = `${app.identity.network.publicBaseUrl.replace(/\/+$/, "")}/app/`;
  const code = receiveText(page, { device: app.identity.device, seq: tip.nextSeq - 1, head: tip.head });
  return {
    title: t("gateMyCode"),
    back: "/",
    body: h(
      "div",
      { class: "stack" },
      qr(code, "receive-qr", t("gateMyCode")),
      h("p", { class: "centre quiet" }, t("gateMyCodeHelp")),
    ),
  };
}
