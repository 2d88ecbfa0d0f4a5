/**
 * What a stand-alone master's command adds to its stream (server.c, `propagatePendingCommands`): the
 * deletions of expired keys it met, then the command itself or what it asked to be sent in its place.
 * More than one command goes out inside MULTI and EXEC, so that a replica applies all of it or nothing.
 * On a replica nothing is collected and nothing sent.
 *
 * ```text
 *   GET of an expired key          DEL key
 *   SET k v NX, k had expired      MULTI, DEL k, SET k v NX, EXEC
 *   MULTI, SET a b, SET c d, EXEC  MULTI, SET a b, SET c d, EXEC
 *   INCRBYFLOAT k 0.1              SET k 3.1 KEEPTTL
 * ```
 *
 * @module
 */

import { Argv } from "../resp/argv.ts";

/**
 * Gets each command for the stream, in order, with the database it is for; -1 for MULTI and EXEC, which
 * need none. The arguments are borrowed for the call.
 */
export type Propagate = (dbIndex: number, argv: Argv) => void;

interface Sent {
  readonly dbIndex: number;
  readonly argv: Argv;
}

const MULTI = Argv.of("MULTI");
const EXEC = Argv.of("EXEC");

/** Collects what one command, or all commands of one EXEC, add to the stream. */
export class Propagation {
  readonly #propagate: Propagate | undefined;
  /** What `flush` will send, in order. */
  #sent: Sent[] = [];
  /** What goes out in place of the command that is running. */
  #replacements: Argv[] = [];
  /** The command that is running asked not to be sent. */
  #prevented: boolean = false;

  /**
   * Begins with nothing collected.
   *
   * @param propagate Gets what is sent; undefined on a replica.
   */
  constructor(propagate: Propagate | undefined) {
    this.#propagate = propagate;
  }

  /** False where nothing is ever sent: dispatch then skips the collecting. */
  get active(): boolean {
    return this.#propagate !== undefined;
  }

  /** Adds one command that is sent in place of the running one; see `Context.propagateAs`. */
  replace(args: readonly (string | Uint8Array)[]): void {
    if (this.active) this.#replacements.push(Argv.of(...args));
  }

  /** Keeps the running command from being sent; see `Context.preventPropagation`. */
  prevent(): void {
    this.#prevented = true;
  }

  /**
   * Adds the deletion of an expired key, or of one field of a hash, ahead of the command; see
   * `Context.expired`.
   */
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
   * Collects what a command that has run adds: its replacements, or itself when it changed something.
   *
   * @param dbIndex The database it ran in.
   * @param argv The command as it came.
   * @param dirty How much it changed; 0 adds nothing.
   * @param owned Whether `argv` stays as it is until `flush`; otherwise it is copied.
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

  /** Sends what was collected, as a transaction when it is more than one command. */
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
