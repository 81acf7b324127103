/** The registrar's page: this browser is the registrar's device, and only it can approve or revoke. */
import "./style.css";
import { type Identity, readSingle } from "../store/database.ts";
import { RenewalDesk } from "../sync/renewal_desk.ts";
import type { App, Page } from "./app.ts";
import { enrolScreen } from "./enrol.ts";
import { historyScreen } from "./history.ts";
import { deskScreen } from "./registrar/desk.ts";
import { notice } from "./pieces.ts";
import { openShell } from "./shell.ts";
import { startApp } from "./start.ts";
import { showUnopened } from "./unopened.ts";

interface Desk {
  readonly app: App;
  readonly renewing: RenewalDesk;
}

async function startDesk(page: Page, identity: Identity): Promise<Desk> {
  const app = await startApp(page, identity);
  const key = await readSingle(page.db, "key");
  if (key === undefined) throw new Error("an identity without a key");
  const renewing = new RenewalDesk({ ...app, ownKey: key.publicKey });
  if (identity.role === "registrar") void renewing.start();
  return { app, renewing };
}

async function run(): Promise<void> {
  document.body.classList.add("desk");
  const shell = await openShell("huanlian-registrar");
  const { page } = shell;
  let desk: Desk | undefined;
  const begin = async (identity: Identity) => {
    desk = await startDesk(page, identity);
    page.go("/");
  };
  const identity = await readSingle(page.db, "identity");
  if (identity !== undefined) desk = await startDesk(page, identity);

  const look = () => ({
    title: page.t("registrarTitle"),
    lead: page.t("registrarNeedsInvitation"),
    hasField: true,
  });
  shell.route(async (route) => {
    if (desk === undefined) return enrolScreen(page, look(), (enrolled) => void begin(enrolled));
    const { app, renewing } = desk;
    const { role } = app.identity;
    if (role !== "registrar") {
      const text = page.t("registrarWrongRole", { role: page.t(role) });
      return { title: page.t("registrarTitle"), body: notice("bad", text) };
    }
    return route.startsWith("/history") ? historyScreen(app) : deskScreen(app, renewing);
  });
  await shell.show();
}

run().catch(showUnopened);
