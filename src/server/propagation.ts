/**
 * What a stand-alone master's command adds to its stream: the deletions of expired keys it met, then
 * itself or what it asked to be sent in its place; all of it as one transaction when it is more than one.
 *
 * @module
 */

import { Argv } from "../resp/argv.ts";

/** Gets each command for the stream, in order; -1 where any database does (MULTI, EXEC). Borrowed. */
export type Propagate = (dbIndex: number, argv: Argv) => void;

interface Sent {
  readonly dbIndex: number;
  readonly argv: Argv;
}

const MULTI = Argv.of("MULTI");
const EXEC = Argv.of("EXEC");

/** Collects over one command, or over all between MULTI and EXEC. */
export class Propagation {
  readonly #propagate: Propagate | undefined;
  #sent: Sent[] = [];
  #replacements: Argv[] = [];
  #prevented: boolean = false;

  /** @param propagate Where to; undefined where nobody follows. */
  constructor(propagate: Propagate | undefined) {
    this.#propagate = propagate;
  }

  /** False where nothing is ever sent. */
  get active(): boolean {
    return this.#propagate !== undefined;
  }

  /** See `Context.propagateAs`. */
  replace(args: readonly (string | Uint8Array)[]): void {
    if (this.active) this.#replacements.push(Argv.of(...args));
  }

  /** See `Context.preventPropagation`. */
  prevent(): void {
    this.#prevented = true;
  }

  /** See `Context.expired`. */
  expired(
    dbIndex: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    field?: Uint8Array,
  ): void {
    if (!this.active) return;
    const key = bytes.slice(start, end);
    const argv = field === undefined ? Argv.of("DEL", key) : Argv.of("HDEL", key, field);
    this.#sent.push({ dbIndex, argv });
  }

  /**
   * One command has run.
   *
   * @param owned Whether `argv` stays as it is until `flush`.
   */
  command(dbIndex: number, argv: Argv, dirty: number, owned: boolean): void {
    if (!this.#prevented) {
      for (const replacement of this.#replacements) this.#sent.push({ dbIndex, argv: replacement });
      if (this.#replacements.length === 0 && dirty > 0) {
        this.#sent.push({ dbIndex, argv: owned ? argv : argv.copy() });
      }
    }
    this.#replacements = [];
    this.#prevented = false;
  }

  /** Sends what was collected. */
  flush(): void {
    const propagate = this.#propagate;
    const sent = this.#sent;
    if (sent.length === 0) return;
    this.#sent = [];
    if (propagate === undefined) return;
    if (sent.length === 1) return propagate(sent[0].dbIndex, sent[0].argv);
    propagate(-1, MULTI);
    for (const { dbIndex, argv } of sent) propagate(dbIndex, argv);
    propagate(-1, EXEC);
  }
}
