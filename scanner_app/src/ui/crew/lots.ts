/** What this phone holds, read from its own journal. */
import { type Give, isHeldBy, isOpenTo, type Lot } from "../../domain/custody_state.ts";
import { makeEntry } from "../../domain/journal.ts";
import {
  type Answer,
  type DeviceId,
  lotOf,
  type LotId,
  numberOf,
  openerOf,
  serialOf,
  type Stream,
  STREAM_CODE,
  streamOf,
} from "../../domain/types.ts";
import type { App } from "../app.ts";
import { trySeal } from "../sealing.ts";

export interface OwnLot extends Lot {
  readonly id: LotId;
  readonly streamName: Stream;
}

export async function ownLots(
  app: App,
): Promise<{ current: OwnLot | undefined; held: OwnLot[]; given: (OwnLot & { give: Give })[] }> {
  const state = await app.writer.custody();
  const { device } = app.identity;
  const lots = [...state.lots].flatMap(([id, lot]): OwnLot[] => {
    const streamName = streamOf(lot.stream);
    return streamName === undefined || lot.holder !== device ? [] : [{ ...lot, id, streamName }];
  });
  const held = lots.filter((lot) => isHeldBy(lot, device));
  const serial = state.desks.get(device)?.lotSerial ?? 0;
  const given = lots.flatMap((lot) => {
    const give = state.gives.get(lot.id);
    return give === undefined ? [] : [{ ...lot, give }];
  });
  return {
    current: held.find((lot) => lot.id === lotOf(device, serial) && isOpenTo(lot, device)),
    held,
    given,
  };
}

/** Opens a new lot of this stream; what follows is lifted into it. Undefined when nothing was sealed and told so. */
export async function openLot(app: App, stream: Stream): Promise<Answer | undefined> {
  const state = await app.writer.custody();
  const lot = lotOf(app.identity.device, nextSerial([...state.lots.keys()], app.identity.device));
  const entry = makeEntry("load", {
    lot: numberOf(lot),
    stream: STREAM_CODE[stream],
    vehicle: 0,
    flags: 0,
    occurred_at: app.now(),
  });
  const answer = await app.writer.preview(entry);
  if (answer.outcome !== "applied") return answer;
  return (await trySeal(app, () => app.writer.write(() => entry))) && answer;
}

function nextSerial(lots: readonly LotId[], device: DeviceId): number {
  return Math.max(0, ...lots.filter((lot) => openerOf(lot) === device).map(serialOf)) + 1;
}
