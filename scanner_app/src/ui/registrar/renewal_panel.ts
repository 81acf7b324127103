/** Phones that ask for their next key: each judged in this browser, all sealed at one tap. */
import type { TextKey } from "../../i18n/index.ts";
import type { Judged, RenewalRefusal } from "../../sync/renewal_requests.ts";
import type { RenewalDesk } from "../../sync/renewal_desk.ts";
import type { App } from "../app.ts";
import { fill, h } from "../dom.ts";
import { icon } from "../icons.ts";
import { button, empty, notice, stateChip } from "../pieces.ts";
import { failureText, trySeal } from "../sealing.ts";
import { momentText } from "../words.ts";

const REFUSED: Readonly<Record<RenewalRefusal, TextKey>> = {
  unreadable: "renewNotUnreadable",
  organisation: "renewNotOrganisation",
  registrar: "renewNotRegistrar",
  role: "renewNotRole",
  early: "renewNotEarly",
  seal: "renewNotSeal",
  revoked: "renewNotRevoked",
  unreachable: "renewNotUnreachable",
};

export function renewalPanel(app: App, desk: RenewalDesk): { element: HTMLElement; refresh(): void } {
  const { t } = app;
  const list = h("div");
  const all = h("div");
  const news = h("div");
  const box = h("input", { type: "checkbox", test: "renew-auto" });
  box.addEventListener("change", () => void desk.renewByItself(box.checked));
  const element = h(
    "section",
    { class: "card devices renewals" },
    h("h2", {}, t("renewals")),
    h("p", { class: "quiet" }, t("renewalsLead")),
    list,
    all,
    news,
    h("label", { class: "tick" }, box, h("span", {}, t("renewAuto"))),
    h("p", { class: "quiet small" }, t("renewAutoHelp")),
  );
  let shown = "";
  const refresh = () => {
    box.checked = desk.byItself;
    // Drawn anew, the button would fall from under a finger.
    const now = JSON.stringify([desk.judged, String(desk.failure), t("renewals")]);
    if (now === shown) return;
    shown = now;
    const { judged, failure } = desk;
    const count = judged.filter((each) => each.is === "renewable").length;
    const rows = judged.map((each) => row(app, each));
    fill(list, rows.length === 0 ? empty(t("renewalsNone"), "check") : h("ul", { class: "rows" }, ...rows));
    fill(
      all,
      count > 0 &&
        button(t("renewAll", { n: count }), () => trySeal(app, () => desk.renewAll()), {
          look: "primary",
          icon: "seal",
          test: "renew-all",
        }),
    );
    fill(news, failure !== undefined && notice("bad", t("renewFailed", { why: failureText(app, failure) })));
  };
  return { element, refresh };
}

function row(app: App, judged: Judged): HTMLElement {
  const { t } = app;
  const { request } = judged;
  const askedAt = Math.floor(Date.parse(request.asked_at) / 1000);
  return h(
    "li",
    {
      class: "row",
      test: `renewal-${request.device}`,
      data: { is: judged.is, why: judged.is === "refused" ? judged.why : "" },
    },
    h("span", { class: "row-mark" }, icon("phone")),
    h(
      "div",
      { class: "row-text" },
      h("strong", {}, t("crew")),
      h("code", { class: "quiet" }, request.device),
      h("span", { class: "quiet small" }, t("renewAsked", { at: momentText(app, askedAt) })),
    ),
    h("div", { class: "row-end" }, standing(app, judged)),
  );
}

function standing({ t }: App, judged: Judged): HTMLElement {
  switch (judged.is) {
    case "sealed":
      return stateChip(t, judged.state, "renewal-state");
    case "refused":
      return h("span", { class: "chip rejected" }, t(REFUSED[judged.why]));
    case "renewable":
      return judged.hasEnded
        ? h("span", { class: "chip warning" }, t("renewEnded"))
        : h("span", { class: "chip finalized" }, t("renewReady"));
  }
}
