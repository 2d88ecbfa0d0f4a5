/**
 * What the HTTP handler asks of the replica it shows, and how it is told to behave.
 *
 * @module
 */

import type { Reader } from "../../read/reader.ts";

/** How the HTTP handler behaves. */
export interface HttpOptions {
  /** Path that it is mounted at, as `/admin/replica`; `/` unless told. */
  readonly base?: string;
  /**
   * Who asks must send it, as `Authorization: Bearer ...`, or for the page once as `?token=`. Everybody may ask
   * unless told. `/livez` and `/readyz` are answered without.
   */
  readonly token?: string;
  /**
   * True to be unready while the master is out of reach, too. Unless told, a replica stays ready with the data it has,
   * until that is older than `maxStalenessMs`: an outage of the master would take every instance out of service.
   */
  readonly readyNeedsMaster?: boolean;
}

/** One thing that `/readyz` asks. */
export interface ReadyCheck {
  /** Its name, as `?verbose` lists it. */
  readonly name: string;
  /** Why it fails; undefined where it holds. */
  readonly problem: string | undefined;
}

/** The replica as the handler sees it. */
export interface HttpSource {
  /** A plain object of how it stands. */
  status(): object;
  /** Every metric as text. */
  prometheus(options: { readonly openMetrics: boolean }): string;
  /** What must hold for traffic to be sent here. @param needsMaster Whether the master must be followed. */
  readiness(needsMaster: boolean): readonly ReadyCheck[];
  /** The reads of a database. */
  db(index: number): Reader;
  /** Numbers of the databases that hold keys. */
  databases(): readonly number[];
  /** Logs what went wrong while a request was answered. */
  report(error: unknown): void;
  /** Calls `listener` with each event's name and what it tells. Returns what ends that. */
  onEvent(listener: (name: string, event: object) => void): () => void;
}
