/** The two ways to meet a giver with no network: read their code, or show them whom they give to. */
import { receiveText } from "../../domain/codes.ts";
import { signalRead, signalWarning } from "../../scan/signal.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { notice, qr } from "../pieces.ts";
import { makeScanner } from "../scanner.ts";
import { readOffer } from "./offers.ts";

export async function offerScan(app: App, back: string): Promise<Screen> {
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
    back,
    isFull: true,
    body: h("div", { class: "scan-page" }, scanner.element, news),
    leave: () => scanner.stop(),
  };
}

export async function myCode(app: App, back: string): Promise<Screen> {
  const { t } = app;
  const tip = await app.writer.tip();
  const page = `${app.identity.network.publicBaseUrl.replace(/\/+$/, "")}/app/`;
  const code = receiveText(page, { device: app.identity.device, seq: tip.nextSeq - 1, head: tip.head });
  return {
    title: t("gateMyCode"),
    back,
    body: h(
      "div",
      { class: "stack" },
      qr(code, "receive-qr", t("gateMyCode")),
      h("p", { class: "centre quiet" }, t("gateMyCodeHelp")),
    ),
  };
}
