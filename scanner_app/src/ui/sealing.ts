/** The one way in which screens seal: what is doubtful is asked first, and what fails is told with a way on. */
import { clockError } from "../domain/clock.ts";
import { KeyReplaced, KeyRevoked } from "../sign/writer.ts";
import { signalWarning } from "../scan/signal.ts";
import type { TextKey } from "../i18n/index.ts";
import type { App } from "./app.ts";
import { h } from "./dom.ts";
import { type Answer, choose } from "./pieces.ts";
import { saveRescue } from "./save_rescue.ts";
import { clockText } from "./words.ts";

/** Each doubt is asked about once in a page's life: a question at every bin would be answered unread. */
const answered = new Set<TextKey>();

/** Seals; undefined when the person thought better of it, or when nothing could be sealed and was said so. */
export async function trySeal<T>(app: App, seal: () => Promise<T>): Promise<T | undefined> {
  if (!(await isUndoubted(app))) return undefined;
  for (;;) {
    try {
      return await seal();
    } catch (problem) {
      const failure = failureOf(problem);
      if (failure === undefined) throw problem;
      if (failure === "full") app.changes.tell("full");
      if ((await tellFailure(app, failure)) !== "again") return undefined;
    }
  }
}

async function isUndoubted(app: App): Promise<boolean> {
  for (const { key, text } of doubtsOf(app)) {
    if (answered.has(key)) continue;
    signalWarning();
    const question = [h("strong", {}, app.t(key)), h("br"), text];
    const mayGoOn = await choose(
      app,
      question,
      [
        { text: app.t("doubtBack"), value: false, look: "primary", test: "doubt-back" },
        { text: app.t("doubtContinue"), value: true, look: "danger", test: "doubt-continue" },
      ],
      false,
    );
    if (!mayGoOn) return false;
    answered.add(key);
  }
  return true;
}

/** What speaks against sealing now, though it may be sealed. */
export function doubtsOf(app: App): { key: TextKey; text: string }[] {
  const { t, renewal, enrolledAt, serverClock } = app;
  const now = app.now();
  const error = clockError({ now, heard: serverClock.heard, enrolledAt });
  const hasEnded = renewal.notAfter !== 0 && now > renewal.notAfter;
  return [
    ...(error === 0
      ? []
      : [{ key: "clockWrong", text: `${clockText(app, error)} ${t("clockWrongTodo")}` } as const]),
    ...(hasEnded ? [{ key: "expired", text: t("expiredTodo") } as const] : []),
  ];
}

type Failure = "revoked" | "replaced" | "full" | "lost";

function failureOf(problem: unknown): Failure | undefined {
  if (problem instanceof KeyRevoked) return "revoked";
  if (problem instanceof KeyReplaced) return "replaced";
  if (!(problem instanceof DOMException)) return undefined;
  return problem.name === "QuotaExceededError" ? "full" : "lost";
}

const SAID: Readonly<Record<Failure, readonly [what: TextKey, todo: TextKey]>> = {
  revoked: ["revoked", "revokedTodo"],
  replaced: ["replaced", "replacedTodo"],
  full: ["storageFull", "storageFullTodo"],
  lost: ["storageLost", "storageLostTodo"],
};

/** Why nothing was sealed, where nobody was there to be asked. */
export function failureText({ t }: App, problem: unknown): string {
  const failure = failureOf(problem);
  return failure === undefined ? String(problem) : t(SAID[failure][0]);
}

async function tellFailure(app: App, failure: Failure): Promise<"again" | "close"> {
  const { t } = app;
  const [what, todo] = SAID[failure];
  signalWarning();
  const close = { text: t("close"), value: "close", test: "failure-close" } as const;
  const waysOn: Readonly<Record<Failure, Answer<"again" | "rescue" | "reload" | "close">>> = {
    revoked: { text: t("rescue"), value: "rescue", look: "primary", test: "failure-rescue" },
    full: { text: t("retry"), value: "again", look: "primary", test: "failure-again" },
    replaced: { text: t("reload"), value: "reload", look: "primary", test: "failure-reload" },
    lost: { text: t("reload"), value: "reload", look: "primary", test: "failure-reload" },
  };
  const told = h("div", { test: `failure-${failure}` }, h("strong", {}, t(what)), h("p", {}, t(todo)));
  const answer = await choose(app, told, [waysOn[failure], close], "close");
  if (answer === "rescue") await saveRescue(app);
  if (answer === "reload") location.reload();
  return answer === "again" ? "again" : "close";
}
