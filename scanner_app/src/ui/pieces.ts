/** Pieces that several screens share. */
import type { Stream } from "../domain/types.ts";
import type { EntryState } from "../store/database.ts";
import type { Page, T } from "./app.ts";
import { type Attributes, type Child, drawing, h } from "./dom.ts";
import { icon, type IconName, streamIcon } from "./icons.ts";
import { ledgerOf, stateText } from "./words.ts";

interface ButtonLook {
  readonly test?: string;
  readonly look?: "primary" | "plain" | "quiet" | "danger";
  readonly icon?: IconName;
  readonly disabled?: boolean;
}

export function button(text: string, press: () => unknown, look: ButtonLook = {}): HTMLButtonElement {
  return h(
    "button",
    {
      type: "button",
      class: `button ${look.look ?? "plain"}`,
      ...(look.test !== undefined && { test: look.test }),
      disabled: look.disabled ?? false,
      on: { click: () => void press() },
    },
    look.icon && icon(look.icon),
    h("span", {}, text),
  );
}

export function iconButton(name: IconName, label: string, press: () => unknown, test?: string): HTMLElement {
  const attributes: Attributes = {
    type: "button",
    class: "icon-button",
    label,
    on: { click: () => void press() },
  };
  return h("button", test === undefined ? attributes : { ...attributes, test }, icon(name));
}

export function actions(...children: readonly Child[]): HTMLElement {
  return h("div", { class: "actions" }, ...children);
}

export function notice(
  tone: "calm" | "warning" | "bad" | "good",
  ...children: readonly Child[]
): HTMLElement {
  return h("div", { class: `notice ${tone}`, role: tone === "bad" ? "alert" : "status" }, ...children);
}

export function empty(text: string, name: IconName): HTMLElement {
  return h("div", { class: "empty" }, icon(name), h("p", {}, text));
}

export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return h("section", {}, h("h2", {}, title), ...children);
}

export function streamTag(t: T, stream: Stream): HTMLElement {
  return h("span", { class: `stream-tag ${stream}` }, streamIcon(stream), t(stream));
}

export function stateChip(t: T, state: EntryState, test = "entry-state"): HTMLElement {
  const { text, tone } = stateText(t, state);
  const data = { state: state.is, ledger: ledgerOf(state) };
  return h("span", { class: `chip ${tone}`, test, data }, text);
}

export function facts(...rows: readonly (readonly [string, Child])[]): HTMLElement {
  return h(
    "dl",
    { class: "facts" },
    ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

const drawnCodes = new Map<string, string>();

/** A QR code that appears where its place was kept. */
export function qr(text: string, test: string): HTMLElement {
  const holder = h("div", { class: "qr", test, role: "img", data: { text } });
  const drawn = drawnCodes.get(text);
  if (drawn !== undefined) {
    holder.append(drawing(drawn));
    return holder;
  }
  void import("../scan/write_qr.ts")
    .then(({ writeQr }) => writeQr(text))
    .then((svg) => {
      drawnCodes.set(text, svg);
      holder.replaceChildren(drawing(svg));
    });
  return holder;
}

/** Asks in a dialog of the page itself; true when the person agrees. */
export function ask(page: Page, question: string, yes: string, isDanger = true): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "ask" });
    const end = (answer: boolean) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    dialog.append(
      h("p", {}, question),
      h(
        "div",
        { class: "actions" },
        button(page.t("cancel"), () => end(false), { test: "ask-no" }),
        button(yes, () => end(true), { look: isDanger ? "danger" : "primary", test: "ask-yes" }),
      ),
    );
    dialog.addEventListener("cancel", () => end(false));
    document.body.append(dialog);
    dialog.showModal();
  });
}
