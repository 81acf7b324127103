/** Enrol on the left, renewals and devices on the right; on a phone one above the other. */
import { organisationOf } from "../../domain/types.ts";
import { readSingle } from "../../store/database.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { button, facts } from "../pieces.ts";
import { organisationName } from "../words.ts";
import type { RenewalDesk } from "../../sync/renewal_desk.ts";
import { deviceList } from "./devices.ts";
import { enrolPanel } from "./enrol_panel.ts";
import { renewalPanel } from "./renewal_panel.ts";

export async function deskScreen(app: App, renewing: RenewalDesk): Promise<Screen> {
  const { t } = app;
  const organisation = organisationOf(app.identity.device);
  const name = h("h2");
  const devices = deviceList(app);
  const panel = enrolPanel(app);
  const renewals = renewalPanel(app, renewing);
  const refresh = async () => {
    const directory = await readSingle(app.db, "directory");
    name.textContent = organisationName(app, directory, organisation);
    renewals.refresh();
    await devices.refresh();
  };
  const stop = app.changes.listen(() => void refresh());
  await refresh();
  return {
    title: t("registrarTitle"),
    body: h(
      "div",
      { class: "desk-page" },
      h(
        "div",
        { class: "desk-side" },
        h(
          "div",
          { class: "card" },
          name,
          facts([t("registrarThis"), h("code", {}, app.identity.device)]),
          h("p", { class: "quiet" }, t("registrarLead")),
          button(t("history"), () => app.go("/history"), {
            look: "quiet",
            icon: "list",
            test: "history-open",
          }),
        ),
        panel.element,
      ),
      h("div", { class: "desk-side" }, renewals.element, devices.element),
    ),
    leave: () => {
      stop();
      panel.leave();
    },
  };
}
