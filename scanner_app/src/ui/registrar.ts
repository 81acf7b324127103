/** The registrar's page: this browser is the registrar's device, and only it can approve or revoke. */
import "./style.css";
import { type Identity, readSingle } from "../store/database.ts";
import type { App } from "./app.ts";
import { enrolScreen } from "./enrol.ts";
import { historyScreen } from "./history.ts";
import { deskScreen } from "./registrar/desk.ts";
import { notice } from "./pieces.ts";
import { openShell } from "./shell.ts";
import { startApp } from "./start.ts";
import { showUnopened } from "./unopened.ts";

async function run(): Promise<void> {
  document.body.classList.add("desk");
  const shell = await openShell("huanlian-registrar");
  const { page } = shell;
  let app: App | undefined;
  const begin = async (identity: Identity) => {
    app = await startApp(page, identity);
    page.go("/");
  };
  const identity = await readSingle(page.db, "identity");
  if (identity !== undefined) app = await startApp(page, identity);

  const look = () => ({
    title: page.t("registrarTitle"),
    lead: page.t("registrarNeedsInvitation"),
    hasField: true,
  });
  shell.route(async (route) => {
    if (app === undefined) return enrolScreen(page, look(), (enrolled) => void begin(enrolled));
    const { role } = app.identity;
    if (role !== "registrar") {
      const text = page.t("registrarWrongRole", { role: page.t(role) });
      return { title: page.t("registrarTitle"), body: notice("bad", text) };
    }
    return route.startsWith("/history") ? historyScreen(app) : deskScreen(app);
  });
  await shell.show();
}

run().catch(showUnopened);
