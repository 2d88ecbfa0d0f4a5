/**
 * Makes bytes of the replication stream from a master's commands.
 *
 * ```text
 *  command(0, SET a 1)               SELECT 0, SET a 1      the first, or another database than before
 *  command(0, SET b 2)               SET b 2
 *  command(1, DEL c)                 SELECT 1, DEL c
 *  control("ping")                   ping                   of no database
 *  command(1, SET d 4 PXAT t)        SET d 4 PXAT t         with `splitsExpiry`: MULTI, SET d 4, PEXPIREAT d t, EXEC
 * ```
 *
 * The commands of a transaction come already between MULTI and EXEC.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte_buffer.ts";
import { isWord } from "../commands/engine/args.ts";
import type { Argv } from "../resp/argv.ts";
import { TypeByte } from "../resp/types.ts";
import { writeBulk, writeCommand, writeHeader } from "../resp/writer.ts";

/** Takes stream bytes `[start, end)`, which are borrowed. */
export type StreamSink = (bytes: Uint8Array, start: number, end: number) => void;

/** A buffer that has grown beyond this is given back after the command. */
const KEPT_CAPACITY = 256 * 1024;
/** `dbIndex` of commands that have no database: MULTI, EXEC. */
const ANY_DB = -1;

/** Writes commands and remembers which database the stream has selected. */
export class StreamEncoder {
  readonly #sink: StreamSink;
  readonly #splitsExpiry: boolean;
  readonly #out: ByteBuffer = new ByteBuffer(1024);
  /** The database the stream has selected; -1 when the next command must be preceded by SELECT. */
  #db: number = ANY_DB;
  #inTransaction: boolean = false;

  /**
   * Begins with no database selected.
   *
   * @param sink Where the stream goes.
   * @param splitsExpiry `SET k v PXAT t` goes out as SET and PEXPIREAT: Redis 6.0 knows no PXAT.
   */
  constructor(sink: StreamSink, splitsExpiry: boolean = false) {
    this.#sink = sink;
    this.#splitsExpiry = splitsExpiry;
  }

  /** The database the stream has selected, as for `repl-stream-db`: 0 when a SELECT comes next anyway. */
  get db(): number {
    return Math.max(0, this.#db);
  }

  /** Has the next command preceded by SELECT: a replica joins that has not seen the last one. */
  forgetDb(): void {
    this.#db = ANY_DB;
  }

  /** Writes one borrowed command. @param dbIndex Its database; -1 when it has none, as MULTI. */
  command(dbIndex: number, argv: Argv): void {
    const out = this.#out;
    assert(out.length === 0, "every command is flushed whole");
    if (dbIndex === ANY_DB) this.#inTransaction = isWord(argv, 0, "MULTI");
    else this.#select(dbIndex);
    if (this.#splitsExpiry && isSetWithExpiry(argv)) this.#split(argv);
    else writeArguments(out, argv, argv.count);
    this.#flush();
  }

  /** Writes a command of the master's own, which has no database: PING, REPLCONF GETACK. */
  control(...args: readonly string[]): void {
    writeCommand(this.#out, ...args);
    this.#flush();
  }

  #select(dbIndex: number): void {
    if (dbIndex === this.#db) return;
    this.#db = dbIndex;
    writeCommand(this.#out, "SELECT", String(dbIndex));
  }

  /** Writes SET and PEXPIREAT as a transaction: no client may see the key without its expiry. */
  #split(argv: Argv): void {
    const out = this.#out;
    const alone = !this.#inTransaction;
    if (alone) writeCommand(out, "MULTI");
    writeArguments(out, argv, 3);
    writeCommand(out, "PEXPIREAT", argv.at(1), argv.at(4));
    if (alone) writeCommand(out, "EXEC");
  }

  #flush(): void {
    const out = this.#out;
    this.#sink(out.bytes, 0, out.length);
    if (out.bytes.length > KEPT_CAPACITY) out.shrink();
    else out.clear();
  }
}

function writeArguments(out: ByteBuffer, argv: Argv, count: number): void {
  writeHeader(out, TypeByte.ARRAY, count);
  for (let i = 0; i < count; i++) writeBulk(out, argv.bytes, argv.starts[i], argv.ends[i]);
}

/** `SET key value PXAT ms`, which is how a master sends every SET with an expiry. */
function isSetWithExpiry(argv: Argv): boolean {
  return argv.count === 5 && isWord(argv, 0, "SET") && isWord(argv, 3, "PXAT");
}
