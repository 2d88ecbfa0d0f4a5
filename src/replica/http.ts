/**
 * The replica as its HTTP handler sees it. The handler and its page are loaded at the first request: who never asks
 * carries neither in a bundle's first chunk nor in memory.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { HttpHandler } from "../observe/http/handler.ts";
import type { HttpOptions, HttpSource, ReadyCheck } from "../observe/http/types.ts";
import type { Reader } from "../read/reader.ts";
import type { ReplicaEngine } from "./engine.ts";
import type { Emitter } from "./events.ts";
import type { ReplicaStatus } from "./status.ts";

/** What the handler of a replica is made from. */
export interface HttpParts {
  /** How it answers, as the user said. */
  readonly options: HttpOptions | undefined;
  /** What serves reads and clients. */
  readonly engine: ReplicaEngine;
  /** Tells of events as they happen. */
  readonly emitter: Emitter;
  /** Times the events that are streamed. */
  readonly clock: Clock;
  /** Gets what went wrong. */
  readonly logger: Logger;
  /** How the replica stands. */
  status(): ReplicaStatus;
  /** Every metric as text. */
  prometheus(openMetrics: boolean): string;
  /** The reads of a database. */
  db(index: number): Reader;
}

/** Answers requests about a replica. */
export class ReplicaHttp {
  readonly #parts: HttpParts;
  #handler: Promise<HttpHandler> | undefined;
  #closed: boolean = false;

  /** Loads nothing yet. @param parts What it is made from. */
  constructor(parts: HttpParts) {
    this.#parts = parts;
  }

  /** Answers one request; the first one loads the handler. */
  async handle(request: Request): Promise<Response> {
    const handler = await (this.#handler ??= this.#load());
    return handler.handle(request);
  }

  /** Ends streams of events; probes say from now on that the replica is not ready. */
  async close(): Promise<void> {
    this.#closed = true;
    (await this.#handler)?.close();
  }

  async #load(): Promise<HttpHandler> {
    const { HttpHandler } = await import("../observe/http/handler.ts");
    const { clock, options } = this.#parts;
    const handler = new HttpHandler(this.#source(), clock, options);
    if (this.#closed) handler.close();
    return handler;
  }

  #source(): HttpSource {
    const { engine, emitter, logger } = this.#parts;
    return {
      status: () => ({ ...this.#parts.status(), clients: engine.clientCount }),
      prometheus: ({ openMetrics }) => this.#parts.prometheus(openMetrics),
      readiness: (needsMaster) => readiness(this.#parts, needsMaster),
      db: (index) => this.#parts.db(index),
      databases: () => engine.keyspace.indexes(),
      report: (error) =>
        logger.error(`A request over HTTP failed: ${messageOf(error)}`, {
          event: "request_failed",
        }),
      onEvent: (listener) => emitter.onAny(listener),
    };
  }
}

/** What must hold for traffic to be sent here. */
function readiness({ status, engine }: HttpParts, needsMaster: boolean): ReadyCheck[] {
  const { state, error } = status();
  const isFollowing = state === "live" || state === "idle";
  const reason = error === undefined ? "" : `: ${error.message}`;
  const hasData = engine.hasData
    ? undefined
    : `the first snapshot is not whole, it is ${state}${reason}`;
  const checks = [
    { name: "data", problem: hasData },
    {
      name: "freshness",
      problem: engine.tooStale ? "the data is older than maxStalenessMs" : undefined,
    },
  ];
  if (!needsMaster) return checks;
  return [...checks, {
    name: "master",
    problem: isFollowing ? undefined : `it is ${state}${reason}`,
  }];
}
