/** Remembers the server's time, as any of its answers tells it. */
import type { ServerTime } from "../domain/clock.ts";
import type { Seconds } from "../domain/types.ts";
import { type Database, keepSingle, readSingle } from "../store/database.ts";

const KEPT_EVERY_SECONDS = 60;

export class ServerClock {
  heard: ServerTime | undefined;

  private constructor(
    private readonly db: Database,
    private readonly now: () => Seconds,
  ) {}

  static async open(db: Database, now: () => Seconds): Promise<ServerClock> {
    const clock = new ServerClock(db, now);
    clock.heard = await readSingle(db, "serverTime");
    return clock;
  }

  /** Takes the `Date` of an answer; what is no date tells nothing. */
  note(date: string | null): void {
    const serverAt = Math.floor(Date.parse(date ?? "") / 1000);
    if (Number.isNaN(serverAt)) return;
    const before = this.heard;
    this.heard = { serverAt, deviceAt: this.now() };
    const isKept =
      before !== undefined &&
      Math.abs(serverAt - before.serverAt) < KEPT_EVERY_SECONDS &&
      Math.abs(this.heard.deviceAt - before.deviceAt) < KEPT_EVERY_SECONDS;
    // A phone that cannot keep this has just said so where it matters, at sealing.
    if (!isKept) void keepSingle(this.db, "serverTime", this.heard).catch(() => undefined);
  }
}
