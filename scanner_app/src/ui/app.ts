/** What every screen is given, and what a screen is. */
import type { DeviceId, Seconds } from "../domain/types.ts";
import type { Language, TextKey } from "../i18n/index.ts";
import type { JournalWriter } from "../sign/writer.ts";
import type { Changes } from "../store/changes.ts";
import type { Database, Identity } from "../store/database.ts";
import type { Api, LotOnTheWay } from "../sync/api.ts";
import type { Follower } from "../sync/follower.ts";
import type { RenewalKeeper } from "../sync/renewal.ts";
import type { ServerClock } from "../sync/server_clock.ts";
import type { Sync } from "../sync/sync.ts";

export type T = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;

/** A page before it knows who it is. */
export interface Page {
  readonly db: Database;
  readonly changes: Changes;
  readonly api: Api;
  readonly serverClock: ServerClock;
  readonly t: T;
  language(): Language;
  now(): Seconds;
  go(route: string): void;
}
/** An enrolled device's page. */
export interface App extends Page {
  readonly identity: Identity;
  /** By the registrar's clock; 0 where the certificate cannot be read. */
  readonly enrolledAt: Seconds;
  readonly writer: JournalWriter;
  readonly sync: Sync;
  readonly follower: Follower;
  readonly renewal: RenewalKeeper;
  /** As last heard; the writer refuses on its own account. */
  isRevoked: boolean;
  /** Lots on their way here, as last heard. */
  lotsOnTheWay: readonly (LotOnTheWay & { readonly to: DeviceId })[] | undefined;
}

export interface Screen {
  readonly title: string;
  readonly body: HTMLElement;
  /** Main actions, under the thumb. */
  readonly actions?: HTMLElement;
  /** Where the back button leads; a start screen has none. */
  readonly back?: string;
  /** Redrawn when the journal changes. Not for screens that hold input. */
  readonly isLive?: boolean;
  readonly isFull?: boolean;
  leave?(): void;
}
