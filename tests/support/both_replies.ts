/**
 * One reply said twice: as bytes by a writer, and as values by builders. What a client would read of the bytes must
 * be what a call in process gets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/ascii.ts";
import { bulksAsBytes, bulksAsText, ReplyBuilder } from "../../src/resp/reply_builder.ts";
import { ReplyParser } from "../../src/resp/reply_parser.ts";
import type { AggregateKind, ReplyTarget } from "../../src/resp/reply_target.ts";
import { ErrorReply, Push, type RespValue, VerbatimString } from "../../src/resp/types.ts";
import type { ReplyWriter } from "../../src/resp/writer.ts";

/** A call of one of a target's methods. */
type Say = (target: ReplyTarget) => void;

/** Passes each reply on to a writer and to a builder of each form. */
export class BothReplies implements ReplyTarget {
  readonly texts: ReplyBuilder<string> = new ReplyBuilder(bulksAsText(utf8));
  readonly bytes: ReplyBuilder<Uint8Array> = new ReplyBuilder(bulksAsBytes());
  readonly #writer: ReplyWriter;
  readonly #builders: readonly ReplyTarget[] = [this.texts, this.bytes];
  /** Marks and positions that the three gave, by the number that was handed out for them. */
  readonly #places: number[][] = [];

  constructor(writer: ReplyWriter) {
    this.#writer = writer;
    this.protocol = writer.protocol;
  }

  get protocol(): 2 | 3 {
    return this.#writer.protocol;
  }

  set protocol(protocol: 2 | 3) {
    this.#say((target) => target.protocol = protocol);
  }

  get silent(): boolean {
    return this.#writer.silent;
  }

  set silent(silent: boolean) {
    this.#say((target) => target.silent = silent);
  }

  /** Compares what was replied since the last time; `what` tells which command. */
  check(written: Uint8Array, what: string): void {
    const parser = new ReplyParser();
    parser.push(written.slice());
    const reply = parser.next() ?? null;
    const isError = reply instanceof ErrorReply;
    assert.equal(this.texts.failure, isError ? reply.message : undefined, what);
    assert.equal(this.bytes.failure, this.texts.failure, what);
    assertSame(this.bytes.take(), plain(reply, (bytes) => bytes), what);
    assertSame(this.texts.take(), plain(reply, (bytes) => utf8(bytes)), what);
    this.#places.length = 0;
  }

  ok(): void {
    this.#say((target) => target.ok());
  }

  queued(): void {
    this.#say((target) => target.queued());
  }

  pong(): void {
    this.#say((target) => target.pong());
  }

  simple(text: string): void {
    this.#say((target) => target.simple(text));
  }

  error(text: string): void {
    this.#say((target) => target.error(text));
  }

  integer(value: number | bigint): void {
    this.#say((target) => target.integer(value));
  }

  bulk(bytes: Uint8Array, start?: number, end?: number): void {
    this.#say((target) => target.bulk(bytes, start, end));
  }

  bulkText(text: string): void {
    this.#say((target) => target.bulkText(text));
  }

  bulks(bytes: Uint8Array, start: number, end: number): void {
    this.#say((target) => target.bulks(bytes, start, end));
  }

  null(): void {
    this.#say((target) => target.null());
  }

  nullArray(): void {
    this.#say((target) => target.nullArray());
  }

  array(count: number): void {
    this.#say((target) => target.array(count));
  }

  map(count: number): void {
    this.#say((target) => target.map(count));
  }

  set(count: number): void {
    this.#say((target) => target.set(count));
  }

  push(count: number): void {
    this.#say((target) => target.push(count));
  }

  double(value: number): void {
    this.#say((target) => target.double(value));
  }

  boolean(value: boolean): void {
    this.#say((target) => target.boolean(value));
  }

  bigNumber(text: string): void {
    this.#say((target) => target.bigNumber(text));
  }

  verbatim(format: string, text: string): void {
    this.#say((target) => target.verbatim(format, text));
  }

  beginDeferred(): number {
    return this.#place((target) => target.beginDeferred());
  }

  endDeferred(mark: number, kind: AggregateKind, count: number): void {
    this.#eachPlace(mark, (target, own) => target.endDeferred(own, kind, count));
  }

  get position(): number {
    return this.#place((target) => target.position);
  }

  rewind(position: number): void {
    this.#eachPlace(position, (target, own) => target.rewind(own));
  }

  #say(say: Say): void {
    say(this.#writer);
    for (const builder of this.#builders) say(builder);
  }

  #place(ask: (target: ReplyTarget) => number): number {
    return this.#places.push([ask(this.#writer), ...this.#builders.map(ask)]) - 1;
  }

  #eachPlace(index: number, go: (target: ReplyTarget, place: number) => void): void {
    const own = this.#places[index];
    go(this.#writer, own[0]);
    this.#builders.forEach((builder, i) => go(builder, own[i + 1]));
  }
}

/** As `deepEqual`, and in the same order; quick for large sets of bytes, which it would compare each with each. */
function assertSame(actual: unknown, expected: unknown, what: string): void {
  if (isSame(actual, expected)) return;
  assert.deepEqual(actual, expected, what);
  assert.fail(`${what}: the order of a map or a set differs`);
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a.constructor !== b.constructor) return false;
  if (!(Symbol.iterator in a) || !(Symbol.iterator in b)) return false;
  const [left, right] = [[...a as Iterable<unknown>], [...b as Iterable<unknown>]];
  return left.length === right.length && left.every((value, i) => isSame(value, right[i]));
}

/** A parsed reply without the types that only the protocol needs: what `call` promises. */
export function plain(reply: RespValue, bulk: (bytes: Uint8Array) => unknown): unknown {
  const inner = (value: RespValue): unknown => plain(value, bulk);
  if (reply instanceof Uint8Array) return bulk(reply);
  if (reply instanceof ErrorReply) return reply.message;
  if (reply instanceof VerbatimString) return reply.toString();
  if (reply instanceof Push) return reply.items.map(inner);
  if (Array.isArray(reply)) return reply.map(inner);
  if (reply instanceof Map) {
    return new Map([...reply].map(([key, value]) => [inner(key), inner(value)]));
  }
  if (reply instanceof Set) return new Set([...reply].map(inner));
  return reply;
}
