/** The registrar's answers to phones that ask for their next key: all at one tap, or by itself where that was chosen. */
import { CREW_VALID_SECONDS } from "../domain/renewal.ts";
import { makeEntry } from "../domain/journal.ts";
import type { PublicKey } from "../domain/seal.ts";
import { numberOf, organisationOf, ROLE_CODE, SCHEME, type Seconds } from "../domain/types.ts";
import { exclusively, type JournalWriter } from "../sign/writer.ts";
import type { Changes } from "../store/changes.ts";
import { type Database, type Identity, keepSingle, readSingle } from "../store/database.ts";
import { readEntries } from "../store/journal.ts";
import type { Api } from "./api.ts";
import { type Judged, ownWordOf, RequestJudge } from "./renewal_requests.ts";

interface Parts {
  readonly db: Database;
  readonly changes: Changes;
  readonly api: Api;
  readonly writer: JournalWriter;
  readonly identity: Identity;
  readonly ownKey: PublicKey;
  readonly now: () => Seconds;
}
type Renewable = Extract<Judged, { readonly is: "renewable" }>;

const ASKED_EVERY_MILLISECONDS = 5000;

export class RenewalDesk {
  /** As last heard, and judged here. */
  judged: readonly Judged[] = [];
  byItself = false;
  /** Why it renews no more by itself; undefined while nothing went wrong. */
  failure: unknown;
  private readonly judge: RequestJudge;

  constructor(private readonly parts: Parts) {
    const { api, identity, ownKey, now } = parts;
    this.judge = new RequestJudge(api, identity, ownKey, now);
  }

  /** Goes on for as long as the page lives. */
  async start(): Promise<void> {
    this.byItself = (await readSingle(this.parts.db, "renewing"))?.byItself ?? false;
    for (;;) {
      await this.round();
      await new Promise((resume) => setTimeout(resume, ASKED_EVERY_MILLISECONDS));
    }
  }

  /** Asks what waits; renews what is in order, where that was chosen. A phone whose certificate has ended is left. */
  async round(): Promise<void> {
    if (!(await this.look()) || !this.byItself) return;
    const due = this.judged.filter(isRenewable).filter(({ hasEnded }) => !hasEnded);
    if (due.length === 0) return;
    try {
      await this.renew(due);
    } catch (problem) {
      // Nobody may be looking: it is shown on the page, and not tried over and over.
      this.failure = problem;
      await this.renewByItself(false);
    }
  }

  /** Seals everything that can be renewed, as it is shown; what could not be sealed throws. */
  async renewAll(): Promise<void> {
    await this.renew(this.judged.filter(isRenewable));
  }

  async renewByItself(byItself: boolean): Promise<void> {
    if (byItself) this.failure = undefined;
    this.byItself = byItself;
    await keepSingle(this.parts.db, "renewing", { byItself });
    this.parts.changes.tell("synced");
  }

  /** False while the server does not answer: what was heard before stays. */
  private async look(): Promise<boolean> {
    const { api, identity, changes, db } = this.parts;
    const answer = await api.renewals(organisationOf(identity.device));
    if (answer.is !== "ok") return false;
    const own = ownWordOf(await readEntries(db, 1));
    const before = JSON.stringify(this.judged);
    const judged: Judged[] = [];
    for (const request of answer.value.renewals) judged.push(await this.judge.judge(request, own));
    this.judged = judged;
    if (JSON.stringify(judged) !== before) changes.tell("synced");
    return true;
  }

  private async renew(due: readonly Renewable[]): Promise<void> {
    const { db, writer, now } = this.parts;
    // One tab at a time, so that none is sealed twice.
    await exclusively(`huanlian-renewing-${db.name}`, async () => {
      const { replaced, revoked } = ownWordOf(await readEntries(db, 1));
      for (const { request, next } of due) {
        if (replaced.has(request.device) || revoked.has(request.device)) continue;
        await writer.write(() =>
          makeEntry("rotate", {
            device: numberOf(next),
            role: ROLE_CODE.crew,
            scheme: SCHEME.raw,
            not_after: now() + CREW_VALID_SECONDS,
            origin: 0,
            x: numberOf(request.new_key.x),
            y: numberOf(request.new_key.y),
            replaced: numberOf(request.device),
            flags: 0,
            occurred_at: now(),
          }),
        );
      }
    });
    await this.look();
  }
}

function isRenewable(judged: Judged): judged is Renewable {
  return judged.is === "renewable";
}
