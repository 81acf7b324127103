/** Which streets this phone carries: a large organisation has more bins than one phone needs. */
import type { SiteId } from "../../domain/types.ts";
import { type Directory, dropSingle, keepSingle, readSingle } from "../../store/database.ts";
import { refreshDirectory } from "../../sync/directory.ts";
import type { App, Screen } from "../app.ts";
import { refusedNote } from "../directory_line.ts";
import { fill, h } from "../dom.ts";
import { actions, button, empty, notice } from "../pieces.ts";
import { nameIn } from "../words.ts";

/** As many as the server sends at once: docs/spec/directory.md. */
export const BINS_MAX = 5_000;

export async function streetsScreen(app: App): Promise<Screen> {
  const { t, db } = app;
  const directory = await readSingle(db, "directory");
  const streets = directory?.streets ?? [];
  const chosen = new Set((await readSingle(db, "route")) ?? []);
  const binsIn = (sites: Iterable<SiteId>) =>
    [...sites].reduce((sum, site) => sum + (streets.find((each) => each.site === site)?.bins ?? 0), 0);
  const all = binsIn(streets.map(({ site }) => site));
  const note = h("div", { class: "stack" });
  const sum = h("p", { class: "quiet", test: "streets-bins" });
  const save = button(t("streetsSave"), keep, { look: "primary", icon: "save", test: "streets-save" });
  const tell = () => {
    const bins = chosen.size === 0 ? all : binsIn(chosen);
    sum.textContent = t("streetsChosen", { n: bins });
    save.disabled = bins > BINS_MAX;
  };
  async function keep(): Promise<void> {
    save.disabled = true;
    if (chosen.size === 0) await dropSingle(db, "route");
    else await keepSingle(db, "route", [...chosen]);
    const refreshed = await refreshDirectory(db, app.api, app.identity, app.now);
    save.disabled = false;
    if (refreshed === "kept" || refreshed === "same") {
      app.changes.tell("synced");
      return app.go("/shift");
    }
    if (refreshed === "refused") fill(note, await refusedNote(app));
    else fill(note, notice("warning", h("span", { test: "streets-offline" }, t("streetsOffline"))));
  }
  tell();
  return {
    title: t("streetsTitle"),
    back: "/shift",
    body: h(
      "div",
      { class: "stack" },
      all > BINS_MAX && notice("calm", t("streetsTooMany", { n: all, max: BINS_MAX })),
      h("p", { class: "quiet" }, t("streetsHelp")),
      streets.length === 0
        ? empty(t("streetsNone"), "list")
        : h(
            "div",
            { class: "stack", role: "group", label: t("streetsTitle") },
            ...streets.map(({ site, bins }) => choice(app, directory, site, bins, chosen, tell)),
          ),
      sum,
      note,
    ),
    actions: actions(save),
  };
}

function choice(
  app: App,
  directory: Directory | undefined,
  site: SiteId,
  bins: number,
  chosen: Set<SiteId>,
  tell: () => void,
): HTMLElement {
  const name = nameIn(app, directory?.sites.find(({ id }) => id === site)?.name, site);
  const box = h(
    "button",
    {
      type: "button",
      class: "plain-choice",
      role: "checkbox",
      "aria-checked": String(chosen.has(site)),
      test: `street-${site}`,
      on: {
        click: () => {
          if (!chosen.delete(site)) chosen.add(site);
          box.setAttribute("aria-checked", String(chosen.has(site)));
          tell();
        },
      },
    },
    `${name} · ${app.t("streetBins", { n: bins })}`,
  );
  return box;
}
