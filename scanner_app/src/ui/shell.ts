/** The frame around every screen: bar, unsent number, language, and the back button that phones have. */
import { chooseLanguage, type Language, LANGUAGES, textIn } from "../i18n/index.ts";
import { Changes } from "../store/changes.ts";
import { countUnsent } from "../store/journal.ts";
import { openCurrent } from "../store/succession.ts";
import { Api } from "../sync/api.ts";
import { ServerClock } from "../sync/server_clock.ts";
import type { Line } from "../sync/sync.ts";
import type { Page, Screen } from "./app.ts";
import { fill, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { watchLook } from "./look.ts";
import { networkLine } from "./network_line.ts";
import { button, iconButton, notice } from "./pieces.ts";
import { privacyScreen } from "./privacy.ts";
import { settingsScreen } from "./settings.ts";

export interface Shell {
  readonly page: Page;
  /** Says which screen belongs to a route; asked again at every move. */
  route(find: (route: string) => Promise<Screen>): void;
  show(): Promise<void>;
  /** Puts lines under the bar; each slot has its own. */
  note(slot: "standing" | "update", ...children: (HTMLElement | false)[]): void;
  /** Says how it stands with the network; nothing on the page moves for it. */
  tellLine(line: Line): void;
}

const LANGUAGE_KEY = "huanlian-language";
/** Screens of the frame itself: there also before the page knows who it is. */
const OWN: Readonly<Record<string, (page: Page) => Screen>> = {
  "/settings": settingsScreen,
  "/privacy": privacyScreen,
};

export async function openShell(databaseName: string): Promise<Shell> {
  watchLook();
  let tellLost: () => void = () => undefined;
  const db = await openCurrent(databaseName, () => tellLost());
  const now = () => Math.floor(Date.now() / 1000);
  const serverClock = await ServerClock.open(db, now);
  const changes = new Changes(db.name);
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
  const slots = { storage: h("div"), update: h("div"), standing: h("div") };
  const notes = h("div", { class: "notes" }, slots.storage, slots.update, slots.standing);
  const network = networkLine();
  network.element.hidden = true;
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
  const frame = [bar, network.element, notes, main, foot];

  let find: (route: string) => Promise<Screen> = async () => ({ title: "", body: h("div") });
  let current: Screen | undefined;
  let drawn = 0;
  /** Something changed while a screen was being read: it may show what was before. */
  let isBehind = false;

  async function show(isSame = false): Promise<void> {
    drawn += 1;
    isBehind = false;
    const turn = drawn;
    const route = location.hash.slice(1) || "/";
    const screen = OWN[route]?.(page) ?? (await find(route));
    // A later move overtook this one while it was reading.
    if (turn !== drawn) return screen.leave?.();
    const scrolled = main.scrollTop;
    const focused = focusedHook();
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
    // Only once there is something in it: an empty frame would jump when it is filled.
    if (!bar.isConnected) document.querySelector("#app")?.replaceChildren(...frame);
    main.scrollTop = isSame ? scrolled : 0;
    // Whoever works by keyboard goes on where they were, and on a new screen from its top.
    const again = isSame && focused !== undefined ? findHook(focused) : undefined;
    if (again !== undefined) again.focus({ preventScroll: true });
    else if (!isSame && drawn > 1 && document.querySelector("dialog[open]") === null) focusTop();
    await count();
    if (isBehind && turn === drawn && screen.isLive) await show(true);
  }

  function focusTop(): void {
    const [first] = document.querySelectorAll<HTMLElement>("main [autofocus]");
    (first ?? main).focus({ preventScroll: true });
  }

  /** Back by the Escape key; a dialog and an open sheet close by themselves first. */
  function leaveByKey(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement && event.target.value !== "";
    if (event.key !== "Escape" || event.defaultPrevented || isTyping) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (current?.back !== undefined) page.go(current.back);
  }

  async function count(): Promise<void> {
    const { queued, rejected } = await countUnsent(db);
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
  document.addEventListener("keydown", leaveByKey);
  changes.listen(() => {
    isBehind = true;
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
    tellLine: (line) => {
      network.element.hidden = false;
      network.draw(page.t, line);
    },
  };
}

/** The hook of what has the focus in the frame; undefined when nothing has, or it bears no name. */
function focusedHook(): string | undefined {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement && activeElement !== document.body
    ? activeElement.dataset["testid"]
    : undefined;
}

function findHook(name: string): HTMLElement | undefined {
  return document.querySelector<HTMLElement>(`#app [data-testid="${name}"]`) ?? undefined;
}
