/**
 * The bytes of the replication stream: cut into commands, counted, applied in slices.
 *
 * ```text
 *  position.applied        end of the last command that counts: acknowledged, resumed from
 *  readOffset              end of the last byte received
 *  in between              half a command, an open MULTI, what waits for the next slice
 * ```
 *
 * @module
 */

import type { Slice } from "../base/slices.ts";
import { Argv } from "../resp/argv.ts";
import { CommandParser } from "../resp/command_parser.ts";
import { RespError } from "../resp/types.ts";
import { type ApplierOptions, StreamApplier } from "./apply.ts";
import { ReplicationError } from "./errors.ts";
import type { Position } from "./position.ts";
import type { LinkLimits, StreamExecutor, StreamHooks } from "./types.ts";

/** The most commands between two looks at the clock: a look costs as much as a small command. */
const MAX_PER_LOOK = 32;
const MAX_BULK_BYTES = 512 * 1024 * 1024;
const MAX_ARGUMENTS = 0x7fffffff;

/** Most a line of `*N` or `$N` can ask for from a master. */
export function streamLimits(limits: LinkLimits): { bulkBytes: number; argumentCount: number } {
  return {
    bulkBytes: limits.bulkBytes ?? MAX_BULK_BYTES,
    argumentCount: limits.argumentCount ?? MAX_ARGUMENTS,
  };
}

/** One connection's stream, from its first byte. */
export class MasterStream {
  /** Offset of the last byte received. */
  readOffset: number;
  readonly #base: number;
  readonly #parser: CommandParser;
  readonly #applier: StreamApplier;
  readonly #hooks: StreamHooks;
  readonly #executor: StreamExecutor;
  readonly #slice: Slice;
  readonly #position: Position;
  readonly #keys: Argv = new Argv();
  /** Commands between two looks: few while they are large ones, or code that has not run before. */
  #perLook: number = 1;

  /** @param options Around the applier. @param limits Bounds. @param slice When to stop. */
  constructor(options: ApplierOptions, limits: LinkLimits, slice: Slice) {
    this.#base = options.position.applied;
    this.readOffset = this.#base;
    this.#parser = new CommandParser(streamLimits(limits));
    this.#applier = new StreamApplier(options);
    this.#hooks = options.hooks;
    this.#executor = options.executor;
    this.#slice = slice;
    this.#position = options.position;
  }

  /** True between MULTI and EXEC. */
  get inTransaction(): boolean {
    return this.#applier.inTransaction;
  }

  /**
   * Takes bytes `[start, end)` of a borrowed chunk and applies what they complete. False: the slice was
   * over first, the rest is kept inside, and `proceed` must be called before more bytes come.
   *
   * @throws {ReplicationError} When the bytes are no commands, or one can't be accepted.
   */
  push(chunk: Uint8Array, start: number, end: number, nowMs: number): boolean {
    this.#hooks.streamBytes?.(chunk, start, end, this.readOffset);
    this.readOffset += end - start;
    this.#parser.push(
      start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end),
    );
    return this.proceed(nowMs);
  }

  /** Goes on with what was kept; answers as `push` does. */
  proceed(nowMs: number): boolean {
    this.#executor.begin(nowMs);
    try {
      return this.#run();
    } catch (error) {
      if (!(error instanceof RespError)) throw error;
      throw new ReplicationError(
        "STREAM",
        `The stream after offset ${
          this.#base + this.#parser.consumed
        } is not RESP: ${error.message}`,
        error,
      );
    }
  }

  #run(): boolean {
    const parser = this.#parser;
    const applier = this.#applier;
    const base = this.#base;
    for (let left = this.#perLook;;) {
      const ahead = this.#lookAhead(left);
      for (let i = Math.max(1, ahead); i > 0; i--, left--) {
        const argv = parser.next();
        if (argv === undefined) return true;
        applier.apply(argv, base + parser.consumed);
      }
      if (left > 0) continue;
      const isOver = this.#slice.over();
      const more = this.#slice.isQuick ? this.#perLook * 2 : this.#perLook >> 1;
      left = this.#perLook = Math.min(Math.max(more, 1), MAX_PER_LOOK);
      if (!isOver) continue;
      parser.keep();
      return false;
    }
  }

  /** Lets the executor prepare for commands that are to come; the answer is for how many. */
  #lookAhead(most: number): number {
    const ahead = this.#parser.look(most, this.#keys);
    if (this.#keys.count > 1) this.#executor.expect?.(this.#position.db, this.#keys);
    return ahead;
  }
}
