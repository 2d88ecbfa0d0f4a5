/**
 * A master's commands into bytes of the replication stream: SELECT where the database changes, control
 * commands of its own, and the one rewriting that old replicas need. What belongs together comes already
 * wrapped in MULTI and EXEC.
 *
 * @module
 */

import { ByteBuffer } from "../base/byte_buffer.ts";
import { isWord } from "../commands/engine/args.ts";
import type { Argv } from "../resp/argv.ts";
import { TypeByte } from "../resp/types.ts";
import { writeBulk, writeCommand, writeHeader } from "../resp/writer.ts";

/** Takes stream bytes `[start, end)`; borrowed. */
export type StreamSink = (bytes: Uint8Array, start: number, end: number) => void;

/** Of a large command's memory so much is kept for the next. */
const KEPT_CAPACITY = 256 * 1024;
/** `dbIndex` of what any database does: MULTI, EXEC, PING. */
const ANY_DB = -1;

/** See the module's text. */
export class StreamEncoder {
  readonly #sink: StreamSink;
  readonly #splitsExpiry: boolean;
  readonly #out: ByteBuffer = new ByteBuffer(1024);
  /** The database the stream is in; -1 when whoever joins now cannot know. */
  #db: number = ANY_DB;
  #inTransaction: boolean = false;

  /**
   * @param sink Where the stream goes.
   * @param splitsExpiry `SET k v PXAT t` goes out as SET and PEXPIREAT: Redis 6.0 knows no PXAT.
   */
  constructor(sink: StreamSink, splitsExpiry: boolean = false) {
    this.#sink = sink;
    this.#splitsExpiry = splitsExpiry;
  }

  /** The database the stream is in, as `repl-stream-db` says it: 0 when a SELECT is owed anyway. */
  get db(): number {
    return Math.max(0, this.#db);
  }

  /** The next command is preceded by SELECT: somebody joins who has not seen the last one. */
  forgetDb(): void {
    this.#db = ANY_DB;
  }

  /** Writes one command. `argv` is borrowed. @param dbIndex -1 where any database does. */
  command(dbIndex: number, argv: Argv): void {
    const out = this.#out;
    if (dbIndex === ANY_DB) this.#inTransaction = isWord(argv, 0, "MULTI");
    else this.#select(dbIndex);
    if (this.#splitsExpiry && isSetWithExpiry(argv)) this.#split(argv);
    else writeArguments(out, argv, argv.count);
    this.#flush();
  }

  /** Writes a command of no database: PING, REPLCONF GETACK. */
  control(...args: readonly string[]): void {
    writeCommand(this.#out, ...args);
    this.#flush();
  }

  #select(dbIndex: number): void {
    if (dbIndex === this.#db) return;
    this.#db = dbIndex;
    writeCommand(this.#out, "SELECT", String(dbIndex));
  }

  /** As a transaction: nobody may see the key without its expiry. */
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
