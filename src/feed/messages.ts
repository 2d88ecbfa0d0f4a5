/**
 * Messages of the master's stream for listeners in process, in order with the data: what was written before a
 * message was published is there when its listener runs. Inside a transaction that is after the whole of it.
 *
 * @module
 */

import { latin1 } from "../base/ascii.ts";
import { Glob } from "../base/glob.ts";
import { settle } from "../base/logger.ts";
import type { Argv } from "../resp/argv.ts";
import { type Key, toBytes, utf8 } from "../read/text.ts";

/** Gets a message and the channel it was published on. */
export type MessageListener<T extends string | Uint8Array = string> = (
  message: T,
  channel: T,
) => void;

/** In which form a listener gets messages and channels. */
export interface MessageOptions {
  /** Whether they are bytes instead of text; false unless told. */
  readonly bytes?: boolean;
}

/** Ends a subscription when it is called, or disposed by `using`. */
export type Unsubscribe = (() => void) & Disposable;

/** What listens to what. */
interface Subscription {
  readonly call: (message: Uint8Array, channel: Uint8Array) => void;
  readonly glob: Glob | undefined;
}

/** A message that waits for the end of its commit. */
interface Waiting {
  readonly channel: Uint8Array;
  readonly message: Uint8Array;
  readonly sharded: boolean;
}

/** Where a listener hears from: channels of PUBLISH, patterns of them, channels of SPUBLISH. */
export type MessageKind = "channel" | "pattern" | "shard";

/** The subscriptions in process of one replica. */
export class Messages {
  readonly #report: (error: unknown) => void;
  /** By kind, then by channel or pattern in latin1. */
  readonly #subscriptions: Readonly<Record<MessageKind, Map<string, Set<Subscription>>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  #count: number = 0;
  #waiting: Waiting[] = [];

  /** Begins without listeners. @param report Gets what a listener throws, or its promise rejects with. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Adds a listener. Returns what removes it. */
  add(
    kind: MessageKind,
    name: Key,
    listener: MessageListener<string> | MessageListener<Uint8Array>,
    { bytes = false }: MessageOptions = {},
  ): Unsubscribe {
    if (typeof listener !== "function") throw new TypeError("listener must be a function");
    const key = toBytes(name);
    const call = bytes
      ? listener as MessageListener<Uint8Array>
      : (message: Uint8Array, channel: Uint8Array) =>
        (listener as MessageListener<string>)(textOf(message), textOf(channel));
    const glob = kind === "pattern" ? new Glob(key.slice()) : undefined;
    const subscription: Subscription = { call, glob };
    const of = this.#subscriptions[kind];
    const id = latin1(key);
    const listeners = of.get(id) ?? new Set();
    of.set(id, listeners.add(subscription));
    this.#count++;
    const remove = () => {
      if (!listeners.delete(subscription)) return;
      this.#count--;
      if (listeners.size === 0 && of.get(id) === listeners) of.delete(id);
    };
    return Object.assign(remove, { [Symbol.dispose]: remove });
  }

  /** The stream brought PUBLISH, or SPUBLISH when `sharded`; it waits for the end of its commit. */
  published(argv: Argv, sharded: boolean): void {
    if (this.#count === 0) return;
    this.#waiting.push({ channel: argv.at(1).slice(), message: argv.at(2).slice(), sharded });
  }

  /** A commit has ended: its messages are told, in order. */
  committed(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#tell(message);
  }

  #tell({ channel, message, sharded }: Waiting): void {
    const id = latin1(channel);
    const { channel: channels, pattern: patterns, shard } = this.#subscriptions;
    const direct = (sharded ? shard : channels).get(id);
    if (direct !== undefined) this.#tellAll(direct, message, channel);
    if (sharded) return;
    for (const listeners of [...patterns.values()]) {
      const [{ glob }] = listeners;
      if (glob?.matches(channel, 0, channel.length)) this.#tellAll(listeners, message, channel);
    }
  }

  /** Calls who is there now; one that is removed meanwhile is not called any more. */
  #tellAll(listeners: Set<Subscription>, message: Uint8Array, channel: Uint8Array): void {
    for (const subscription of [...listeners]) {
      if (!listeners.has(subscription)) continue;
      settle(() => subscription.call(message, channel), this.#report);
    }
  }
}

function textOf(bytes: Uint8Array): string {
  return utf8(bytes, 0, bytes.length);
}
