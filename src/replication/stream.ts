/**
 * The bytes of the replication stream: cut into commands, counted, applied in slices.
 *
 * ```text
 *  offset  base            applied                    readOffset
 *           |---------------|--------------------------|
 *           commands that    half a command, or an open
 *           count            MULTI, or what is held for
 *                            the next slice
 * ```
 *
 * Offsets count every byte of the stream, so that a command's offset is the base plus what the parser has
 * consumed; PING, SELECT and REPLCONF count like any other command.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Slice } from "../base/slices.ts";
import { Argv } from "../resp/argv.ts";
import { CommandParser } from "../resp/command_parser.ts";
import { RespError } from "../resp/types.ts";
import { OverGrantError } from "../store/memory/allocate.ts";
import { StreamApplier, type StreamOwner } from "./apply.ts";
import { ReplicationError } from "./errors.ts";
import type { MemoryWatch } from "./memory.ts";
import type { ReplicationOffset } from "./offset.ts";
import type { StreamExecutor, StreamHooks } from "./types.ts";

/** Most commands between two looks at the clock: a look costs as much as a small command. */
const MAX_PER_LOOK = 32;

/** The stream of one connection, from the byte after the snapshot or after `+CONTINUE`. */
export class MasterStream {
  /** Offset of the last byte received. */
  readOffset: number;
  readonly #base: number;
  readonly #parser: CommandParser;
  readonly #applier: StreamApplier;
  readonly #hooks: StreamHooks;
  readonly #executor: StreamExecutor;
  readonly #slice: Slice;
  readonly #replOffset: ReplicationOffset;
  readonly #memory: MemoryWatch | undefined;
  readonly #keys: Argv = new Argv();
  /** Bytes of the stream that had been consumed when memory was looked at last. */
  #checkedTo: number = 0;
  /** Length from which on commands are asked for. */
  #longBytes: number = Infinity;
  /** Commands between two looks: few while they are large ones, or code that has not run before. */
  #perLook: number = 1;
  #holds: boolean = false;

  /**
   * Begins behind the byte that `owner.replOffset` stands at.
   *
   * @param owner The link: where commands go, and the bounds.
   * @param acknowledge Sends an ACK at once, which GETACK asks for.
   * @param slice Time budget; the owner starts it, and gives the loop back when it is over.
   */
  constructor(owner: StreamOwner, acknowledge: () => void, slice: Slice) {
    const { settings, replOffset } = owner;
    this.#base = replOffset.applied;
    this.readOffset = this.#base;
    const { bulkBytes, argumentCount } = settings.limits;
    this.#parser = new CommandParser({ bulkBytes, argumentCount });
    const applier = new StreamApplier(owner, acknowledge);
    this.#applier = applier;
    this.#parser.passesOver = (before, length) => applier.passesOver(before, length);
    const { memory } = settings;
    this.#memory = memory;
    if (memory !== undefined) this.#parser.setLimits({ onLong: (bytes) => memory.need(bytes) });
    this.#hooks = settings.hooks;
    this.#executor = settings.executor;
    this.#slice = slice;
    this.#replOffset = replOffset;
  }

  /** True while whole commands are kept inside, because the slice was over before they were applied. */
  get holds(): boolean {
    return this.#holds;
  }

  /** True while a command waits until the master has said what it is: `proceed` is of no use before. */
  get waits(): boolean {
    return this.#applier.waits;
  }

  /**
   * Takes bytes `[start, end)` of a borrowed chunk and applies the commands they complete. When the slice is
   * over first the rest is copied and `holds` is true: `proceed` must be called before more bytes come.
   *
   * @param nowMs Wall clock: relative expiry counts from here.
   * @throws {ReplicationError} When the bytes are no commands, or one cannot be accepted.
   */
  push(chunk: Uint8Array, start: number, end: number, nowMs: number): void {
    assert(!this.#holds, "held commands are applied before more bytes come");
    this.#hooks.streamBytes?.(chunk, start, end, this.readOffset);
    this.readOffset += end - start;
    this.#parser.push(
      start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end),
    );
    this.proceed(nowMs);
  }

  /** Bytes held of commands that are not whole yet, and of an open transaction. */
  get heldBytes(): number {
    return this.#parser.keptBytes + this.#applier.queuedBytes;
  }

  /** Goes on with what is held, in a new slice; throws as `push` does. */
  proceed(nowMs: number): void {
    this.#executor.begin(nowMs);
    const memory = this.#memory;
    if (memory === undefined || !memory.isLimited) return this.#proceed();
    if (this.#longBytes !== memory.longBytes) {
      this.#longBytes = memory.longBytes;
      this.#parser.setLimits({ longBytes: this.#longBytes });
    }
    memory.begin();
    try {
      this.#proceed();
      const { consumed } = this.#parser;
      if (memory.checkAfter(nowMs, consumed - this.#checkedTo)) this.#checkedTo = consumed;
    } catch (error) {
      if (!(error instanceof OverGrantError)) throw error;
      throw memory.refused(error, this.#applier.isTorn);
    } finally {
      memory.end();
    }
  }

  #proceed(): void {
    try {
      this.#holds = !this.#run();
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

  /**
   * Applies commands until the parser has no whole one left (true) or the slice is over (false).
   *
   * The clock is looked at every `perLook` commands, a number that doubles while they are quick and halves
   * while they are slow: a look after every command would double what a small one costs, and a look after
   * every 32nd would let large ones run on far behind the end of the slice.
   */
  #run(): boolean {
    const parser = this.#parser;
    const applier = this.#applier;
    const base = this.#base;
    if (applier.waits && !applier.resume()) return false;
    for (let left = this.#perLook;;) {
      const ahead = this.#lookAhead(left);
      for (let i = Math.max(1, ahead); i > 0; i--, left--) {
        const argv = parser.next();
        if (argv === undefined) return true;
        applier.apply(argv, base + parser.consumed);
        if (!applier.waits) continue;
        parser.keep();
        return false;
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

  /**
   * Finds the keys of up to `most` commands that are already here, so that the executor can prefetch their
   * buckets together instead of waiting for memory one key at a time.
   *
   * @returns How many commands were looked at; 0 when the next one must be parsed in full.
   */
  #lookAhead(most: number): number {
    const ahead = this.#parser.peek(most, this.#keys);
    if (this.#keys.count > 1) this.#executor.expect?.(this.#replOffset.db, this.#keys);
    return ahead;
  }
}
