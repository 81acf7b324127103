/** One lot at the gate: weigh it, compare, take it whole or in part, or refuse it. */
import type { LotId } from "../../domain/types.ts";
import type { App, Screen } from "../app.ts";
import { openOffers } from "../taking/offers.ts";
import { refuseScreen } from "../taking/refuse.ts";
import { answeredScreen } from "../taking/answered.ts";
import { takeScreen } from "./take.ts";
import { weighScreen } from "./weigh.ts";
import { unusedWeighing } from "./weighings.ts";

export async function lotScreen(app: App, id: string): Promise<Screen> {
  const offer = (await openOffers(app)).find((each) => each.lot === id);
  if (offer === undefined) return answeredScreen(app, id as LotId);
  const weighing = await unusedWeighing(app, offer.lot);
  return weighing === undefined ? weighScreen(app, offer) : takeScreen(app, offer, weighing);
}

export async function refuseLotScreen(app: App, id: string): Promise<Screen> {
  const offer = (await openOffers(app)).find((each) => each.lot === id);
  return offer === undefined ? answeredScreen(app, id as LotId) : refuseScreen(app, offer, `/lot/${id}`);
}
