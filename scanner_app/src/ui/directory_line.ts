/** One line on the directory in use: from when it is, how many seals were checked, and whether a newer one was refused. */
import type { DirectoryRefusal } from "../domain/directory.ts";
import type { TextKey } from "../i18n/index.ts";
import { readSingle } from "../store/database.ts";
import type { Page } from "./app.ts";
import { fill, h } from "./dom.ts";
import { notice } from "./pieces.ts";
import { momentText } from "./words.ts";

const WHY: Readonly<Record<DirectoryRefusal, TextKey>> = {
  form: "refusedForm",
  network: "refusedNetwork",
  root: "refusedRoot",
  link: "refusedLink",
  registrar: "refusedRegistrar",
  key: "refusedKey",
  seal: "refusedSeal",
  entry: "refusedEntry",
  revoked: "refusedRevoked",
  expired: "refusedExpired",
  bins: "refusedBins",
};

/** Filled once it has been read. */
export function directoryLine(page: Page): HTMLElement {
  const line = h("div", { class: "stack" });
  const write = async () => {
    const [text, refused] = await Promise.all([directoryText(page), refusedNote(page)]);
    fill(line, h("p", { class: "quiet small", test: "directory-date" }, text), refused);
  };
  void write();
  return line;
}

async function directoryText(page: Page): Promise<string> {
  const { t, db } = page;
  const directory = await readSingle(db, "directory");
  if (directory === undefined) return `${t("directoryNames")} ${t("directoryNone")}`;
  const at = momentText(page, Math.floor(Date.parse(directory.dated_at) / 1000));
  const { checked } = directory;
  return checked === undefined
    ? t("directoryUnchecked", { at })
    : t("directoryChecked", { at, n: checked.seals });
}

/** Said calmly: the one before is still good, and nobody has to stop. */
export async function refusedNote(page: Page): Promise<HTMLElement | false> {
  const refused = await readSingle(page.db, "directoryRefused");
  if (refused === undefined) return false;
  const said = page.t("directoryRefused", {
    at: momentText(page, refused.at),
    why: page.t(WHY[refused.reason]),
  });
  return notice(
    "calm",
    h("span", { test: "directory-refused", data: { reason: refused.reason, about: refused.about } }, said),
  );
}
