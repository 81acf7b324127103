/** The frame around every screen: bar, unsent number, language, and the back button that phones have. */
import { chooseLanguage, type Language, LANGUAGES, textIn } from "../i18n/index.ts";
import { Changes } from "../store/changes.ts";
import { openDatabase } from "../store/database.ts";
import { countByState } from "../store/journal.ts";
import { Api } from "../sync/api.ts";
import { ServerClock } from "../sync/server_clock.ts";
import type { Page, Screen } from "./app.ts";
import { fill, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { watchLook } from "./look.ts";
import { button, iconButton, notice } from "./pieces.ts";
import { settingsScreen } from "./settings.ts";

export interface Shell {
  readonly page: Page;
  /** Says which screen belongs to a route; asked again at every move. */
  route(find: (route: string) => Promise<Screen>): void;
  show(): Promise<void>;
  /** Puts lines under the bar; each slot has its own. */
  note(slot: "line" | "update", ...children: (HTMLElement | false)[]): void;
}

const LANGUAGE_KEY = "huanlian-language";

export async function openShell(databaseName: string): Promise<Shell> {
  watchLook();
  let tellLost: () => void = () => undefined;
  const db = await openDatabase(databaseName, () => tellLost());
  const now = () => Math.floor(Date.now() / 1000);
  const serverClock = await ServerClock.open(db, now);
  const changes = new Changes(databaseName);
  let language =
    (localStorage.getItem(LANGUAGE_KEY) as Language | null) ?? chooseLanguage(navigator.languages);
  const page: Page = {
    db,
    changes,
    api: new Api(
      fetch.bind(globalThis),
      () => language,
      "/api/v1",
      (date) => serverClock.note(date),
    ),
    serverClock,
    t: (key, values) => textIn(language, key, values),
    language: () => language,
    now,
    go: (route) => {
      if (location.hash === `#${route}`) void show();
      else location.hash = route;
    },
  };

  const bar = h("header", { class: "bar" });
  const slots = { storage: h("div"), update: h("div"), line: h("div") };
  const notes = h("div", { class: "notes" }, slots.storage, slots.update, slots.line);
  const main = h("main", { tabindex: "0" });
  const foot = h("footer", { class: "foot" });
  const unsent = h("span", { class: "unsent", test: "unsent-count", role: "status" });
  const languages = h(
    "select",
    { class: "language", test: "language", label: page.t("language") },
    ...Object.entries(LANGUAGES).map(([value, name]) =>
      h("option", { value, selected: value === language }, name),
    ),
  );
  languages.addEventListener("change", () => {
    language = languages.value as Language;
    localStorage.setItem(LANGUAGE_KEY, language);
    languages.setAttribute("aria-label", page.t("language"));
    changes.tell("synced");
    void show();
  });
  document.querySelector("#app")?.replaceChildren(bar, notes, main, foot);

  let find: (route: string) => Promise<Screen> = async () => ({ title: "", body: h("div") });
  let current: Screen | undefined;
  let drawn = 0;

  async function show(isSame = false): Promise<void> {
    drawn += 1;
    const turn = drawn;
    const route = location.hash.slice(1) || "/";
    const screen = route === "/settings" ? settingsScreen(page) : await find(route);
    // A later move overtook this one while it was reading.
    if (turn !== drawn) return screen.leave?.();
    const scrolled = main.scrollTop;
    current?.leave?.();
    current = screen;
    document.documentElement.lang = language;
    document.title = `${screen.title} · ${page.t("appName")}`;
    document.body.classList.toggle("full", screen.isFull ?? false);
    const { back } = screen;
    fill(
      bar,
      back === undefined
        ? iconButton("settings", page.t("settings"), () => page.go("/settings"), "settings-open")
        : iconButton("back", page.t("back"), () => page.go(back), "back"),
      h("h1", {}, screen.title),
      unsent,
      languages,
    );
    fill(main, screen.body);
    fill(foot, screen.actions);
    foot.hidden = screen.actions === undefined;
    main.scrollTop = isSame ? scrolled : 0;
    await count();
  }

  async function count(): Promise<void> {
    const { queued, rejected } = await countByState(db);
    const number = queued + rejected;
    unsent.className = `unsent ${rejected > 0 ? "bad" : number > 0 ? "some" : "none"}`;
    unsent.dataset["count"] = String(number);
    unsent.title = number > 0 ? page.t("unsent", { n: number }) : page.t("unsentNone");
    unsent.setAttribute("aria-label", unsent.title);
    fill(unsent, icon(number > 0 ? "send" : "check"), String(number));
  }

  tellLost = () =>
    fill(
      slots.storage,
      notice(
        "bad",
        h("span", {}, page.t("storageLost")),
        button(page.t("reload"), () => location.reload(), { test: "storage-reload" }),
      ),
    );
  globalThis.addEventListener("hashchange", () => void show());
  changes.listen(() => {
    if (current?.isLive) void show(true);
    else void count();
  });
  return {
    page,
    route: (finder) => {
      find = finder;
    },
    show,
    note: (slot, ...children) => fill(slots[slot], ...children),
  };
}
