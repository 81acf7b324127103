/** What this app records, where it goes, and what it never touches; for whoever is asked to use it. */
import type { TextKey } from "../i18n/index.ts";
import type { Page, Screen } from "./app.ts";
import { h } from "./dom.ts";
import { section } from "./pieces.ts";

const TOLD: readonly (readonly [title: TextKey, what: TextKey])[] = [
  ["privacyChain", "privacyChainWhat"],
  ["privacyServer", "privacyServerWhat"],
  ["privacyPhone", "privacyPhoneWhat"],
  ["privacyNever", "privacyNeverWhat"],
];

export function privacyScreen(page: Page): Screen {
  const { t } = page;
  return {
    title: t("privacyOpen"),
    back: "/settings",
    body: h(
      "div",
      { class: "stack", test: "privacy" },
      h("p", { class: "lead" }, t("privacyLead")),
      ...TOLD.map(([title, what]) => section(t(title), h("p", {}, t(what)))),
      h("p", { class: "quiet" }, t("privacyWhere", { origin: location.host })),
    ),
  };
}
