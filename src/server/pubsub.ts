/**
 * Who is subscribed to what, and the messages to them (pubsub.c). A message is written straight into each
 * subscriber's output; the connection sends it once the batch at hand is done, and cuts off a subscriber
 * that leaves too much untaken.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import { latin1 } from "../base/ascii.ts";
import { globMatch } from "../base/glob.ts";
import type { PubSubHost, Session, SubscriptionKind } from "../commands/engine/host.ts";
import type { ServerSession } from "./session.ts";

/** One channel, pattern or shard channel. It exists as long as a session is subscribed to it. */
interface Topic {
  readonly name: Uint8Array;
  readonly sessions: Set<ServerSession>;
}

/** The subscriptions of all sessions of one server. */
export class PubSub implements PubSubHost {
  readonly #topics: Record<SubscriptionKind, Map<string, Topic>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };

  get patternCount(): number {
    return this.#topics.pattern.size;
  }

  /** How many channels have a subscriber: `pubsub_channels` of INFO. */
  get channelCount(): number {
    return this.#topics.channel.size;
  }

  /** How many shard channels have a subscriber: `pubsubshard_channels` of INFO. */
  get shardChannelCount(): number {
    return this.#topics.shard.size;
  }

  subscribe(session: Session, kind: SubscriptionKind, name: Uint8Array): boolean {
    const own = namesOf(session, kind);
    const text = latin1(name);
    if (own.has(text)) return false;
    let topic = this.#topics[kind].get(text);
    if (topic === undefined) {
      topic = { name: name.slice(), sessions: new Set() };
      this.#topics[kind].set(text, topic);
    }
    own.set(text, topic.name);
    (session as ServerSession).subscriptionCount++;
    topic.sessions.add(session as ServerSession);
    return true;
  }

  unsubscribe(session: Session, kind: SubscriptionKind, name: Uint8Array): boolean {
    const text = latin1(name);
    if (!namesOf(session, kind).delete(text)) return false;
    (session as ServerSession).subscriptionCount--;
    assert((session as ServerSession).subscriptionCount >= 0, "what is taken away was counted");
    const topic = this.#topics[kind].get(text)!;
    topic.sessions.delete(session as ServerSession);
    if (topic.sessions.size === 0) this.#topics[kind].delete(text);
    return true;
  }

  /** Ends all subscriptions of a session, without a reply. */
  forget(session: ServerSession): void {
    if (session.subscriptionCount === 0) return;
    for (const kind of ["channel", "pattern", "shard"] as const) {
      for (const name of this.subscriptions(session, kind)) this.unsubscribe(session, kind, name);
    }
    assert(session.subscriptionCount === 0, "the count is that of the three maps");
  }

  subscriptions(session: Session, kind: SubscriptionKind): Uint8Array[] {
    return [...namesOf(session, kind).values()];
  }

  count(session: Session, kind: SubscriptionKind): number {
    const { channels, patterns, shardChannels } = session as ServerSession;
    return kind === "shard" ? shardChannels.size : channels.size + patterns.size;
  }

  publish(channel: Uint8Array, message: Uint8Array, sharded: boolean): number {
    const { channel: channels, pattern: patterns, shard } = this.#topics;
    if (channels.size + patterns.size + shard.size === 0) return 0;
    const text = latin1(channel);
    let receivers = 0;
    for (const session of (sharded ? shard : channels).get(text)?.sessions ?? []) {
      push(session, sharded ? "smessage" : "message", undefined, channel, message);
      receivers++;
    }
    if (sharded) return receivers;
    for (const { name, sessions } of patterns.values()) {
      if (!globMatch(name, channel, 0, channel.length)) continue;
      for (const session of sessions) {
        push(session, "pmessage", name, channel, message);
        receivers++;
      }
    }
    return receivers;
  }

  channels(kind: "channel" | "shard"): Uint8Array[] {
    return [...this.#topics[kind].values()].map(({ name }) => name);
  }

  subscribers(kind: "channel" | "shard", name: Uint8Array): number {
    return this.#topics[kind].get(latin1(name))?.sessions.size ?? 0;
  }
}

function namesOf(session: Session, kind: SubscriptionKind): Map<string, Uint8Array> {
  const own = session as ServerSession;
  if (kind === "channel") return own.channels;
  return kind === "pattern" ? own.patterns : own.shardChannels;
}

/**
 * Writes one message as a push (RESP3) or an array (RESP2). A session without a connection gets
 * none.
 */
function push(
  session: ServerSession,
  kind: string,
  pattern: Uint8Array | undefined,
  channel: Uint8Array,
  message: Uint8Array,
): void {
  const { link } = session;
  if (link === undefined) return;
  const { writer } = link;
  writer.protocol = session.protocol;
  writer.push(pattern === undefined ? 3 : 4);
  writer.bulkText(kind);
  if (pattern !== undefined) writer.bulk(pattern);
  writer.bulk(channel);
  writer.bulk(message);
  link.pushed();
}
