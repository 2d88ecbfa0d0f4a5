/**
 * The reads of a replica with what reacts to its changes: the change feed and messages of channels.
 *
 * @module
 */

import type { Value } from "../read/codec.ts";
import type { ReadCore } from "../read/core.ts";
import type { Decode } from "../read/decode.ts";
import type { Key } from "../read/text.ts";
import type { Feed } from "./changes/feed.ts";
import { checkChanges, checkListener } from "./changes/rules.ts";
import type { Batch, ChangesOptions, ChangeStream } from "./changes/types.ts";
import { LiveReader, type LiveReaderParts } from "./live_reader.ts";
import type { MessageListener, MessageOptions, Messages, Unsubscribe } from "./messages.ts";

/** What a {@linkcode FeedReader} is made from. */
export interface FeedReaderParts extends LiveReaderParts {
  /** Makes the change feeds of this replica. */
  readonly feed: Feed;
  /** Hands out the messages of the stream. */
  readonly messages: Messages;
}

/** Options of a feed in bytes. */
export type BytesChangesOptions = ChangesOptions & { readonly bytes: true };

/** Options of a feed whose values are decoded. */
export type DecodedChangesOptions<V> = ChangesOptions & {
  readonly bytes?: false;
  readonly decode: Decode<V>;
};

/** The reads of one database, and what tells of changes. */
export class FeedReader extends LiveReader {
  readonly #feed: Feed;
  readonly #messages: Messages;

  /**
   * Made by the replica, which is one.
   *
   * @ignore
   */
  constructor(core: ReadCore<string>, parts: FeedReaderParts) {
    super(core, parts);
    this.#feed = parts.feed;
    this.#messages = parts.messages;
  }

  /**
   * The changes of the master's stream as an async iterator. It takes part from this call on, and ends when the loop
   * is left, the signal is aborted, or the replica is closed.
   *
   * A batch is one commit of the master (a command, or a whole MULTI to EXEC) or, where the consumer is slower than
   * the stream, several that were merged: `batch.commits` says how many. Nothing that a consumer does slows the link;
   * what waits for it is bounded by `maxKeys`.
   *
   * @param options Which keys, from where, with which values.
   * @throws {TypeError} When an option is unknown or makes no sense.
   *
   * @example Keep a map of all flags
   * ```ts
   * import { Replica } from "@rimr/replica";
   * import { TestMaster } from "@rimr/replica/testing";
   *
   * await using master = await TestMaster.start();
   * master.call("SET", "flag:a", "on");
   * await using replica = new Replica({ master: master.url });
   * await replica.start();
   *
   * const flags = new Map<string, unknown>();
   * for await (const batch of replica.changes({ match: "flag:*", from: "snapshot" })) {
   *   if (batch.control === "snapshot-begin" && batch.whole) flags.clear();
   *   if (batch.control === "snapshot-end") break; // go on here to follow what changes
   *   for (const change of batch.changes) {
   *     if (change.kind === "flush") flags.clear();
   *     else if (change.kind === "delete") flags.delete(change.key);
   *     else if (change.kind === "set") flags.set(change.key, change.value);
   *   }
   * }
   * console.log(flags); // Map { "flag:a" => "on" }
   * ```
   */
  changes(options: BytesChangesOptions): ChangeStream<Uint8Array>;
  /** The same with values that a decoder makes. */
  changes<V>(options: DecodedChangesOptions<V>): ChangeStream<string, V>;
  /** The same with keys and values as text. */
  changes(options?: ChangesOptions): ChangeStream<string>;
  changes(options: ChangesOptions = {}): ChangeStream<string> | ChangeStream<Uint8Array> {
    checkChanges(options, "changes");
    return this.#feed.changes(this.core.index, options) as ChangeStream<string>;
  }

  /**
   * Calls `listener` with each batch of a feed: in the turn of the commit, right behind it, so that reads in the
   * listener see exactly that state; in slices of later turns while it tells a snapshot or differences. A listener
   * that throws is logged and stops nobody.
   *
   * @param options Which keys, from where, with which values.
   * @param listener Gets each batch.
   * @returns A function that ends the feed.
   * @throws {TypeError} When an option is unknown or makes no sense.
   *
   * @example Log each change of a user
   * ```ts
   * import { Replica } from "@rimr/replica";
   *
   * await using replica = new Replica();
   * const stop = replica.onCommit({ match: "user:*" }, ({ changes }) => console.log(changes));
   * stop();
   * ```
   */
  onCommit(
    options: BytesChangesOptions,
    listener: (batch: Batch<Uint8Array>) => void,
  ): () => void;
  /** The same with values that a decoder makes. */
  onCommit<V>(
    options: DecodedChangesOptions<V>,
    listener: (batch: Batch<string, V>) => void,
  ): () => void;
  /** The same with keys and values as text. */
  onCommit(
    options: ChangesOptions,
    listener: (batch: Batch<string>) => void,
  ): () => void;
  onCommit(options: ChangesOptions, listener: (batch: never) => void): () => void {
    checkChanges(options, "onCommit");
    checkListener(listener, "onCommit");
    return this.#feed.onCommit(
      this.core.index,
      options,
      listener as (batch: Batch<Value>) => void,
    );
  }

  /**
   * Calls `listener` with each message that the master's stream brings on a channel, in order with the data: what
   * was written before the message was published is there when the listener runs. The stream of a cluster's node
   * carries no messages.
   *
   * @param channel Name of the channel.
   * @param listener Gets the message and the channel; what it throws is logged.
   * @param options `bytes: true` for messages as bytes.
   * @returns Ends the subscription; also by `using`.
   *
   * @example Read what a message announces
   * ```ts
   * import { Replica } from "@rimr/replica";
   *
   * await using replica = new Replica();
   * using subscription = replica.subscribe("news", (message) => {
   *   console.log(message, replica.get("news:latest"));
   * });
   * ```
   */
  subscribe(
    channel: Key,
    listener: MessageListener<Uint8Array>,
    options: { readonly bytes: true },
  ): Unsubscribe;
  /** The same with messages as text. */
  subscribe(
    channel: Key,
    listener: MessageListener,
    options?: { readonly bytes?: false },
  ): Unsubscribe;
  subscribe(channel: Key, listener: MessageListener<never>, options?: MessageOptions): Unsubscribe {
    return this.#messages.add("channel", channel, listener as MessageListener, options);
  }

  /**
   * As `subscribe`, for every channel that a glob pattern fits.
   *
   * @param pattern Glob pattern, as PSUBSCRIBE takes it.
   */
  psubscribe(
    pattern: Key,
    listener: MessageListener<Uint8Array>,
    options: { readonly bytes: true },
  ): Unsubscribe;
  /** The same with messages as text. */
  psubscribe(
    pattern: Key,
    listener: MessageListener,
    options?: { readonly bytes?: false },
  ): Unsubscribe;
  psubscribe(
    pattern: Key,
    listener: MessageListener<never>,
    options?: MessageOptions,
  ): Unsubscribe {
    return this.#messages.add("pattern", pattern, listener as MessageListener, options);
  }

  /**
   * As `subscribe`, for messages of SPUBLISH.
   *
   * @param channel Name of the shard channel.
   */
  ssubscribe(
    channel: Key,
    listener: MessageListener<Uint8Array>,
    options: { readonly bytes: true },
  ): Unsubscribe;
  /** The same with messages as text. */
  ssubscribe(
    channel: Key,
    listener: MessageListener,
    options?: { readonly bytes?: false },
  ): Unsubscribe;
  ssubscribe(
    channel: Key,
    listener: MessageListener<never>,
    options?: MessageOptions,
  ): Unsubscribe {
    return this.#messages.add("shard", channel, listener as MessageListener, options);
  }
}
