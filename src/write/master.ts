/**
 * `replica.master`: the commonest writes as methods, and transactions.
 *
 * @module
 */

import type { Rule } from "../base/shape.ts";
import type { CommandError } from "../commands/engine/errors.ts";
import type { CallArgument, Reply } from "../read/reply.ts";
import type { Key } from "../read/text.ts";
import {
  hsetWords,
  msetWords,
  type ScoredMember,
  type SetOptions,
  setWords,
  type XaddOptions,
  xaddWords,
  type ZaddOptions,
  zaddWords,
} from "./shortcuts.ts";
import { blocks, checkWritable, type Words, wordsOf } from "./words.ts";
import { setOptions, writeOptions, xaddOptions, zaddOptions } from "./option_rules.ts";
import type { WriteOptions, WriteResult } from "./types.ts";
import type { MasterWriter } from "./writer.ts";

/**
 * Writes to the master. Each resolves as `replica.write` does: with the master's reply, a token, and whether the
 * write is readable here.
 *
 * @throws {WriteError} FAILED when the master did not do it, UNKNOWN when that cannot be told.
 */
export class Master {
  readonly #writer: MasterWriter;

  /**
   * Made by the replica, which hands it out as `Replica.master`.
   *
   * @ignore
   */
  constructor(writer: MasterWriter) {
    this.#writer = writer;
  }

  /** Begins a transaction: its commands are sent at `exec`, and all are done at once. */
  multi(): Transaction {
    return new Transaction(this.#writer);
  }

  /** Sets a string: "OK", or null when `nx` or `xx` forbade it; with `get` the value before. */
  set(
    key: Key,
    value: CallArgument,
    options: SetOptions & WriteOptions = {},
  ): Promise<WriteResult<string | null>> {
    return this.#do(setWords(key, value, options), options, setOptions);
  }

  /** Sets several strings at once. */
  mset(
    values: Readonly<Record<string, CallArgument>> | ReadonlyMap<Key, CallArgument>,
    options: WriteOptions = {},
  ): Promise<WriteResult<string>> {
    return this.#do(msetWords(values), options);
  }

  /** Deletes keys; the reply is how many there were. */
  del(keys: Key | readonly Key[], options: WriteOptions = {}): Promise<WriteResult<number>> {
    return this.#do(keysOf("DEL", keys), options);
  }

  /** Deletes keys, and lets the master free their memory later; the reply is how many there were. */
  unlink(keys: Key | readonly Key[], options: WriteOptions = {}): Promise<WriteResult<number>> {
    return this.#do(keysOf("UNLINK", keys), options);
  }

  /** Gives a key another name; what had that name is replaced. */
  rename(key: Key, to: Key, options: WriteOptions = {}): Promise<WriteResult<string>> {
    return this.#do(["RENAME", key, to], options);
  }

  /** Adds one; the reply is the sum. */
  incr(key: Key, options: WriteOptions = {}): Promise<WriteResult<number | bigint>> {
    return this.#do(["INCR", key], options);
  }

  /** Adds an integer; the reply is the sum. */
  incrby(
    key: Key,
    by: number | bigint,
    options: WriteOptions = {},
  ): Promise<WriteResult<number | bigint>> {
    return this.#do(["INCRBY", key, by], options);
  }

  /** Subtracts one; the reply is the difference. */
  decr(key: Key, options: WriteOptions = {}): Promise<WriteResult<number | bigint>> {
    return this.#do(["DECR", key], options);
  }

  /** Appends to a string; the reply is its length in bytes. */
  append(key: Key, value: CallArgument, options: WriteOptions = {}): Promise<WriteResult<number>> {
    return this.#do(["APPEND", key, value], options);
  }

  /** Deletes a string; the reply is what it was. */
  getdel(key: Key, options: WriteOptions = {}): Promise<WriteResult<string | null>> {
    return this.#do(["GETDEL", key], options);
  }

  /** Lets a key expire so many seconds from now; 0 when there is none. */
  expire(key: Key, seconds: number, options: WriteOptions = {}): Promise<WriteResult<number>> {
    return this.#do(["EXPIRE", key, seconds], options);
  }

  /** Lets a key expire so many milliseconds from now; 0 when there is none. */
  pexpire(key: Key, ms: number, options: WriteOptions = {}): Promise<WriteResult<number>> {
    return this.#do(["PEXPIRE", key, ms], options);
  }

  /** Lets a key expire at a time, milliseconds since 1970; 0 when there is none. */
  pexpireat(key: Key, atMs: number, options: WriteOptions = {}): Promise<WriteResult<number>> {
    return this.#do(["PEXPIREAT", key, atMs], options);
  }

  /** Takes a key's expiry away; 0 when it had none. */
  persist(key: Key, options: WriteOptions = {}): Promise<WriteResult<number>> {
    return this.#do(["PERSIST", key], options);
  }

  /** Sets one field, or those of an object; the reply is how many are new. */
  hset(
    key: Key,
    fields: Key | Readonly<Record<string, CallArgument>> | ReadonlyMap<Key, CallArgument>,
    value?: CallArgument,
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(hsetWords(key, fields, value), options);
  }

  /** Deletes fields of a hash; the reply is how many there were. */
  hdel(
    key: Key,
    fields: Key | readonly Key[],
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["HDEL", key, ...listOf(fields)], options);
  }

  /** Adds an integer to a field; the reply is the sum. */
  hincrby(
    key: Key,
    field: Key,
    by: number | bigint,
    options: WriteOptions = {},
  ): Promise<WriteResult<number | bigint>> {
    return this.#do(["HINCRBY", key, field, by], options);
  }

  /** Puts values before a list's head, one after the other; the reply is its length. */
  lpush(
    key: Key,
    values: CallArgument | readonly CallArgument[],
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["LPUSH", key, ...listOf(values)], options);
  }

  /** Puts values behind a list's tail; the reply is its length. */
  rpush(
    key: Key,
    values: CallArgument | readonly CallArgument[],
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["RPUSH", key, ...listOf(values)], options);
  }

  /** Takes a list's head away; the reply is what it was. */
  lpop(key: Key, options: WriteOptions = {}): Promise<WriteResult<string | null>> {
    return this.#do(["LPOP", key], options);
  }

  /** Takes a list's tail away; the reply is what it was. */
  rpop(key: Key, options: WriteOptions = {}): Promise<WriteResult<string | null>> {
    return this.#do(["RPOP", key], options);
  }

  /** Adds members to a set; the reply is how many are new. */
  sadd(
    key: Key,
    members: CallArgument | readonly CallArgument[],
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["SADD", key, ...listOf(members)], options);
  }

  /** Removes members of a set; the reply is how many there were. */
  srem(
    key: Key,
    members: CallArgument | readonly CallArgument[],
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["SREM", key, ...listOf(members)], options);
  }

  /** Adds members to a sorted set, or changes their scores; the reply is how many are new. */
  zadd(
    key: Key,
    members: ScoredMember | readonly ScoredMember[],
    options: ZaddOptions & WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(zaddWords(key, members, options), options, zaddOptions);
  }

  /** Adds to a member's score; the reply is the sum. */
  zincrby(
    key: Key,
    by: number,
    member: CallArgument,
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["ZINCRBY", key, by, member], options);
  }

  /** Removes members of a sorted set; the reply is how many there were. */
  zrem(
    key: Key,
    members: CallArgument | readonly CallArgument[],
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["ZREM", key, ...listOf(members)], options);
  }

  /** Appends an entry to a stream; the reply is its id. */
  xadd(
    key: Key,
    message: Readonly<Record<string, CallArgument>>,
    options: XaddOptions & WriteOptions = {},
  ): Promise<WriteResult<string | null>> {
    return this.#do(xaddWords(key, message, options), options, xaddOptions);
  }

  /** Publishes a message; the reply is how many clients of the master's get it. */
  publish(
    channel: Key,
    message: CallArgument,
    options: WriteOptions = {},
  ): Promise<WriteResult<number>> {
    return this.#do(["PUBLISH", channel, message], options);
  }

  /** Sends one; `rule` knows the options of the command beside those of every write. */
  async #do<R>(
    args: readonly CallArgument[],
    options: WriteOptions,
    rule: Rule = writeOptions,
  ): Promise<WriteResult<R>> {
    rule(options, String(args[0]).toLowerCase());
    const { db, timeoutMs, visible, signal } = options;
    const result = await this.#writer.write(args, { db, timeoutMs, visible, signal });
    return result as WriteResult<unknown> as WriteResult<R>;
  }
}

/** Commands that are done at once, with nothing of anybody else in between: MULTI to EXEC. */
export class Transaction {
  readonly #writer: MasterWriter;
  readonly #commands: Words[] = [];
  #isSent: boolean = false;

  /**
   * Made by `Replica.master.multi()`.
   *
   * @ignore
   */
  constructor(writer: MasterWriter) {
    this.#writer = writer;
  }

  /**
   * Adds any command, as the master spells it.
   *
   * @throws {TypeError} When it is no command on data.
   */
  add(...args: CallArgument[]): this {
    if (this.#isSent) throw new TypeError("The transaction was sent already");
    const words = wordsOf(args);
    const row = checkWritable(words);
    if (blocks(row, words)) {
      throw new TypeError("A command that blocks waits for nothing in MULTI");
    }
    this.#commands.push(words);
    return this;
  }

  /** Sets a string: "OK", or null when `nx` or `xx` forbade it; with `get` the value before. */
  set(key: Key, value: CallArgument, options: SetOptions = {}): this {
    return this.add(...setWords(key, value, options));
  }

  /** Sets several strings at once. */
  mset(values: Readonly<Record<string, CallArgument>> | ReadonlyMap<Key, CallArgument>): this {
    return this.add(...msetWords(values));
  }

  /** Deletes keys; the reply is how many there were. */
  del(keys: Key | readonly Key[]): this {
    return this.add(...keysOf("DEL", keys));
  }

  /** Deletes keys, and lets the master free their memory later; the reply is how many there were. */
  unlink(keys: Key | readonly Key[]): this {
    return this.add(...keysOf("UNLINK", keys));
  }

  /** Gives a key another name; what had that name is replaced. */
  rename(key: Key, to: Key): this {
    return this.add(...["RENAME", key, to]);
  }

  /** Adds one; the reply is the sum. */
  incr(key: Key): this {
    return this.add(...["INCR", key]);
  }

  /** Adds an integer; the reply is the sum. */
  incrby(key: Key, by: number | bigint): this {
    return this.add(...["INCRBY", key, by]);
  }

  /** Subtracts one; the reply is the difference. */
  decr(key: Key): this {
    return this.add(...["DECR", key]);
  }

  /** Appends to a string; the reply is its length in bytes. */
  append(key: Key, value: CallArgument): this {
    return this.add(...["APPEND", key, value]);
  }

  /** Deletes a string; the reply is what it was. */
  getdel(key: Key): this {
    return this.add(...["GETDEL", key]);
  }

  /** Lets a key expire so many seconds from now; 0 when there is none. */
  expire(key: Key, seconds: number): this {
    return this.add(...["EXPIRE", key, seconds]);
  }

  /** Lets a key expire so many milliseconds from now; 0 when there is none. */
  pexpire(key: Key, ms: number): this {
    return this.add(...["PEXPIRE", key, ms]);
  }

  /** Lets a key expire at a time, milliseconds since 1970; 0 when there is none. */
  pexpireat(key: Key, atMs: number): this {
    return this.add(...["PEXPIREAT", key, atMs]);
  }

  /** Takes a key's expiry away; 0 when it had none. */
  persist(key: Key): this {
    return this.add(...["PERSIST", key]);
  }

  /** Sets one field, or those of an object; the reply is how many are new. */
  hset(
    key: Key,
    fields: Key | Readonly<Record<string, CallArgument>> | ReadonlyMap<Key, CallArgument>,
    value?: CallArgument,
  ): this {
    return this.add(...hsetWords(key, fields, value));
  }

  /** Deletes fields of a hash; the reply is how many there were. */
  hdel(key: Key, fields: Key | readonly Key[]): this {
    return this.add(...["HDEL", key, ...listOf(fields)]);
  }

  /** Adds an integer to a field; the reply is the sum. */
  hincrby(key: Key, field: Key, by: number | bigint): this {
    return this.add(...["HINCRBY", key, field, by]);
  }

  /** Puts values before a list's head, one after the other; the reply is its length. */
  lpush(key: Key, values: CallArgument | readonly CallArgument[]): this {
    return this.add(...["LPUSH", key, ...listOf(values)]);
  }

  /** Puts values behind a list's tail; the reply is its length. */
  rpush(key: Key, values: CallArgument | readonly CallArgument[]): this {
    return this.add(...["RPUSH", key, ...listOf(values)]);
  }

  /** Takes a list's head away; the reply is what it was. */
  lpop(key: Key): this {
    return this.add(...["LPOP", key]);
  }

  /** Takes a list's tail away; the reply is what it was. */
  rpop(key: Key): this {
    return this.add(...["RPOP", key]);
  }

  /** Adds members to a set; the reply is how many are new. */
  sadd(key: Key, members: CallArgument | readonly CallArgument[]): this {
    return this.add(...["SADD", key, ...listOf(members)]);
  }

  /** Removes members of a set; the reply is how many there were. */
  srem(key: Key, members: CallArgument | readonly CallArgument[]): this {
    return this.add(...["SREM", key, ...listOf(members)]);
  }

  /** Adds members to a sorted set, or changes their scores; the reply is how many are new. */
  zadd(key: Key, members: ScoredMember | readonly ScoredMember[], options: ZaddOptions = {}): this {
    return this.add(...zaddWords(key, members, options));
  }

  /** Adds to a member's score; the reply is the sum. */
  zincrby(key: Key, by: number, member: CallArgument): this {
    return this.add(...["ZINCRBY", key, by, member]);
  }

  /** Removes members of a sorted set; the reply is how many there were. */
  zrem(key: Key, members: CallArgument | readonly CallArgument[]): this {
    return this.add(...["ZREM", key, ...listOf(members)]);
  }

  /** Appends an entry to a stream; the reply is its id. */
  xadd(key: Key, message: Readonly<Record<string, CallArgument>>, options: XaddOptions = {}): this {
    return this.add(...xaddWords(key, message, options));
  }

  /** Publishes a message; the reply is how many clients of the master's get it. */
  publish(channel: Key, message: CallArgument): this {
    return this.add(...["PUBLISH", channel, message]);
  }

  /**
   * Sends it. A command that fails when it is run has its error among the replies, and stops no other one.
   *
   * @throws {WriteError} FAILED when nothing was done, as when the master refused one of the commands; UNKNOWN.
   */
  async exec(options: WriteOptions = {}): Promise<WriteResult<(Reply | CommandError)[]>> {
    if (this.#isSent) throw new TypeError("The transaction was sent already");
    this.#isSent = true;
    return await this.#writer.transact(this.#commands, options);
  }
}

function keysOf(name: string, keys: Key | readonly Key[]): CallArgument[] {
  return [name, ...listOf(keys)];
}

function listOf<T extends CallArgument>(values: T | readonly T[]): readonly T[] {
  return Array.isArray(values) ? values : [values as T];
}
