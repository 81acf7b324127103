/** Pieces that several screens share. */
import type { Stream } from "../domain/types.ts";
import type { EntryState } from "../store/database.ts";
import type { Page, T } from "./app.ts";
import { type Attributes, type Child, drawing, h } from "./dom.ts";
import { icon, type IconName, streamIcon } from "./icons.ts";
import { answerOfState, answerText, ledgerOf, stateText } from "./words.ts";

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

/** What the ledger found wrong with an entry, in words, and what to do; nothing while all is well. */
export function answerNotes(page: Pick<Page, "t">, state: EntryState): Child[] {
  const answer = answerOfState(state);
  if (answer === undefined || (answer.outcome === "applied" && answer.flaw === "none")) return [];
  const { what, todo } = answerText(page, answer);
  const data = { outcome: answer.outcome, flaw: answer.flaw };
  return [
    h("span", { class: "chip warning", test: "answer", data }, what),
    h("span", { class: "note", test: "answer-todo" }, todo),
  ];
}

/** Arrow keys go from one choice to the next, and choose it, as in any form. */
export function chooseByArrows(group: HTMLElement): HTMLElement {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const all = [...group.querySelectorAll<HTMLElement>("[role=radio]")];
    const at = all.findIndex((each) => each === document.activeElement);
    const next = all[(at + step + all.length) % all.length];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    next.focus();
    next.click();
  });
  return group;
}

/** One of a few, by their words; `chosen` is marked from the start. */
export function radios<V>(
  title: string,
  options: readonly { readonly value: V; readonly text: string; readonly test: string }[],
  choose: (value: V) => void,
  chosen?: V,
): HTMLElement {
  const buttons = options.map(({ value, text, test }) =>
    h(
      "button",
      {
        type: "button",
        class: "plain-choice",
        role: "radio",
        "aria-checked": String(value === chosen),
        test,
      },
      text,
    ),
  );
  buttons.forEach((each, at) =>
    each.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-checked", String(other === each));
      const option = options[at];
      if (option !== undefined) choose(option.value);
    }),
  );
  return h(
    "div",
    { class: "choices" },
    h("h2", {}, title),
    chooseByArrows(h("div", { class: "plain-choices", role: "radiogroup", label: title }, ...buttons)),
  );
}

interface Option<V> {
  readonly value: V;
  readonly text: string;
  readonly picture: SVGElement;
  readonly test: string;
  readonly look: string;
}

/** One of a few, with a picture each; `chosen` is marked from the start. */
export function choice<V>(
  title: string,
  options: readonly Option<V>[],
  choose: (value: V) => void,
  chosen?: V,
): HTMLElement {
  const buttons = options.map((option) =>
    h(
      "button",
      {
        type: "button",
        class: `choice ${option.look}`,
        test: option.test,
        role: "radio",
        "aria-checked": String(option.value === chosen),
      },
      option.picture,
      h("span", {}, option.text),
    ),
  );
  buttons.forEach((each, at) =>
    each.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-checked", String(other === each));
      const option = options[at];
      if (option !== undefined) choose(option.value);
    }),
  );
  return h(
    "div",
    { class: "choices" },
    h("h2", {}, title),
    chooseByArrows(
      h("div", { class: `choice-row of-${options.length}`, role: "radiogroup", label: title }, ...buttons),
    ),
  );
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
export function qr(text: string, test: string, label: string): HTMLElement {
  const holder = h("div", { class: "qr", test, role: "img", label, data: { text } });
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
export function ask(page: Page, question: Child, yes: string, isDanger = true): Promise<boolean> {
  return choose(
    page,
    question,
    [
      { text: page.t("cancel"), value: false, test: "ask-no" },
      { text: yes, value: true, look: isDanger ? "danger" : "primary", test: "ask-yes" },
    ],
    false,
  );
}

export interface Answer<V> {
  readonly text: string;
  readonly value: V;
  readonly test: string;
  readonly look?: "primary" | "danger";
}

/** Asks in a dialog with answers of its own; closing it says `otherwise`. */
export function choose<V>(
  page: Pick<Page, "t">,
  question: Child,
  answers: readonly Answer<V>[],
  otherwise: V,
): Promise<V> {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "ask", label: page.t("question") });
    const end = (answer: V) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const buttons = answers.map(({ text, value, test, look }) =>
      button(text, () => end(value), { test, look: look ?? "plain" }),
    );
    dialog.append(h("div", { class: "question" }, question), h("div", { class: "actions" }, ...buttons));
    dialog.addEventListener("cancel", () => end(otherwise));
    document.body.append(dialog);
    dialog.showModal();
  });
}
