/**
 * The comparisons of a replica with its master that are under way: their options checked, what happens to the link
 * passed on to them.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import {
  callback,
  flag,
  integer,
  methods,
  millis,
  type Rule,
  type Rules,
  shape,
} from "../base/shape.ts";
import type { ReplicationLink } from "../replication/link.ts";
import { MasterDesk } from "../replication/repair/master.ts";
import { TimeoutError, within } from "../replication/waiting.ts";
import type { KeyFilter } from "../store/keyspace/key_filter.ts";
import type { Keyspace } from "../store/keyspace/keyspace.ts";
import { VerifyError } from "../verify/errors.ts";
import type { VerifyOptions, VerifyReport } from "../verify/types.ts";
import { Verification } from "../verify/verification.ts";

/** Most keys that a report may list, and a sample may have. */
const MAX_LISTED = 100_000;
const MAX_SAMPLE = 100_000_000;

const verifyOptions: Rule = shape(
  {
    sample: integer(1, MAX_SAMPLE),
    full: flag,
    repair: flag,
    keysPerSecond: integer(1),
    bytesPerSecond: integer(1),
    listed: integer(0, MAX_LISTED),
    onProgress: callback,
    signal: methods("addEventListener"),
    timeoutMs: millis(),
  } satisfies Rules<VerifyOptions>,
);

/** What a {@linkcode Verifier} is made from. */
export interface VerifierParts {
  /** The data that is compared. */
  readonly keyspace: Keyspace;
  /** Measures pauses and times. */
  readonly clock: Clock;
  /** Uniform in [0, 1): draws the keys of a sample. */
  readonly random: () => number;
}

/** Compares with the master, as often as it is asked. */
export class Verifier {
  readonly #engine: VerifierParts;
  readonly #filter: KeyFilter;
  readonly #link: () => ReplicationLink | undefined;
  readonly #running: Set<Verification> = new Set();
  #closed: boolean = false;

  /** Compares nothing before it is asked. @param link The link to the master; undefined before there is one. */
  constructor(
    engine: VerifierParts,
    filter: KeyFilter,
    link: () => ReplicationLink | undefined,
  ) {
    this.#engine = engine;
    this.#filter = filter;
    this.#link = link;
  }

  /** Compares once; see `Replica.verify`. */
  async verify(options: VerifyOptions): Promise<VerifyReport> {
    verifyOptions(options, "verify");
    if (options.full === true && options.sample !== undefined) {
      throw new TypeError("verify.sample and verify.full exclude each other");
    }
    const link = this.#link();
    if (this.#closed) throw closed();
    if (link === undefined || !link.place.hasData) {
      throw new VerifyError(
        "NOT_READY",
        "There is no data of a master to compare: call start() and wait for ready()",
      );
    }
    const run = this.#begin(link, options);
    this.#running.add(run);
    const compared = (signal: AbortSignal) => {
      signal.addEventListener("abort", () => run.end(closed()), { once: true });
      return run.run();
    };
    const late = () => new TimeoutError(`Not compared within ${options.timeoutMs} ms`);
    try {
      return await within(this.#engine.clock, options, compared, late);
    } finally {
      run.end(closed());
      this.#running.delete(run);
    }
  }

  /** The offset has moved. */
  moved(): void {
    if (this.#running.size === 0) return;
    for (const run of this.#running) run.moved();
  }

  /** All data was replaced, or emptied to be. */
  replaced(): void {
    for (const run of this.#running) run.replaced();
  }

  /** Ends every comparison with CLOSED. */
  close(): void {
    this.#closed = true;
    for (const run of this.#running) run.end(closed());
  }

  #begin(link: ReplicationLink, options: VerifyOptions): Verification {
    const { keyspace, clock, random } = this.#engine;
    return new Verification({
      keyspace,
      clock,
      random,
      place: link.offset,
      desk: new MasterDesk(link.desk),
      repair: link.repair,
      isLive: () => link.state === "connected",
      filter: this.#filter,
    }, options);
  }
}

function closed(): VerifyError {
  return new VerifyError("CLOSED", "The replica was closed");
}
