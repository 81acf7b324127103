/** The phone: enrols itself, then is a crew's or a gate's for the rest of its life. */
import "./style.css";
import { clockError } from "../domain/clock.ts";
import { readAppCode } from "../domain/codes.ts";
import { askToPersist, type Identity, readSingle } from "../store/database.ts";
import type { App, Screen } from "./app.ts";
import { findAnswered } from "./crew/answers.ts";
import { answerScreen, givenScreen } from "./crew/given.ts";
import { giveScreen } from "./crew/give.ts";
import { crewHome, startScreen } from "./crew/home.ts";
import { refuseLotScreen as refuseOnTheStreet, takeListScreen, takeLotScreen } from "./crew/take.ts";
import { unattestedScreen } from "./crew/unattested.ts";
import { routeScreen } from "./crew/route.ts";
import { scanScreen } from "./crew/scan.ts";
import { shiftScreen } from "./crew/shift.ts";
import { streetsScreen } from "./crew/streets.ts";
import { signOnScreen } from "./crew/sign_on.ts";
import { h } from "./dom.ts";
import { earlierScreen } from "./earlier.ts";
import { enrolScreen } from "./enrol.ts";
import { gateHome } from "./gate/home.ts";
import { lotScreen, refuseLotScreen } from "./gate/lot.ts";
import { ticketScreen } from "./gate/ticket.ts";
import { historyScreen } from "./history.ts";
import { button, notice } from "./pieces.ts";
import { rescueCodesScreen } from "./rescue_codes.ts";
import { rescueReadScreen } from "./rescue_read.ts";
import { openShell, type Shell } from "./shell.ts";
import { startApp } from "./start.ts";
import { myCode, offerScan } from "./taking/meet_giver.ts";
import { readOffer } from "./taking/offers.ts";
import { showUnopened } from "./unopened.ts";
import { watchForUpdates } from "./update.ts";
import { saveRescue } from "./save_rescue.ts";
import { clockText, dateText } from "./words.ts";

const EXPIRES_SOON_SECONDS = 5 * 86_400;

type Routes = Readonly<Record<string, (app: App, id: string) => Promise<Screen>>>;
const JOURNAL: Routes = {
  history: historyScreen,
  codes: rescueCodesScreen,
  relay: rescueReadScreen,
  earlier: earlierScreen,
};
const CREW: Routes = {
  ...JOURNAL,
  "": crewHome,
  start: (app) => startScreen(app),
  scan: scanScreen,
  give: giveScreen,
  given: givenScreen,
  answer: answerScreen,
  take: takeListScreen,
  receive: (app) => offerScan(app, "/take"),
  code: (app) => myCode(app, "/take"),
  lot: takeLotScreen,
  refuse: refuseOnTheStreet,
  ticket: ticketScreen,
  unattested: unattestedScreen,
  shift: shiftScreen,
  signon: signOnScreen,
  route: routeScreen,
  streets: streetsScreen,
};
const GATE: Routes = {
  ...JOURNAL,
  "": gateHome,
  scan: (app) => offerScan(app, "/"),
  lot: lotScreen,
  refuse: refuseLotScreen,
  ticket: ticketScreen,
  code: (app) => myCode(app, "/"),
};
/** Other roles seal elsewhere; here they see their journal. */
const OTHER: Routes = {
  ...JOURNAL,
  "": async (app) => withoutBack(await historyScreen(app)),
};

function routesOf(role: Identity["role"]): Routes {
  if (role === "crew") return CREW;
  return role === "gate" || role === "scale" ? GATE : OTHER;
}

function withoutBack({ title, body, isLive, actions }: Screen): Screen {
  return { title, body, isLive: isLive ?? false, ...(actions && { actions }) };
}

async function run(): Promise<void> {
  const shell = await openShell("huanlian");
  const { page } = shell;
  let app: App | undefined;
  const begin = async (identity: Identity) => {
    app = await startApp(page, identity);
    await askToPersist();
    watchNotes(shell, app);
    widenFor(identity.role);
    page.go("/");
  };
  const identity = await readSingle(page.db, "identity");
  if (identity !== undefined) app = await startApp(page, identity);

  const enrolLook = () => ({ title: page.t("enrolTitle"), lead: page.t("enrolLead"), hasField: false });
  shell.route(async (route) => {
    if (app === undefined) return enrolScreen(page, enrolLook(), (enrolled) => void begin(enrolled));
    const shared = readAppCode(location.href);
    if (shared.is === "give" && routesOf(app.identity.role) !== OTHER) {
      const offer = await readOffer(app, location.href);
      history.replaceState(null, "", offer.is === "offer" ? `#/lot/${offer.lot}` : "#/");
      route = location.hash.slice(1);
    }
    if (shared.is === "take" && CREW === routesOf(app.identity.role)) {
      // The phone's own camera has read a receiver's answer.
      const lot = await findAnswered(app, location.href);
      history.replaceState(null, "", lot === undefined ? "#/" : `#/given/${lot}`);
      route = location.hash.slice(1);
    }
    const [, name = "", id = ""] = route.split("/");
    const routes = routesOf(app.identity.role);
    const screen = routes[name] ?? routes[""];
    if (screen === undefined) throw new Error("every role has a first screen");
    return screen(app, id);
  });
  if (app !== undefined) {
    await askToPersist();
    watchNotes(shell, app);
    widenFor(app.identity.role);
  }
  await shell.show();
  watchUpdates(shell);
}

/** The offer of a new version, in whatever language the page is read now. */
function watchUpdates(shell: Shell): void {
  const { t, changes } = shell.page;
  let replace: (() => void) | undefined;
  let shown = "";
  const draw = () => {
    const text = t("updateAsk");
    // Drawn anew, it would be read out anew, and whoever is on its button would fall off.
    if (replace === undefined || text === shown) return;
    shown = text;
    const now = button(t("updateNow"), replace, { test: "update-now" });
    shell.note("update", notice("calm", h("span", {}, text), now));
  };
  changes.listen(draw);
  void watchForUpdates((agreed) => {
    replace = agreed;
    shown = "";
    draw();
  });
}

/** A gate's terminal has a large screen, a phone has not. */
function widenFor(role: Identity["role"]): void {
  document.body.classList.toggle("gate", GATE === routesOf(role));
}

/** Under the bar: only what the person should know now. */
function watchNotes(shell: Shell, app: App): void {
  const { t } = app;
  const draw = () => {
    const { line } = app.sync;
    const now = app.now();
    const { notAfter, state } = app.renewal;
    const endsSoon = notAfter !== 0 && notAfter - now < EXPIRES_SOON_SECONDS;
    const error = clockError({ now, heard: app.serverClock.heard, enrolledAt: app.enrolledAt });
    shell.tellLine(line);
    shell.note(
      "standing",
      app.isRevoked &&
        notice(
          "bad",
          h("div", { test: "revoked" }, h("strong", {}, t("revoked")), h("p", {}, t("revokedTodo"))),
          button(t("rescue"), () => saveRescue(app), { icon: "save", test: "revoked-rescue" }),
        ),
      error !== 0 && notice("warning", h("span", { test: "clock-wrong" }, clockText(app, error))),
      endsSoon &&
        (state === "ready" && now <= notAfter
          ? notice("calm", t("renewalReady", { date: dateText(app, notAfter) }))
          : notice(
              "warning",
              t(now > notAfter ? "expired" : "expiresSoon", { date: dateText(app, notAfter) }),
            )),
    );
  };
  app.changes.listen(draw);
  globalThis.addEventListener("online", draw);
  globalThis.addEventListener("offline", draw);
  draw();
}

run().catch(showUnopened);
