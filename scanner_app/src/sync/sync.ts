/** Keeps journal and backend in step: one tab at a time, for as long as the page lives. */
import type { Seconds } from "../domain/types.ts";
import type { Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { backoffSeconds } from "./backoff.ts";
import type { Follower } from "./follower.ts";
import type { Keeper } from "./keeper.ts";
import { owning } from "./owner.ts";
import type { Step, Uploader } from "./uploader.ts";

/** What the screen says about the line to the backend. */
export type Line =
  | { readonly is: "resting" }
  | { readonly is: "sending" }
  | { readonly is: "waiting"; readonly why: string; readonly until: Seconds }
  | { readonly is: "blocked" };

const FOLLOW_SECONDS = { first: 2, last: 30 };
/** Pieces of the keeper's work between two looks at what there is to send. */
const KEEPING_ROUNDS = 10;

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
      keeper: Pick<Keeper, "round" | "lookAgain">;
      tipSeq: () => Promise<number>;
    },
  ) {}

  start(): void {
    globalThis.addEventListener?.("online", this.comeBack);
    this.parts.changes.listen((change) => {
      // While the line is down, new lines of the journal are no reason to try again sooner.
      if (change === "written" && !this.isBackingOff) this.hurry();
    });
    const { signal } = this.stopped;
    void owning(this.parts.db.name, () => this.run(), { signal }).catch(() => undefined);
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
    this.parts.keeper.lookAgain();
    this.hurry();
  };

  private async run(): Promise<void> {
    let failures = 0;
    let followSeconds = FOLLOW_SECONDS.first;
    while (!this.stopped.signal.aborted) {
      const step = await this.kept(() => this.parts.uploader.step());
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
      const isSomethingOpen = await this.lookAfter();
      await this.pause(isSomethingOpen ? followSeconds : 60);
      followSeconds = Math.min(FOLLOW_SECONDS.last, followSeconds * 1.5);
    }
  }

  /** A storage that is full or closed ends a step, not the sending: there may be room again. */
  private async kept(step: () => Promise<Step>): Promise<Step> {
    try {
      return await step();
    } catch (problem) {
      if (!(problem instanceof DOMException)) throw problem;
      return { is: "wait", atLeastSeconds: 0, why: "storage" };
    }
  }

  /** Asks what became of what was sent, and keeps the journal in order; true while something is still on its way. */
  private async lookAfter(): Promise<boolean> {
    try {
      const isSomethingOpen = await this.parts.follower.round(await this.parts.tipSeq());
      let isJournalChanged = false;
      for (let done = 0; done < KEEPING_ROUNDS && !this.isAwaited; done += 1) {
        if (!(await this.parts.keeper.round())) break;
        isJournalChanged = true;
      }
      if (isSomethingOpen || isJournalChanged) this.parts.changes.tell("synced");
      return isSomethingOpen;
    } catch (problem) {
      if (!(problem instanceof DOMException)) throw problem;
      this.say({ is: "waiting", why: "storage", until: Math.ceil(Date.now() / 1000) });
      return true;
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
