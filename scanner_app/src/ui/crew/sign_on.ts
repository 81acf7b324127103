/** Whose shift it is on a shared phone: a crew's code, kept here until the shift ends. */
import { readCrewCode } from "../../domain/crew_code.ts";
import { dropSingle, keepSingle, readSingle } from "../../store/database.ts";
import type { App, Screen } from "../app.ts";
import { h } from "../dom.ts";
import { actions, button } from "../pieces.ts";

export async function signOnScreen(app: App): Promise<Screen> {
  const { t, db } = app;
  const before = await readSingle(db, "signOn");
  const field = h("input", {
    class: "field mono",
    test: "sign-on-code",
    label: t("signOn"),
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    maxlength: "8",
    autofocus: true,
    value: before?.code ?? "",
  });
  const problem = h("p", { class: "field-problem", role: "alert", test: "sign-on-problem" });
  const use = async () => {
    const code = readCrewCode(field.value);
    field.setAttribute("aria-invalid", String(code === undefined));
    problem.textContent = code === undefined ? t("signOnWrong") : "";
    if (code === undefined) return;
    await keepSingle(db, "signOn", { code });
    app.go("/");
  };
  const drop = async () => {
    await dropSingle(db, "signOn");
    app.go("/");
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") void use();
  });
  return {
    title: t("signOn"),
    back: "/",
    body: h(
      "div",
      { class: "stack" },
      h("h2", {}, t("signOnTitle")),
      h("p", { class: "quiet" }, t("signOnHelp")),
      h("label", { class: "labelled" }, t("signOn"), field),
      problem,
    ),
    actions: actions(
      before !== undefined && button(t("signOnDrop"), drop, { test: "sign-on-drop" }),
      button(t("signOnSave"), use, { look: "primary", icon: "check", test: "sign-on-save" }),
    ),
  };
}

/** Leads to the code; shows it where one is in use. */
export async function signOnButton(app: App): Promise<HTMLElement> {
  const signedOn = await readSingle(app.db, "signOn");
  const text = signedOn === undefined ? app.t("signOn") : app.t("signOnNow", { code: signedOn.code });
  return button(text, () => app.go("/signon"), { look: "quiet", icon: "phone", test: "sign-on-open" });
}
