/** For whom a lot is taken: for oneself, or under a mandate of whoever it was given to. */
import { isNamed } from "../../domain/mandates.ts";
import { NO_SITE, organisationOf, type SiteId } from "../../domain/types.ts";
import { readSingle, type ToldMandate } from "../../store/database.ts";
import type { App } from "../app.ts";
import { type Child, fill, h } from "../dom.ts";
import { radios } from "../pieces.ts";
import { massText, momentText, nameIn, organisationName } from "../words.ts";
import { type Cited, mandatesFor, principalOf, readMandates } from "./mandates.ts";
import type { Offer } from "./offers.ts";

/** Nothing to see where no mandate fits; `cited` is undefined while the lot is taken for oneself. */
export async function mandateBox(
  app: App,
  offer: Offer,
): Promise<{ element: HTMLElement; cited(): Cited | undefined }> {
  const { t } = app;
  const told = await readMandates(app.db);
  const isOurs = isNamed(offer.to, app.identity.device);
  const fitting = mandatesFor(told, app.identity.device).filter(
    (mandate) => principalOf(told, mandate) === organisationOf(offer.to),
  );
  const element = h("div", { class: "mandate", test: "mandate" });
  if (fitting.length === 0) return { element, cited: () => undefined };

  const directory = await readSingle(app.db, "directory");
  let chosen: ToldMandate | undefined = isOurs ? undefined : fitting[0];
  let site: SiteId = NO_SITE;
  const about = h("div", { class: "stack" });
  const places = (directory?.sites ?? []).filter(
    ({ organisation }) => organisation === organisationOf(offer.to),
  );
  const draw = () => {
    if (chosen === undefined) return fill(about);
    const sites = h(
      "select",
      { class: "field", test: "mandate-site", label: t("mandateSite") },
      h("option", { value: NO_SITE }, t("mandateNoSite")),
      ...places.map(({ id, name }) =>
        h("option", { value: id, selected: id === site }, nameIn(app, name, id)),
      ),
    );
    sites.addEventListener("change", () => {
      site = sites.value as SiteId;
    });
    fill(about, ...linesOf(app, chosen), h("label", { class: "labelled" }, t("mandateSite"), sites));
  };
  const name = (mandate: ToldMandate) =>
    t("mandateOf", {
      name: organisationName(app, directory, principalOf(told, mandate)),
      seq: mandate.seq,
    });
  fill(
    element,
    radios<ToldMandate | undefined>(
      t("mandateFor"),
      [
        ...(isOurs ? [{ value: undefined, text: t("mandateSelf"), test: "mandate-self" }] : []),
        ...fitting.map((mandate) => ({
          value: mandate,
          text: name(mandate),
          test: `mandate-${mandate.principal}-${mandate.seq}`,
        })),
      ],
      (value) => {
        chosen = value;
        draw();
      },
      chosen,
    ),
    about,
  );
  draw();
  return {
    element,
    cited: () => chosen && { principal: chosen.principal, seq: chosen.seq, site },
  };
}

function linesOf(app: App, { left, until }: ToldMandate): Child[] {
  const { t } = app;
  const text = t("mandateLeft", { mass: massText(app, left), at: momentText(app, until) });
  return [h("p", { class: "quiet", test: "mandate-left" }, text)];
}
