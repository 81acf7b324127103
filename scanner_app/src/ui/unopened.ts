/** What a page shows that cannot keep anything: it must not look as if it worked. */
import { chooseLanguage, textIn, type TextKey } from "../i18n/index.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";
import { button } from "./pieces.ts";

/** Drawn without storage, so in the browser's own language. */
export function showUnopened(problem: unknown): void {
  const language = chooseLanguage(navigator.languages);
  const t = (key: TextKey) => textIn(language, key);
  document.documentElement.lang = language;
  document.title = t("appName");
  document.querySelector("#app")?.replaceChildren(
    h(
      "main",
      { class: "unopened", test: "unopened" },
      icon("warning"),
      h("h1", {}, t("storageMissing")),
      h("p", {}, t("storageMissingTodo")),
      h("p", { class: "quiet small" }, problem instanceof Error ? problem.name : String(problem)),
      button(t("retry"), () => location.reload(), { look: "primary", test: "unopened-retry" }),
    ),
  );
}
