/** What this phone holds, read from its own journal. */
import { type Give, isHeldBy, isOpenTo, type Lot, type State } from "../../domain/custody_state.ts";
import { withHeard } from "../../domain/heard.ts";
import { makeEntry } from "../../domain/journal.ts";
import { QUEUE_MAX, settle } from "../../domain/steps.ts";
import {
  type Answer,
  lotOf,
  type LotId,
  numberOf,
  type Stream,
  STREAM_CODE,
  streamOf,
} from "../../domain/types.ts";
import { readSingle } from "../../store/database.ts";
import type { App } from "../app.ts";
import { nextLot } from "../own_lots.ts";
import { trySeal } from "../sealing.ts";
import { heardMandates, readMandates } from "../taking/mandates.ts";

export interface OwnLot extends Lot {
  readonly id: LotId;
  readonly streamName: Stream;
}

export async function ownLots(
  app: App,
): Promise<{ current: OwnLot | undefined; held: OwnLot[]; given: (OwnLot & { give: Give })[] }> {
  const state = await custodyWithTaken(app);
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

/**
 * What this journal says of custody once the gives that it took are there: in the journal alone a take waits for
 * its give, so a lot that was taken would never come into these hands.
 */
async function custodyWithTaken(app: App): Promise<State> {
  const told = (await readSingle(app.db, "takenGives")) ?? [];
  const gives = told.filter(({ stream }) => streamOf(stream) !== undefined);
  const mandates = heardMandates(await readMandates(app.db));
  const state = withHeard(await app.writer.custody(), { gives, mandates });
  for (const { lot } of gives) {
    settle(state, lot, app.identity.device, { blockTime: app.now(), stepsMax: QUEUE_MAX });
  }
  return state;
}

/** Opens a new lot of this stream; what follows is lifted into it. Undefined when nothing was sealed and told so. */
export async function openLot(app: App, stream: Stream): Promise<Answer | undefined> {
  const entry = makeEntry("load", {
    lot: numberOf(await nextLot(app)),
    stream: STREAM_CODE[stream],
    vehicle: 0,
    flags: 0,
    occurred_at: app.now(),
  });
  const answer = await app.writer.preview(entry);
  if (answer.outcome !== "applied") return answer;
  return (await trySeal(app, () => app.writer.write(() => entry))) && answer;
}
