/** The serials of the lots that this device opens, whoever holds it. */
import { type DeviceId, lotOf, type LotId, openerOf, serialOf } from "../domain/types.ts";
import type { App } from "./app.ts";

/** The id of the next lot of this device's own. */
export async function nextLot(app: App): Promise<LotId> {
  const { device } = app.identity;
  return lotOf(device, nextSerial([...(await app.writer.custody()).lots.keys()], device));
}

function nextSerial(lots: readonly LotId[], device: DeviceId): number {
  return Math.max(0, ...lots.filter((lot) => openerOf(lot) === device).map(serialOf)) + 1;
}
