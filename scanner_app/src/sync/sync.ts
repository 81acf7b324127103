/** Keeps journal and backend in step: one tab at a time, for as long as the page lives. */
import type { Seconds } from "../domain/types.ts";
import type { Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { backoffSeconds } from "./backoff.ts";
import type { Follower } from "./follower.ts";
import type { Uploader } from "./uploader.ts";

/** What the screen says about the line to the backend. */
export type Line =
  | { readonly is: "resting" }
  | { readonly is: "sending" }
  | { readonly is: "waiting"; readonly why: string; readonly until: Seconds }
  | { readonly is: "blocked" };

const FOLLOW_SECONDS = { first: 2, last: 30 };

export class Sync {
  line: Line = { is: "resting" };
  private wake: () => void = () => undefined;
  private isAwaited = false;
  private isBackingOff = false;
  private isBackOnline = false;
  private readonly stopped = new AbortController();

  constructor(
    private readonly parts: {
      db: Database;
      changes: Changes;
      uploader: Uploader;
      follower: Follower;
      tipSeq: () => Promise<number>;
    },
  ) {}

  start(): void {
    globalThis.addEventListener?.("online", this.comeBack);
    this.parts.changes.listen((change) => {
      // While the line is down, new lines of the journal are no reason to try again sooner.
      if (change === "written" && !this.isBackingOff) this.hurry();
    });
    void this.own(() => this.run());
  }

  stop(): void {
    globalThis.removeEventListener?.("online", this.comeBack);
    this.stopped.abort();
    this.wake();
  }

  /** Something may be sent now that could not be before. */
  hurry = (): void => {
    this.isAwaited = true;
    this.wake();
  };

  /** Failures on the line before say nothing of this one, also when the last of them is only now coming to light. */
  private comeBack = (): void => {
    this.isBackOnline = true;
    this.hurry();
  };

  private async own(work: () => Promise<void>): Promise<void> {
    const locks = globalThis.navigator?.locks;
    if (locks === undefined) return work();
    const options = { signal: this.stopped.signal };
    await locks.request(`huanlian-upload-${this.parts.db.name}`, options, work).catch(() => undefined);
  }

  private async run(): Promise<void> {
    let failures = 0;
    let followSeconds = FOLLOW_SECONDS.first;
    while (!this.stopped.signal.aborted) {
      const step = await this.parts.uploader.step();
      if (step.is === "sent" || step.is === "repaired") {
        failures = 0;
        followSeconds = FOLLOW_SECONDS.first;
        this.say({ is: "sending" });
        this.parts.changes.tell("synced");
        continue;
      }
      if (step.is === "wait") {
        failures = this.isBackOnline ? 1 : failures + 1;
        this.isBackOnline = false;
        const seconds = Math.max(step.atLeastSeconds, backoffSeconds(failures, Math.random));
        this.say({ is: "waiting", why: step.why, until: Math.ceil(Date.now() / 1000 + seconds) });
        this.isBackingOff = true;
        await this.pause(seconds);
        this.isBackingOff = false;
        continue;
      }
      this.say(step.is === "blocked" ? { is: "blocked" } : { is: "resting" });
      const isSomethingOpen = await this.parts.follower.round(await this.parts.tipSeq());
      if (isSomethingOpen) this.parts.changes.tell("synced");
      await this.pause(isSomethingOpen ? followSeconds : 60);
      followSeconds = Math.min(FOLLOW_SECONDS.last, followSeconds * 1.5);
    }
  }

  private say(line: Line): void {
    const isNews = line.is !== this.line.is;
    this.line = line;
    if (isNews) this.parts.changes.tell("synced");
  }

  /** Sleeps, unless something was written since the last look or is written meanwhile. */
  private async pause(seconds: number): Promise<void> {
    if (this.isAwaited && !this.isBackingOff) {
      this.isAwaited = false;
      return;
    }
    await new Promise<void>((resume) => {
      const timer = setTimeout(resume, seconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        resume();
      };
    });
    this.wake = () => undefined;
    this.isAwaited = false;
  }
}
