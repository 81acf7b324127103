/** From a read label to what may be sealed: who the bin is, what is odd about it, and the entry itself. */
import { makeEntry, unpackEntry } from "../../domain/journal.ts";
import type { Label } from "../../domain/label.ts";
import { BASIS, type Grade, type Grams, numberOf, type Stream, STREAM_CODE } from "../../domain/types.ts";
import type { Fill } from "../../domain/weighing.ts";
import type { TakenPhoto } from "../../scan/photo.ts";
import { saltEvidence } from "../../sign/writer.ts";
import type { Written } from "../../sign/writer.ts";
import { readSingle, type StoredEntry } from "../../store/database.ts";
import { findBin, type KnownBin } from "../../store/directory.ts";
import { readNewest } from "../../store/journal.ts";
import type { App } from "../app.ts";
import type { OwnLot } from "./lots.ts";
import { photoEvidence } from "./photo_place.ts";
import type { ScaleMass } from "./truck_scale.ts";

export const REPEAT_MINUTES = 5;
/** Stands for a bin that this phone's directory does not name; the evidence then says which label it was. */
export const NO_NUMBER = 0n;
/** The lift's four flag bits. */
const FLAG = { wrongStream: 1, repeated: 2, unknownBin: 4, typed: 8 } as const;

export type Oddity = "unknown-bin" | "wrong-stream" | "repeated";

export interface SeenBin {
  readonly label: Label;
  readonly bin: KnownBin | undefined;
  readonly wasTyped: boolean;
  readonly oddities: readonly Oddity[];
}
export interface Judgement {
  readonly grade: Grade;
  /** Absent where the mass was read off the truck's scale and nobody looked. */
  readonly fill: Fill | undefined;
  readonly grams: Grams;
  readonly wasMassTyped: boolean;
  /** The reading of the truck's scale that the mass is; absent where it is an estimate. */
  readonly scale?: ScaleMass | undefined;
  readonly photo?: TakenPhoto | undefined;
}

export async function lookUpBin(app: App, lot: OwnLot, label: Label, wasTyped: boolean): Promise<SeenBin> {
  const bin = await findBin(app.db, label.serialDigest);
  const oddities: Oddity[] = [];
  if (bin === undefined) oddities.push("unknown-bin");
  else if (bin.stream !== lot.streamName) oddities.push("wrong-stream");
  if (await wasJustLifted(app, label, bin)) oddities.push("repeated");
  return { label, bin, wasTyped, oddities };
}

/** Looks no further back than the question reaches: a shift has hundreds of entries, five minutes a few. */
async function wasJustLifted(app: App, label: Label, bin: KnownBin | undefined): Promise<boolean> {
  const since = app.now() - REPEAT_MINUTES * 60;
  const liftOf = ({ words }: StoredEntry) => {
    const read = unpackEntry(words);
    return read.is === "known" && read.entry.kind === "lift" ? read.entry.fields : undefined;
  };
  const [before] = await readNewest(app.db, {
    count: 1,
    isOver: (entry) => Number(liftOf(entry)?.occurred_at ?? since) < since,
    isWanted: (entry) => {
      const lift = liftOf(entry);
      if (lift === undefined) return false;
      if (bin !== undefined) return lift.bin === numberOf(bin.number);
      return entry.evidence?.document["serial_digest"] === label.serialDigest;
    },
  });
  return before !== undefined;
}

/**
 * Seals one lift. A bin of the wrong stream that is loaded all the same is recorded under its own stream: the
 * ledger then knows that the lot is mixed.
 */
export async function sealLift(app: App, lot: OwnLot, seen: SeenBin, judged: Judgement): Promise<Written> {
  const has = (oddity: Oddity) => seen.oddities.includes(oddity);
  const flags =
    (has("wrong-stream") ? FLAG.wrongStream : 0) |
    (has("repeated") ? FLAG.repeated : 0) |
    (has("unknown-bin") ? FLAG.unknownBin : 0) |
    (seen.wasTyped ? FLAG.typed : 0);
  const crew = await crewEvidence(app);
  const photo = await photoEvidence(judged.photo);
  const needsEvidence =
    seen.oddities.length > 0 ||
    judged.wasMassTyped ||
    judged.scale !== undefined ||
    "crew_code" in crew ||
    "photo" in photo;
  const salted = needsEvidence ? saltEvidence({ ...evidenceOf(seen, judged), ...crew, ...photo }) : undefined;
  const occurredAt = app.now();
  return app.writer.write(
    () =>
      makeEntry("lift", {
        bin: seen.bin === undefined ? NO_NUMBER : numberOf(seen.bin.number),
        stream: STREAM_CODE[seen.bin?.stream ?? lot.streamName],
        grade: judged.grade,
        basis: judged.scale === undefined ? BASIS.estimated : BASIS.onBoardScale,
        flags,
        occurred_at: occurredAt,
        grams: judged.grams,
        evidence: salted?.digest ?? 0n,
      }),
    salted?.evidence,
    judged.photo,
  );
}

/** Which crew it was, on a phone that several share: known to the server, and on the chain only as part of a salted digest. */
export async function crewEvidence(app: App): Promise<{ crew_code?: string }> {
  const signedOn = await readSingle(app.db, "signOn");
  return signedOn === undefined ? {} : { crew_code: signedOn.code };
}

function evidenceOf(seen: SeenBin, judged: Judgement) {
  const registered: Stream | undefined = seen.bin?.stream;
  return {
    about: "lift",
    serial_digest: seen.label.serialDigest,
    oddities: [...seen.oddities],
    ...(judged.fill !== undefined && { fill_quarters: judged.fill }),
    mass: judged.scale !== undefined ? "scale" : judged.wasMassTyped ? "typed" : "from fill",
    ...(judged.scale !== undefined && { scale: judged.scale.scale, reading: judged.scale.answer }),
    ...(registered !== undefined && { registered_stream: registered }),
  };
}
