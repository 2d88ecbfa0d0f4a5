/**
 * What a command's handler says its reply through. It says the same whether bytes are written for a client
 * ({@linkcode ReplyWriter} of `writer.ts`) or values are made for a call in process ({@linkcode ReplyBuilder} of
 * `reply_builder.ts`), which then pass through no bytes.
 *
 * ```text
 *   reply.map(1)            writer:  %1\r\n              builder:  a Map is begun, 1 pair left
 *   reply.bulkText("age")            $3\r\nage\r\n                 its key
 *   reply.integer(42)                :42\r\n                       its value: the Map is whole
 * ```
 *
 * @module
 */

/** Aggregates whose header may be written after their elements. */
export type AggregateKind = "array" | "set" | "map" | "push";

/**
 * Takes replies. An aggregate is a header and then its elements, each by a call of its own: whoever gives a
 * header owes as many elements.
 */
export interface ReplyTarget {
  /** The version of RESP whose shapes the reply has; `HELLO` changes it. */
  protocol: 2 | 3;
  /** Whether replies are dropped: a master's stream gets none, `CLIENT REPLY OFF` wants none. */
  silent: boolean;

  /** Replies `OK`. */
  ok(): void;
  /** Replies `QUEUED`. */
  queued(): void;
  /** Replies `PONG`. */
  pong(): void;
  /**
   * Replies a status line. Text of code points below 256 stands for a byte each, any other for its UTF-8; line
   * ends become spaces, since they would end the line.
   */
  simple(text: string): void;
  /**
   * Replies an error, its code first ("ERR no such key"). Text is taken as by {@linkcode ReplyTarget.simple}, but
   * line ends at its end are dropped.
   */
  error(text: string): void;
  /** Replies a whole number: a bigint of any size, or a double within +-2^53. */
  integer(value: number | bigint): void;
  /** Replies bytes `[start, end)`, which are borrowed, as a bulk string. */
  bulk(bytes: Uint8Array, start?: number, end?: number): void;
  /** Replies text as a bulk string, in UTF-8. */
  bulkText(text: string): void;
  /** Replies bulk strings that are written as RESP already, in bytes `[start, end)`; any number of them. */
  bulks(bytes: Uint8Array, start: number, end: number): void;
  /** Replies null where one value was asked for. */
  null(): void;
  /** Replies null where many values were asked for: in RESP2 an array of length -1. */
  nullArray(): void;
  /** Begins an array of `count` elements. */
  array(count: number): void;
  /** Begins a map of `count` pairs, which follow as key, value, key, value. */
  map(count: number): void;
  /** Begins a set of `count` elements, which all differ. */
  set(count: number): void;
  /** Begins a push of `count` elements, the kind of message first. */
  push(count: number): void;
  /**
   * Replies a floating point number, as text in the shortest form that reads back as the same, or as `text`, where a
   * server prints more digits.
   */
  double(value: number, text?: string): void;
  /** Replies a boolean, in RESP2 1 or 0. */
  boolean(value: boolean): void;
  /** Replies a whole number of any size, given as its decimal text. */
  bigNumber(text: string): void;
  /** Replies text together with its format, three letters: "txt", "mkd". */
  verbatim(format: string, text: string): void;

  /**
   * Begins an aggregate whose count is not known yet.
   *
   * @returns A mark for {@linkcode ReplyTarget.endDeferred}, which must be called.
   */
  beginDeferred(): number;
  /**
   * Gives a deferred aggregate its kind and its count.
   *
   * @param mark What `beginDeferred` answered.
   * @param count Elements that were replied since, pairs of a map.
   */
  endDeferred(mark: number, kind: AggregateKind, count: number): void;

  /** How much was replied so far: a place that {@linkcode ReplyTarget.rewind} goes back to. */
  readonly position: number;
  /** Takes back what was replied since `position` was asked for: a handler has failed half way. */
  rewind(position: number): void;
}
