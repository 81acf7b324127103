/** From nothing to a device with a name: scan, compare six digits, wait, done. */
import { clockError } from "../domain/clock.ts";
import { readAppCode } from "../domain/codes.ts";
import { checkCode } from "../domain/seal.ts";
import { dropSingle, type Identity, readSingle } from "../store/database.ts";
import type { TextKey } from "../i18n/index.ts";
import { askProgress, type Disbelief, offerKey, requireKey, roleNamed } from "../sync/enrolment.ts";
import { fetchNames } from "../sync/directory.ts";
import type { Page, Screen } from "./app.ts";
import { type Child, fill, h } from "./dom.ts";
import { brandMark, icon } from "./icons.ts";
import { actions, button, notice } from "./pieces.ts";
import { makeScanner, type Scanner } from "./scanner.ts";
import { clockText, organisationName, shortId } from "./words.ts";

const POLL_MILLISECONDS = 1500;
const REFUSED: Readonly<Record<string, TextKey>> = {
  "code-used": "enrolUsed",
  "code-expired": "enrolExpired",
  "unknown-code": "enrolUnknown",
};
const DISBELIEVED: Readonly<Record<Disbelief, TextKey>> = {
  unreadable: "enrolWhyUnreadable",
  key: "enrolWhyKey",
  device: "enrolWhyDevice",
  organisation: "enrolWhyOrganisation",
  role: "enrolWhyRole",
  seal: "enrolWhySeal",
};

export interface EnrolLook {
  readonly title: string;
  readonly lead: string;
  /** A field for the code, where there is no camera worth using. */
  readonly hasField: boolean;
}

/** `done` is called once the certificate has been checked and kept. */
export function enrolScreen(page: Page, look: EnrolLook, done: (identity: Identity) => void): Screen {
  const { t, db, api } = page;
  const body = h("div", { class: "stack enrol" });
  const foot = h("div", { class: "actions" });
  let scanner: Scanner | undefined;
  let isLeft = false;

  const lay = (children: readonly Child[], ...buttons: readonly Child[]) => {
    fill(
      body,
      h("div", { class: "welcome" }, brandMark(), h("p", { class: "lead" }, look.lead)),
      ...children,
    );
    fill(foot, ...buttons);
  };
  const field = h("input", {
    class: "field",
    test: "enrol-code",
    label: t("registrarInvitation"),
    autocomplete: "off",
  });

  function begin(...notes: readonly Child[]): void {
    scanner?.stop();
    const useField = button(t("registrarUse"), () => offerText(field.value), {
      look: "primary",
      test: "enrol-use",
    });
    if (look.hasField)
      lay([...notes, h("label", { class: "labelled" }, t("registrarInvitation"), field)], useField);
    else lay(notes, button(t("enrolScan"), scan, { look: "primary", icon: "scan", test: "enrol-scan" }));
  }

  function scan(): void {
    scanner = makeScanner(page, t("enrolScan"), offerText);
    fill(body, h("div", { class: "scan-box" }, scanner.element));
    fill(
      foot,
      button(t("cancel"), () => begin()),
    );
  }

  function offerText(text: string): void {
    const read = readAppCode(text);
    if (read.is !== "enrol") {
      if (look.hasField && /^[\w-]{8,}$/.test(text.trim())) void offer(text.trim());
      return;
    }
    scanner?.stop();
    const isHere = read.address === "" || new URL(read.address, location.href).origin === location.origin;
    if (isHere) return void offer(read.code);
    begin(notice("warning", `${t("enrolOtherAddress")} `, h("a", { href: text }, text)));
  }

  async function offer(code: string): Promise<void> {
    lay([h("p", { class: "centre quiet" }, t("opening"))]);
    const offered = await offerKey(db, api, code);
    if (isLeft) return;
    if (offered.is === "offered") return wait(code);
    if (offered.is === "refused") {
      const key = REFUSED[offered.slug];
      const why = key === undefined ? offered.detail : t(key);
      const told = h("div", { test: `enrol-refused-${offered.slug}` });
      fill(told, h("strong", {}, t("enrolRefused")), h("p", {}, why));
      return begin(notice("bad", told));
    }
    lay(
      [notice("warning", t("enrolOffline"))],
      button(t("retry"), () => offer(code), { look: "primary" }),
      button(t("cancel"), () => begin()),
    );
  }

  async function wait(code: string): Promise<void> {
    const check = checkCode(await requireKey(db));
    const news = h("p", { class: "quiet waiting" }, t("enrolWaiting"));
    const joining = h("div", { class: "joining", test: "enrol-join" });
    void tellJoining(code, joining);
    lay([
      joining,
      h("h2", { class: "centre" }, t("enrolCheck")),
      h(
        "output",
        { class: "digits", test: "enrol-check", data: { check } },
        `${check.slice(0, 3)} ${check.slice(3)}`,
      ),
      h("p", { class: "centre quiet" }, t("enrolCheckHelp")),
      news,
    ]);
    while (!isLeft) {
      const progress = await askProgress(db, api, code);
      if (isLeft) return;
      if (progress.is === "enrolled") return finish(progress.identity);
      if (progress.is === "expired") {
        await dropSingle(db, "invitation");
        return begin(notice("warning", t("enrolExpired")));
      }
      if (progress.is === "disbelieved") {
        await dropSingle(db, "invitation");
        return begin(notice("bad", t("enrolDisbelieved", { why: t(DISBELIEVED[progress.why]) })));
      }
      news.textContent = t(progress.is === "unreachable" ? "enrolOffline" : "enrolWaiting");
      await new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));
    }
  }

  /** Whose device this becomes, and for what: people notice another organisation's code here. */
  async function tellJoining(code: string, place: HTMLElement): Promise<void> {
    const enrolment = await api.enrolment(code);
    const { heard } = page.serverClock;
    const error = clockError({ now: page.now(), heard, enrolledAt: 0 });
    if (isLeft || enrolment.is !== "ok") return;
    const { organisation, role } = enrolment.value;
    const names = await fetchNames(api, organisation);
    if (isLeft) return;
    const roleName = roleNamed(role);
    const joined = t("enrolJoin", {
      organisation: organisationName(page, names, organisation),
      role: roleName === undefined ? "" : t(roleName),
    });
    place.dataset["organisation"] = organisation;
    fill(
      place,
      h("strong", {}, joined),
      h("p", { class: "quiet small" }, t("enrolJoinHelp")),
      error !== 0 &&
        notice("warning", h("span", { test: "enrol-clock" }, `${clockText(page, error)} ${t("enrolClock")}`)),
    );
  }

  function finish(identity: Identity): void {
    fill(
      body,
      h(
        "div",
        { class: "done", test: "enrol-done", data: { device: identity.device, role: identity.role } },
        icon("check"),
        h("h2", {}, t("enrolDone")),
        h("p", {}, `${t(identity.role)} · ${t("deviceOf", { device: shortId(identity.device) })}`),
        h("p", { class: "quiet" }, t("enrolDoneHelp")),
      ),
    );
    fill(
      foot,
      button(t("enrolBegin"), () => done(identity), { look: "primary", test: "enrol-begin" }),
    );
  }

  async function open(): Promise<void> {
    // Drawn anew, in another language say, after the enrolment was done.
    const enrolled = await readSingle(db, "identity");
    if (enrolled !== undefined) return finish(enrolled);
    const invited = readAppCode(location.href);
    if (invited.is === "enrol") {
      // The code is used up here: a reload must not offer it again from the address.
      history.replaceState(null, "", location.pathname);
      return offer(invited.code);
    }
    const before = await readSingle(db, "invitation");
    return before === undefined ? begin() : offer(before.code);
  }

  void open();
  return {
    title: look.title,
    body,
    actions: actions(foot),
    leave: () => {
      isLeft = true;
      scanner?.stop();
    },
  };
}
