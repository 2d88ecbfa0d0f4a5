/**
 * The reads of one database: synchronous, in process, straight from the keyspace. Each family has a file of its own;
 * their classes stand on each other, so that one object has the reads of all of them and no call takes a detour.
 *
 * @module
 */

import { bytesCodec, textCodec, type Value } from "./codec.ts";
import { ReadCore, type ReaderSource } from "./core.ts";
import type { BytesReply, CallArgument, Reply } from "./reply.ts";
import { VectorReads } from "./vectors.ts";

/**
 * The reads of one database, with values as text or, for `Reader<Uint8Array>`, as bytes. What is read within one
 * synchronous turn is one state of the master's data.
 */
export class Reader<T extends Value = string> extends VectorReads<T> {
  #bytes: Reader<Uint8Array> | undefined = undefined;

  /** The same reads with values as bytes, each a copy of its own. */
  get bytes(): Reader<Uint8Array> {
    return this.#bytes ??= new Reader(
      new ReadCore(this.core.source, this.core.index, bytesCodec()),
    );
  }

  /**
   * Runs any read command, answered as to a RESP3 client, bulk strings as UTF-8 text. No call changes what a
   * later one answers: commands about a connection (MULTI, SELECT, CLIENT REPLY, SUBSCRIBE...) and those that
   * would wait are errors.
   *
   * @typeParam T What the command is known to reply, which is not checked: `call<number>("LLEN", "queue")`.
   * @param args The command's name and its arguments.
   * @throws {CommandError} When the reply is an error, as in `WRONGTYPE Operation against a key...`.
   * @throws {TypeError} When an argument is neither text, bytes nor a number.
   */
  call<T extends Reply = Reply>(...args: CallArgument[]): T {
    return this.core.source.callText(this.core.index, args) as T;
  }

  /** As `call`, with bulk strings as bytes of their own. */
  callBytes<T extends BytesReply = BytesReply>(...args: CallArgument[]): T {
    return this.core.source.call(this.core.index, args) as T;
  }
}

/** The reads of database `index` as text. */
export function textReader(source: ReaderSource, index: number): Reader {
  return new Reader(new ReadCore(source, index, textCodec()));
}
