/** One line that says how it stands with the network. Its place is kept for the longest text, so nothing ever moves. */
import type { Line } from "../sync/sync.ts";
import type { TextKey } from "../i18n/index.ts";
import type { T } from "./app.ts";
import { fill, h } from "./dom.ts";

type State = "resting" | "sending" | "unreachable" | "retrying" | "blocked";

const TEXT: Readonly<Record<State, TextKey>> = {
  resting: "lineResting",
  sending: "lineSending",
  unreachable: "lineWaiting",
  retrying: "lineRetrying",
  blocked: "lineBlocked",
};
const TONE: Readonly<Record<State, string>> = {
  resting: "calm",
  sending: "calm",
  unreachable: "warning",
  retrying: "warning",
  blocked: "bad",
};

function stateOf(line: Line): State {
  if (line.is === "resting" && !navigator.onLine) return "unreachable";
  if (line.is !== "waiting") return line.is;
  return line.why === "unreachable" ? "unreachable" : "retrying";
}

/** All texts lie on one place; the one that holds is seen and told, the others only keep the room. */
export function networkLine(): { element: HTMLElement; draw(t: T, line: Line): void } {
  const element = h("div", { class: "line", test: "network-line" });
  const told = h("p", { class: "line-text", role: "status" });
  const draw = (t: T, line: Line) => {
    const state = stateOf(line);
    const text = t(TEXT[state]);
    // Asked to at every change of the journal, which it mostly says nothing about.
    if (element.dataset["is"] === state && told.textContent === text) return;
    element.className = `line ${TONE[state]}`;
    element.dataset["is"] = state;
    if (told.textContent !== text) told.textContent = text;
    const others = Object.values(TEXT).map((key) =>
      h("p", { class: "line-text keeps-room", "aria-hidden": "true" }, t(key)),
    );
    fill(element, told, ...others);
  };
  return { element, draw };
}
