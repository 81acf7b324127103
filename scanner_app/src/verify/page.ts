/** The verifier's page: two files in, a verdict out. Works from a file, without a server. */
import { answerOf, streamOf } from "../domain/types.ts";
import { checkSeal } from "./check_seal.ts";
import { tellDetail } from "./details.ts";
import { rpcNode } from "./node.ts";
import {
  KIND_TEXTS,
  type Language,
  OUTCOME_TEXTS,
  STEP_TITLES,
  STREAM_TEXTS,
  TEXTS,
  VERDICT_TEXTS,
} from "./texts.ts";
import { readTrust, type Trust } from "./trust.ts";
import type { Fact, Report, Step } from "./verify.ts";
import { verifyFile } from "./verify_set.ts";

interface Given<T> {
  readonly name: string;
  readonly content: T;
}
interface State {
  language: Language;
  trust?: Given<Trust>;
  trustProblem?: string;
  bundle?: Given<Uint8Array>;
  report?: Report | "checking";
}

const state: State = {
  language: /^zh\b/i.test(navigator.language) || navigator.language === "" ? "zh" : "en",
};
/** Only the newest question may answer. */
let question = 0;

function part<K extends HTMLElement>(id: string): K {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found as K;
}

function element(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

const url = () => part<HTMLInputElement>("node").value.trim();

async function check(asks: boolean): Promise<void> {
  const { trust, bundle } = state;
  if (trust === undefined || bundle === undefined) return show();
  question += 1;
  const mine = question;
  state.report = "checking";
  show();
  const node = asks && url() !== "" ? rpcNode(url()) : undefined;
  // A moment for the page to be drawn: the checks take the processor.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const report = await verifyFile(bundle.content, trust.content, checkSeal, node);
  if (mine !== question) return;
  state.report = report;
  show();
}

async function take(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    const content = new Uint8Array(await file.arrayBuffer());
    if (looksLikeTrust(content)) takeTrust(file.name, content);
    else state.bundle = { name: file.name, content };
  }
  await check(url() !== "");
}

/** A trust file says `code_hashes` and no `format`; whatever else was dropped is to be judged as a bundle. */
function looksLikeTrust(content: Uint8Array): boolean {
  const text = new TextDecoder().decode(content.subarray(0, 65_536));
  return text.includes('"code_hashes"') && !text.includes('"format"');
}

function takeTrust(name: string, content: Uint8Array): void {
  delete state.trust;
  delete state.trustProblem;
  try {
    state.trust = { name, content: readTrust(new TextDecoder().decode(content)) };
  } catch (problem) {
    state.trustProblem = `${name}: ${problem instanceof Error ? problem.message : String(problem)}`;
  }
}

function show(): void {
  const { language } = state;
  const texts = TEXTS[language];
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.title = texts.title;
  for (const each of document.querySelectorAll<HTMLElement>("[data-text]")) {
    each.textContent = texts[each.dataset["text"] as keyof typeof texts];
  }
  part("trust-name").textContent = state.trust?.name ?? texts.none;
  part("bundle-name").textContent = state.bundle?.name ?? texts.none;
  part("trust-content").replaceChildren(...trustLines());
  const { report } = state;
  const result = part("result");
  if (report === undefined) result.replaceChildren(element("p", "quiet", texts.waiting));
  else if (report === "checking") result.replaceChildren(element("p", "quiet", texts.checking));
  else result.replaceChildren(...reportParts(report));
}

function trustLines(): HTMLElement[] {
  const texts = TEXTS[state.language];
  if (state.trustProblem !== undefined) {
    return [element("p", "problem", `${texts.badTrust} (${state.trustProblem})`)];
  }
  const trust = state.trust?.content;
  if (trust === undefined) return [];
  return [
    definitions([
      [texts.chain, String(trust.network.chainId)],
      [texts.ledger, element("code", "", `0x${trust.network.ledger}`)],
      [texts.genesis, element("code", "", `0x${trust.genesisHash}`)],
    ]),
  ];
}

function definitions(rows: readonly (readonly [string, Node | string])[]): HTMLElement {
  return element(
    "dl",
    "facts",
    ...rows.map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value))),
  );
}

const MARK = { yes: "✓", no: "✕", open: "–" } as const;
const markOf = (ok: boolean | undefined): keyof typeof MARK =>
  ok === undefined ? "open" : ok ? "yes" : "no";

function reportParts(report: Report): HTMLElement[] {
  const { language } = state;
  const texts = TEXTS[language];
  const failed = report.steps.find((step) => step.ok === false);
  const kind = report.verdict === "VALID" ? "yes" : report.verdict === "INVALID" ? "no" : "open";
  const said = failed === undefined ? report.verdict : `${report.verdict} (step ${failed.number})`;
  const verdict = element(
    "div",
    `verdict ${kind}`,
    element("span", "mark", MARK[kind]),
    element(
      "p",
      "",
      element("b", "", VERDICT_TEXTS[report.verdict][language]),
      " ",
      element("code", "", said),
    ),
  );
  verdict.dataset["testid"] = "verdict";
  const parts = [verdict];
  if (kind === "open") {
    const distinct = [...new Map(report.blocks.map((block) => [block.hash, block])).values()];
    const hashes = distinct.map(({ number, hash }) =>
      element("li", "", `${texts.block} ${number} `, element("code", "", `0x${hash}`)),
    );
    parts.push(element("p", "", texts.compare), element("ul", "hashes", ...hashes));
  }
  if (state.trust?.content.hasSingleSequencer === true && kind !== "no") {
    parts.push(element("p", "note", texts.single));
  }
  // What a false bundle says is no fact.
  if (report.fact !== undefined && kind !== "no") {
    parts.push(element("h2", "", texts.fact), definitions(factRows(report.fact)));
  }
  if (report.lines.length > 0) {
    const lines = report.lines.map((line) => element("li", "", element("code", "", line)));
    parts.push(element("h2", "", texts.fact), element("ol", "lines", ...lines));
  }
  parts.push(element("h2", "", texts.steps), element("ol", "steps", ...report.steps.map(stepItem)));
  parts.push(element("p", "quiet", texts.limits));
  return parts;
}

function stepItem(step: Step): HTMLElement {
  const texts = TEXTS[state.language];
  const kind = markOf(step.ok);
  const spoken = { yes: texts.passed, no: texts.failed, open: texts.skipped }[kind];
  const mark = element("span", "mark", MARK[kind]);
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", spoken);
  const title = STEP_TITLES[step.number - 1]?.[state.language] ?? "";
  const text = element(
    "span",
    "",
    element("b", "", `${step.number}. ${title}`),
    element("small", "", tellDetail(step.detail, state.language) || texts.noNode),
  );
  const item = element("li", kind, mark, text);
  item.dataset["testid"] = `step-${step.number}`;
  return item;
}

function factRows(fact: Fact): [string, Node | string][] {
  const { language } = state;
  const texts = TEXTS[language];
  const rows: [string, Node | string][] = [];
  if (fact.read.is === "known") {
    const { kind, fields } = fact.read.entry;
    const values = fields as Readonly<Record<string, bigint>>;
    rows.push([texts.entry, language === "zh" ? `${KIND_TEXTS[kind]} ${kind}` : kind]);
    const stream = values["stream"] === undefined ? undefined : streamOf(values["stream"]);
    if (stream !== undefined) rows.push([texts.stream, language === "zh" ? STREAM_TEXTS[stream] : stream]);
    const grams = values["net"] ?? values["grams"];
    if (grams !== undefined)
      rows.push([texts.grams, `${(Number(grams) / 1000).toLocaleString(language)} kg`]);
    const at = Number(values["occurred_at"] ?? 0);
    if (at > 0) rows.push([texts.occurred, instant(at)]);
  } else {
    rows.push([texts.entry, texts.unknown]);
  }
  rows.push([texts.device, element("code", "", fact.device)], [texts.seq, String(fact.seq)]);
  const answer = answerOf(fact.outcome);
  const outcome =
    answer === undefined ? texts.unknown : language === "zh" ? OUTCOME_TEXTS[answer.outcome] : answer.outcome;
  rows.push([
    texts.outcome,
    answer?.flaw === "none" || answer === undefined ? outcome : `${outcome} (${answer.flaw})`,
  ]);
  rows.push([texts.recorded, instant(fact.recordedAt)]);
  return rows;
}

/** The same for every reader: Guangzhou's time, said so. */
function instant(seconds: number): string {
  const shown = new Intl.DateTimeFormat("sv-SE", {
    timeZone: "Asia/Shanghai",
    dateStyle: "short",
    timeStyle: "medium",
  }).format(new Date(seconds * 1000));
  return `${shown} UTC+8`;
}

function listen(): void {
  const trust = part<HTMLInputElement>("trust-file");
  const bundle = part<HTMLInputElement>("bundle-file");
  trust.addEventListener("change", async () => {
    const file = trust.files?.[0];
    if (file === undefined) return;
    takeTrust(file.name, new Uint8Array(await file.arrayBuffer()));
    delete state.report;
    await check(url() !== "");
  });
  bundle.addEventListener("change", async () => {
    const file = bundle.files?.[0];
    if (file === undefined) return;
    state.bundle = { name: file.name, content: new Uint8Array(await file.arrayBuffer()) };
    await check(url() !== "");
  });
  part("node-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void check(true);
  });
  part("language").addEventListener("click", () => {
    state.language = state.language === "zh" ? "en" : "zh";
    show();
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragged");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.classList.remove("dragged");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragged");
    void take(event.dataTransfer?.files ?? []);
  });
}

listen();
show();
