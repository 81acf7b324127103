/** This device's next number and key: asked for before its certificate ends, and taken over at rest. */
import { isSameKey, readCertificate } from "../domain/certificate.ts";
import { NOTICE_SECONDS } from "../domain/devices.ts";
import { isDue, renewalDigest } from "../domain/renewal.ts";
import { answerOf, organisationOf, SCHEME, type Seconds } from "../domain/types.ts";
import { type DeviceKey, isSealOf, makeDeviceKey, signDigest } from "../sign/device_key.ts";
import type { JournalWriter } from "../sign/writer.ts";
import type { Changes } from "../store/changes.ts";
import {
  type Database,
  type Identity,
  keepSingle,
  readSingle,
  type Renewal,
  whileKept,
} from "../store/database.ts";
import { prepareSuccessor } from "../store/succession.ts";
import { type Api, type EntryInfo, type RenewalAnswer, slugOf } from "./api.ts";

/** What is wrong with the certificate that came. */
export type RenewalDisbelief = "unreadable" | "key" | "device" | "organisation" | "role" | "end" | "seal";

export type RenewalStep =
  /** Nothing to do yet. */
  | { readonly is: "resting" }
  | { readonly is: "waiting" }
  | { readonly is: "unreachable" }
  | { readonly is: "refused"; readonly slug: string }
  | { readonly is: "disbelieved"; readonly why: RenewalDisbelief }
  /** The phone has no room for another database. */
  | { readonly is: "full" }
  /** The certificate is there; the moment is not. */
  | { readonly is: "ready" }
  | { readonly is: "replaced" };

/** What people are told: nothing, that it is being renewed, or that the next certificate is there. */
export type RenewalState = "none" | "asked" | "ready";

interface Parts {
  readonly db: Database;
  readonly changes: Changes;
  readonly api: Api;
  readonly writer: JournalWriter;
  readonly identity: Identity;
  readonly key: DeviceKey;
  readonly now: () => Seconds;
  /** Nothing unsent, no lot in its hands, no shift under way. */
  readonly isAtRest: () => Promise<boolean>;
}

const ASKED_AGAIN_SECONDS = { first: 3, last: 600 };
const RESTING_SECONDS = { ready: 60, otherwise: 3600 };
/** However much is written, a moment that is right is looked for no more often. */
const LOOKED_AGAIN_SECONDS = 1;
const RECORDED: readonly EntryInfo["state"][] = ["recorded", "included", "finalized"];

export class RenewalKeeper {
  state: RenewalState = "none";
  /** Until when the ledger takes what this device seals: less than its certificate says, once it is replaced. */
  notAfter: Seconds;
  private wake: () => void = () => undefined;
  private isAwaited = false;
  private isResting = false;
  private isRefused = false;

  constructor(private readonly parts: Parts) {
    this.notAfter = parts.identity.notAfter;
  }

  /** One tab at a time, for as long as the page lives. Only a crew's certificate is so short that it needs this. */
  start(): void {
    const { identity, changes, db } = this.parts;
    if (identity.role !== "crew" || identity.notAfter === 0) return;
    changes.listenAtLeisure(() => {
      void whileKept(() => this.look());
      this.nudge();
    });
    globalThis.addEventListener?.("online", () => this.wake());
    void whileKept(() => this.look());
    const run = () => whileKept(() => this.run());
    const locks = globalThis.navigator?.locks;
    if (locks === undefined) void run();
    else void locks.request(`huanlian-renewal-${db.name}`, run);
  }

  private async run(): Promise<void> {
    let seconds = ASKED_AGAIN_SECONDS.first;
    for (;;) {
      const step = await this.step().catch(unlessFull);
      this.isRefused = step.is === "refused" || step.is === "disbelieved";
      await this.look();
      if (step.is === "replaced") return;
      if (step.is === "waiting" || step.is === "unreachable") {
        await this.sleep(seconds);
        seconds = Math.min(ASKED_AGAIN_SECONDS.last, seconds * 1.3);
        continue;
      }
      seconds = ASKED_AGAIN_SECONDS.first;
      if (this.isRefused || step.is === "full") {
        await this.sleep(RESTING_SECONDS.otherwise);
        continue;
      }
      await this.sleep(LOOKED_AGAIN_SECONDS);
      await this.rest(step.is === "ready" ? RESTING_SECONDS.ready : RESTING_SECONDS.otherwise);
    }
  }

  /** Does the next thing there is to do, and says what came of it. */
  async step(): Promise<RenewalStep> {
    const { db, identity, now, isAtRest } = this.parts;
    if ((await readSingle(db, "successor")) !== undefined) return { is: "replaced" };
    if ((await readSingle(db, "standing"))?.isRevoked === true)
      return { is: "refused", slug: "revoked-device" };
    let renewal = await readSingle(db, "renewal");
    if (renewal === undefined) {
      if (!isDue(identity.notAfter, now()) || !(await isAtRest())) return { is: "resting" };
      renewal = { key: await makeDeviceKey() };
      // On disk before anybody hears of it: a key that is lost can never be asked for again.
      await keepSingle(db, "renewal", renewal);
    }
    if (renewal.next === undefined) {
      const asked = await this.ask(renewal);
      if (!("next" in asked)) return asked;
      renewal = { key: renewal.key, next: asked.next };
      await keepSingle(db, "renewal", renewal);
      this.parts.changes.tell("synced");
    }
    return this.changeOver(renewal.key, renewal.next as Identity);
  }

  /** Asks, which also tells what became of asking before. */
  private async ask({ key }: Renewal): Promise<RenewalStep | { readonly next: Identity }> {
    const { api, identity, key: own } = this.parts;
    const digest = renewalDigest({ ...identity.network, device: identity.device }, key.publicKey);
    const answer = await api.renew(identity.device, {
      key: own.publicKey,
      new_key: key.publicKey,
      seal: await signDigest(own, digest),
    });
    if (answer.is === "unreachable") return answer;
    if (answer.is === "problem") {
      return answer.problem.retryable
        ? { is: "unreachable" }
        : { is: "refused", slug: slugOf(answer.problem) };
    }
    if (answer.value.state === "waiting" || answer.value.certificate === null) return { is: "waiting" };
    return this.believe(key, answer.value.certificate);
  }

  /**
   * 1. readable, 2. of the new key, 3. in the place of exactly this device, 4. of its organisation and role, a key of
   * its own, and not at its end, 5. sealed by the key that it names as the registrar's, 6. applied on the ledger.
   */
  private async believe(
    key: DeviceKey,
    certificate: NonNullable<RenewalAnswer["certificate"]>,
  ): Promise<RenewalStep | { readonly next: Identity }> {
    const { api, identity, now } = this.parts;
    const disbelieved = (why: RenewalDisbelief) => ({ is: "disbelieved", why }) as const;
    // 1.
    const read = readCertificate(identity.network, certificate);
    if (read.is === "unreadable") return disbelieved("unreadable");
    const { device, role, notAfter, replaced, scheme, key: certified } = read.enrolled;
    // 2.
    if (!isSameKey(certified, key.publicKey)) return disbelieved("key");
    // 3.
    if (replaced !== identity.device || device === identity.device) return disbelieved("device");
    // 4.
    if (organisationOf(device) !== organisationOf(identity.device)) return disbelieved("organisation");
    if (role !== identity.role || scheme !== SCHEME.raw) return disbelieved("role");
    if (notAfter !== 0 && notAfter <= now()) return disbelieved("end");
    // 5.
    if (!(await isSealOf(read.digest, certificate.key, certificate.seal))) return disbelieved("seal");
    // 6.
    const entry = await api.entry(certificate.registrar, certificate.seq);
    if (entry.is === "unreachable") return entry;
    if (entry.is === "problem" || !isApplied(entry.value)) return { is: "waiting" };
    return { next: { device, role, notAfter, certificate, network: identity.network } };
  }

  private async changeOver(key: DeviceKey, next: Identity): Promise<RenewalStep> {
    const { db, writer, isAtRest } = this.parts;
    if (!(await isAtRest())) return { is: "ready" };
    const successor = await prepareSuccessor(db, next, key);
    return { is: (await writer.end(successor, isAtRest)) ? "replaced" : "ready" };
  }

  /** Sees also what another tab has done. */
  private async look(): Promise<void> {
    const { db, identity, changes } = this.parts;
    const renewal = await readSingle(db, "renewal");
    const before = this.state;
    if (renewal?.next !== undefined) this.state = "ready";
    else this.state = renewal === undefined || this.isRefused ? "none" : "asked";
    if (renewal?.next !== undefined) {
      const read = readCertificate(identity.network, renewal.next.certificate);
      const rotatedAt = read.is === "read" ? read.enrolled.occurredAt : 0;
      this.notAfter = Math.min(identity.notAfter, rotatedAt + NOTICE_SECONDS);
    }
    if (this.state !== before) changes.tell("synced");
  }

  /** Something was written or sent: the moment may be right. */
  private nudge(): void {
    this.isAwaited = true;
    if (this.isResting) this.wake();
  }

  /** Sleeps until something changes, unless it has since the last look. */
  private async rest(seconds: number): Promise<void> {
    if (!this.isAwaited) {
      this.isResting = true;
      await this.sleep(seconds);
      this.isResting = false;
    }
    this.isAwaited = false;
  }

  private async sleep(seconds: number): Promise<void> {
    await new Promise<void>((resume) => {
      const timer = setTimeout(resume, seconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        resume();
      };
    });
    this.wake = () => undefined;
  }
}

/** Nothing has changed then, and it is tried again later: that the phone is full, people hear when they seal. */
function unlessFull(problem: unknown): RenewalStep {
  if (problem instanceof DOMException && problem.name === "QuotaExceededError") return { is: "full" };
  throw problem;
}

function isApplied({ state, outcome }: EntryInfo): boolean {
  const name = typeof outcome === "number" ? answerOf(outcome)?.outcome : outcome;
  return RECORDED.includes(state) && name === "applied";
}
